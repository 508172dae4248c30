"""Drift: years in which a site's results or codes are distributed otherwise than in those before."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

BEFORE = 3  # years at most that a year is held against
FEWEST_YEARS = 2  # of them at least


@dataclass(frozen=True, slots=True)
class Drift:
    """A year that was compared: its least distance from one of the years before it, from 0 to 1, the greatest chance of
    such a distance, and how many are compared in it.

    `here` and `usual` are the medians of results, 0 for codes; `code` is that whose share changed most, 0 for results.
    """

    year: int
    distance: float
    chance: float
    compared: int
    here: float = 0.0
    usual: float = 0.0
    code: int = 0


def of_results(years: np.ndarray, values: np.ndarray, *, fewest: int) -> Iterator[Drift]:
    """Each year's results against those of the years before it (Kolmogorov–Smirnov); one value of a person and year."""
    by_year = {int(year): values[years == year] for year in np.unique(years)}
    large = [year for year, own in by_year.items() if len(own) >= fewest]
    for year, before in _held(large):
        found = [stats.ks_2samp(by_year[year], by_year[other], method="asymp") for other in before]
        usual = np.concatenate([by_year[other] for other in before])
        yield Drift(
            year, min(float(one.statistic) for one in found), max(float(one.pvalue) for one in found),
            len(by_year[year]), float(np.median(by_year[year])), float(np.median(usual)),
        )  # fmt: skip


def of_codes(
    codes: np.ndarray, counts: np.ndarray, people: np.ndarray, *, years: np.ndarray, fewest: int
) -> Iterator[Drift]:
    """Each year's mix of codes against those of the years before it (Jensen–Shannon divergence in bits).

    `counts`: persons with a code (rows) in a year (columns); `people`: persons of each year. The chance is that of the
    chi-squared test of the two mixes, its statistic divided by the codes that a person has at the mean.
    """
    each = max(1.0, float(counts.sum() / max(people.sum(), 1)))
    columns = {int(year): place for place, year in enumerate(years)}
    large = [year for year, place in columns.items() if people[place] >= fewest and counts[:, place].sum()]
    for year, before in _held(large):
        here = counts[:, columns[year]]
        others = [counts[:, columns[other]] for other in before]
        mixes = [(here / here.sum(), usual / usual.sum()) for usual in others]
        far = [jensen_shannon(*mix) for mix in mixes]
        near = mixes[int(np.argmin(far))]
        most = int(codes[np.argmax(np.abs(near[0] - near[1]))])
        chance = max(_alike(here, usual, each) for usual in others)
        yield Drift(year, min(far), chance, int(people[columns[year]]), code=most)


def _held(years: Sequence[int]) -> Iterator[tuple[int, Sequence[int]]]:
    """Each year with the last ones before it.

    A year is told only where it differs from all of them: so one odd year does not make the next look odd, and what
    changes for good is told once.
    """
    ordered = sorted(years)
    for place, year in enumerate(ordered):
        before = ordered[max(0, place - BEFORE) : place]
        if len(before) >= FEWEST_YEARS:
            yield year, before


def _alike(here: np.ndarray, usual: np.ndarray, each: float) -> float:
    """The chance that two mixes of codes are of one."""
    both = np.stack([here, usual])[:, here + usual > 0]
    if both.shape[1] < 2:
        return 1.0
    statistic, _, degrees, _ = stats.chi2_contingency(both, correction=False)
    return float(stats.chi2.sf(statistic / each, degrees))


def jensen_shannon(p: np.ndarray, q: np.ndarray) -> float:
    """The divergence of two distributions in bits, from 0 (the same) to 1 (nothing in common)."""
    m = (p + q) / 2
    return float(
        sum(0.5 * np.sum(one * np.log2(np.divide(one, m, out=np.ones_like(m), where=one > 0))) for one in (p, q))
    )
