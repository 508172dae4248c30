"""Drift: years in which a site's results or codes are distributed otherwise than in its other years."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
from scipy import stats


@dataclass(frozen=True, slots=True)
class Drift:
    """A year that differs: by how much (a distance from 0 to 1), the chance of that, and how many are compared in it.

    `here` and `usual` are the medians of results, 0 for codes; `code` is that whose share changed most, 0 for results.
    """

    year: int
    distance: float
    chance: float
    compared: int
    here: float = 0.0
    usual: float = 0.0
    code: int = 0


def of_results(years: np.ndarray, values: np.ndarray, *, fewest: int, least: float) -> list[Drift]:
    """Each year's results against those of the other years (Kolmogorov–Smirnov); one value of a person and year."""

    def compared(year: int, others: Collection[int]) -> Drift | None:
        here, usual = values[years == year], values[np.isin(years, list(others))]
        if min(len(here), len(usual)) < fewest:
            return None
        found = stats.ks_2samp(here, usual, method="asymp")
        medians = float(np.median(here)), float(np.median(usual))
        return Drift(year, float(found.statistic), float(found.pvalue), len(here), *medians)

    return _peeled(np.unique(years).tolist(), compared, least)


def of_codes(
    codes: np.ndarray, counts: np.ndarray, people: np.ndarray, *, years: np.ndarray, fewest: int, least: float
) -> list[Drift]:
    """Each year's mix of codes against that of the other years (Jensen–Shannon divergence in bits).

    `counts`: persons with a code (rows) in a year (columns); `people`: persons of each year. The chance is that of the
    chi-squared test of the two mixes, its statistic divided by the codes that a person has at the mean.
    """
    each = max(1.0, float(counts.sum() / max(people.sum(), 1)))

    def compared(year: int, others: Collection[int]) -> Drift | None:
        own, rest = years == year, np.isin(years, list(others))
        here, usual = counts[:, own].sum(axis=1), counts[:, rest].sum(axis=1)
        if min(int(people[own].sum()), int(people[rest].sum())) < fewest or not here.sum() or not usual.sum():
            return None
        p, q = here / here.sum(), usual / usual.sum()
        both = np.stack([here, usual])[:, here + usual > 0]
        statistic, _, degrees, _ = stats.chi2_contingency(both, correction=False) if both.shape[1] > 1 else (0, 1, 1, 0)
        chance = float(stats.chi2.sf(statistic / each, degrees))
        most = int(codes[np.argmax(np.abs(p - q))])
        return Drift(year, jensen_shannon(p, q), chance, int(people[own].sum()), code=most)

    return _peeled(years.tolist(), compared, least)


def _peeled(years: list[int], compared: Callable[[int, Collection[int]], Drift | None], least: float) -> list[Drift]:
    """Every year compared with the others. One that differs by `least` is no measure for the rest: the one that differs
    most is taken out first, and the rest are compared again."""
    out: list[Drift] = []
    left = list(years)
    while True:
        found = [one for year in left if (one := compared(year, set(left) - {year})) is not None]
        worst = max(found, key=lambda one: one.distance, default=None)
        if worst is None or worst.distance < least:
            return out + found
        out.append(worst)
        left.remove(worst.year)


def jensen_shannon(p: np.ndarray, q: np.ndarray) -> float:
    """The divergence of two distributions in bits, from 0 (the same) to 1 (nothing in common)."""
    m = (p + q) / 2
    return float(
        sum(0.5 * np.sum(one * np.log2(np.divide(one, m, out=np.ones_like(m), where=one > 0))) for one in (p, q))
    )
