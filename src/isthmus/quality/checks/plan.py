"""All checks of a CDM, compiled into a few statements for each table.

    scans     one row of counts for each source: a table, or a table joined with persons, deaths, visits …
    tallies   rows by concept, for each column of concepts that a check looks at
    lookups   the checks of concepts, joined to the tallies as data

Counts that several checks share (rows of a table, values of a field) are taken once.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import pyarrow as pa
from sqlglot import exp

from isthmus.quality.checks import sources, tally
from isthmus.quality.checks.catalogue import Check
from isthmus.quality.checks.layout import Layout, is_blocked, is_missing
from isthmus.quality.checks.roles import Roles, roles_of
from isthmus.quality.checks.sources import JOINED

ROWS, EMPTY, FILLED = "count(*)", "count_if(value IS NULL)", "count(value)"


@dataclass(frozen=True, slots=True)
class Counts:
    """How many rows a check found wrong, among how many."""

    violated: int
    of: int


Place = tuple[int, int] | int | None
"""Where a count stands: the number of its scan and of the column there; or the count itself; None: a lookup has it."""


@dataclass(slots=True)
class Plan:
    """The statements, in the order in which they must run: `asked` is a table that lookups read, by that name.

    `tallies` are to be gathered in one table `tally` (they all have its columns); `scans` give one row each.
    """

    asked: pa.Table
    tallies: Sequence[exp.Select]
    lookups: Sequence[exp.Select]
    scans: Sequence[exp.Select]
    places: Mapping[int, tuple[Place, Place]]

    def counts(self, scanned: Sequence[pa.Table], looked_up: Sequence[pa.Table]) -> Mapping[int, Counts]:
        """The counts of every check that was asked, by its number, from the statements' rows."""
        rows = [[column[0].as_py() for column in table.columns] for table in scanned]
        found = {row["number"]: row for table in looked_up for row in table.to_pylist()}
        nothing = {"violated": 0, "of": 0}

        def count(place: Place, name: str, number: int) -> int:
            if isinstance(place, tuple):
                return int(rows[place[0]][place[1]] or 0)
            return int(found.get(number, nothing)[name]) if place is None else place

        return {
            number: Counts(count(violated, "violated", number), count(of, "of", number))
            for number, (violated, of) in self.places.items()
        }


def plan(checks: Sequence[Check], layout: Layout, day: date) -> Plan:
    """Compile the checks that can be run on a CDM; a check's number is its place in the sequence.

    `day` is today for limits that move with it. A check without rows to look at is not asked, see verdict.py.
    """
    chosen = {number: check for number, check in enumerate(checks) if is_asked(check, layout)}
    scans = _Scans(layout, day)
    places = {number: scans.places(check) for number, check in chosen.items()}
    looked_up = {number: chosen[number] for number, (violated, _) in places.items() if violated is None}
    some = list(looked_up.values())
    return Plan(
        tally.asked(looked_up), list(tally.tallies(some)), list(tally.lookups(some)), list(scans.statements()), places
    )


def is_asked(check: Check, layout: Layout) -> bool:
    """Whether statements are needed to know what a check finds."""
    if check.type.over == "layout" or is_missing(check, layout) or is_blocked(check, layout):
        return False
    return check.type.over in ("persons", "conditions") or layout[check.table].rows > 0


@dataclass(slots=True)
class _Scan:
    """A statement under way: its place among all, its source, and its counts by what they say."""

    number: int
    select: exp.Select
    columns: dict[tuple[str, ...], int] = field(default_factory=dict)


class _Scans:
    """Counts, gathered by source; the same count is taken once."""

    def __init__(self, layout: Layout, day: date) -> None:
        self._layout, self._roles = layout, Roles(layout, day)
        self._scans: dict[tuple[str, ...], _Scan] = {}

    def places(self, check: Check) -> tuple[Place, Place]:
        """Where the two counts of a check stand."""
        kind, own = check.type, self._layout[check.table]
        of = self._place(kind.among, kind.of, check) if kind.of else None
        column = own.columns.get(check.field)
        if kind.blank == "right" and own.is_blank(check.field):
            return 0, 0 if of is None else of
        if kind.never == "integer" and column is not None and pa.types.is_integer(column):
            return 0, of
        return None if kind.over in tally.OVER else self._place(kind.over, kind.violated, check), of

    def _place(self, over: str, count: str, check: Check) -> Place:
        known = self._known(over, count, check)
        if known is not None:
            return known
        key = sources.key_of(over, check)
        if key not in self._scans:
            self._scans[key] = _Scan(len(self._scans), sources.select_from(over, check))
        scan, said = self._scans[key], self._said(count, check)
        if said not in scan.columns:
            scan.columns[said] = len(scan.columns)
            named = exp.alias_(self._roles.filled(count, check), f"n{scan.columns[said]}", copy=False)
            scan.select.select(named, copy=False)
        return scan.number, scan.columns[said]

    def _known(self, over: str, count: str, check: Check) -> int | None:
        """A count that the layout tells: of all rows, of those with or without a value, over a join with nothing."""
        own = self._layout[check.table]
        joined = JOINED.get(over)
        if joined is not None and not self._layout[joined].rows:
            return 0
        if over != "rows" or (count != ROWS and check.field not in own.nulls):
            return None
        told = {ROWS: own.rows, EMPTY: own.nulls.get(check.field, 0), FILLED: own.rows - own.nulls.get(check.field, 0)}
        return told.get(count)

    def statements(self) -> Iterator[exp.Select]:
        """The statements with all their counts."""
        return (scan.select for scan in self._scans.values())

    def _said(self, count: str, check: Check) -> tuple[str, ...]:
        """What tells a count from others over the same source."""
        own = {"value": check.field, "other": check.value, "bound": check.value, "target": check.table + check.value}
        return (count, *(own[role] for role in roles_of(count)))
