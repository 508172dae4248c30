"""How many decimals a number has, against those that its site writes in this unit and others write in another.

A laboratory prints the results of a test with as many decimals as its analyser gives in that unit. A number with more
than all others of its column, and as many as the test has in another unit, has come from there. How often a digit too
many means nothing is counted on tests that have one unit only.

A laboratory that converts all results before it prints them writes some numbers only: 0.83 times what the analyser gave
to one decimal is 10.87 or 10.96, and never 10.90. A number between them was not converted.
"""

from collections.abc import Sequence

import numpy as np

from isthmus.mapping.units.belief import Belief, Column, Floats, Ints, Mask
from isthmus.mapping.units.readings import SAME, UNIT, Reading

MOST = 5  # decimals beyond which numbers are computed ones, and tell nothing
ENOUGH = 50  # results of a site in a column, to know its decimals
USUAL = 0.98  # of these have no more than its usual decimals
SOME, MOSTLY = 30, 0.9  # different numbers of a site, and the share of them that are converted ones, if results are
THIN = 0.5  # of all numbers with so many decimals are converted ones, at most: else that most are says nothing
SELDOM, AROUND = 0.02, 0.15  # at most so many times as often as the numbers around, within this share, a slip stands
RARE, WEIGHT = 0.001, 1000.0  # how often one more is written for no reason, before any was seen; rows it weighs
AGAINST = 0.1  # decimals speak against another unit by this much at most: who copies a number may round it


class Digits:
    """What decimals say of all columns of some results."""

    def __init__(self, columns: Sequence[Column], beliefs: Sequence[Belief]) -> None:
        self.columns, self.beliefs = columns, beliefs
        self.decimals = [_decimals(column.value) for column in columns]
        self.usual = [_usual(column, own) for column, own in zip(columns, self.decimals, strict=True)]
        odd, rows = 0.0, 0.0
        for belief, own, usual in zip(beliefs, self.decimals, self.usual, strict=True):
            if sum(reading.kind == UNIT for reading in belief.readings) == 1:
                known = (usual >= 0) & (own >= 0)
                odd, rows = odd + float((known & (own > usual)).sum()), rows + float(known.sum())
        self.rare = (odd + RARE * WEIGHT) / (rows + WEIGHT)

    def ratio(self, number: int, reading: Reading) -> Floats:
        """How much likelier the decimals of each row of a column are in another unit than in its own; 1 if unknown."""
        own, usual, column = self.decimals[number], self.usual[number], self.columns[number]
        known = (own >= 0) & (usual >= 0)
        elsewhere = self._elsewhere(number, reading)
        if elsewhere is None or not known.any():
            return np.ones(len(own))
        place = np.unique(column.site, return_inverse=True)[1]
        counts = np.zeros((int(place.max()) + 1, MOST + 1))
        np.add.at(counts, (place[known], own[known]), 1.0)
        here = (counts / np.maximum(counts.sum(axis=1, keepdims=True), 1.0))[place, np.maximum(own, 0)]
        by_zeros = 10.0 ** -np.maximum(usual - own, 0).astype(np.float64)  # digits that end in zeros are not seen
        unconverted = _unconverted(self.columns[number], self._factor(number, reading), _most(elsewhere))
        here = np.where((own > usual) | unconverted, self.rare, np.maximum(here, by_zeros))
        return np.where(known, np.maximum(elsewhere[np.maximum(own, 0)] / here, AGAINST), 1.0)

    def _factor(self, number: int, reading: Reading) -> float:
        belief = self.beliefs[number]
        return reading.factor / belief.readings[belief.meant].factor

    def _elsewhere(self, number: int, reading: Reading) -> Floats | None:
        """The shares of decimals where the test is written in this unit; None where it is nowhere."""
        counts = np.zeros(MOST + 1)
        for column, belief, own in zip(self.columns, self.beliefs, self.decimals, strict=True):
            meant = belief.readings[belief.meant]
            same = column.analyte == reading.analyte and abs(np.log(meant.factor / reading.factor)) < SAME
            if same and column is not self.columns[number]:
                counts += np.bincount(own[own >= 0], minlength=MOST + 1)
        return (counts + 0.5) / (counts.sum() + 0.5 * (MOST + 1)) if counts.sum() >= ENOUGH else None


def _decimals(numbers: Floats) -> Ints:
    """Decimal places that are not zero; -1 where there are more than MOST, or no number."""
    found = np.full(len(numbers), -1)
    for places in range(MOST, -1, -1):
        with np.errstate(invalid="ignore"):
            found[np.abs(np.round(numbers, places) - numbers) <= 1e-9 * np.maximum(np.abs(numbers), 1.0)] = places
    return found


def _unconverted(column: Column, factor: float, decimals: int) -> Mask:
    """Numbers that are none with so many decimals times the factor, at sites where all others are.

    What is written again and again, against the converted numbers around it, is a limit of the analyser, and no result.
    """
    off = np.zeros(len(column.value), dtype=bool)
    for site in np.unique(column.site):
        rows = np.flatnonzero((column.site == site) & (column.value > 0))
        different, which, times = np.unique(column.value[rows], return_inverse=True, return_counts=True)
        places = _most(np.bincount(np.maximum(_decimals(different), 0), minlength=MOST + 1)) if len(different) else 0
        if len(different) < SOME or 10.0**-places > THIN * factor * 10.0**-decimals:
            continue
        each = (
            np.abs(np.round(different / one, decimals) * one - different) <= 0.501 * 10.0**-places
            for one in _written(factor)
        )
        near = max(each, key=lambda one: int(one.sum()))
        if near.mean() >= MOSTLY:
            off[rows] = (~near & (times <= np.maximum(1.0, SELDOM * _around(different, times, near))))[which]
    return off


def _around(different: Floats, times: Ints, near: Mask) -> Floats:
    """How often the converted numbers around each number are written, on average; 0 where none stands near."""
    known, upto = different[near], np.append(0, np.cumsum(times[near]))
    first, last = (np.searchsorted(known, different * share) for share in (1 - AROUND, 1 + AROUND))
    return np.asarray((upto[last] - upto[first]) / np.maximum(last - first, 1))


def _written(factor: float) -> list[float]:
    """The factor, and as laboratories shorten it or what it is the inverse of: 17.1 for 17.104, 0.83 and 1 / 1.21."""
    short = {float(f"{factor:.{digits}g}") for digits in (2, 3, 4)}
    return sorted({factor} | short | {1 / float(f"{1 / factor:.{digits}g}") for digits in (2, 3, 4)})


def _most(counts: Floats | Ints) -> int:
    """The decimals that nearly all have no more of."""
    return int(np.argmax(np.cumsum(counts) >= USUAL * counts.sum()))


def _usual(column: Column, decimals: Ints) -> Ints:
    """For each row the decimals that its site has in this column; -1 where it has too few results."""
    usual = np.full(len(decimals), -1)
    for site in np.unique(column.site):
        rows = np.flatnonzero((column.site == site) & (decimals >= 0))
        if len(rows) >= ENOUGH:
            usual[rows] = _most(np.bincount(decimals[rows], minlength=MOST + 1))
    return usual
