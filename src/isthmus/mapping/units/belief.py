"""How well each reading explains each row: its value, its reference range, and what the rest of the site does.

A column is what one analyte's results under one declared unit hold, at all sites. A reading is believed where value and
range together fit it at least a thousand times better than the unit that is meant (an anchor), or where such anchors
have shown that the site writes so. A long tail of a disease is therefore no wrong unit: no anchor lies in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isthmus.mapping.units.readings import NOTHING, OTHER, SCALE, UNIT, Reading, Usual, readings, scales, usual

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

ANCHOR = float(np.log(1000.0))
APART = 0.03  # a priori, a value and its range stand in two different units
IMPOSSIBLE = -20.0  # logarithm of the density of a value that no living patient has
NOWHERE = -3.5  # of a number about which nothing is known: one over the span of laboratory numbers
MISTYPED = 0.02  # a priori, a limit was typed wrongly
HEALTHY, ILL, ANYTHING = 0.70, 0.27, 0.03  # of patients: as the limits say, widely around them, anywhere that occurs
TARGETED = -3.0  # logarithm of how seldom a range for treatment is written in the place of one for health
FREEDOM = 4.0  # of Student's t for limits: laboratories differ in them more often than a normal curve allows
TRUSTED = 5  # limits, or sites, that weigh as much as the facts
SITES_COUNT = 20.0  # rows for which a site counts at most, and that weigh as much as what was known before
FEW_ROWS = 2.0  # rows of a site that weigh as much as what is known from all sites
SELDOM, MEANT = 0.02, 0.2  # at most this share of all rows at a wrong scale; at least this share as it is meant
ROUNDS = 4
ENOUGH = 40  # rows after which the centre of the values is taken from them


@dataclass(frozen=True, slots=True)
class Column:
    """Results of one analyte under one declared unit (a UCUM code, None where none is told); NaN where missing.

    All arrays have one element per row. `site` holds small integers, and so do `person`, -1 where nobody is told, and
    `turn`, by which the results of a person follow each other. `foreign`: the unit that is written is one of another
    quantity, so it tells nothing.
    """

    analyte: str
    declared: str | None
    site: Ints
    value: Floats
    low: Floats
    high: Floats
    foreign: bool = False
    person: Ints | None = None
    turn: Ints | None = None


@dataclass(frozen=True, slots=True)
class Belief:
    """For each row the reading of its value and of its range (-1: it has none), and how sure each is (0 to 1).

    `meant` is the reading that the declared unit says, or where none is told, the one that most rows have. `by_series`:
    rows of whose value the other results of their patients tell (see series.py); None where of none.
    """

    readings: Sequence[Reading]
    meant: int
    value: Ints
    range: Ints
    value_sure: Floats
    range_sure: Floats
    limits: tuple[float, float]
    by_series: Mask | None = None


def weigh(column: Column) -> Belief:
    """The belief about a column of one analyte known to `usual()`."""
    known = usual()[column.analyte]
    found = readings(column.analyte, column.declared)
    meant = 0 if column.declared is not None else _habit(column, known, found)
    found = [*found[:-1], *scales(found, found[meant]), found[-1]]
    centre, limits = _centred(column, known, found[meant])
    values = _of_values(column, found, centre)
    ranges = _of_ranges(column, found, limits, _spread(column, known, found[meant]))
    has_range = ~(np.isnan(column.low) & np.isnan(column.high))
    other = np.array([reading.kind == OTHER for reading in found])
    values -= ANCHOR * np.outer(~has_range, other)  # a number alone seldom names another analyte
    share, allowed = _shares(column.site, (values, ranges), found, meant)
    of_value = _weights(values, ranges, share, allowed[0])
    of_range = _weights(ranges, values, share, allowed[1])
    into = np.where(has_range, np.argmax(of_range, axis=1), -1)
    value_sure, range_sure = (np.asarray(np.exp(np.max(weight, axis=1))) for weight in (of_value, of_range))
    return Belief(found, meant, np.argmax(of_value, axis=1), into, value_sure, range_sure, limits)


def _habit(column: Column, known: Usual, found: Sequence[Reading]) -> int:
    """The unit that explains most rows of all sites, each site counting for at most twenty rows."""
    own = [number for number, reading in enumerate(found) if reading.kind == UNIT]
    some = [found[number] for number in own]
    fit = _of_values(column, some, known.centre) + _of_ranges(column, some, _usual_limits(known), known.spread)
    _, position, count = np.unique(column.site, return_inverse=True, return_counts=True)
    weight = np.minimum(1.0, SITES_COUNT / count[position])
    best = np.argmax(fit, axis=1)
    return own[int(np.argmax(np.bincount(best, weights=weight, minlength=len(own))))]


def _usual_limits(known: Usual) -> tuple[float, float]:
    return (float(np.log(known.low)) if known.low > 0 else np.nan, float(np.log(known.high)))


def _centred(column: Column, known: Usual, meant: Reading) -> tuple[float, tuple[float, float]]:
    """The centre of the values and the usual limits, drawn from the facts towards what these rows show."""
    centre = known.centre
    value = _logged(column.value, meant)
    fitting = value[(value > np.log(known.floor)) & (value < np.log(known.ceiling))]
    if len(fitting) >= ENOUGH:
        centre = float(np.clip(np.median(fitting), centre - 2 * known.width, centre + 2 * known.width))
    limits = []
    for usually, numbers in zip(_usual_limits(known), (column.low, column.high), strict=True):
        written = np.unique(np.round(_logged(numbers, meant), 6))
        near = written[np.abs(written - usually) < 4 * known.spread]
        limits.append((usually * TRUSTED + float(near.sum())) / (TRUSTED + len(near)))
    return centre, (limits[0], limits[1])


def _spread(column: Column, known: Usual, meant: Reading) -> float:
    """How much laboratories differ in the upper limit: the facts, drawn towards the sites at hand."""
    upper = _logged(column.high, meant)
    near = np.abs(upper - _usual_limits(known)[1]) < 4 * known.spread
    sites = np.unique(column.site[near])
    if len(sites) < 3:
        return known.spread
    middles = np.array([np.median(upper[near & (column.site == site)]) for site in sites])
    seen = 1.48 * float(np.median(np.abs(middles - np.median(middles))))
    both = (TRUSTED * known.spread**2 + len(sites) * seen**2) / (TRUSTED + len(sites))
    return float(np.clip(np.sqrt(both), known.spread / 2, known.spread))


def _logged(numbers: Floats, reading: Reading) -> Floats:
    """Logarithms in the canonical unit; NaN for what is missing, zero or below."""
    value = numbers * reading.factor + reading.offset
    return np.asarray(np.log(np.where((numbers > 0) & (value > 0), value, np.nan)))


def _of_values(column: Column, found: Sequence[Reading], centre: float) -> Floats:
    """Log densities, rows by readings. A missing value says nothing: all its densities are equal."""
    fit = np.zeros((len(column.value), len(found)))
    for number, reading in enumerate(found):
        if reading.kind == NOTHING:
            fit[:, number] = NOWHERE
            continue
        known = usual()[reading.analyte]
        middle = centre if reading.analyte == column.analyte else known.centre
        fit[:, number] = _density(_logged(column.value, reading), known, middle)
    fit[~(column.value > 0)] = 0.0
    return fit


def _density(value: Floats, known: Usual, middle: float) -> Floats:
    """The healthy, the ill around them, and a thin layer of everything that occurs."""
    floor, ceiling = np.log(known.floor), np.log(known.ceiling)
    wide = max(3.0 * known.width, (ceiling - floor) / 8)
    density = HEALTHY * _normal(value, middle, known.width) + ILL * _normal(value, middle, wide)
    density += ANYTHING / (ceiling - floor)
    inside = (value >= floor - 1e-9) & (value <= ceiling + 1e-9)
    return np.where(inside, np.log(density), IMPOSSIBLE)


def _normal(value: Floats, middle: float, deviation: float) -> Floats:
    return np.asarray(np.exp(-0.5 * ((value - middle) / deviation) ** 2) / (deviation * np.sqrt(2 * np.pi)))


def _of_ranges(column: Column, found: Sequence[Reading], limits: tuple[float, float], spread: float) -> Floats:
    """Log densities of both limits, rows by readings. A limit that is missing or zero says nothing."""
    fit = np.zeros((len(column.value), len(found)))
    for number, reading in enumerate(found):
        known = usual()[reading.analyte]
        own = reading.analyte == column.analyte
        expected, wide = (limits, spread) if own else (_usual_limits(known), known.spread)
        targets = [expected, *((float(np.log(one)), float(np.log(other))) for one, other in known.targets)]
        if reading.kind == NOTHING:
            both = [_unknown(column.low) + _unknown(column.high)]
        else:
            low, high = _logged(column.low, reading), _logged(column.high, reading)
            both = [_near(low, pair[0], wide) + _near(high, pair[1], wide) for pair in targets]
        fit[:, number] = np.logaddexp.reduce(np.stack([both[0], *(one + TARGETED for one in both[1:])]), axis=0)
    return fit


def _unknown(numbers: Floats) -> Floats:
    return np.where(numbers > 0, NOWHERE, 0.0)


def _near(limit: Floats, expected: float, spread: float) -> Floats:
    if np.isnan(expected):  # health has no lower limit here, so one that is written may be anything small
        return np.where(np.isnan(limit), 0.0, NOWHERE)
    density = 0.375 * (1 + ((limit - expected) / spread) ** 2 / FREEDOM) ** (-(FREEDOM + 1) / 2) / spread
    return np.where(np.isnan(limit), 0.0, np.log((1 - MISTYPED) * density + MISTYPED * np.exp(NOWHERE)))


def _shares(site: Ints, parts: Sequence[Floats], found: Sequence[Reading], meant: int) -> tuple[Floats, list[Mask]]:
    """The share of each reading at a row's site (logarithm), and for each part (values, ranges) the readings that
    are anchored: by the row itself or by its site. All are rows by readings.

    Shares begin with the anchors; then rows of a site decide together, for a few rounds of expectation maximisation.
    """
    prior = np.array([reading.prior for reading in found])
    scarce = np.array([reading.kind in (NOTHING, SCALE) for reading in found])
    sites, place = np.unique(site, return_inverse=True)
    anchors = [_anchors(part, beside, found, meant) for part, beside in (parts, parts[::-1])]
    counts = _summed(place, len(sites), [0.5 * anchor for anchor in anchors])
    allowed = [anchor | (counts >= 0.5)[place] for anchor in anchors]
    for mask in allowed:
        mask[:, meant] = True
    for _ in range(ROUNDS):
        pooled = _normed(counts.sum(axis=0) + SITES_COUNT * _normed(prior))
        pooled = np.where(scarce, np.minimum(pooled, SELDOM), pooled)
        pooled[meant] = max(pooled[meant], MEANT)
        share = np.log(_normed(counts + FEW_ROWS * pooled)[place])
        pairs = zip(parts, parts[::-1], allowed, strict=True)
        weights = [np.exp(_weights(part, beside, share, mask)) for part, beside, mask in pairs]
        counts = _summed(place, len(sites), [0.5 * weight for weight in weights])
    return share, allowed


def _anchors(part: Floats, beside: Floats, found: Sequence[Reading], meant: int) -> Mask:
    """Where a row's best reading explains it a thousand times better than the one that is meant, or is that one.

    A wrong scale must be so much better than every unit of the analyte: laboratories change units, and seldom scales.
    """
    prior = np.array([reading.prior for reading in found])
    scale, unit = (np.array([reading.kind == kind for reading in found]) for kind in (SCALE, UNIT))
    fit = part + _together(beside, np.log(_normed(prior)))
    weak = scale & (fit < fit[:, unit].max(axis=1)[:, None] + ANCHOR)
    best = np.argmax(np.where(weak, -np.inf, fit + np.log(prior)), axis=1)[:, None]
    gain = np.take_along_axis(fit, best, axis=1) - fit[:, [meant]]
    anchor = np.zeros(fit.shape, dtype=bool)
    np.put_along_axis(anchor, best, (gain >= ANCHOR) | (best == meant), axis=1)
    return anchor


def _summed(place: Ints, sites: int, weights: Sequence[npt.NDArray[np.floating]]) -> Floats:
    """Sums by site and reading."""
    counts = np.zeros((sites, weights[0].shape[1]))
    for weight in weights:
        np.add.at(counts, place, weight)
    return counts


def _normed(counts: Floats) -> Floats:
    return np.asarray(counts / counts.sum(axis=-1, keepdims=True))


def _together(beside: Floats, share: Floats) -> Floats:
    """What the other part says of each reading: it stands in the same one, or, seldom, in any other."""
    others = np.logaddexp.reduce(beside + share, axis=1)[:, None]
    return np.asarray(np.logaddexp(np.log1p(-APART) + beside, np.log(APART) + others))


def _weights(fit: Floats, beside: Floats, share: Floats, allowed: Mask) -> Floats:
    """Logarithms of the probabilities of the readings of one part of the rows, the other part beside it."""
    weight = np.where(allowed, fit + share + _together(beside, share), -np.inf)
    return np.asarray(weight - np.logaddexp.reduce(weight, axis=1)[:, None])
