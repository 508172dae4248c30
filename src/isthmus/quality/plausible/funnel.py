"""Funnels: whether a site's share lies further from the others' than their own spread explains.

Binomial limits around the share of the other sites; where those differ among themselves by more than chance, the limits
are widened by their overdispersion (Spiegelhalter 2005, Statistics in Medicine 24:1185: the winsorised mean square of
the standardised deviations). Share and spread are those of the other sites, so that an outlier does not hide itself; as
both are estimated from few sites, the chance is that of Student's t with one degree of freedom less than others.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

FEWEST = 1.0  # overdispersion below this is none


@dataclass(frozen=True, slots=True)
class Funnel:
    """What is expected of a site: the others' share and overdispersion, how many others there are, and how far the site
    lies from the share in spreads (`z`), with the chance to lie so far in either direction."""

    share: float
    spread: float
    others: int
    z: float
    chance: float

    def limits(self, rows: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper limit of a share of so many rows that `level` of sites lie between, as 0.95.

        Without overdispersion they are exact binomial, interpolated between the two nearest counts.
        """
        tail = (1 - level) / 2
        if self.spread > FEWEST:
            far = float(stats.norm.ppf(1 - tail)) * np.sqrt(self.spread * self.share * (1 - self.share) / rows)
            return np.clip(self.share - far, 0, 1), np.clip(self.share + far, 0, 1)
        return _exact(rows, self.share, tail), _exact(rows, self.share, 1 - tail)


def funnel(counted: np.ndarray, rows: np.ndarray, site: int, *, winsorised: float) -> Funnel | None:
    """A site among others, from rows counted and rows asked by site; None where the others have all or none counted."""
    others = np.arange(len(rows)) != site
    share = float(counted[others].sum() / rows[others].sum())
    if not 0 < share < 1:
        return None
    z = (counted / rows - share) / np.sqrt(share * (1 - share) / rows)
    low, high = np.quantile(z[others], [winsorised, 1 - winsorised])
    spread = max(FEWEST, float(np.mean(np.clip(z[others], low, high) ** 2)))
    own = float(z[site] / np.sqrt(spread))
    chance = float(2 * stats.t.sf(abs(own), int(others.sum()) - 1))
    return Funnel(share, spread, int(others.sum()), own, chance)


def _exact(rows: np.ndarray, share: float, probability: float) -> np.ndarray:
    """The share below which a binomial one falls with this probability: as Spiegelhalter's appendix interpolates it."""
    rows = np.asarray(rows)
    count = stats.binom.ppf(probability, rows, share)
    upper, lower = stats.binom.cdf(count, rows, share), stats.binom.cdf(count - 1, rows, share)
    part = np.where(upper > lower, (upper - probability) / np.where(upper > lower, upper - lower, 1), 0)
    return np.asarray(np.clip((count - part) / rows, 0, 1))
