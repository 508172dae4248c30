"""A chart: all that is known of one patient, as columns sorted by concept and time.

Ten thousand events are a few arrays, so that one fact costs a search in them and not a walk over them.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from itertools import accumulate
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
EPOCH = date(1970, 1, 1)
MINUTES = 1440
HALF = 1 << 31
"""Concepts and minutes lie within this of zero, if anything is as usual."""


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - EPOCH).days


def day_of(minute: int) -> date:
    """The day of a minute since 1970-01-01 00:00."""
    return EPOCH + timedelta(days=int(minute) // MINUTES)


@dataclass(frozen=True, slots=True)
class Row:
    """A row that something was read from: its table (or FHIR resource type) and id, and what it says."""

    table: str
    id: str
    day: date | None
    fact: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """What a call orders of a concept: the ids of the concept, milligrams in a day where told, and its resource."""

    concepts: frozenset[int]
    dose: float | None
    resource: Mapping[str, Any]
    selected: bool = True

    @property
    def reference(self) -> str:
        """`MedicationRequest/12`; the type alone where the draft has no id."""
        kind, name = str(self.resource.get("resourceType", "")), self.resource.get("id")
        return f"{kind}/{name}" if name else kind


@dataclass(frozen=True)
class Events:
    """Columns of equal length. `concept`: ids of what happened; `begin` and `end` in minutes since 1970 (`end` 0: not
    known); `number` NaN where there is none; `unit`: places in the chart's units (-1 for none); `answer`: ids of coded
    answers; `table`: places in the chart's tables; `id`: of the row, as text where it is no number.
    """

    concept: Ints
    begin: Ints
    end: Ints
    number: Floats
    unit: Ints
    answer: Ints
    table: Ints
    id: Ints

    def __len__(self) -> int:
        return len(self.concept)

    @classmethod
    def joined(cls, parts: Sequence["Events"]) -> "Events":
        """All parts, one after the other."""
        names = list(cls.__dataclass_fields__)
        if not parts:
            empty = np.empty(0, dtype=np.int64)
            return cls(empty, empty, empty, np.empty(0), empty, empty, empty, empty)
        return cls(*(np.concatenate([getattr(one, name) for one in parts]) for name in names))

    @cached_property
    def ordered(self) -> tuple[Ints, Ints, Ints]:
        """Places of events by concept, time and id; their concepts; their times. Charts of the same events share it."""
        order = _order(self.concept, self.begin, self.id)
        return order, self.concept[order], self.begin[order]


class Names:
    """How rows are called, by their place among all: those of each part are looked up when a row is shown."""

    def __init__(self, *parts: tuple[int, Callable[[int], str]]) -> None:
        self._ends = [*accumulate(count for count, _ in parts)]
        self.parts = parts

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def __getitem__(self, place: int) -> str:
        at = bisect_right(self._ends, place)
        count, named = self.parts[at]
        return named(place - self._ends[at] + count)


@dataclass(frozen=True)
class Chart:
    """A patient on a day. `covers`: the tables that the chart knows all about; of others nothing is known but what it
    happens to hold. `names`: of ids that are no numbers (FHIR's), by their place; empty where ids are numbers.
    """

    today: date
    birth: date | None
    sex: str | None
    events: Events
    tables: Sequence[str]
    units: Sequence[str]
    covers: frozenset[str]
    orders: tuple[Order, ...] = ()
    allergies: tuple[tuple[frozenset[int], Row], ...] | None = None
    names: Names = field(default_factory=Names)

    def places(self, concepts: Ints, within: int) -> Ints:
        """Places of the events of some concepts in the days up to today, oldest first."""
        order, known, begin = self.events.ordered
        last = (day_number(self.today) + 1) * MINUTES
        since = last - (within + 1) * MINUTES
        lows, highs = known.searchsorted(concepts, side="left"), known.searchsorted(concepts, side="right")
        runs = []
        for at in np.flatnonzero(highs > lows).tolist():
            low, high = int(lows[at]), int(highs[at])
            first, end = begin[low:high].searchsorted((since, last)).tolist()
            runs += [order[low + first : low + end]] if end > first else []
        if len(runs) == 1:
            return runs[0]
        found = np.concatenate(runs) if runs else np.empty(0, dtype=np.int64)
        return found[np.lexsort((self.events.id[found], self.events.begin[found]))] if runs else found

    def row(self, place: int, fact: str = "") -> Row:
        """The row at a place."""
        number = int(self.events.id[place])
        return Row(
            self.tables[self.events.table[place]], self.names[number] if self.names else str(number),
            day_of(self.events.begin[place]), fact,
        )  # fmt: skip


def _order(concept: Ints, begin: Ints, number: Ints) -> Ints:
    """Places by concept, time and id: concept and time as one number, and by id only those that have both in common."""
    if not len(concept):
        return np.empty(0, dtype=np.int64)
    ends = (concept.min(), concept.max(), begin.min(), begin.max())
    if not all(-HALF <= one < HALF for one in ends):
        return np.lexsort((number, begin, concept))
    both = (concept << 32) + (begin + HALF)
    order = np.argsort(both)
    equal = both[order[1:]] == both[order[:-1]]
    shared = np.flatnonzero(np.append(equal, False) | np.append(False, equal))
    mine = order[shared]
    order[shared] = mine[np.lexsort((number[mine], both[mine]))]
    return order
