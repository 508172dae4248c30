"""What is said of exports in which nothing was done wrong: findings against the checks made, by family of check."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pyarrow.compute as pc

from isthmus.flow import units
from isthmus.flow.findings.gather import WATCHED, findings
from isthmus.flow.findings.plausible import comparisons, looked, shares
from isthmus.flow.quality import files_of, quality
from isthmus.flow.rules.judge import judged
from isthmus.flow.schema import schema_of
from isthmus.flow.statement import query
from isthmus.flow.workspace import Workspace
from isthmus.lake.edition import Edition
from isthmus.mapping.units.detect import detect
from isthmus.quality.checks import catalogue
from isthmus.quality.findings.finding import Finding
from isthmus.quality.plausible.limits import sequences
from isthmus.quality.rules.catalogue import sets

DASHBOARD, OURS, RULES, RECORDS, SILENCE = "dashboard", "our checks", "rules of records", "records", "silent days"
SEQUENCES, DRIFT, FUNNELS, UNITS = "sequences", "drift", "funnels", "results with a unit"
# What is true of clean exports too: codes that nobody has mapped, fields and visits that no file holds.
ABSENT = (
    "codes", "never", "rules.empty", "rules.lacking", "measurePersonCompleteness", "measureConditionEraCompleteness",
    "standardConceptRecordCompleteness", "sourceConceptRecordCompleteness", "sourceValueCompleteness", "isForeignKey",
    "kept",
)  # fmt: skip
UNFILLED = ("required", "conditional")  # types of rules that ask for a field; fees and staff are not simulated at all
FEES = ("frontpage.H20", "frontpage.H21.anaesthesia")  # for these, the simulation would have to fill fees
OF_RECORDS = 3  # that are asked of each kind of record: unreadable, in contradiction, told again


@dataclass(slots=True)
class Family:
    """Checks of a family that were made, and the findings; those of what is absent in clean exports too are `true`."""

    checks: int = 0
    told: int = 0
    true: int = 0

    @property
    def false(self) -> int:
        """Findings of errors that nobody made."""
        return self.told - self.true

    @property
    def often(self) -> float:
        """False findings for 1,000 checks."""
        return 1000 * self.false / self.checks if self.checks else 0.0


def quiet(workspace: Workspace) -> Mapping[str, Family]:
    """The families of checks of the current edition, and what they say of it."""
    edition = workspace.lake.editions.current()
    assert edition is not None
    found = {name: Family(checks) for name, checks in _made(workspace, edition).items()}
    ours = {
        one.check.check_id for site in workspace.sites() for one in quality(workspace, site=site.name).results
        if one.check.type.level == catalogue.RULE
    }  # fmt: skip
    for one in (one for listed in findings(workspace).values() for one in listed):
        name = _family(one, ours)
        if name != UNITS:  # counted by rows, below
            found[name].told += 1
            found[name].true += _is_absent(one)
    table = units.published(workspace)
    found[UNITS] = Family(len(table), len(pc.unique(detect(table).rows["row"].combine_chunks())))
    return found


def _made(workspace: Workspace, edition: Edition) -> Mapping[str, int]:
    made = dict.fromkeys((DASHBOARD, OURS, RULES, RECORDS, SILENCE, SEQUENCES, DRIFT), 0)
    names = [site.name for site in workspace.sites()]
    for site in names:
        for one in quality(workspace, site=site).results:
            asked = one.status in ("passed", "failed")
            made[OURS if one.check.type.level == catalogue.RULE else DASHBOARD] += asked
        made[RULES] += sum(one.asked > 0 for found in judged(workspace, site) for one in found.outcomes.values())
        made[RECORDS] += OF_RECORDS * len(list(_distinct(workspace, edition, site, "record", "kind")))
        feeds = {part.part_id: part.receipt_id for part in workspace.records.parts()}
        for table in WATCHED:
            made[SILENCE] += len({feeds[part] for part in _distinct(workspace, edition, site, table, "part_id")})
        made[SEQUENCES] += len(sequences())
        made[DRIFT] += comparisons(workspace, edition, site)
    return made | {FUNNELS: len(looked(shares(workspace, edition, names))), UNITS: 0}


def _distinct(workspace: Workspace, edition: Edition, site: str, table: str, column: str) -> Iterator[int]:
    with workspace.lake.engine() as engine:
        engine.view(table, files_of(workspace, edition, table, site), empty=schema_of(table))
        yield from engine.rows(query(f"SELECT DISTINCT {column} FROM {table}")).column(0).to_pylist()


def _family(one: Finding, ours: set[str]) -> str:
    first = one.kind.partition(".")[0]
    learnt = {"sequence": SEQUENCES, "drift": DRIFT, "outlying": FUNNELS, "units": UNITS, "silence": SILENCE}
    if first in learnt:
        return learnt[first]
    if first in ("quarantine", "kept", "repeats", "conflicts", "codes"):
        return RECORDS
    if first in ("rules", *sets()):
        return RULES
    return OURS if one.key in ours else DASHBOARD


def _is_absent(one: Finding) -> bool:
    name, _, rule = one.kind.partition(".")
    if name in sets():
        types = {each.rule_id: each.type for each in sets()[name].rules}
        return types[rule] in UNFILLED or one.kind in FEES
    return one.kind in ABSENT or name in ABSENT
