"""What the results that a patient had of other tests on the same day say of a reading.

Some results rise together: urea with creatinine, direct with total bilirubin. A number that would be far too high as it
is written, beside one of these that is usual, is likelier a slip; where that one is high too, the patient is ill. Which
rise together is a fact of `analytes.csv`; low numbers say nothing.
"""

from collections.abc import Sequence

import numpy as np

from isthmus.mapping.units.belief import Belief, Column, Floats, Ints
from isthmus.mapping.units.readings import UNIT, Reading, usual

FAR = 1.5  # times the usual upper limit, from where on a result is high for certain
ALONE = 0.25  # of results that are high for certain, those beside which the other test is usual all the same
HIGH = 0.1  # of results beside a usual one, those that are high
UNKNOWN, USUAL, RAISED = -1, 0, 1


class Along:
    """What stands on the same day of a patient beside each result of all columns of some results."""

    def __init__(self, columns: Sequence[Column], beliefs: Sequence[Belief]) -> None:
        self.columns, self.beliefs = columns, beliefs
        wanted = {other for column in columns for other in usual()[column.analyte].along}
        turns = [int(column.turn.max()) for column in columns if column.turn is not None and len(column.turn)]
        self.turns = max(turns, default=0) + 1
        self.told = {key: self._read(key) for key in wanted}

    def ratio(self, number: int, reading: Reading) -> Floats:
        """How much likelier what stands beside each row is in a reading than as the row is meant; 1 if unknown."""
        column, belief = self.columns[number], self.beliefs[number]
        beside = self._beside(column)
        high = usual()[column.analyte].high
        one, other = (
            _chance(column.value * way.factor + way.offset, high, beside)
            for way in (reading, belief.readings[belief.meant])
        )
        return np.asarray(np.where(np.isnan(one) | np.isnan(other), 1.0, one / other))

    def _beside(self, column: Column) -> Ints:
        """For each row whether the first known of the other tests is usual or raised."""
        found = np.full(len(column.value), UNKNOWN)
        mine = self._days(column)
        for key in usual()[column.analyte].along:
            days, states = self.told[key]
            if mine is not None and len(days):
                place = np.minimum(np.searchsorted(days, mine), len(days) - 1)
                there = (days[place] == mine) & (mine >= 0) & (found == UNKNOWN)
                found[there] = states[place[there]]
        return found

    def _read(self, key: str) -> tuple[Ints, Ints]:
        """The days of patients with a result of a test, in order, and whether it is raised as it is read."""
        days, states = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
        for column, belief in zip(self.columns, self.beliefs, strict=True):
            mine = self._days(column) if column.analyte == key else None
            if mine is not None:
                factor, offset = (np.array([getattr(one, name) for one in belief.readings])[belief.value]
                                  for name in ("factor", "offset"))  # fmt: skip
                own = np.array([one.kind == UNIT for one in belief.readings])[belief.value]
                rows = own & (column.value > 0) & (mine >= 0)
                days.append(mine[rows])
                states.append(np.where((column.value * factor + offset)[rows] > usual()[key].high, RAISED, USUAL))
        day, state = np.concatenate(days), np.concatenate(states)
        order = np.argsort(day, kind="stable")
        return day[order], state[order]

    def _days(self, column: Column) -> Ints | None:
        """One number for each patient and day, -1 where it is not told whose a result is."""
        if column.person is None or column.turn is None:
            return None
        return np.where(column.person >= 0, column.person * self.turns + column.turn, -1)


def _chance(value: Floats, high: float, beside: Ints) -> Floats:
    """How likely what stands beside is, with a value that is usual or high for certain; NaN between, and if unknown."""
    raised = np.where(value > FAR * high, 1 - ALONE, np.where(value <= high, HIGH, np.nan))
    return np.where(beside == RAISED, raised, np.where(beside == USUAL, 1 - raised, np.nan))
