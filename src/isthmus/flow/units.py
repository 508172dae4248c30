"""The laboratory results of an edition as the detector of wrong units reads them, and what it proposes about them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from isthmus.base.errors import InputError, UsageError
from isthmus.cdm.starter import BY_TEXT
from isthmus.cdm.units.concept import analytes
from isthmus.flow.schema import schema_of
from isthmus.flow.statement import query
from isthmus.flow.workspace import Workspace
from isthmus.lake.edition import Edition
from isthmus.lake.engine import Engine
from isthmus.mapping.units.detect import Findings, detect
from isthmus.mapping.units.repair import by_rule
from isthmus.records.decisions import Draft
from isthmus.records.models import Decision

__all__ = [
    "REPAIR", "RULE", "Findings", "Proposal", "chosen_by_rule", "decide", "found", "home_of", "proposals", "published",
    "results", "stated",
]  # fmt: skip

REPAIR = "repair"
SUBJECT = "units"
MODEL = "isthmus.mapping.units@1"
RULE = "by rule"
TABLES = ("measurement", "person", "care_site", "repair")
WITHIN = "/"  # between a site and the laboratory of one of its hospitals

# Numbers as the source wrote them, whatever was mended of them since. A patient's own hospital is the laboratory where
# a site stands for several.
RESULTS = """
    SELECT m.site || coalesce('/' || c.care_site_source_value, '') AS site, a.analyte, m.site AS home,
        CASE WHEN r.measurement_id IS NULL THEN m.value_as_number ELSE r.was_value END AS value,
        m.unit_source_value AS unit, CASE WHEN r.measurement_id IS NULL THEN m.range_low ELSE r.was_low END AS low,
        CASE WHEN r.measurement_id IS NULL THEN m.range_high ELSE r.was_high END AS high,
        CASE WHEN r.measurement_id IS NULL THEN m.unit_concept_id ELSE r.was_unit_concept_id END AS unit_concept_id,
        m.measurement_id, m.measurement_concept_id AS concept_id, m.measurement_date AS day, m.value_as_number AS now,
        m.person_id, m.part_id, m.place, m.mapping_id
    FROM measurement m JOIN analyte a ON a.concept_id = m.measurement_concept_id
    LEFT JOIN (SELECT DISTINCT ON (measurement_id, part_id, place) * FROM repair) r
        USING (measurement_id, part_id, place)
    LEFT JOIN (SELECT DISTINCT ON (person_id) person_id, care_site_id FROM person WHERE care_site_id IS NOT NULL) p
        ON p.person_id = m.person_id
    LEFT JOIN (SELECT DISTINCT ON (care_site_id) care_site_id, care_site_source_value FROM care_site) c
        ON c.care_site_id = p.care_site_id
    WHERE m.measurement_type_concept_id <> {text} AND ({chosen})
    ORDER BY m.site, m.measurement_id, m.part_id, m.place
"""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the detector proposes about rows of a laboratory; `state` is open, confirmed or refused."""

    proposal_id: int
    site: str
    family: str
    analyte: str
    unit: str
    action: str
    rows: int
    factor: float
    confidence: float
    evidence: str
    state: str
    decision_id: int | None


def results(engine: Engine, files: Mapping[str, Sequence[Path]], *, chosen: str = "m.value_as_number IS NOT NULL OR "
            "r.measurement_id IS NOT NULL") -> pa.Table:  # fmt: skip
    """The results that are in some files of TABLES: the columns of `detect`, and those that lead back to the rows."""
    for name in TABLES:
        engine.view(name, files[name], empty=schema_of(name))
    known = [{"concept_id": concept, "analyte": key} for concept, key in sorted(analytes().items())]
    engine.load("analyte", pa.Table.from_pylist(known))
    found = engine.rows(query(RESULTS.format(text=BY_TEXT, chosen=chosen)))
    engine.drop("analyte")
    return found.filter(pc.is_valid(found["value"]))


def proposals(workspace: Workspace, *, site: str | None = None) -> list[Proposal]:
    """What is proposed about the current edition's results, of all sites looked at together, surest first.

    What was confirmed is proposed still, for the detector reads numbers as they were written.
    """
    return stated(workspace, found(workspace)[0], site=site)


def stated(workspace: Workspace, findings: Findings, *, site: str | None = None) -> list[Proposal]:
    """What was found, with what was decided about it by now."""
    decided = {(one.site, one.key): one for one in workspace.decisions.standing(REPAIR)}
    listed = []
    for row in findings.proposals.to_pylist():
        home = home_of(row["site"])
        made = decided.get((home, str(row["proposal_id"])))
        if site in (None, home):
            listed.append(_proposal(row, made))
    return sorted(listed, key=lambda one: (-one.confidence, one.site, one.analyte, one.family, one.proposal_id))


def found(workspace: Workspace) -> tuple[Findings, pa.Table]:
    """What the detector finds in the current edition, and the results that it read."""
    table = published(workspace)
    return detect(table), table


def published(workspace: Workspace, edition: Edition | None = None) -> pa.Table:
    """The results of an edition (the current one), as `results` gives them; `now` is the number of `measurement`."""
    edition = edition or workspace.lake.editions.current()
    if edition is None:
        raise InputError("nothing is published yet, so there are no results. Run `isthmus ingest` first.")
    files = {name: [workspace.lake.root / one.path for one in edition.files(name)] for name in TABLES}
    with workspace.lake.engine() as engine:
        return results(engine, files)


def decide(
    workspace: Workspace, listed: Sequence[Proposal], *, confirm: Sequence[int] = (), refuse: Sequence[int] = (),
    author: str, reason: str = "", how: str = "person",
) -> list[Decision]:  # fmt: skip
    """Note decisions about proposals; they act with the next ingest. Raises UsageError for an id that none has."""
    known = {one.proposal_id: one for one in listed}
    unknown = sorted({*confirm, *refuse} - set(known))
    if unknown:
        raise UsageError(f"{unknown[0]} is no proposal about the current edition. `isthmus units` lists them.")
    drafts = [
        Draft(
            kind=REPAIR, subject=SUBJECT, key=str(one), answer=_answer(known[one], one in set(confirm)), author=author,
            site=home_of(known[one].site), wording=known[one].evidence, how=how, model=MODEL,
            confidence=known[one].confidence, reason=reason,
        )
        for one in dict.fromkeys([*confirm, *refuse])
    ]  # fmt: skip
    return workspace.decisions.add(*drafts) if drafts else []


def chosen_by_rule(findings: Findings, listed: Sequence[Proposal]) -> list[int]:
    """Those of the open proposals that a rule may confirm without a person, see `by_rule`."""
    open_ones = {one.proposal_id for one in listed if one.state == "open"}
    return [one for one in by_rule(findings) if one in open_ones]


def home_of(laboratory: str) -> str:
    """The site of a laboratory."""
    return laboratory.split(WITHIN, 1)[0]


def _answer(one: Proposal, confirmed: bool) -> dict[str, Any]:
    return {"confirm": confirmed, "family": one.family, "analyte": one.analyte, "action": one.action}


def _proposal(row: Mapping[str, Any], made: Decision | None) -> Proposal:
    state = "open" if made is None else "confirmed" if made.answer["confirm"] else "refused"
    return Proposal(
        row["proposal_id"], row["site"], row["family"], row["analyte"], row["unit"] or row["meant"], row["action"],
        row["rows"], row["factor"], row["confidence"], row["evidence"], state, made.decision_id if made else None,
    )  # fmt: skip
