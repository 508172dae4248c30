"""The single-disease report: a row for each stay with thrombosis or embolism, what data give, and what is missing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from sqlglot import exp

from isthmus.apps.contract import Asked, Context
from isthmus.apps.contract.documents import Faults, sheet
from isthmus.apps.contract.knowledge import Row
from isthmus.apps.contract.research import Desk, step
from isthmus.apps.vte.evidence.definition import shipped
from isthmus.apps.vte.evidence.steps import tell_facts
from isthmus.apps.vte.stay import lay_deeds, lay_stays, period
from isthmus.apps.vte.words import of

COLUMNS = ("group", "item", "of", "en", "zh")
STAY = ("person_id", "site", "began", "seen", "assessed", "vte")
VISIT = ("discharged_to_concept_id",)
OWNED = ("age", "sex")


@dataclass(frozen=True, slots=True)
class Report:
    """The report. `rows` has a column for each item that data give; `items` say what each is and how full."""

    rows: pa.Table
    items: Sequence[dict[str, Any]]

    def value(self) -> dict[str, Any]:
        """As JSON."""
        cases = [{name: _plain(cell) for name, cell in row.items()} for row in self.rows.to_pylist()]
        return {"cases": cases, "items": list(self.items)}


@cache
def listed() -> list[Row]:
    """The items of the report (`report.csv`). Raises PackError for one that names what there is not."""
    path = Path(__file__).parent / "report.csv"
    rows = sheet.read(path, file=path.name, columns=COLUMNS, needed=COLUMNS)
    known = {"stay": STAY, "visit": VISIT, "own": OWNED, "fact": tuple(shipped().facts), "none": ("",)}
    faults = Faults()
    for row in rows:
        kind, _, name = row["of"].partition(":")
        if name not in known.get(kind, ()):
            faults.add(row.place(), f"{row['item']}: there is no '{row['of']}'.", f"Kinds: {', '.join(known)}.")
    faults.tell()
    return rows


def report(asked: Asked, at: Context) -> Report:
    """The report of the stays that ended in the period of the request."""
    within = period(asked.query, at.now.date())
    rows = at.session.steps(f"VTE report of stays that ended {within.text()}", lambda desk: _rows(desk, within, at))
    if at.site in set(rows["CM-0-hospital"].to_pylist()):
        rows = rows.filter(pc.equal(rows["CM-0-hospital"], at.site))
    return Report(rows, [_item(row, rows, asked.language) for row in listed()])


def _rows(desk: Desk, within: Any, at: Context) -> pa.Table:
    lay_stays(desk, within)
    lay_deeds(desk, shipped(), at.settings)
    desk.make("ill", step("SELECT * FROM deed WHERE vte IS NOT NULL"))
    desk.make("moment", step("SELECT moment, visit, person_id, site, began, seen FROM ill"))
    facts = [row["of"].partition(":")[2] for row in listed() if row["of"].startswith("fact:")]
    tell_facts(desk, shipped(), list(dict.fromkeys(facts)), at.settings["never"])
    columns = [
        exp.alias_(exp.column(name, {"fact": "f", "own": "f", "visit": "v"}.get(kind, "s")), row["item"], quoted=True)
        for row in listed()
        for kind, _, name in [row["of"].partition(":")]
        if kind != "none"
    ]
    return desk.take(
        exp.select(*columns).from_(exp.alias_(exp.to_table("ill"), "s", table=True))
        .join("visit_occurrence AS v", on="v.visit_occurrence_id = s.visit")
        .join("fact_told AS f", on="f.moment = s.moment").order_by("s.moment")
    )  # fmt: skip


def _item(row: Row, rows: pa.Table, language: str) -> dict[str, Any]:
    given = row["item"] in rows.column_names
    filled = rows.num_rows - rows[row["item"]].null_count if given else 0
    return {
        "group": row["group"], "item": row["item"], "title": of(row, language), "given": given, "filled": filled,
        "cases": rows.num_rows,
    }  # fmt: skip


def _plain(value: object) -> object:
    return value.isoformat(timespec="minutes") if isinstance(value, datetime) else value
