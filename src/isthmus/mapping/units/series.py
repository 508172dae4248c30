"""What a patient's other results of a test say of one that stands alone in another unit.

Where all patients together overlap in two units, the results of one patient may not: a number that is away from those
before and after it by just the factor between the units, and between them once it is converted, is written in the
other unit. How near results of one patient follow each other is taken from the results at hand, and so is how often
one lies as far away as the factor for a reason of the body: a factor within that is not looked at. The first and the
last result of a patient are not either, for what begins or ends there may be a change.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from isthmus.mapping.units.belief import Belief, Column, Floats, Ints, Mask
from isthmus.mapping.units.readings import SCALE, UNIT, Reading

ENOUGH = 100  # results of a test between two others, to know how near they follow each other
CLEAR = 6.0  # deviations within a patient that a factor must exceed
NARROW, NEAR = 0.02, 3.0  # the least deviation; how many of them around the factor are the other unit's own
SELDOM, FIRST, ROUNDS = 0.02, 0.001, 10  # most and first share of results in the other unit
SURE = 0.8
FREEDOM = 4.0  # of Student's t, as the results of a patient have it


@dataclass(frozen=True, slots=True)
class _Test:
    """The results of one test: of each column, how far each lies above its two neighbours (logarithms, rows by two).

    `known` is how far those of all columns that have two lie from the nearer one; `deviation` how far they usually do.
    """

    away: Sequence[Floats]
    deviation: float
    known: Floats

    def rare(self, shift: float) -> float:
        """The density of results away by a shift, as between those that are less and more away: tails fall evenly."""
        edge, far = NEAR * self.deviation, self.known * np.sign(shift)
        wide = max(edge, abs(shift) / 4)
        inner, outer = (
            float(((far >= low) & (far < low + wide)).sum()) + 0.5
            for low in (abs(shift) - edge - wide, abs(shift) + edge)
        )
        return float(np.sqrt(inner * outer)) / (len(self.known) * wide)


def told(columns: Sequence[Column], beliefs: Sequence[Belief]) -> Sequence[Belief]:
    """The beliefs with the rows moved that the other results of their patients show to be in another unit."""
    by_test: defaultdict[str, list[int]] = defaultdict(list)
    for number, column in enumerate(columns):
        if column.person is not None and column.turn is not None:
            by_test[column.analyte].append(number)
    found = list(beliefs)
    for numbers in by_test.values():
        test = _test([columns[one] for one in numbers], [beliefs[one] for one in numbers])
        if test is not None:
            for one, away in zip(numbers, test.away, strict=True):
                found[one] = _moved(beliefs[one], away, test)
    return found


def _test(columns: Sequence[Column], beliefs: Sequence[Belief]) -> _Test | None:
    """Nothing where there are too few patients with several results."""
    level = [_read(column.value, belief) for column, belief in zip(columns, beliefs, strict=True)]
    person = np.concatenate([_person(column, value) for column, value in zip(columns, level, strict=True)])
    turn = np.concatenate([column.turn for column in columns if column.turn is not None])
    away = _apart(np.concatenate(level), person, turn)
    known = _nearer(away[~np.isnan(away[:, 0])])
    if len(known) < ENOUGH:
        return None
    deviation = max(1.48 * float(np.median(np.abs(known))), NARROW)
    ends = np.cumsum([len(one) for one in level])[:-1]
    return _Test(np.split(away, ends), deviation, known)


def _person(column: Column, level: Floats) -> Ints:
    assert column.person is not None
    return np.where(np.isnan(level), -1, column.person)


def _read(value: Floats, belief: Belief) -> Floats:
    """Logarithms in the canonical unit, as each row is read; NaN where it is read as something else."""
    own = np.array([reading.kind in (UNIT, SCALE) for reading in belief.readings])
    factor, offset = (np.array([getattr(one, name) for one in belief.readings]) for name in ("factor", "offset"))
    number = value * factor[belief.value] + offset[belief.value]
    return np.asarray(np.log(np.where(own[belief.value] & (value > 0) & (number > 0), number, np.nan)))


def _apart(level: Floats, person: Ints, turn: Ints) -> Floats:
    """How far each lies above the one before and the one after it of its patient; NaN at either end."""
    found = np.full((len(level), 2), np.nan)
    order = np.lexsort((turn, person))
    order = order[person[order] >= 0]
    value, whose = level[order], person[order]
    between = np.flatnonzero((whose[2:] == whose[1:-1]) & (whose[:-2] == whose[1:-1])) + 1
    found[order[between]] = value[between, None] - np.stack([value[between - 1], value[between + 1]], axis=1)
    return found


def _nearer(away: Floats) -> Floats:
    return np.where(np.abs(away[:, 0]) < np.abs(away[:, 1]), away[:, 0], away[:, 1])


def _moved(belief: Belief, away: Floats, test: _Test) -> Belief:
    """The belief about one column with its rows moved."""
    meant = belief.readings[belief.meant]
    open_rows = np.flatnonzero((belief.value == belief.meant) & ~np.isnan(away[:, 0]))
    value, sure = belief.value.copy(), belief.value_sure.copy()
    by_series: Mask = np.zeros(len(value), dtype=bool)
    for number, reading in enumerate(belief.readings):
        if not _is_other_unit(reading, meant):
            continue
        shift = float(np.log(reading.factor / meant.factor))
        if abs(shift) < CLEAR * test.deviation:
            continue
        converted, written = _nearer(away[open_rows] + shift), _nearer(away[open_rows])
        chance = _chances(converted, written, test.deviation, test.rare(-shift))
        clear = (chance >= SURE) & ~by_series[open_rows]
        rows = open_rows[clear]
        value[rows], sure[rows], by_series[rows] = number, chance[clear], True
    return replace(belief, value=value, value_sure=sure, by_series=by_series) if by_series.any() else belief


def _is_other_unit(reading: Reading, meant: Reading) -> bool:
    return reading.kind == UNIT and reading is not meant and reading.offset == meant.offset


def _chances(converted: Floats, written: Floats, deviation: float, rare: float) -> Floats:
    """How likely each is to be in the other unit: expectation maximisation of their share, for a few rounds.

    `converted` and `written` are how far it lies from the nearer neighbour, in the one unit and in the other.
    """
    like = np.where(np.abs(converted) <= NEAR * deviation, _near(converted, deviation), 0.0)
    unlike = _near(written, deviation) + rare
    share, chance = FIRST, np.zeros(len(converted))
    for _ in range(ROUNDS):
        chance = share * like / (share * like + (1 - share) * unlike)
        share = min(max(float(chance.mean()) if len(chance) else 0.0, FIRST), SELDOM)
    return chance


def _near(away: Floats, deviation: float) -> Floats:
    """The density of a neighbour so far away, Student's t."""
    return np.asarray(0.375 * (1 + (away / deviation) ** 2 / FREEDOM) ** (-(FREEDOM + 1) / 2) / deviation)
