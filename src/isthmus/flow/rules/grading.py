"""The items of the EMR grading counted over a site's rows in an edition: one statement for each table."""

from collections.abc import Sequence
from dataclasses import dataclass

from isthmus.flow.datamap.held import chosen
from isthmus.flow.quality import files_of
from isthmus.flow.rules.judge import Judged
from isthmus.flow.schema import schema_of
from isthmus.flow.statement import query
from isthmus.flow.workspace import Workspace
from isthmus.quality.rules.catalogue import DIMENSIONS
from isthmus.quality.rules.ratio import PASS, Requirement, items, requirements, sources

__all__ = ["PASS", "Dimension", "Graded", "Requirement", "dimensions", "graded", "requirements"]

GRADED = ("labreport", "order")  # rule sets whose rules are items of the grading too
# Rows of nobody's visit twice would count twice: a visit counts once.
VISIT = """
    SELECT DISTINCT ON (visit_occurrence_id) visit_occurrence_id, visit_start_date, visit_end_date FROM visit_occurrence
"""


@dataclass(frozen=True, slots=True)
class Graded:
    """An item of the grading at a site: what is counted, of how many, and how many hold. It passes from 0.5 [K]."""

    item_id: str
    dimension: str
    en: str
    zh: str
    asked: int
    right: int
    source: str
    checked: str

    @property
    def ratio(self) -> float | None:
        """The share that holds; None where nothing was asked."""
        return self.right / self.asked if self.asked else None

    @property
    def passes(self) -> bool | None:
        """Whether the ratio is enough; None where there is none."""
        return None if self.ratio is None else self.ratio >= PASS


@dataclass(frozen=True, slots=True)
class Dimension:
    """A dimension: its items that were asked, how many of them pass, and how much is asked and holds in all."""

    name: str
    items: int
    passed: int
    asked: int
    right: int

    @property
    def ratio(self) -> float | None:
        """The share; None where nothing was asked."""
        return self.right / self.asked if self.asked else None


def graded(workspace: Workspace, site: str, rules: Sequence[Judged], *, edition: int | None = None) -> list[Graded]:
    """The items of a site, from the lake and from its delivered reports and orders, by dimension."""
    found = chosen(workspace, edition)
    listed = []
    with workspace.lake.engine() as engine:
        for name in (*sources(), "visit_occurrence"):
            engine.view(name, files_of(workspace, found, name, site), empty=schema_of(name))
        engine.create("visit", query(VISIT))
        for table, source in sources().items():
            own = [one for one in items() if one.table == table]
            counts = ", ".join(
                f"count(*) FILTER ({one.asked}) AS a{n}, count(*) FILTER (({one.asked}) AND ({one.right})) AS r{n}"
                for n, one in enumerate(own)
            )
            (row,) = engine.rows(query(f"SELECT {counts} FROM {source}")).to_pylist()
            listed += [
                Graded(one.item_id, one.dimension, one.en, one.zh, row[f"a{n}"], row[f"r{n}"], one.source, one.checked)
                for n, one in enumerate(own)
            ]
    for judged in (one for one in rules if one.name in GRADED):
        for rule in judged.rules.rules:
            outcome = judged.outcomes[rule.rule_id]
            listed.append(Graded(rule.rule_id, rule.dimension, rule.en, rule.zh, outcome.asked, outcome.right,
                                 rule.source, rule.checked))  # fmt: skip
    return sorted(listed, key=lambda one: DIMENSIONS.index(one.dimension))


def dimensions(listed: Sequence[Graded]) -> list[Dimension]:
    """The four dimensions of some items."""
    found = []
    for name in DIMENSIONS:
        own = [one for one in listed if one.dimension == name and one.asked]
        found.append(Dimension(name, len(own), sum(bool(one.passes) for one in own), sum(one.asked for one in own),
                               sum(one.right for one in own)))  # fmt: skip
    return found
