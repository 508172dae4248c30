"""All checks of a CDM, compiled into a few statements for each table.

    scans     one row of counts for each source: a table, or a table joined with persons, deaths, visits …
    keys      columns of keys, to be sorted: keys that are not numbers are grouped in a scan
    marks     columns of a mark for every row, to be sorted: only rows that share one are grouped
    tallies   rows by concept, for each column of concepts that a check looks at
    lookups   the checks of concepts, joined to the tallies as data

Counts that several checks share (rows of a table, values of a field) are taken once.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import pyarrow as pa
from sqlglot import exp

from isthmus.quality.checks import keys, sources, tally
from isthmus.quality.checks.catalogue import Check
from isthmus.quality.checks.layout import Held, Layout, is_blocked, is_missing, lacks
from isthmus.quality.checks.roles import Roles, roles_of
from isthmus.quality.checks.sources import JOINED

# Counts that may be known without looking, as types.yaml writes them.
ROWS, EMPTY, FILLED = "count(*)", "count_if(value IS NULL)", "count(value)"
LOST = (
    "count_if(NOT value IS NULL AND NOT coalesce(value IN (SELECT other FROM target WHERE NOT other IS NULL), FALSE))"
)
ALONE = "count_if(NOT value IS NULL AND v.visit_occurrence_id IS NULL)"  # rows of a visit that is not there
ZERO, BELOW, ABOVE = "count_if(value = 0)", "count_if(value < bound)", "count_if(value > bound)"


@dataclass(frozen=True, slots=True)
class Counts:
    """How many rows a check found wrong, among how many."""

    violated: int
    of: int


Place = tuple[int, int] | int | None
"""Where a count stands: the number of its scan and its column there; or the count itself; None: it comes by number."""


@dataclass(slots=True)
class Plan:
    """The statements, in the order in which they must run.

    `listed` is a table that those of `asked` read, by that name; their rows are to be one table `asked`, which tallies
    and lookups read. The rows of `tallies` are to be one table `tally`, which lookups read. `scans` give one row each.
    `keys` are statements of one column by the number of a check, for `keys.repeated`; `marks` such for `keys.marks`,
    and the statement that counts, once their table is there as `again`.
    """

    listed: pa.Table
    asked: Sequence[exp.Select]
    tallies: Sequence[exp.Select]
    lookups: Sequence[exp.Select]
    scans: Sequence[exp.Select]
    keys: Mapping[int, Sequence[exp.Select]]
    marks: Mapping[int, tuple[Sequence[exp.Select], exp.Select]]
    places: Mapping[int, tuple[Place, Place]]

    def counts(
        self, scanned: Sequence[pa.Table], looked_up: Sequence[pa.Table], repeated: Mapping[int, int]
    ) -> Mapping[int, Counts]:
        """The counts of every check that was asked, by its number, from the statements' rows."""
        rows = [[column[0].as_py() for column in table.columns] for table in scanned]
        found = {row["number"]: row for table in looked_up for row in table.to_pylist()}
        found |= {number: {"violated": count, "of": 0} for number, count in repeated.items()}
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
    open_ones = {number: chosen[number] for number, (violated, _) in places.items() if violated is None}
    over = {number: one.type.over for number, one in open_ones.items()}
    looked_up = {number: one for number, one in open_ones.items() if over[number] in tally.OVER}
    some = list(looked_up.values())
    columns = {
        number: list(keys.slices(one, layout[one.table]))
        for number, one in open_ones.items() if number not in looked_up
    }  # fmt: skip
    return Plan(
        tally.listed(looked_up), list(tally.asked(some)), list(tally.tallies(some, layout)),
        list(tally.lookups(some)), list(scans.statements()),
        {number: one for number, one in columns.items() if over[number] == "keys"},
        {number: (one, keys.again(chosen[number])) for number, one in columns.items() if over[number] == "repeats"},
        places,
    )  # fmt: skip


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
        is_number = column is not None and pa.types.is_integer(column)
        if kind.never == "integer" and is_number:
            return 0, of
        if kind.over == "repeats" or (kind.over == "keys" and is_number):
            return None, of
        return None if kind.over in tally.OVER else self._place(kind.over, kind.violated, check), of

    def _place(self, over: str, count: str, check: Check) -> Place:
        known = self._known(over, count, check)
        if known is not None:
            return known
        if over == "persons" and not lacks("people", check, self._layout):
            over = "people"  # it has every person too
        if over == "people" and not self._layout["person"].nulls.get("birth_datetime", 1):
            count = count.replace("p.middle", "p.birth")  # the day of birth is known of everybody
        key = sources.key_of(over, check)
        if key not in self._scans:
            source = sources.select_from(over, check)
            if over == "values":
                self._roles.known(source, check)
            self._scans[key] = _Scan(len(self._scans), source)
        scan, said = self._scans[key], self._said(count, check)
        if said not in scan.columns:
            scan.columns[said] = len(scan.columns)
            named = exp.alias_(self._roles.filled(count, check), f"n{scan.columns[said]}", copy=False)
            scan.select.select(named, copy=False)
        return scan.number, scan.columns[said]

    def _known(self, over: str, count: str, check: Check) -> int | None:
        """A count that the layout tells: of rows, of values, of what cannot be wrong, over a join with nothing."""
        own = self._layout[check.table]
        if over == "persons" and (count == ROWS or not own.rows):
            return self._layout["person"].rows
        joined = JOINED.get(over)
        if joined is not None and not self._layout[joined].rows:
            if count != ALONE:
                return 0
            over, count = "rows", FILLED
        if over != "rows":
            return None
        if count == ROWS:
            return own.rows
        if count == LOST and not self._layout[check.target[0]].rows:
            count = FILLED
        if count in (EMPTY, FILLED) and check.field in own.nulls:
            nulls = own.nulls[check.field]
            return nulls if count == EMPTY else own.rows - nulls
        return 0 if count in (ZERO, BELOW, ABOVE) and self._is_within(own, count, check) else None

    def _is_within(self, own: Held, count: str, check: Check) -> bool:
        """Whether the least and the greatest value show that no value is wrong."""
        if check.field not in own.ranges:
            return False
        least, greatest = (_day(one) for one in own.ranges[check.field])
        if count == ZERO:
            return bool(least > 0 or greatest < 0)
        bound = self._roles.bound(check)
        if isinstance(bound, date) != isinstance(least, date):
            return False
        return bool(least >= bound if count == BELOW else greatest <= bound)

    def statements(self) -> Iterator[exp.Select]:
        """The statements with all their counts."""
        return (scan.select for scan in self._scans.values())

    def _said(self, count: str, check: Check) -> tuple[str, ...]:
        """What tells a count from others over the same source."""
        own = {"value": check.field, "other": check.value, "bound": check.value, "target": check.table + check.value}
        return (count, *(own[role] for role in roles_of(count)))


def _day(value: Any) -> Any:
    """A moment as its day, for limits are days."""
    return value.date() if isinstance(value, datetime) else value
