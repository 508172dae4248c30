"""Quality: how full items are at each site, what is wrong, whose it is, and what became of it."""

from collections.abc import Mapping, Sequence
from typing import Any

from isthmus.base.errors import RefusedError, UsageError
from isthmus.cdm.names import name_of
from isthmus.flow.findings import life
from isthmus.flow.findings.life import SAID, Lived
from isthmus.serving.web import counted
from isthmus.serving.web.shell import specs
from isthmus.serving.web.shell.chart import Chart
from isthmus.serving.web.shell.page import Asked, Missing, Page, View
from isthmus.serving.web.shell.table import Column, Source, Table

SHOWN: Mapping[str, Sequence[str]] = {
    "person": ("gender_concept_id", "year_of_birth", "birth_datetime", "location_id"),
    "visit_occurrence": ("visit_start_date", "visit_end_date", "visit_concept_id", "care_site_id", "provider_id"),
    "condition_occurrence": ("condition_concept_id", "condition_start_date", "visit_occurrence_id"),
    "drug_exposure": ("drug_concept_id", "drug_exposure_start_date", "quantity", "days_supply", "route_concept_id"),
    "procedure_occurrence": ("procedure_concept_id", "procedure_date", "visit_occurrence_id"),
    "measurement": ("measurement_concept_id", "value_as_number", "unit_concept_id", "range_high",
    "visit_occurrence_id"),
    "death": ("death_date", "cause_concept_id"),
}  # fmt: skip
"""The items of the matrix: columns of the model that hospitals fill unevenly."""
MOST = 100  # findings on a page
SAYS = frozenset({"steward", "platform", "administrator", "committee"})


def view(told: Asked) -> View:
    """The completeness matrix and the counts of findings and checks."""
    w, known = told.w, counted.map_of(told.house, told.edition)
    if known is None:
        return View(w("title"), w("none"), values={"sites": [], "groups": [], "cards": [], "checks": None})
    sites = list(known.titles)
    rows = [
        _line(told, known, table, column) for table, columns in SHOWN.items() for column in columns
        if known.table(table) is not None
    ]  # fmt: skip
    matrix = Table("completeness", (Column("table"), Column("item"), *(Column(site, "share") for site in sites),
                                    Column("all", "share")), rows,
                   Source(w("matrix.says"), known.edition.number, lineage="/lineage", file="/quality"))  # fmt: skip
    cards = Table("scorecards", (Column("title", link="address"), Column("fatal", "tally"), Column("convention",
        "tally"),
                                 Column("characterization", "tally"), Column("closed", "tally")),
                  _cards(told, known.titles), Source(w("cards.says"), told.house.edition),
                  empty="counting")  # fmt: skip
    checks = counted.checks(told.house, told.edition)
    values = {
        "sites": [(site, known.titles[site]) for site in sites], "groups": _grouped(told, matrix, sites),
        "checks": _checked(told, checks) if checks else None, "counting": counted.findings(told.house) is None,
    }  # fmt: skip
    language = told.visitor.language
    drawn = Chart("completeness", "completeness", w("matrix"), specs.heat(
        lambda row: f"{name_of(row['table'], row['item'])[language]} ({row['table']})",
        {**known.titles, "all": w("all")}, title=w("matrix.share"), none="–",
    ))  # fmt: skip
    return View(w("title"), w("lead"), (matrix, cards), values, charts=(drawn,))


def _line(told: Asked, known: Any, table: str, column: str) -> dict[str, Any]:
    held, language = known.table(table), told.visitor.language
    found = next(one for one in held.columns if one.name == column)
    row: dict[str, Any] = {"table": table, "item": column, "called": name_of(table, column)[language]}
    for site in known.titles:
        extent = held.sites.get(site)
        filled = found.filled.get(site)
        row[site] = (filled, extent.rows) if extent is not None and extent.rows and filled else None
    parts = [row[site] for site in known.titles if row[site]]
    row["all"] = (sum(one[0] for one in parts), sum(one[1] for one in parts)) if parts else None
    return row


def _grouped(told: Asked, matrix: Table, sites: list[str]) -> list[dict[str, Any]]:
    """The rows of the matrix as they are shown, table by table."""
    shown = matrix.masked(told.mask).rows
    return [
        {"name": name_of(table)[told.visitor.language], "table": table,
         "rows": [{"called": row["called"], "item": row["item"], "cells": [row[site] for site in sites],
         "all": row["all"]}
                  for row in shown if row["table"] == table]}
        for table in SHOWN if any(row["table"] == table for row in shown)
    ]  # fmt: skip


def _checked(told: Asked, checks: Any) -> list[dict[str, Any]]:
    counts = checks.counts()
    found = []
    for name in dict.fromkeys(category for category, _ in counts):
        passed, failed = counts.get((name, "passed"), 0), counts.get((name, "failed"), 0)
        found.append({"name": told.w.name("category", name), "passed": passed, "failed": failed,
                      "share": passed / (passed + failed) if passed + failed else 1.0})  # fmt: skip
    return found


def _cards(told: Asked, titles: Mapping[str, str]) -> list[dict[str, Any]]:
    listed = counted.findings(told.house)
    return [] if listed is None else [
        {"title": title, "address": f"/quality/findings?site={site}",
         **{grade: sum(one.finding.site == site and one.finding.grade == grade and one.state != "verified"
                         for one in listed)
            for grade in life.GRADES},
         "closed": sum(one.finding.site == site and one.state == "verified" for one in listed)}
        for site, title in titles.items()
    ]  # fmt: skip


def findings(told: Asked) -> View:
    """The findings, the worst first, by site, state and grade as the address says."""
    w, listed = told.w, counted.findings(told.house)
    wanted = {name: told.query.get(name, "") for name in ("site", "state", "grade")}
    chosen = [one for one in listed or () if _fits(one, wanted)]
    rows = [_row(one, told) for one in chosen]
    table = Table("findings", (
        Column("grade", "state"), Column("site"), Column("says", note="place", link="address"), Column("rows", "count"),
        Column("since"), Column("state", "state"), Column("owner"),
    ), rows, Source(w("findings.says"), told.house.edition), most=MOST, empty="findings.none")  # fmt: skip
    values = {"counting": listed is None, "wanted": wanted, "sites": [one.name for one in told.house.workspace.sites()],
              "states": ("open", *SAID, "verified"), "grades": life.GRADES}  # fmt: skip
    return View(w("findings"), w("findings.lead", len(rows)), (table,), values,
                ((w("page.quality"), "/quality"), (w("findings"), "")))  # fmt: skip


def _fits(one: Lived, wanted: Mapping[str, str]) -> bool:
    told = {"site": one.finding.site, "state": one.state, "grade": one.finding.grade}
    return all(not value or told[name] == value for name, value in wanted.items()) and (
        bool(wanted["state"]) or one.state != "verified"
    )


def _row(one: Lived, told: Asked) -> dict[str, Any]:
    found = one.finding
    place = found.places[0] if found.places else None
    line = place.line if place and told.mends(found.site) else None
    where = place.name + (f" · {line}" if line else "") if place else ""
    return {
        "grade": found.grade, "site": found.site, "says": found.says(told.visitor.language), "place": where,
        "address": f"/quality/findings/{found.finding_id}", "rows": found.rows, "since": f"e{one.since:06d}",
        "state": one.state, "owner": one.owner, "id": found.finding_id,
    }  # fmt: skip


def finding(told: Asked) -> View:
    """One finding: what is wrong, where it stands in the export, how it is mended, and its life."""
    one, w, language = _one(told), told.w, told.visitor.language
    found = one.finding
    mends = told.mends(found.site)
    places = Table("places", (Column("feed"), Column("file"), Column("columns", "list"), Column("line", "tally"),
                              Column("rows", "count"), Column("trace", "code")),
                   [{"feed": place.feed, "file": f"{place.file} {place.sheet}".strip(), "columns": list(place.columns),
                     "line": place.line if mends else None, "rows": place.rows,
                     "trace": f"{place.table} {place.row_id}" if place.row_id and mends else ""}
                    for place in found.places], Source(w("places.says"), told.house.edition))  # fmt: skip
    values = {"one": one, "found": found, "says": found.says(language), "mend": found.mend(language),
              "trend": [(f"e{number:06d}", told.mask.count(rows)) for number, rows in one.trend.items()],
              "may": bool(SAYS & told.visitor.roles), "done": "done" in told.query, "said": SAID,
              "share": told.mask.share(found.rows, found.of) if found.of else None}  # fmt: skip
    crumbs = ((w("page.quality"), "/quality"), (w("findings"), "/quality/findings"), (found.site, ""))
    return View(found.says(language), w("finding.lead", site=found.site), (places,), values, crumbs)


def _one(told: Asked) -> Lived:
    listed = counted.findings(told.house)
    if listed is None:
        raise UsageError("findings are being counted for the first time in this edition. Look again in a minute.")
    found = next((one for one in listed if one.finding.finding_id == told.path["finding"]), None)
    if found is None:
        raise Missing(told.w("finding.missing"), {told.w("findings"): "/quality/findings"})
    return found


def say(told: Asked) -> str:
    """Say of a finding that it is somebody's, explained or mended."""
    account = told.visitor.demanded()
    if not SAYS & told.visitor.roles:
        raise RefusedError("stewards, the platform and administrators say what became of findings. Ask one of them.")
    one = _one(told)
    if "steward" in account.roles and account.sites and one.finding.site not in account.sites:
        raise RefusedError(f"{account.name} speaks for {', '.join(account.sites)}, not for {one.finding.site}.")
    state = told.form.get("state", "")
    chosen = next((known for known in SAID if known == state), None)
    if chosen is None:
        raise UsageError(f"a finding is made {', '.join(SAID)}. Choose one.")
    reason, owner = told.form.get("reason", ""), told.form.get("owner", "")
    life.say(
        told.house.workspace, one.finding.finding_id, chosen, author=account.name, reason=reason, owner=owner
    )  # fmt: skip
    return f"/quality/findings/{one.finding.finding_id}?done"


PAGES = (
    Page("quality", "/quality", view, group="data", icon="check", key="q", steady=True, pinned=True),
    Page("findings", "/quality/findings", findings, under="quality", steady=True),
    Page("finding", "/quality/findings/{finding}", finding, under="quality", acts={"say": say}),
)
