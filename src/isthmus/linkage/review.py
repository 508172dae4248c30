"""How good a linkage is where no truth is known: people judge a sample of pairs, and the rest is estimated from it.

Pairs are sampled by strata of weight, for those near the threshold are few and say most. The estimates are those of
stratified sampling (Cochran 1977, chapter 5), as used for linkage by Blakely and Salmond (2002) and Chipperfield et
al. (2018).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from isthmus.base.errors import InputError
from isthmus.linkage.model import weight
from isthmus.linkage.rules import Rules

CUTS = (0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 0.999999)
"""Probabilities between which strata lie; the threshold of the rules is one more."""
SAMPLE = pa.schema([("l", pa.int64()), ("r", pa.int64()), ("stratum", pa.int8()), ("pairs", pa.int64())])
"""A pair to be judged, its stratum, and how many pairs the stratum has."""
NORMAL = 1.959963984540054  # 95 %


@dataclass(frozen=True, slots=True)
class Estimate:
    """A share with its 95 % interval."""

    value: float
    low: float
    high: float


def sample(scored: pa.Table, rules: Rules, size: int, seed: int) -> pa.Table:
    """About `size` pairs to be judged (schema SAMPLE), the same number of each stratum, as far as it has them."""
    bounds = _bounds(rules)
    stratum = np.searchsorted(bounds, scored["weight"].to_numpy(), side="right")
    rng = np.random.default_rng(seed)
    numbers, counts = np.unique(stratum, return_counts=True)
    each = max(size // max(len(numbers), 1), 1)
    rows = [
        np.sort(rng.choice(np.flatnonzero(stratum == number), size=min(each, count), replace=False))
        for number, count in zip(numbers, counts, strict=True)
    ]
    chosen = np.concatenate(rows) if rows else np.zeros(0, dtype=np.int64)
    pairs = np.repeat(counts, [len(some) for some in rows]) if rows else chosen
    some = scored.select(["l", "r"]).take(pa.array(chosen))
    return pa.table([some["l"], some["r"], pa.array(stratum[chosen], pa.int8()), pa.array(pairs)], schema=SAMPLE)


def estimate(judged: pa.Table, rules: Rules) -> tuple[Estimate, Estimate]:
    """Precision and recall of the links, from a sample with a column `same` (true where both are one person).

    Recall is among the pairs that were looked at: of those that no rule brings together, nothing is known.

    :raises InputError: where a pair is not judged, or a stratum has none.
    """
    if judged["same"].null_count or not len(judged):
        raise InputError("every pair of the sample has to be judged before anything can be estimated.")
    linked = int(np.searchsorted(_bounds(rules), weight(rules.link), side="right"))
    table = judged.group_by("stratum").aggregate([("same", "mean"), ("same", "count"), ("pairs", "max")])
    rows = table.select(["stratum", "pairs_max", "same_mean", "same_count"]).to_pylist()
    above = [row for row in rows if row["stratum"] >= linked]
    if not above:
        raise InputError("the sample holds no link; nothing can be said of how many are right.")
    below = [row for row in rows if row["stratum"] < linked]
    true, spread = _total(above)
    missed, missed_spread = _total(below)
    made = sum(row["pairs_max"] for row in above)
    # Of a ratio t / (t + m) the error by first derivatives.
    whole = true + missed
    error = math.sqrt((missed**2 * spread + true**2 * missed_spread) / whole**4) if whole else 0.0
    return _interval(true / made, math.sqrt(spread) / made), _interval(true / whole if whole else 0.0, error)


def _bounds(rules: Rules) -> np.ndarray:
    return np.array(sorted({*(weight(one) for one in CUTS), weight(rules.link)}))


def _total(rows: Sequence[dict[str, float]]) -> tuple[float, float]:
    """How many pairs of some strata are true, and the variance of that."""
    total = variance = 0.0
    for row in rows:
        pairs, share, judged = row["pairs_max"], row["same_mean"], row["same_count"]
        total += pairs * share
        # A share of 0 or 1 in a small sample is not certain: one success and one failure are added (Agresti and Coull).
        kept = (share * judged + 1.0) / (judged + 2.0)
        variance += pairs**2 * (1.0 - judged / pairs) * kept * (1.0 - kept) / judged
    return total, variance


def _interval(value: float, error: float) -> Estimate:
    return Estimate(value, max(value - NORMAL * error, 0.0), min(value + NORMAL * error, 1.0))


def judged(sampled: pa.Table, verdicts: pa.Table) -> pa.Table:
    """A sample with the verdicts (`l`, `r`, `same`) on it; null where there is none."""
    return sampled.join(verdicts.select(["l", "r", "same"]), ["l", "r"], join_type="left outer").sort_by(
        [("stratum", "ascending"), ("l", "ascending"), ("r", "ascending")]
    )
