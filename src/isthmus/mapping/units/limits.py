"""Reference ranges that were typed wrongly: one limit a power of ten away, or the limits of another analyte's test."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from isthmus.mapping.units.belief import Belief, Column, Floats, Ints, Mask
from isthmus.mapping.units.readings import NOTHING, OTHER, POWERS, SCALE, UNIT, Reading, usual

FAR = 5.0  # spreads away from usual limits, beyond which a limit is looked at
NEAR = 2.0  # spreads within which it must come by the power of ten
OFTEN = 3  # times that a site must have written a range for another analyte before one here is taken for it


@dataclass(frozen=True, slots=True)
class Slips:
    """Rows whose lower or upper limit is typed wrongly, and by what each must be multiplied (1 where it is right)."""

    low: Floats
    high: Floats

    @property
    def rows(self) -> Mask:
        """Rows with either."""
        return np.asarray((self.low != 1.0) | (self.high != 1.0))


def mistyped(column: Column, belief: Belief) -> Slips:
    """Limits that a power of ten brings from far away to where laboratories have them, beside one that fits."""
    spread = usual()[column.analyte].spread
    factors = []
    for away, far in _away(column, belief):
        found = np.ones(len(away))
        for power in POWERS:
            found[far & (np.abs(away + np.log(10.0) * power) <= NEAR * spread)] = 10.0**power
        factors.append(found)
    low, high = factors
    return Slips(np.where(high == 1.0, low, 1.0), np.where(low == 1.0, high, 1.0))


def _away(column: Column, belief: Belief) -> Iterator[tuple[Floats, Mask]]:
    """For the lower and the upper limits: logarithms from what is usual, and which are far from it in their unit."""
    known = usual()[column.analyte]
    own = np.array([reading.kind == UNIT for reading in belief.readings])
    factor = np.array([reading.factor for reading in belief.readings])
    reading = np.where(belief.range >= 0, belief.range, belief.meant)
    rows = (belief.range >= 0) & own[reading]
    for limit, expected in zip((column.low, column.high), belief.limits, strict=True):
        away = np.log(np.where(limit > 0, limit * factor[reading], np.nan)) - expected
        yield away, rows & (np.abs(away) > max(FAR * known.spread, np.log(3.0)))


def borrowed(columns: Sequence[Column], beliefs: Sequence[Belief]) -> Sequence[Mapping[tuple[int, float, float], str]]:
    """For each column, ranges that make no sense for it but are what the same site writes for another analyte."""
    written: Counter[tuple[int, float, float, str]] = Counter()
    for column, belief in zip(columns, beliefs, strict=True):
        rows = np.flatnonzero(belief.range == belief.meant)
        written.update((*pair, column.analyte) for pair in _pairs(column, rows))
    lenders: dict[tuple[int, float, float], str] = {}
    for (site, low, high, key), count in written.items():
        if count >= OFTEN:
            lenders[site, low, high] = key
    found = []
    for column, belief in zip(columns, beliefs, strict=True):
        doubtful = np.array([reading.kind in (SCALE, NOTHING) for reading in belief.readings])
        far = np.any([far for _, far in _away(column, belief)], axis=0)
        rows = np.flatnonzero((belief.range >= 0) & (doubtful[belief.range] | far))
        pairs = set(_pairs(column, rows))
        found.append({pair: lenders[pair] for pair in pairs if lenders.get(pair, column.analyte) != column.analyte})
    return found


def moved(column: Column, belief: Belief, ranges: Mapping[tuple[int, float, float], str]) -> Belief:
    """The belief with the rows of borrowed ranges read as the other analyte, value and range."""
    if not ranges:
        return belief
    readings, value, into = list(belief.readings), belief.value.copy(), belief.range.copy()
    value_sure, range_sure = belief.value_sure.copy(), belief.range_sure.copy()
    for (site, low, high), key in ranges.items():
        rows = (column.site == site) & _same(column.low, low) & _same(column.high, high)
        readings.append(Reading(OTHER, key, usual()[key].unit, 1.0, 0.0, 0.0))
        value[rows] = into[rows] = len(readings) - 1
        value_sure[rows] = range_sure[rows] = 0.9
    return Belief(readings, belief.meant, value, into, value_sure, range_sure, belief.limits, belief.by_series)


def _same(numbers: Floats, number: float) -> Mask:
    return np.asarray(np.nan_to_num(numbers, nan=-1.0) == number)


def _pairs(column: Column, rows: Ints) -> list[tuple[int, float, float]]:
    low, high = (np.nan_to_num(numbers[rows], nan=-1.0).tolist() for numbers in (column.low, column.high))
    return list(zip(column.site[rows].tolist(), low, high, strict=True))
