"""The overview: is the data fresh and sound, and what waits for me."""

from collections.abc import Iterator, Mapping
from typing import Any

from isthmus.serving.web import counted, waiting
from isthmus.serving.web.counted import DOMAINS, Seen
from isthmus.serving.web.shell import charts, specs
from isthmus.serving.web.shell.chart import Chart
from isthmus.serving.web.shell.page import Asked, Page, View
from isthmus.serving.web.shell.render import number
from isthmus.serving.web.shell.table import Column, Source, Table


def view(told: Asked) -> View:
    """What the overview shows."""
    seen = counted.edition_of(told.house, told.edition)
    w = told.w
    if seen is None or not seen.records:
        nothing = {"seen": None, "running": _running(told), "steps": waiting.steps(told)}
        if seen is None:
            return View(w("none.title"), w("none.lead"), values=nothing)
        return View(w("bare.title"), w("bare.lead", edition=f"e{seen.number:06d}"), values=nothing)
    years = counted.years(told.house, told.edition)
    tables = [_sites(told, seen), _years(told, seen, years or [])]
    drawn = {name: w(f"domain.{name}") for name in DOMAINS}
    late = [one for one in seen.sites if one["state"] == "held"]
    lead = w("lead", len(seen.sites), edition=f"e{seen.number:06d}", day=seen.published[:10])
    lead += " " + (w("lead.held", len(late)) if late else w("lead.whole"))
    values: dict[str, Any] = {
        "seen": seen, "counting": years is None, "names": drawn, "waiting": list(waiting.things(told)),
        "chart": charts.stacked(tables[1].masked(told.mask).rows, "year", drawn, w("years")) if years else "",
        "figures": list(_figures(told, seen)), "flow": list(_flow(told, seen)), "steps": waiting.steps(told),
        "running": _running(told),
    }  # fmt: skip
    drawing = Chart("years", "years", w("years"), specs.stacked("year", drawn, count=w("years.count")))
    return View(w("title", len(seen.sites)), lead, tables, values, charts=(drawing,))


def _running(told: Asked) -> Mapping[str, Any] | None:
    """The run that is under way, or was last."""
    run = told.house.run
    return None if run is None else run.told(told.w)


def _sites(told: Asked, seen: Seen) -> Table:
    columns = (
        Column("title", note="site", link="address"), Column("state", "state"), Column("people", "count"),
        Column("received", "day"), Column("last", "latest"), Column("records", "count"), Column("quarantined", "count"),
        Column("mapped", "share"),
    )  # fmt: skip
    says = Source(told.w("sites.says"), seen.number, seen.records, lineage="/lineage", file="/overview")
    return Table("sites", columns, seen.sites, says)


def _years(told: Asked, seen: Seen, years: list[dict[str, Any]]) -> Table:
    columns = (Column("year"), *(Column(name, "count") for name in DOMAINS))
    says = Source(told.w("years.says"), seen.number, seen.rows, lineage="/lineage", file="/overview")
    return Table("years", columns, years, says)


def _figures(told: Asked, seen: Seen) -> Iterator[dict[str, Any]]:
    """The four numbers at the top, each with its line over the editions where there are several."""
    w, mask = told.w, told.mask
    past = [one for one in counted.past(told.house) if one.number <= seen.number]
    lines = {
        "people": [one.tables.get("person", 0) for one in past],
        "rows": [sum(rows for name, rows in one.tables.items() if name in DOMAINS) for one in past],
        "quarantine": [],
    }
    share = mask.share(seen.mapped, seen.records)
    shown = {
        "people": mask.count(seen.people), "rows": mask.count(seen.rows),
        "mapped": None if share is None else f"{100 * share:.1f}%", "quarantine": mask.count(seen.quarantined),
    }  # fmt: skip
    links = {"people": "/linkage", "rows": "/catalogue", "mapped": "/codes", "quarantine": "/sites"}
    for name, value in shown.items():
        trend = [one for one in map(mask.count, lines.get(name, [])) if isinstance(one, int)]
        yield {
            "label": w(name), "value": value, "href": links[name], "picture": charts.spark(trend, w(name)),
            "note": w(f"{name}.note", records=number(mask.count(seen.records)), files=f"{seen.files:,}"),
            "mark": Source(w(f"{name}.says"), seen.number, seen.records, lineage="/lineage", file="/overview"),
        }  # fmt: skip


def _flow(told: Asked, seen: Seen) -> Iterator[dict[str, Any]]:
    """From export to registry, in five steps."""
    w = told.w
    passed, asked = counted.checked(told.house, told.edition) or (None, None)
    codes = len(counted.open_codes(told.house))
    listed = (
        ("files", f"{seen.files:,}", w("flow.files.note", sites=len(seen.sites), feeds=seen.feeds), None, "/sites"),
        ("records", told.mask.count(seen.records), w("flow.records.note"), 1.0, "/lineage"),
        ("mapped", told.mask.count(seen.mapped), w("flow.mapped.note", codes, codes=f"{codes:,}"),
         told.mask.share(seen.mapped, seen.records), "/codes"),
        ("checks", f"{passed:,} / {asked:,}" if asked else "…", w("flow.checks.note",
         failed=(asked or 0) - (passed or 0)),
         passed / asked if asked and passed is not None else None, "/quality"),
        ("edition", f"e{seen.number:06d}", w("flow.edition.note", day=seen.published[:10]), 1.0, "/lineage"),
    )  # fmt: skip
    for name, value, note, share, address in listed:
        yield {"label": w(f"flow.{name}"), "value": value, "note": note, "share": share, "address": address}


PAGE = Page("overview", "/", view, group="data", icon="home", key="o", steady=True, pinned=True)
