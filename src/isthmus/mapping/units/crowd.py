"""What all results of a test say of one that stands far out: how many stand there, and how many slips land there.

Where units slip in a known share of all results, a test's own results tell how many land at each number: as many as
stand the factor away, times that share. Where hardly more stand there than would land there, those that do have landed.
Where an illness brings patients to such numbers too, more stand there, and nothing is said. This needs many results of
a test: from few, nobody knows what is seldom. The decimals of a number (digits.py) and what other tests of the same day
say (along.py) are weighed with it.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from isthmus.mapping.units.along import Along
from isthmus.mapping.units.belief import Belief, Column, Floats, Mask
from isthmus.mapping.units.digits import Digits
from isthmus.mapping.units.readings import UNIT, Reading

WIDTHS = (0.1, 0.2, 0.4)  # of the factor: how far around a number is counted
UNSEEN = 0.5  # results that may stand where none was seen (Jeffreys)
BOUND = 2.0  # deviations of a count, by which more than expected stand somewhere for certain
SURE = 0.5  # a person is asked of what is likelier than not
LEAST = 200  # results of a test under one unit, to know how they lie


def told(columns: Sequence[Column], beliefs: Sequence[Belief], slips: float) -> Sequence[Belief]:
    """The beliefs with the rows moved that stand where slips land and results do not. `slips` is their share."""
    digits, along = Digits(columns, beliefs), Along(columns, beliefs)
    written = Counter((column.analyte, column.declared) for column in columns)
    found = []
    for number, (column, belief) in enumerate(zip(columns, beliefs, strict=True)):
        meant = belief.readings[belief.meant]
        others = {
            place: reading for place, reading in enumerate(belief.readings)
            if reading.kind == UNIT and place != belief.meant and reading.offset == meant.offset
            and written[reading.analyte, reading.unit]
        }  # fmt: skip
        if column.declared is not None and others:
            ratios = {
                place: digits.ratio(number, reading) * along.ratio(number, reading) for place, reading in others.items()
            }
            belief = _moved(column, belief, others, ratios, slips)
        found.append(belief)
    return found


def _moved(
    column: Column, belief: Belief, others: dict[int, Reading], beside: dict[int, Floats], slips: float
) -> Belief:
    value, sure = belief.value.copy(), belief.value_sure.copy()
    by_series: Mask = np.zeros(len(value), dtype=bool) if belief.by_series is None else belief.by_series.copy()
    rows = np.flatnonzero((belief.value == belief.meant) & (column.value > 0))
    if len(rows) < LEAST:
        return belief
    level = np.log(column.value[rows])
    for place, reading in others.items():
        shift = float(np.log(reading.factor / belief.readings[belief.meant].factor))
        odds = _odds(level, shift, slips) * beside[place][rows]
        chance = odds / (1 + odds)
        clear = (chance >= SURE) & ~by_series[rows]
        moved = rows[clear]
        value[moved], sure[moved], by_series[moved] = place, chance[clear], True
    return replace(belief, value=value, value_sure=sure, by_series=by_series) if by_series.any() else belief


def _odds(level: Floats, shift: float, slips: float) -> Floats:
    """How many slips land around each number, for one result that stands there by itself."""
    known = np.sort(level)
    narrow = min(WIDTHS) * abs(shift)
    landed = slips * _density(known, level + shift, narrow)
    alone = np.full(len(level), np.inf)
    for width in (share * abs(shift) for share in WIDTHS):
        # Tails bend upwards towards the middle: what a wider window holds on average is never less than its centre.
        more = _counted(known, level, width) - slips * _counted(known, level + shift, width)
        alone = np.minimum(alone, (np.maximum(more, 0.0) + UNSEEN) / (2 * width))
    there = _counted(known, level, narrow)
    certain = (there - BOUND * np.sqrt(there)) / (2 * narrow) - landed
    return np.asarray(landed / np.maximum(alone, certain))


def _density(known: Floats, level: Floats, width: float) -> Floats:
    return _counted(known, level, width) / (2 * width)


def _counted(known: Floats, level: Floats, width: float) -> Floats:
    return np.asarray(np.searchsorted(known, level + width) - np.searchsorted(known, level - width), dtype=np.float64)
