"""How laboratories write results: in their own unit or another's, with < and >, negative and positive, or wrongly."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from isthmus.simulation import care, catalogue, dirt
from isthmus.simulation.column import Floats, Ints, Text, choose, decimal, join, pick
from isthmus.simulation.export import Export

NEGATIVE, POSITIVE = 9189, 9191
SIGNS = pa.array(["", ">", "<"])
OTHER_UNIT_SITE = 0.35  # of the pairs of hospital and test
OTHER_UNIT_ROW = 0.06  # of the rows, against the habit of the hospital
RATES = {
    dirt.UNIT: 0.003, dirt.SWAPPED: 0.002, dirt.BLANK: 0.003, dirt.DUPLICATE: 0.003, dirt.CONFLICT: 0.002,
    dirt.DATE: 0.001, dirt.ANCIENT: 0.0005, dirt.MOJIBAKE: 0.001, dirt.RAGGED: 0.001, dirt.UNKNOWN: 0.002,
}  # fmt: skip
# Analysers stop at these, in the test's first unit.
HIGHEST = {"AFP": 60_500.0, "PIVKA": 30_000.0, "CA199": 1_000.0, "CEA": 1_000.0, "CRP": 200.0}
LOWEST = {"AFP": 1.3, "CRP": 0.8, "TSH": 0.3, "PCT": 0.02, "PSA": 0.1, "DD": 0.1, "HBVDNA": 500.0}
PLAIN_RATES = {dirt.UNIT: 0.003, dirt.BLANK: 0.003, dirt.UNKNOWN: 0.002}


@dataclass(frozen=True, slots=True)
class Written:
    """Results as text, and what that text says: a number (NaN for none), a unit concept (-1), an answer (-1).

    `meant` is the true number in the unit that is written; `sign` is 1 where the text begins with >, 2 with <, else 0.
    """

    result: Text
    unit: Text
    limits: Text
    number: Floats
    unit_concept: Ints
    answer: Ints
    meant: Floats
    sign: Ints


def write(export: Export, labs: care.Labs, site: Ints, error: Ints) -> Written:
    """Results of tests at these hospitals; `error` may say that the unit is wrong or the result is missing."""
    table, units = catalogue.tests(), catalogue.units()
    test = labs.test
    other = _uses_other_unit(export, test, site)
    shift = np.where(table.other_unit[test] >= 0, table.factor[test], 1.0)
    factor = np.where(other, shift, 1.0)
    decimals = np.where(other, table.other_decimals[test], table.decimals[test])
    meant = _rounded(labs.value * factor, decimals)
    # A wrong unit: the number of the one unit beside the name of the other.
    swap = (error == dirt.UNIT) & (table.other_unit[test] >= 0)
    number = _rounded(np.where(swap, labs.value * np.where(other, 1.0, shift), meant), np.where(swap, 2, decimals))
    sign, number = _censored(export, test, number, factor)
    text = join(pick(SIGNS, sign), decimal(number))
    unit = np.where(other, table.other_unit[test], table.unit[test])
    spelled = choose(site % 3 == 2, pick(units.other_spelling, unit), pick(units.spelling, unit))
    numeric = labs.positive < 0
    words = choose(
        site % 4 == 3, pick(pa.array(["(-)", "(+)"]), labs.positive), pick(pa.array(["阴性", "阳性"]), labs.positive)
    )
    return Written(
        result=choose(numeric, text, words),
        unit=choose(numeric, spelled, None),
        limits=choose(numeric, _limits(test, factor, decimals, site), "阴性"),
        number=np.where(numeric, number, np.nan),
        unit_concept=np.where(numeric & (unit >= 0), units.concept[unit], -1),
        answer=np.where(numeric, -1, np.where(labs.positive == 1, POSITIVE, NEGATIVE)),
        meant=np.where(numeric, meant, np.nan),
        sign=sign,
    )


def wrong(labs: care.Labs, error: Ints) -> Ints:
    """Errors that the rows can have: a test with one unit only cannot be written in another's."""
    possible = (catalogue.tests().other_unit[labs.test] >= 0) & (labs.positive < 0)
    differs = np.abs(np.log(np.where(possible, catalogue.tests().factor[labs.test], 1.0))) > 0.1
    return np.where((error == dirt.UNIT) & ~differs, dirt.CLEAN, error)


def _uses_other_unit(export: Export, test: Ints, site: Ints) -> np.ndarray:
    table = catalogue.tests()
    habit = np.random.default_rng([export.seed, 5]).random((1000, len(table.key))) < OTHER_UNIT_SITE
    against = export.chance(len(test), OTHER_UNIT_ROW)
    return np.asarray((habit[site, test] ^ against) & (table.other_unit[test] >= 0))


def _rounded(value: Floats, decimals: Ints) -> Floats:
    scale = 10.0**decimals
    return np.asarray(np.round(value * scale) / scale)


def _censored(export: Export, test: Ints, number: Floats, factor: Floats) -> tuple[Ints, Floats]:
    """Analysers stop at their limits: what lies beyond is written with < or > and the limit."""
    table = catalogue.tests()
    top, bottom = np.full(len(table.key), np.inf), np.full(len(table.key), -np.inf)
    for key, limit in HIGHEST.items():
        top[table.row(key)] = limit
    for key, limit in LOWEST.items():
        bottom[table.row(key)] = limit
    ceiling, floor = (
        _rounded(top[test] * factor, np.full(len(test), 3)),
        _rounded(bottom[test] * factor, np.full(len(test), 3)),
    )
    above, below = number > ceiling, number < floor
    shown = np.where(above, ceiling, np.where(below, floor, number))
    return np.where(above, 1, np.where(below, 2, 0)), shown


def _limits(test: Ints, factor: Floats, decimals: Ints, site: Ints) -> Text:
    """Reference ranges as they are typed: with a dash, or with two hyphens."""
    table = catalogue.tests()
    low, high = (decimal(_rounded(edge[test] * factor, decimals)) for edge in (table.low, table.high))
    return join(low, choose(site % 2 == 1, "--", "-"), high)
