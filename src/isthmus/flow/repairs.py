"""Confirmed repairs of units, carried out in the lake: a batch of its own for each site, after what it delivered.

The detector looks again at the analytes with confirmed proposals, at all sites' numbers as they were written, and says
which rows each proposal is about: those delivered since as well. Their numbers are mended in `measurement`; table
`repair` keeps what they were, and by whose decision. A row whose proposal is confirmed no more is as it was. A fixed
number of statements, whatever the number of rows.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from isthmus.cdm.units.concept import units
from isthmus.flow import table as tables
from isthmus.flow.commit import put
from isthmus.flow.schema import REPAIR as SCHEMA
from isthmus.flow.schema import columns_of
from isthmus.flow.stage import Stage
from isthmus.flow.statement import listed, literal, query
from isthmus.flow.units import REPAIR, TABLES, results
from isthmus.flow.workspace import Workspace
from isthmus.lake.lake import Lake
from isthmus.mapping.units.detect import Findings, detect
from isthmus.mapping.units.families import CONVERT, DROP, LOOK
from isthmus.mapping.units.repair import apply
from isthmus.records.models import Batch, Decision

DIGITS = 9  # after the point: 7390 a thousandth is 7.39 and not 7.390000000000001
KEYS = ("measurement_id", "part_id", "place")
# What each row that is mended, or was, has to be now: as mended, else as it was written.
STATE = """
    SELECT DISTINCT measurement_id, part_id, place, value, unit_concept_id, low, high FROM desired
    UNION ALL
    SELECT DISTINCT measurement_id, part_id, place, was_value, was_unit_concept_id, was_low, was_high FROM former
    ANTI JOIN desired USING (measurement_id, part_id, place)
"""
MENDED = """
    SELECT f.* REPLACE (
        CASE WHEN s.place IS NULL THEN f.value_as_number ELSE s.value END AS value_as_number,
        CASE WHEN s.place IS NULL THEN f.unit_concept_id ELSE s.unit_concept_id END AS unit_concept_id,
        CASE WHEN s.place IS NULL THEN f.range_low ELSE s.low END AS range_low,
        CASE WHEN s.place IS NULL THEN f.range_high ELSE s.high END AS range_high
    ) FROM file f LEFT JOIN state s USING (measurement_id, part_id, place)
"""


def wanted(workspace: Workspace, site: str, *, until: int | None = None) -> list[Decision]:
    """The standing decisions that confirm repairs of a site's results."""
    standing = workspace.decisions.standing(REPAIR, until=until)
    return [one for one in standing if one.site == site and one.answer["confirm"]]


def is_due(workspace: Workspace, site: str) -> bool:
    """Whether a site's repairs are to be carried out: others are confirmed than last, or a batch has come since."""
    batches = [one for one in workspace.records.batches(site=site) if one.state != "open"]
    former: list[str] = next(
        (one.replays["repairs"] for one in reversed(batches) if one.replays and is_repair(one)), []
    )
    confirmed = keys_of(wanted(workspace, site))
    return confirmed != former or bool(confirmed and not is_repair(batches[-1]))


def is_repair(batch: Batch) -> bool:
    """Whether a batch carries out repairs, and nothing else."""
    return "repairs" in (batch.replays or {})


def keys_of(decisions: Sequence[Decision]) -> list[str]:
    """What a repair batch notes of the decisions that it carries out."""
    return sorted(one.key for one in decisions)


def run(workspace: Workspace, lake: Lake, batch: Batch) -> None:
    """Mend what a batch's decisions confirm, and put right what they confirm no more; one commit per table."""
    confirmed = wanted(workspace, batch.site, until=batch.decisions)
    with lake.engine() as engine:
        stage = Stage(lake, engine, batch.site, batch.batch_id)
        former = _former(lake, batch)
        engine.load("desired", _desired(stage, batch, confirmed))
        engine.view("former", former, empty=SCHEMA)
        if not lake.deltas.has_batch("repair", batch.batch_id):
            _commit_repairs(stage, batch)
        if not lake.deltas.has_batch("measurement", batch.batch_id):
            _commit_measurements(stage, batch)
        if not lake.deltas.has_batch("record", batch.batch_id):
            put(stage, "record", batch.batch_id, [], [])


def _former(lake: Lake, batch: Batch) -> list[Path]:
    """The site's repairs before this batch, also when a former try has committed its own already."""
    deltas = lake.deltas
    version = deltas.version("repair")
    if version is None or (version == 0 and deltas.has_batch("repair", batch.batch_id)):
        return []
    before = version - 1 if deltas.has_batch("repair", batch.batch_id) else version
    return [lake.root / one.path for one in deltas.files("repair", version=before, site=batch.site)]


def _commit_repairs(stage: Stage, batch: Batch) -> None:
    there = stage.lake.deltas.files("repair", site=batch.site)
    columns = listed(columns_of("repair"))
    draft = tables.write(stage, "repair", f"SELECT {columns} FROM desired")
    put(stage, "repair", batch.batch_id, [draft] if draft[1] else [], there)


def _commit_measurements(stage: Stage, batch: Batch) -> None:
    stage.engine.create("state", query(STATE))
    drafts, removed = tables.rewrite(stage, "measurement", leaving="state USING (measurement_id, part_id, place)",
                                     keep=MENDED)  # fmt: skip
    put(stage, "measurement", batch.batch_id, drafts, removed)


def _desired(stage: Stage, batch: Batch, confirmed: Sequence[Decision]) -> pa.Table:
    """The rows that `repair` shall have (schema REPAIR without `site`)."""
    names = [name for name in SCHEMA.names if name != "site"]
    by_id = {int(one.key): one.decision_id for one in confirmed}
    if not by_id:
        return SCHEMA.empty_table().select(names)
    files = {name: _files(stage.lake, name, batch) for name in TABLES}
    table = results(stage.engine, files, chosen=_chosen(batch.site, confirmed))
    findings = detect(table)
    about = pc.is_in(findings.rows["proposal_id"], pa.array(list(by_id), pa.int64()))
    rows = findings.rows.filter(about)
    present = sorted(set(rows["proposal_id"].to_pylist()))
    return _as_repairs(table, apply(table, findings, present), findings, rows, by_id).select(names)


def _files(lake: Lake, name: str, batch: Batch) -> list[Path]:
    """A table's files; of `repair`, this site's as they were before the batch."""
    there = lake.deltas.files(name)
    if name != "repair":
        return [lake.root / one.path for one in there]
    return [*(lake.root / one.path for one in there if one.site != batch.site), *_former(lake, batch)]


def _chosen(site: str, confirmed: Sequence[Decision]) -> str:
    """All sites' results of the analytes concerned; of the site itself all others too where ranges were borrowed."""
    keys = ", ".join(literal(key) for key in sorted({str(one.answer["analyte"]) for one in confirmed}))
    borrowed = any(one.answer["action"] == DROP for one in confirmed)
    return f"a.analyte IN ({keys})" + (f" OR m.site = {literal(site)}" if borrowed else "")


def _as_repairs(
    table: pa.Table, mended: pa.Table, findings: Findings, rows: pa.Table, by_id: dict[int, int]
) -> pa.Table:
    """One row for each measurement and proposal that changed it."""
    proposals = {row["proposal_id"]: row for row in findings.proposals.to_pylist()}
    rows = rows.filter(
        pa.array([proposals[one]["action"] != LOOK for one in rows["proposal_id"].to_pylist()], pa.bool_())
    )
    at, ids = rows["row"], rows["proposal_id"].to_pylist()
    one = mended.take(at)
    aside = one["set_aside"]
    converting = [number for number, row in proposals.items() if row["action"] == CONVERT and number in by_id]
    converted = np.isin(
        at.to_numpy(), rows.filter(pc.is_in(rows["proposal_id"], pa.array(converting, pa.int64())))["row"]
    )
    codes = pc.index_in(one["mended_unit"], value_set=pa.array(list(units())))
    unit = pa.array(list(units().values()), pa.int64()).take(codes)
    return pa.table(
        {
            **{name: one[name] for name in (*KEYS, "mapping_id")},
            "decision_id": pa.array([by_id[number] for number in ids], pa.int64()),
            "proposal_id": rows["proposal_id"],
            "family": pa.array([proposals[number]["family"] for number in ids], pa.string()),
            "set_aside": aside,
            "was_value": one["value"],
            "value": pc.if_else(aside, pa.scalar(None, pa.float64()), pc.round(one["mended_value"], ndigits=DIGITS)),
            "was_unit_concept_id": one["unit_concept_id"],
            "unit_concept_id": pc.if_else(pa.array(converted), unit, one["unit_concept_id"]),
            "was_low": one["low"], "low": pc.round(one["mended_low"], ndigits=DIGITS),
            "was_high": one["high"], "high": pc.round(one["mended_high"], ndigits=DIGITS),
        }
    )  # fmt: skip
