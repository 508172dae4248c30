"""Laboratory results of several hospitals with errors of units put in on purpose, and the truth beside them.

For judging a detector: unlike the exports of `lis`, whole hospitals may write in another unit here, results of another
analyte stand in a test's place, and reference ranges are typed wrongly.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from isthmus.simulation import catalogue
from isthmus.simulation.column import Floats, Ints, Mask, Text, pick

NOTHING, UNIT, SCALE, ANALYTE, TYPED, CONFLICT = range(6)
FAMILIES = ("", "wrong-unit", "wrong-scale", "wrong-analyte", "range-typed", "unit-conflict")
SWAPS = (("INR", "PT"), ("CREA", "GLU"), ("HGB", "HCT"), ("CREA", "BUN"), ("ALB", "TP"))
"""A test, and the one whose results stand in its place."""
ALIKE = ("PLT", "CREA", "DD", "INR", "PT")
"""Tests at which ten times the number, or a tenth, is something else: 10*4/uL, mg/L (8.84), mg/dL, seconds."""


@dataclass(frozen=True, slots=True)
class Rates:
    """How often: `site` of the pairs of hospital and test have a family as a habit, `row` of the rows by slip."""

    site: float = 0.03
    row: float = 0.003


def laboratory(rows: int, sites: int, seed: int, rates: Rates | None = None, *, units: bool = True) -> pa.Table:
    """Results: site, analyte, value, unit, low, high, and the true `family` ("" for none) of each row.

    With `units` false, no unit is told, as on many research forms: every hospital then writes the catalogue's unit but
    for the errors.
    """
    rng = np.random.default_rng([seed, 31])
    rates = rates or Rates()
    table = catalogue.tests()
    keys = np.array(table.key)
    known = np.flatnonzero((table.unit >= 0) & ~np.isin(keys, ["HBVDNA", "BNP"]))
    test = rng.choice(known, rows)
    site = rng.integers(0, sites, rows)
    value = _drawn(rng, test)
    jitter = rng.normal(0.0, 0.05, (2, sites, len(keys)))
    low = table.low[test] * np.exp(jitter[0, site, test])
    high = table.high[test] * np.exp(jitter[1, site, test])
    family = _families(rng, site, test, rates, sites)
    value, low, high = _spoiled(rng, test, family, (value, low, high))
    decimals = table.decimals[test]
    texts = pick(catalogue.units().spelling, table.unit[test])
    return pa.table(
        {
            "site": _named(site),
            "analyte": pa.array(keys[test]),
            "value": _rounded(value, decimals + 1),
            "unit": texts if units else pa.nulls(rows, pa.string()),
            "low": pa.array(_rounded(low, decimals + 1), mask=table.low[test] == 0),
            "high": _rounded(high, decimals + 1),
            "family": pa.array(np.array(FAMILIES)[family]),
        }
    )


def _named(site: Ints) -> Text:
    return pa.array([f"h{number:02d}" for number in range(1, int(site.max()) + 2)]).take(pa.array(site))


def _drawn(rng: np.random.Generator, test: Ints) -> Floats:
    """Most are healthy in this, a quarter ill, with a long tail to the side on which the ill lie."""
    table = catalogue.tests()
    healthy = np.maximum(rng.normal(table.mean[test], table.sd[test]), table.mean[test] * 0.2)
    spread = np.clip(table.sd[test] / table.mean[test], 0.02, 0.8)
    ill = table.mean[test] * np.exp(rng.standard_t(6, len(test)).clip(-4, 4) * spread)
    return np.asarray(np.where(rng.random(len(test)) < 0.25, ill, healthy))


def _families(rng: np.random.Generator, site: Ints, test: Ints, rates: Rates, sites: int) -> Ints:
    """The family of each row: the habit of its hospital for that test, or a slip of its own."""
    count = len(catalogue.tests().key)
    usual = rng.choice(len(FAMILIES), (sites, count), p=_odds(rates.site, habit=True))
    slip = rng.choice(len(FAMILIES), len(test), p=_odds(rates.row, habit=False))
    family = np.where(slip > 0, slip, usual[site, test])
    table = catalogue.tests()
    keys = np.array(table.key)
    possible = {
        SCALE: ~(_of_ten() | np.isin(keys, ALIKE))[test],
        UNIT: _convertible()[test], CONFLICT: _convertible()[test], TYPED: table.low[test] > 0,
        ANALYTE: np.isin(test, [table.row(one) for one, _ in SWAPS]),
    }  # fmt: skip
    for one, mask in possible.items():
        family[(family == one) & ~mask] = NOTHING
    return np.asarray(family)


def _odds(rate: float, *, habit: bool) -> Floats:
    families = [UNIT, SCALE, ANALYTE] if habit else [UNIT, SCALE, TYPED, CONFLICT]
    odds = np.zeros(len(FAMILIES))
    odds[families] = rate
    odds[NOTHING] = 1 - odds.sum()
    return odds


def _convertible() -> Mask:
    """Tests whose other unit gives numbers that are clearly different."""
    table = catalogue.tests()
    return np.asarray((table.other_unit >= 0) & (np.abs(np.log(np.where(table.factor > 0, table.factor, 1.0))) > 1.0))


def _of_ten() -> Mask:
    """Tests whose other unit is a power of ten away: there a wrong scale is that unit."""
    table = catalogue.tests()
    power = np.log10(np.where(table.other_unit >= 0, table.factor, 1.0))
    return np.asarray((np.abs(power - np.round(power)) < 0.01) & (power != 0))


def _spoiled(
    rng: np.random.Generator, test: Ints, family: Ints, numbers: tuple[Floats, Floats, Floats]
) -> tuple[Floats, Floats, Floats]:
    """The numbers as the errors leave them. A slip of one row leaves its range, a hospital's habit changes it too."""
    table = catalogue.tests()
    value, low, high = (part.copy() for part in numbers)
    factor = np.where(table.other_unit[test] >= 0, table.factor[test], 1.0)
    ten = np.where(rng.random(len(test)) < 0.5, 10.0, 0.1)
    together = rng.random(len(test)) < 0.9
    for one, change in ((UNIT, factor), (SCALE, ten)):
        rows = family == one
        value[rows] *= change[rows]
        low[rows & together] *= change[rows & together]
        high[rows & together] *= change[rows & together]
    for mine, theirs in SWAPS:
        rows = np.flatnonzero((family == ANALYTE) & (test == table.row(mine)))
        other = np.full(len(rows), table.row(theirs))
        value[rows], low[rows], high[rows] = _drawn(rng, other), table.low[other], table.high[other]
    rows = family == TYPED
    high[rows] *= ten[rows]
    rows = family == CONFLICT
    low[rows], high[rows] = low[rows] * factor[rows], high[rows] * factor[rows]
    return value, low, high


def _rounded(numbers: Floats, decimals: Ints) -> Floats:
    """As many digits as a laboratory writes, and never fewer than three that count."""
    with np.errstate(divide="ignore"):
        size = np.floor(np.log10(np.abs(np.where(numbers == 0, 1.0, numbers))))
    places = np.maximum(decimals, 2 - size)
    return np.asarray(np.round(numbers * 10.0**places) / 10.0**places)
