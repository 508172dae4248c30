"""Wrong units of the simulation, found and mended in the demo, against what is known to be wrong."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from isthmus.base.identity import digest63
from isthmus.base.progress import Progress
from isthmus.flow import units
from isthmus.flow.ingest import ingest
from isthmus.flow.workspace import Workspace

FAMILIES = ("wrong-unit", "wrong-scale")  # the simulation writes the number of one unit beside the name of the other
CLOSE = 0.05  # a number that was rounded in a coarse unit cannot come nearer
COLUMNS = ["site", "keyspace", "person_key", "concept_id", "date", "value", "true_value", "feed", "source_key"]
Record = tuple[str, str, str]  # site, feed and key of a record


@dataclass(frozen=True, slots=True)
class Mended:
    """Results with a wrong unit, those that the detector named, those of them that are; and what a rule mended.

    `true` of the `mended` numbers are within 5 % of what was meant.
    """

    wrong: int
    found: int
    right: int
    mended: int
    true: int

    @property
    def recall(self) -> float:
        """Share of the wrong results that were named."""
        return self.right / self.wrong if self.wrong else 1.0

    @property
    def precision(self) -> float:
        """Share of those named that are wrong."""
        return self.right / self.found if self.found else 1.0


def named(workspace: Workspace, truth: Path, among: Collection[Record]) -> Mended:
    """What the detector names of some records, against what is known to be wrong of them; nothing is mended."""
    wrong = _wrong(truth, among)
    findings, table = units.found(workspace)
    return Mended(len(wrong), *_named(findings, table, wrong), 0, 0)


def _named(findings: units.Findings, table: pa.Table, wrong: dict[tuple[Any, ...], float]) -> tuple[int, int]:
    """How many results are named as wrong, and how many of them are."""
    rows = findings.rows.filter(pc.is_in(findings.rows["family"], pa.array(FAMILIES)))
    keys = Counter(_keys(table.take(pc.unique(rows["row"].combine_chunks()))))
    return keys.total(), sum((keys & Counter(wrong.keys())).values())


def tried(workspace: Workspace, truth: Path, progress: Progress) -> Mended:
    """Detect, confirm what the rule may, carry it out in a new edition, and compare."""
    wrong = _wrong(truth)
    findings, table = units.found(workspace)
    found, right = _named(findings, table, wrong)
    listed = units.stated(workspace, findings)
    chosen = units.chosen_by_rule(findings, listed)
    units.decide(workspace, listed, confirm=chosen, author="demo", reason=units.RULE, how="automatic")
    ingest(workspace, progress=progress)
    after = units.published(workspace)
    changed = after.filter(pc.not_equal(pc.fill_null(after["now"], -1.0), after["value"]))
    pairs = zip(_keys(changed), changed["now"].to_pylist(), strict=True)
    true = sum(
        1 for key, now in pairs if key in wrong and now is not None and abs(now - wrong[key]) <= CLOSE * wrong[key]
    )
    return Mended(len(wrong), found, right, changed.num_rows, true)


def _wrong(truth: Path, among: Collection[Record] | None = None) -> dict[tuple[Any, ...], float]:
    """What was meant, by what stands in the lake of each result with a wrong unit (of some records, or of all)."""
    known = pc.field("recoverable") & pc.field("covered") & (pc.field("error") == "units")
    events = pq.read_table(truth / "event.parquet", columns=[*COLUMNS, "table", "recoverable", "covered", "error"])
    rows = events.filter(known & (pc.field("table") == "measurement") & pc.is_valid(pc.field("value"))).to_pylist()
    return {
        (row["site"], digest63(row["site"], row["keyspace"], "person", row["person_key"]), row["concept_id"],
         row["date"], round(row["value"], 6)): row["true_value"]
        for row in rows if among is None or (row["site"], row["feed"], row["source_key"]) in among
    }  # fmt: skip


def _keys(table: pa.Table) -> list[tuple[Any, ...]]:
    columns = [table[name].to_pylist() for name in ("home", "person_id", "concept_id", "day")]
    return list(zip(*columns, [round(value, 6) for value in table["value"].to_pylist()], strict=True))
