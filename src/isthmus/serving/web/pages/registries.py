"""Registries: what there is, how full, what is known of outcomes, and one patient's way, for who may see it."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from isthmus.research.registries.figures import Figure
from isthmus.research.registries.pack import Pack
from isthmus.serving.web import built, granted, surveyed
from isthmus.serving.web.outlook import Outlook, outlook
from isthmus.serving.web.shell import specs
from isthmus.serving.web.shell.chart import Chart
from isthmus.serving.web.shell.page import Asked, Missing, Page, View
from isthmus.serving.web.shell.table import Column, Source, Table
from isthmus.serving.web.waiting import short

NEEDS = ("core", "wanted")
UNEVEN = 24  # items of the matrix on the page
FEW = 7
COUNTED = re.compile(r": (\d+)")  # of a reason why something could not be taken


def view(told: Asked) -> View:
    """All registries that come along, with what was built of them."""
    w, language = told.w, told.visitor.language
    rows = []
    for name, pack in built.packs(told.house).items():
        kept = built.of(told.house, name)
        rows.append({
            "title": pack.titles.get(language) or name, "name": name, "address": f"/registries/{name}",
            "items": len(pack.items), "core": sum(one.need == "core" for one in pack.items.values()),
            "groups": len(pack.groups), "patients": int(kept.about["patients"]) if kept else None,
            "state": "built" if kept else "none", "version": pack.version,
        })  # fmt: skip
    table = Table("registries", (
        Column("title", note="name", link="address"), Column("state", "state"), Column("patients", "count"),
        Column("items", "tally"), Column("core", "tally"), Column("groups", "tally"), Column("version"),
    ), rows, Source(w("says"), told.house.edition))  # fmt: skip
    return View(w("title"), w("lead", len(rows)), (table,), {"faults": built.refused(told.house)})


@dataclass(frozen=True, slots=True)
class Shown:
    """What pages show of a registry: its manifest, rows of small tables, outlooks; what the grant does not hold."""

    about: Mapping[str, Any]
    rows: Callable[[str], Sequence[Mapping[str, Any]]]
    outlook: Callable[[Figure], Outlook]
    lacking: Mapping[str, Sequence[str]] = field(default_factory=dict)


def _shown(told: Asked, pack: Pack) -> Shown | None:
    """Of invented patients what was built, of real ones what was counted under a grant of whoever asks."""
    language = told.visitor.language
    if not told.house.synthetic:
        survey = surveyed.of(told, pack)
        if survey is None:
            return None
        return Shown(survey.about, lambda name: survey.tables.get(name, ()),
                     lambda figure: survey.outlooks[figure.name, language], survey.lacking)  # fmt: skip
    kept = built.of(told.house, told.path["name"])
    if kept is None:
        return None

    def outlooked(figure: Figure) -> Outlook:
        key = ("curves", kept.folder, figure.name, language)
        return told.house.memory.once(key, lambda: outlook(kept, figure, language, told.mask))

    return Shown(kept.about, lambda name: kept.table(name).to_pylist(), outlooked)


def one(told: Asked) -> View:
    """A registry: its groups, how full its items are at each site, and the work that would fill most."""
    pack, w, language = _pack(told), told.w, told.visitor.language
    shown, items = _shown(told, pack), _dictionary(told, pack)
    values: dict[str, Any] = {
        "pack": pack, "shown": shown, "groups": [], "sites": [], "may": told.house.synthetic,
        "building": shown is None and _building(told, pack), **_granted(told),
    }  # fmt: skip
    tables: tuple[Table, ...] = (items,)
    charts: list[Chart] = []
    if shown is not None:
        matrix, sites = _matrix(told, pack, shown)
        values |= {"sites": sites, "groups": _grouped(told, pack, matrix, sites),
                   "patients_shown": told.mask.count(int(shown.about["patients"])),
                   "lacking": [f"{name}: {', '.join(columns)}" for name, columns in shown.lacking.items()]}  # fmt: skip
        tables = (matrix, items, _work(told, shown))
        called = {name: item.names.get(language) or name for name, item in pack.items.items()}
        charts.append(Chart("completeness", "completeness", w("matrix.all"), specs.heat(
            lambda row: called[row["item"]], {site: site for site in (*sites, "all")} | {"all": w("all")},
            title=w("matrix.share"), none="–")))  # fmt: skip
    crumbs = ((w("page.registries"), "/registries"), (pack.titles.get(language) or pack.name, ""))
    return View(pack.titles.get(language) or pack.name, w("one.lead", len(pack.items), groups=len(pack.groups)),
                tables, values, crumbs, charts=charts)  # fmt: skip


def _building(told: Asked, pack: Pack) -> bool:
    if told.house.synthetic:
        return "building" in told.query or built.renewing(told.house, told.path["name"])
    return surveyed.begun(told, pack)


def _granted(told: Asked) -> dict[str, Any]:
    """The grants under which a registry of real patients may be counted, and the one that is named."""
    if told.house.synthetic:
        return {"grants": [], "grant": "", "kinds": [], "under": ""}
    mine, grant = granted.in_force(told), surveyed.named(told)
    kinds = next((sorted(one.kinds) for one in mine if short(one.id) == grant), [])
    chosen = {key: told.query[key] for key in ("grant", "kind") if told.query.get(key)}
    return {"grants": [{"id": short(one.id), "until": one.until} for one in mine], "grant": grant, "kinds": kinds,
            "under": f"?{urlencode(chosen)}" if chosen else ""}  # fmt: skip


def _pack(told: Asked) -> Pack:
    packs = built.packs(told.house)
    if told.path["name"] not in packs:
        raise Missing(told.w("missing"), {name: f"/registries/{name}" for name in packs})
    return packs[told.path["name"]]


def make(told: Asked) -> str:
    """Build a registry of the newest edition."""
    pack = _pack(told)
    name = told.path["name"]
    if told.house.synthetic:
        built.build(told.house, name)
        return f"/registries/{name}?building"
    said = {"grant": surveyed.begin(told, pack)} | ({"kind": told.form["kind"]} if told.form.get("kind") else {})
    return f"/registries/{name}?{urlencode(said)}"


def _dictionary(told: Asked, pack: Pack) -> Table:
    language = told.visitor.language
    rows = [
        {"group": pack.groups[item.group].names.get(language, item.group), "item": name,
         "called": item.names.get(language) or name, "type": item.type, "unit": item.unit, "need": item.need,
         "codes": len(pack.lists.get(item.list, ())) or None, "reference": ", ".join(item.references)[:80]}
        for name, item in pack.items.items()
    ]  # fmt: skip
    return Table("dictionary", (
        Column("called", note="item"), Column("group"), Column("type", "code"), Column("unit"), Column("codes",
        "tally"),
        Column("need", "state"), Column("reference"),
    ), rows, Source(told.w("dictionary.says"), None, len(rows)), most=40)  # fmt: skip


def _matrix(told: Asked, pack: Pack, shown: Shown) -> tuple[Table, list[str]]:
    """How full core items are by site; those that are most uneven or emptiest first within their group."""
    rows, filled = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for row in shown.rows("completeness"):
        if row["need"] in NEEDS:
            rows[row["item"], row["site"] or ""] += row["rows"]
            filled[row["item"], row["site"] or ""] += row["filled"]
    sites = sorted({site for _, site in rows})
    made = []
    for item in dict.fromkeys(item for item, _ in rows):
        line: dict[str, Any] = {"item": item, "need": pack.items[item].need}
        for site in sites:
            whole, part = rows[item, site], filled[item, site]
            line[site] = (part, whole) if whole and part else None
        whole, part = sum(rows[item, site] for site in sites), sum(filled[item, site] for site in sites)
        line["all"] = (part, whole) if whole and part else None
        made.append(line)
    source = Source(told.w("matrix.says"), int(shown.about["edition"]), int(shown.about["patients"]))
    columns = (Column("item"), Column("need"), *(Column(site, "share") for site in sites), Column("all", "share"))
    return Table("completeness", columns, made, source), sites


def _grouped(told: Asked, pack: Pack, matrix: Table, sites: Sequence[str]) -> list[dict[str, Any]]:
    """Core items that at least one site has, most uneven first, under the names of their groups."""
    shown = [row for row in matrix.masked(told.mask).rows if row["need"] == "core" and row["all"] is not None]

    def spread(row: Any) -> float:
        shares = [row[site] or 0.0 for site in sites]
        return max(shares) - min(shares)

    chosen = sorted(shown, key=spread, reverse=True)[:UNEVEN]
    language = told.visitor.language
    return [
        {"name": group.names.get(language, name), "rows": [
            {"called": pack.items[row["item"]].names.get(language) or row["item"], "item": row["item"],
             "cells": [row[site] for site in sites], "all": row["all"]}
            for row in chosen if pack.items[row["item"]].group == name]}
        for name, group in pack.groups.items() if any(pack.items[row["item"]].group == name for row in chosen)
    ]  # fmt: skip


def _work(told: Asked, shown: Shown) -> Table:
    """What would fill most: items by site with their missing patients and the likely cause."""
    language = told.visitor.language
    rows = [
        {"called": row[language] or row["item"], "item": row["item"], "site": row["site"], "missing": row["missing"],
         "share": (row["patients"] - row["missing"], row["patients"]), "cause": _cause(told, row)}
        for row in shown.rows("worklist") if row["need"] == "core"
    ]  # fmt: skip
    rows.sort(key=lambda row: (not row["cause"], -row["missing"]))
    return Table("work", (Column("called", note="item"), Column("site"), Column("missing", "count"), Column("share",
        "share"),
                          Column("cause")), rows, Source(told.w("work.says"), int(shown.about["edition"])),
                          most=12)  # fmt: skip


def _cause(told: Asked, row: Mapping[str, Any]) -> str:
    """Why what was found could not be taken, each reason with its rows as they may be shown; or where it may be."""
    said = row["found_but"] or row["may_be"] or ""
    return COUNTED.sub(lambda found: f": {told.mask.count(int(found[1]))}", said)


def outcomes(told: Asked) -> View:
    """Survival by a stage or another item, with patients at risk, and what may be relied on."""
    pack, w, language = _pack(told), told.w, told.visitor.language
    shown = _shown(told, pack)
    figures = [one for one in pack.figures if one.kind == "survival"] if shown and shown.about["patients"] else []
    under = _granted(told)
    crumbs = ((w("page.registries"), "/registries"), (pack.titles.get(language) or pack.name,
        f"/registries/{told.path['name']}{under['under']}"), (w("outcomes"), ""))  # fmt: skip
    if shown is None or not figures:
        return View(
            w("outcomes"), w("outcomes.none"), (), {"shown": None, "pack": pack, "figures": [], **under}, crumbs
        )
    chosen = next((one for one in figures if one.name == told.query.get("by")), figures[0])
    seen = shown.outlook(chosen)
    table = Table("survival", (
        Column("group"), Column("patients", "count"), Column("events", "count"), Column("median"), Column("three"),
        Column("interval"),
    ), seen.rows, Source(w("survival.says", endpoint=chosen.endpoint), int(shown.about["edition"]), seen.patients)
    )  # fmt: skip
    counts = (("patients", seen.patients), ("followed", seen.known), ("ended", seen.events))
    values = {
        "shown": shown, "pack": pack, "figures": [(one.name, one.names[language]) for one in figures],
        "chosen": chosen.name, "drawing": seen.drawing, "rely": list(_rely(told, seen)),
        "who": [(key, told.mask.count(count)) for key, count in counts], "real": not told.house.synthetic,
        "counts_as": pack.endpoints[chosen.endpoint].about[language], **under,
    }  # fmt: skip
    curve = Table("curve", (
        Column("group"), Column("month", "value"), Column("survival", "value"), Column("low", "value"),
        Column("high", "value"), Column("at_risk", "count"), Column("censored", "tally"),
    ), seen.points, table.source)  # fmt: skip
    drawn = Chart("survival", "curve", chosen.names[language], specs.curves(
        time=w("curve.time"), share=w("curve.share"), risk=w("curve.risk"), until=seen.end))  # fmt: skip
    return View(chosen.names[language], w("outcomes.lead"), (table, curve), values, crumbs, charts=(drawn,))


def _rely(told: Asked, seen: Outlook) -> Iterator[dict[str, str]]:
    """Whether this can be relied on, from how much is known and how long patients were followed."""
    w, mask = told.w, told.mask
    share, lost = mask.share(seen.known, seen.patients), mask.count(seen.patients - seen.known)
    if share is not None:
        yield {"state": "good" if share > 0.85 else "care", "text": w("rely.known", share=f"{100 * share:.0f}%"),
               "note": w("rely.known.note", lost) if isinstance(lost, int) else ""}  # fmt: skip
    brief = mask.share(seen.short, seen.known)
    if brief is not None:
        yield {"state": "good" if brief < 0.1 else "care", "text": w("rely.short", share=f"{100 * brief:.0f}%"),
               "note": w("rely.short.note")}  # fmt: skip
    few = [row["group"] for row in seen.rows if row["events"] <= FEW]
    if few:
        yield {"state": "care", "text": w("rely.few", groups=", ".join(few)), "note": w("rely.few.note", few=FEW)}
    yield {"state": "note", "text": w("rely.plain"), "note": w("rely.plain.note")}


PAGES = (
    Page("registries", "/registries", view, group="evidence", icon="book", key="e", steady=True),
    Page("registry", "/registries/{name}", one, under="registries", acts={"build": make}),
    Page("outcomes", "/registries/{name}/outcomes", outcomes, under="registries"),
)
