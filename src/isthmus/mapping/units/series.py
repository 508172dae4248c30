"""What a patient's other results of a test, and the decimals of a number, say of one that stands in another unit.

Where all patients together overlap in two units, the results of one patient may not: a number that is away from those
before and after it by just the factor between the units, and between them once it is converted, is written in the
other unit. The first and the last result of a patient are held against what the one beside it lets expect, one that
stands alone against the middle of all. How near results are to what is expected is taken from the results at hand, and
so is how often one lies as far away as the factor for a reason of the body; how often units slip, from all tests
together. A factor within what neighbours differ by speaks for nothing; then only decimals do (see digits.py). What
would be so of many results that begin, end or stand alone is no slip.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from isthmus.mapping.units.belief import Belief, Column, Floats, Ints, Mask
from isthmus.mapping.units.digits import Digits
from isthmus.mapping.units.readings import SCALE, UNIT, Reading

ENOUGH = 100  # results of a test between two others, to know how near they follow each other
CLEAR = 6.0  # deviations within a patient that a factor must exceed
BESIDE = 0.25  # of the factor, within which a converted number is near, however little most patients vary
NARROW, NEAR = 0.02, 3.0  # the least deviation; how many of them around the factor are the other unit's own
SELDOM, FIRST, ROUNDS = 0.02, 0.001, 10  # most and first share of results in the other unit
UNWRITTEN = 0.0001  # the first share where no laboratory at hand writes that unit
KNOWN = 1000.0  # rows that the first share weighs, against those at hand
HABIT = 0.05  # a greater share is no slip of single rows: something began there, or ended
SURE = 0.5  # a person is asked of what is likelier than not; what a rule may mend must be surer
FREEDOM = 4.0  # of Student's t, as the results of a patient have it


@dataclass(frozen=True, slots=True)
class _Test:
    """The results of one test that stand alike: of each column, how far each lies above what it is held against.

    `away` are logarithms, rows by two (both neighbours; twice the same where there is one or none), NaN for results
    that stand otherwise. `known` is the nearer of them for all columns; `deviation` how far they usually are.
    """

    away: Sequence[Floats]
    deviation: float
    known: Floats

    def near(self, away: Floats) -> Floats:
        """The density of results so far away: Student's t, or as many as there are where some patients vary more."""
        sorted_known = np.sort(np.abs(self.known))
        size, wide = np.abs(away), self.deviation
        inside = np.searchsorted(sorted_known, size + wide) - np.searchsorted(sorted_known, size - wide)
        return np.maximum(_near(away, self.deviation), inside / (4 * wide * len(self.known)))

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
    """The beliefs with the rows moved that the other results, or their own decimals, show to be in another unit."""
    by_test: defaultdict[str, list[int]] = defaultdict(list)
    for number, column in enumerate(columns):
        if column.person is not None and column.turn is not None:
            by_test[column.analyte].append(number)
    found, digits, share = list(beliefs), Digits(columns, beliefs), slips(columns, beliefs)
    written = {(column.analyte, column.declared) for column in columns}

    def often(reading: Reading) -> float:
        return share if (reading.analyte, reading.unit) in written else UNWRITTEN

    for numbers in by_test.values():
        for test in _tests([columns[one] for one in numbers], [beliefs[one] for one in numbers]):
            for one, away in zip(numbers, test.away, strict=True):
                found[one] = _moved(found[one], away, test, partial(digits.ratio, one), often)
    return found


def slips(columns: Sequence[Column], beliefs: Sequence[Belief]) -> float:
    """The share of single results that are in another unit, of all tests that are written in several here together.

    Whoever slips does so at all of them alike, so those whose units lie apart tell what to expect of the others.
    """
    single_ones, rows = FIRST * KNOWN, KNOWN
    written = Counter(column.analyte for column in columns if column.declared is not None)
    for column, belief in zip(columns, beliefs, strict=True):
        if column.declared is None or written[column.analyte] < 2:
            continue
        own = np.array([reading.kind == UNIT for reading in belief.readings])
        place = np.unique(column.site, return_inverse=True)[1]
        wrong, read = own[belief.value] & (belief.value != belief.meant), column.value > 0
        each = np.bincount(place[read], minlength=int(place.max()) + 1)
        other = np.bincount(place[read & wrong], minlength=len(each))
        single = other <= HABIT * each
        single_ones, rows = single_ones + float(other[single].sum()), rows + float(each[single].sum())
    return min(single_ones / rows, SELDOM)


def _tests(columns: Sequence[Column], beliefs: Sequence[Belief]) -> Iterator[_Test]:
    """Results between two others, at either end, and alone; none of these where there are too few of them."""
    level = [_read(column.value, belief) for column, belief in zip(columns, beliefs, strict=True)]
    person = np.concatenate([_person(column, value) for column, value in zip(columns, level, strict=True)])
    turn = np.concatenate([column.turn for column in columns if column.turn is not None])
    ends = np.cumsum([len(one) for one in level])[:-1]
    for away in _apart(np.concatenate(level), person, turn):
        known = _nearer(away[~np.isnan(away[:, 0])])
        if len(known) >= ENOUGH:
            deviation = max(1.48 * float(np.median(np.abs(known))), NARROW)
            yield _Test(np.split(away, ends), deviation, known)


def _person(column: Column, level: Floats) -> Ints:
    assert column.person is not None
    return np.where(np.isnan(level), -1, column.person)


def _read(value: Floats, belief: Belief) -> Floats:
    """Logarithms in the canonical unit, as each row is read; NaN where it is read as something else."""
    own = np.array([reading.kind in (UNIT, SCALE) for reading in belief.readings])
    factor, offset = (np.array([getattr(one, name) for one in belief.readings]) for name in ("factor", "offset"))
    number = value * factor[belief.value] + offset[belief.value]
    return np.asarray(np.log(np.where(own[belief.value] & (value > 0) & (number > 0), number, np.nan)))


def _apart(level: Floats, person: Ints, turn: Ints) -> tuple[Floats, Floats, Floats]:
    """How far each lies above the one before and the one after it of its patient; at either end, above what its one
    neighbour lets expect; alone, above the middle of all. Each NaN for the others."""
    between, end, alone = (np.full((len(level), 2), np.nan) for _ in range(3))
    order = np.lexsort((turn, person))
    order = order[person[order] >= 0]
    value, whose = level[order], person[order]
    same = whose[1:] == whose[:-1]
    before, after = np.append(False, same), np.append(same, False)
    inner = np.flatnonzero(before & after)
    between[order[inner]] = value[inner, None] - np.stack([value[inner - 1], value[inner + 1]], axis=1)
    middle = float(np.median(value)) if len(value) else 0.0
    outer = np.flatnonzero(before ^ after)
    beside = value[outer + np.where(after[outer], 1, -1)] - middle
    end[order[outer]] = (value[outer] - middle - _slope(value - middle, same) * beside)[:, None]
    single = np.flatnonzero(~before & ~after)
    alone[order[single]] = (value[single] - middle)[:, None]
    return between, end, alone


def _slope(value: Floats, same: Mask) -> float:
    """How much of a result's distance from the middle the next one of the patient keeps."""
    one, other = value[:-1][same], value[1:][same]
    return float(np.clip((one * other).sum() / max((one**2).sum(), 1e-9), 0.0, 1.0)) if len(one) else 0.0


def _nearer(away: Floats) -> Floats:
    return np.where(np.abs(away[:, 0]) < np.abs(away[:, 1]), away[:, 0], away[:, 1])


def _moved(
    belief: Belief,
    away: Floats,
    test: _Test,
    digits: Callable[[Reading], Floats],
    share: Callable[[Reading], float],
) -> Belief:
    """The belief about one column with its rows moved; `share` says how many of them are expected in a reading."""
    meant = belief.readings[belief.meant]
    open_rows = np.flatnonzero((belief.value == belief.meant) & ~np.isnan(away[:, 0]))
    value, sure = belief.value.copy(), belief.value_sure.copy()
    by_series: Mask = np.zeros(len(value), dtype=bool) if belief.by_series is None else belief.by_series.copy()
    for number, reading in enumerate(belief.readings):
        if not _is_other_unit(reading, meant) or not len(open_rows):
            continue
        shift = float(np.log(reading.factor / meant.factor))
        chance = _chances(away[open_rows], shift, test, digits(reading)[open_rows], share(reading))
        clear = (chance >= SURE) & ~by_series[open_rows]
        rows = open_rows[clear]
        value[rows], sure[rows], by_series[rows] = number, chance[clear], True
    return replace(belief, value=value, value_sure=sure, by_series=by_series) if by_series.any() else belief


def _is_other_unit(reading: Reading, meant: Reading) -> bool:
    return reading.kind == UNIT and reading is not meant and reading.offset == meant.offset


def _chances(away: Floats, shift: float, test: _Test, digits: Floats, least: float) -> Floats:
    """How likely each is to be in the other unit: expectation maximisation of their share, for a few rounds.

    A factor within what neighbours differ by speaks for no result, it may speak against it.
    """
    converted, written = _nearer(away + shift), _nearer(away)
    close = np.abs(converted) <= max(NEAR * test.deviation, BESIDE * abs(shift))
    like = np.where(close, test.near(converted), 0.0)
    unlike = _near(written, test.deviation) + test.rare(-shift)
    times = like / unlike
    if abs(shift) < CLEAR * test.deviation:
        times = np.minimum(times, 1.0)
    times = times * digits
    share, chance = least, np.zeros(len(away))
    for _ in range(ROUNDS):
        chance = share * times / (share * times + (1 - share))
        share = min(max(float(chance.mean()), least), SELDOM)
    return chance if float(chance.mean()) <= HABIT else np.zeros(len(away))


def _near(away: Floats, deviation: float) -> Floats:
    """The density of a neighbour so far away, Student's t."""
    return np.asarray(0.375 * (1 + (away / deviation) ** 2 / FREEDOM) ** (-(FREEDOM + 1) / 2) / deviation)
