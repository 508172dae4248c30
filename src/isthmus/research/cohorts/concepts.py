"""Which concepts the sets of all definitions hold, and which rows of an edition those concepts pick."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, reduce
from types import MappingProxyType
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from sqlglot import exp, parse_one

from isthmus.gate.desk import Desk
from isthmus.research.cohorts.catalogue import COHORT, Domain, kinds, persons
from isthmus.research.cohorts.definition import ConceptSet, Criterion, Definition, EraExit, Group, Test

Numbers = npt.NDArray[np.int64]

NOTHING = -1  # stands for a concept that is null
SOUGHT = pa.schema({"domain": pa.string(), "concept_id": pa.int64()})
ITEM = pa.schema(
    {
        "set": pa.int32(),
        "concept_id": pa.int64(),
        "excluded": pa.bool_(),
        "descendants": pa.bool_(),
        "mapped": pa.bool_(),
    }
)

# What a set holds: its items, valid descendants, and what maps to either; the excluded side is made alike and wins.
MEMBERS = """
    WITH named AS (
        SELECT i."set", i.concept_id, i.excluded, i.mapped FROM {item} i JOIN concept c ON c.concept_id = i.concept_id
        UNION ALL
        SELECT i."set", a.descendant_concept_id, i.excluded, i.mapped
        FROM {item} i JOIN concept_ancestor a ON a.ancestor_concept_id = i.concept_id
        JOIN concept c ON c.concept_id = a.descendant_concept_id
        WHERE i.descendants AND c.invalid_reason IS NULL {among_descendants}
    ), reached AS (
        SELECT "set", concept_id, excluded FROM named
        UNION ALL
        SELECT n."set", r.concept_id_1, n.excluded FROM named n JOIN concept_relationship r
            ON r.concept_id_2 = n.concept_id AND r.relationship_id = 'Maps to' AND r.invalid_reason IS NULL
        WHERE n.mapped
    )
    SELECT "set", concept_id FROM reached {among} GROUP BY "set", concept_id HAVING NOT bool_or(excluded)
    ORDER BY "set", concept_id
"""
SEEN = """
    SELECT {concept} AS concept_id FROM {table} e WHERE {start} IS NOT NULL
    UNION
    SELECT {source} AS concept_id FROM {table} e WHERE {start} IS NOT NULL
"""
# Pairs of standard and source concept that a table has, with their rows. Source concepts that no set asks for are one:
# told apart, they would make nearly as many pairs as there are events.
PAIRS = """
    SELECT {concept} AS concept, coalesce(k.concept_id, {nothing}) AS source, count(*) AS n
    FROM {table} e LEFT JOIN sought k ON k.domain = '{domain}' AND k.concept_id = {source}
    WHERE {start} IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2
"""


@cache
def step(sql: str) -> exp.Query:
    """A statement, parsed once."""
    tree = parse_one(sql, dialect="duckdb")
    assert isinstance(tree, exp.Query)
    return tree


def pair(domain: Domain) -> tuple[str, str]:
    """Standard and source concept of an event `e`, as expressions that are never null."""
    columns = (
        f"coalesce(e.{column}, {NOTHING})" if column else str(NOTHING) for column in (domain.concept, domain.source)
    )
    standard, source = columns
    return standard, source


@dataclass(frozen=True, slots=True)
class Pairs:
    """The pairs of concepts in one table, and the rows of each; a source that no set asks for is NOTHING."""

    concept: Numbers
    source: Numbers
    rows: Numbers
    _orders: dict[str, Numbers] = field(default_factory=dict)

    def at(self, column: str, members: Numbers) -> Numbers:
        """The places of pairs whose `concept` or `source` is one of the members, in order."""
        values: Numbers = getattr(self, column)
        if column not in self._orders:
            self._orders[column] = np.argsort(values, kind="stable")
        order = self._orders[column]
        lows, highs = (np.searchsorted(values, members, side, sorter=order) for side in _SIDES)
        counts = highs - lows
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        return np.sort(order[np.repeat(lows, counts) + within])


class Concepts:
    """The concept sets of all definitions, resolved in an edition."""

    def __init__(
        self, desk: Desk, definitions: Sequence[Definition], cohorts: Mapping[str, int] = MappingProxyType({})
    ) -> None:
        """`cohorts` has the numbers of the cohorts that were found before, by name."""
        self._cohorts = cohorts
        self._numbers: dict[ConceptSet, int] = {}
        self._picked: dict[tuple[str, int | None, int | None], Numbers] = {}
        used, listed = self._used(definitions)
        seen = [_seen(desk, kinds()[name]) for name in sorted(used) if name != COHORT]
        desk.lay("present", pa.table({"concept_id": np.unique(np.concatenate([_NONE, *seen]))}))
        self._members = self._resolve(desk, None)
        desk.lay("sought", self._sought(definitions))
        self.pairs: Mapping[str, Pairs] = {name: _pairs(desk, kinds()[name]) for name in sorted(used)}
        self._listed = self._resolve(desk, listed) if listed else {}

    def number(self, one: ConceptSet) -> int:
        """The number of a concept set, the same for equal sets of all definitions."""
        return self._numbers[one]

    def listed(self, number: int) -> Numbers:
        """The concepts of a set that an attribute names, whether they occur in the events or not."""
        return self._listed.get(number, _NONE)

    def picks(self, domain: str, standard: int | None, source: int | None) -> Numbers:
        """Which of a domain's pairs two sets pick together; a set that is None picks all."""
        key = (domain, standard, source)
        if key not in self._picked:
            pairs = self.pairs[domain]
            found = [
                pairs.at(column, self._members.get(number, _NONE))
                for column, number in (("concept", standard), ("source", source))
                if number is not None
            ]
            self._picked[key] = reduce(np.intersect1d, found) if found else np.arange(len(pairs.concept))
        return self._picked[key]

    def members(self, number: int) -> Numbers:
        """The concepts of a set that occur in the events."""
        return self._members.get(number, _NONE)

    def stays(self, names: Sequence[str]) -> Numbers:
        """Which of the pairs of the domain of cohorts are stays in cohorts of these names."""
        return self.pairs[COHORT].at("concept", np.unique([self._cohorts[name] for name in names]))

    def _used(self, definitions: Iterable[Definition]) -> tuple[set[str], set[int]]:
        """The domains that definitions read, and the sets that attributes name; all sets get their numbers."""
        used: set[str] = set()
        listed: set[int] = set()
        for one in definitions:
            for number in one.sets.values():
                self._numbers.setdefault(number, len(self._numbers))
            self._numbers.setdefault(frozenset(), len(self._numbers))
            for criterion in criteria(one):
                used.add(criterion.domain)
                known = kinds()[criterion.domain].attributes
                listed |= {self._of(one, test) for test in criterion.tests if known[test.attribute].kind in _LISTS} - {
                    -1
                }
            for test in demographic(one):
                if persons()[test.attribute].kind in _LISTS:
                    listed |= {self._of(one, test)} - {-1}
            if isinstance(one.exit, EraExit):
                used.add("DrugExposure")
        return used, listed

    def _sought(self, definitions: Iterable[Definition]) -> pa.Table:
        """`domain, concept_id`: the source concepts that criteria ask for."""
        asked = {
            (criterion.domain, self.number(one.sets.get(criterion.source, frozenset())))
            for one in definitions for criterion in criteria(one) if criterion.source is not None
        }  # fmt: skip
        rows = sorted({(domain, int(one)) for domain, number in asked for one in self.members(number)})
        columns = zip(*rows, strict=True) if rows else ((), ())
        return pa.table([pa.array(one, kind) for one, kind in zip(columns, SOUGHT.types, strict=True)], schema=SOUGHT)

    def _of(self, definition: Definition, test: Test) -> int:
        if test.codeset is None:
            return -1
        return self.number(definition.sets.get(test.codeset, frozenset()))

    def _resolve(self, desk: Desk, chosen: set[int] | None) -> dict[int, Numbers]:
        """The members of sets: of those chosen, or of all, and then only concepts that are present."""
        numbered = [(number, one) for one, number in self._numbers.items() if chosen is None or number in chosen]
        rows = [(number, item) for number, one in numbered for item in one]
        columns = {
            "set": [number for number, _ in rows], "concept_id": [item.concept_id for _, item in rows],
            "excluded": [item.excluded for _, item in rows], "descendants": [item.descendants for _, item in rows],
            "mapped": [item.mapped for _, item in rows],
        }  # fmt: skip
        desk.lay("item", pa.table(columns, schema=ITEM))
        within = "concept_id IN (SELECT concept_id FROM present)" if chosen is None else ""
        descendants = f"AND (i.mapped OR a.descendant_{within})" if within else ""
        found = desk.take(
            step(MEMBERS.format(item="item", among=f"WHERE {within}" if within else "", among_descendants=descendants))
        )
        sets, concepts = (found.column(name).to_numpy() for name in ("set", "concept_id"))
        edges = np.flatnonzero(np.diff(sets)) + 1
        firsts = np.concatenate(([0], edges)) if len(sets) else np.empty(0, dtype=np.int64)
        return dict(zip((int(sets[at]) for at in firsts), np.split(concepts, edges), strict=False)) if len(sets) else {}


_SIDES: tuple[Literal["left"], Literal["right"]] = ("left", "right")
_NONE: Numbers = np.empty(0, dtype=np.int64)
_LISTS = frozenset({"concepts", "selection", "codeset"})


def criteria(definition: Definition) -> Iterator[Criterion]:
    """Every criterion of a definition, nested ones too."""
    for one in (*definition.primary, *definition.censors):
        yield from _within(one)
    for group in groups(definition):
        yield from _inside(group)


def groups(definition: Definition) -> Iterator[Group]:
    """The groups that a definition begins with: additional criteria, and rules."""
    if definition.additional is not None:
        yield definition.additional
    for rule in definition.rules:
        yield rule.group


def _within(criterion: Criterion) -> Iterator[Criterion]:
    yield criterion
    if criterion.nested is not None:
        yield from _inside(criterion.nested)


def _inside(group: Group) -> Iterator[Criterion]:
    for one in group.criteria:
        yield from _within(one.criterion)
    for inner in group.groups:
        yield from _inside(inner)


def demographic(definition: Definition) -> Iterator[Test]:
    """Every test of a person at an index event."""
    waiting = [*groups(definition), *(one.nested for one in criteria(definition) if one.nested is not None)]
    while waiting:
        group = waiting.pop()
        waiting += group.groups
        for tests in group.demographics:
            yield from tests


def _seen(desk: Desk, domain: Domain) -> Numbers:
    concept, source = pair(domain)
    found = desk.take(step(SEEN.format(concept=concept, source=source, table=domain.table, start=domain.start)))
    ids: Numbers = found.column("concept_id").to_numpy()
    return ids


def _pairs(desk: Desk, domain: Domain) -> Pairs:
    concept, source = pair(domain)
    words = {"table": domain.table, "start": domain.start, "domain": domain.name, "nothing": NOTHING}
    found = desk.take(step(PAIRS.format(concept=concept, source=source, **words)))
    return Pairs(*(found.column(name).to_numpy() for name in ("concept", "source", "n")))
