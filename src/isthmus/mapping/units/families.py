"""The families of errors, read off the belief about a column: which rows, and what would mend them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from isthmus.mapping.units.belief import Belief, Column, Floats, Ints, Mask
from isthmus.mapping.units.limits import Slips, mistyped
from isthmus.mapping.units.readings import NOTHING, OTHER, SCALE, UNIT, usual

FAMILIES = (
    "wrong-unit", "wrong-scale", "wrong-analyte", "unit-conflict", "range-typed", "range-foreign", "mixed-units",
    "implausible",
)  # fmt: skip
CONVERT, MEND, RELABEL, ASIDE, DROP, LOOK = "convert", "mend-range", "relabel", "set-aside", "drop-range", "look"
COARSE = 0.25
"""A step of the last digit wider than this share of the reference range says too little once it is converted."""
FEW = 3  # rows of a site without ranges that must agree before their numbers alone name another analyte


@dataclass(frozen=True, slots=True)
class Case:
    """Rows of one site with one error. `reading` (an index of the belief's readings) is what they are in truth.

    value · factor + offset is in the unit that is meant; the limits are multiplied by `low` and `high`.
    """

    family: str
    rows: Ints
    reading: int
    action: str
    factor: float = 1.0
    offset: float = 0.0
    low: float = 1.0
    high: float = 1.0


def cases(column: Column, belief: Belief) -> Iterator[Case]:
    """All cases of a column. A row may be in several: its value in a wrong unit, and its range in another."""
    slips = mistyped(column, belief)
    codes = column.site, belief.value, belief.range, slips.low, slips.high
    wrong = (belief.value != belief.meant) | ((belief.range >= 0) & (belief.range != belief.meant)) | slips.rows
    rows = np.flatnonzero(wrong)
    if len(rows):
        _, group = np.unique(np.stack([np.asarray(code[rows], dtype=np.float64) for code in codes]), axis=1,
                             return_inverse=True)  # fmt: skip
        for number in range(int(group.max()) + 1):
            members = rows[group.ravel() == number]
            yield from _of_values(column, belief, members)
            yield from _of_ranges(column, belief, members, slips)
    yield from _mixed(column, belief)
    if column.foreign:
        yield from _foreign(column, belief)


def _foreign(column: Column, belief: Belief) -> Iterator[Case]:
    """Values that fit the unit that is meant, beside a unit of another quantity: the number stays, the unit changes."""
    fitting = (belief.value == belief.meant) & (column.value > 0)
    for site in np.unique(column.site[fitting]):
        yield Case("wrong-unit", np.flatnonzero(fitting & (column.site == site)), belief.meant, CONVERT)


def _of_values(column: Column, belief: Belief, rows: Ints) -> Iterator[Case]:
    """What is wrong with the values of rows that are alike."""
    number, into = int(belief.value[rows[0]]), int(belief.range[rows[0]])
    reading, meant = belief.readings[number], belief.readings[belief.meant]
    if number == belief.meant:
        return
    if reading.kind in (UNIT, SCALE):
        family = "wrong-unit" if reading.kind == UNIT else "wrong-scale"
        factor, offset = reading.factor / meant.factor, (reading.offset - meant.offset) / meant.factor
        action = ASIDE if _coarse(column, rows, reading.factor) else CONVERT
        limits = factor if into == number else 1.0
        yield Case(family, rows, number, action, factor, offset, limits, limits)
    elif reading.kind == OTHER and _named(column, belief, rows):
        yield Case("wrong-analyte", rows, number, RELABEL)
    else:
        yield Case("implausible", rows, number, ASIDE)


def _of_ranges(column: Column, belief: Belief, rows: Ints, slips: Slips) -> Iterator[Case]:
    """What is wrong with the ranges of rows that are alike, where it is not what is wrong with their values."""
    number, into = int(belief.value[rows[0]]), int(belief.range[rows[0]])
    if into < 0:
        return
    reading, meant, value = belief.readings[into], belief.readings[belief.meant], belief.readings[number]
    low, high = float(slips.low[rows[0]]), float(slips.high[rows[0]])
    if low != 1.0 or high != 1.0:
        yield Case("range-typed", rows, into, MEND, low=low, high=high)
    if into == number or reading.kind == value.kind == OTHER:
        return
    factor = reading.factor / meant.factor
    if reading.kind == value.kind == UNIT:
        yield Case("unit-conflict", rows, into, MEND if into != belief.meant else LOOK, low=factor, high=factor)
    elif reading.kind == SCALE:
        yield Case("range-typed", rows, into, MEND, low=factor, high=factor)
    elif reading.kind in (OTHER, NOTHING):
        yield Case("range-foreign", rows, into, DROP)


def _mixed(column: Column, belief: Belief) -> Iterator[Case]:
    """Sites that write the values of one column in several units: the rows that are not in the site's usual one."""
    own = np.array([reading.kind == UNIT for reading in belief.readings])
    known = own[belief.value] & (column.value > 0)
    for site in np.unique(column.site[known & (belief.value != belief.meant)]):
        rows = np.flatnonzero(known & (column.site == site))
        count = np.bincount(belief.value[rows], minlength=len(own))
        if np.count_nonzero(count) > 1:
            usually = int(np.argmax(count))
            others = rows[belief.value[rows] != usually]
            yield Case("mixed-units", others, int(belief.value[others[0]]), LOOK)


def _named(column: Column, belief: Belief, rows: Ints) -> bool:
    """Whether the rows' ranges, or enough rows of their site without ranges, say which other analyte it is."""
    number, into = int(belief.value[rows[0]]), int(belief.range[rows[0]])
    analyte = belief.readings[number].analyte
    if into >= 0:
        beside = belief.readings[into]
        return beside.kind == OTHER and beside.analyte == analyte
    alike: Mask = (column.site == column.site[rows[0]]) & (belief.value == number)
    return int(alike.sum()) >= FEW


def _coarse(column: Column, rows: Ints, factor: float) -> bool:
    known = usual()[column.analyte]
    return _step(column.value[rows]) * factor > COARSE * (known.high - known.low)


def _step(numbers: Floats) -> float:
    """The last decimal place that any of the numbers has."""
    some = numbers[~np.isnan(numbers)]
    for decimals in range(6):
        if np.all(np.abs(np.round(some, decimals) - some) < 1e-9 * np.maximum(np.abs(some), 1.0)):
            return float(10.0**-decimals)
    return 1e-6
