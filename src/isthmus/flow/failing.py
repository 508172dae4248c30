"""The checks that an edition failed, the worst first, with the files that most of the wrong rows came from."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlglot import exp

from isthmus.cdm.tables import TABLES
from isthmus.flow.quality import Quality, day_of, views
from isthmus.flow.schema import schema_of
from isthmus.flow.workspace import Workspace
from isthmus.quality.checks.rows import held_in, wrong
from isthmus.quality.checks.verdict import Result

SEVERITIES = ("fatal", "convention", "characterization")


@dataclass(frozen=True, slots=True)
class Origin:
    """A delivered file with rows that a check found wrong, how many, and the id of one (None in a table without ids) in
    `table`, with the part and the place in it that the one came from."""

    site: str
    feed: str
    file: str
    rows: int
    example: int | None
    part_id: int
    place: int
    table: str


@dataclass(frozen=True, slots=True)
class Failure:
    """A check that failed: `violated` of `of` rows are wrong, `threshold` per cent may be.

    `change` is "new" if it did not fail in the former edition. `what` says in a sentence what is wrong with the rows.
    """

    check_id: str
    name: str
    severity: str
    table: str
    field: str
    concepts: tuple[int, ...]
    violated: int
    of: int
    threshold: float
    what: str
    change: str = ""
    origins: Sequence[Origin] = ()

    @property
    def percent(self) -> float:
        """The per cent of rows that are wrong."""
        return 100 * self.violated / self.of if self.of else 0.0


def failure(one: Result, change: str = "") -> Failure:
    """The result of a check that failed; all of these have counts."""
    assert one.counts is not None
    return Failure(
        one.check.check_id, one.check.type.name, one.check.type.severity, one.check.table, one.check.field,
        one.check.concepts, one.counts.violated, one.counts.of, one.check.threshold or 0.0, one.check.sentence, change,
    )  # fmt: skip


def failures(found: Quality, former: Quality | None) -> list[Failure]:
    """Every check that failed: what breaks a CDM first, then by the share of rows and their number. Those of the
    vocabulary come last, for no hospital can mend them."""
    known = found.ids("failed") if former is None else former.ids("failed")
    listed = [
        failure(one, "" if one.check.check_id in known else "new") for one in found.results if one.status == "failed"
    ]
    return sorted(listed, key=_badness)


def _badness(one: Failure) -> tuple[bool, int, float, int]:
    ours = TABLES[one.table].group == "vocabulary"
    return ours, SEVERITIES.index(one.severity), -one.percent, -one.violated


def traced(workspace: Workspace, found: Quality, some: Sequence[Failure], *, files: int = 3) -> list[Failure]:
    """The failures with the files that most of their wrong rows came from. Reads the rows of each check anew."""
    checks = {one.check.check_id: one.check for one in found.results}
    parts = {part.part_id: part for part in workspace.records.parts()}
    receipts = {receipt.receipt_id: receipt for receipt in workspace.records.receipts()}
    with workspace.lake.engine() as engine:
        layout = views(engine, workspace, found.edition, found.version, found.site)
        told = []
        for one in some:
            table = held_in(checks[one.check_id])
            rows = wrong(checks[one.check_id], layout, day_of(found.edition))
            if rows is None or "part_id" not in schema_of(table).names:
                told.append(one)
                continue
            listed = engine.rows(_by_part(rows, table, files)).to_pylist()
            origins = tuple(_origin(row, receipts[parts[row["part_id"]].receipt_id], table) for row in listed)
            told.append(replace(one, origins=origins))
    return told


def _by_part(rows: exp.Select, table: str, files: int) -> exp.Select:
    key = TABLES[table].primary_key
    example = exp.func("min", exp.column(key, quoted=True)) if key else exp.null()
    place = exp.func("arg_min", exp.column("place"), exp.column(key or "place", quoted=True))
    return (
        exp.select(
            "site",
            "part_id",
            exp.alias_(exp.Count(this=exp.Star()), "rows"),
            exp.alias_(example, "example"),
            exp.alias_(place, "place"),
        )
        .from_(rows.subquery("wrong"))
        .group_by("site", "part_id")
        .order_by("rows DESC", "part_id")
        .limit(files)
    )


def _origin(row: dict[str, Any], receipt: Any, table: str) -> Origin:
    told = row["site"], receipt.feed, receipt.name, row["rows"], row["example"], row["part_id"], row["place"]
    return Origin(*told, table)
