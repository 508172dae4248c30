"""Scores made into confidence by isotonic regression, and into trust: how right everything above a score was."""

from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv

CAUTION = 2.33  # standard errors: one sample of a hundred falls short of its mean by more


@dataclass(frozen=True)
class Calibration:
    """A rising step function: `scores` (sorted) and the `confidence` at each; between them it is linear."""

    scores: np.ndarray
    confidence: np.ndarray

    @classmethod
    def learn(cls, scores: np.ndarray, right: np.ndarray) -> "Calibration":
        """Isotonic regression by pooling adjacent violators, on scores that their own answer did not help to make."""
        order = np.argsort(scores, kind="stable")
        weights: list[float] = []
        values: list[float] = []
        ends: list[int] = []
        for at, value in enumerate(right[order].astype(float)):
            weights.append(1.0)
            values.append(value)
            ends.append(at)
            while len(values) > 1 and values[-2] >= values[-1]:
                weight = weights[-2] + weights[-1]
                values[-2:] = [(values[-2] * weights[-2] + values[-1] * weights[-1]) / weight]
                weights[-2:] = [weight]
                ends[-2:] = [ends[-1]]
        starts = [0, *(end + 1 for end in ends[:-1])]
        # One decision more of either kind in every pool: no pool, however small, is quite certain.
        pooled = [(v * w + 0.5) / (w + 1) for v, w in zip(values, weights, strict=True)]
        score = scores[order]
        return cls(np.array([score[starts], score[ends]]).T.ravel(), np.maximum.accumulate(np.repeat(pooled, 2)))

    def read(self, scores: np.ndarray) -> np.ndarray:
        """The confidence of each score, from 0 to 1; 0 below every score that was learned from."""
        out: np.ndarray = np.interp(scores, self.scores, self.confidence, left=0.0)
        return out


@dataclass(frozen=True)
class Trust:
    """A rising step function: of all answers with a score as high or higher, the share that was right.

    Mapping everything above a score is right in that share of cases, although the least sure of them may be less so.
    """

    scores: np.ndarray
    share: np.ndarray

    @classmethod
    def learn(cls, scores: np.ndarray, right: np.ndarray) -> "Trust":
        """From scores that their own answer did not help to make.

        One answer more of either kind is added, so that few answers are never trusted much. `CAUTION` standard errors
        are taken off: of many scores the lowest that happens to do is asked for, and its own share promises too much.
        With them, what is promised from a score upwards is kept in 96 to 99 of 100 samples (tests/generative).
        """
        order = np.argsort(-scores, kind="stable")
        count = np.arange(1, len(order) + 1)
        share = (np.cumsum(right[order]) + 0.5) / (count + 1)
        share = share - CAUTION * np.sqrt(share * (1 - share) / count)
        last = np.diff(scores[order], append=-np.inf) != 0  # equal scores go together
        rising = np.flatnonzero(last)[::-1]
        return cls(scores[order][rising], np.maximum.accumulate(share[rising]))

    def read(self, scores: np.ndarray) -> np.ndarray:
        """The trust in each score, from 0 to 1; 0 below every score that was learned from."""
        at = np.searchsorted(self.scores, scores, side="right") - 1
        out: np.ndarray = np.where(at >= 0, self.share[np.maximum(at, 0)], 0.0) if len(self.scores) else scores * 0.0
        return out


def interval(right: int, count: int, level: float = 0.95) -> tuple[float, float]:
    """Clopper and Pearson's exact interval of a share."""
    tail = (1 - level) / 2
    low = float(betaincinv(right, count - right + 1, tail)) if right else 0.0
    high = float(betaincinv(right + 1, count - right, 1 - tail)) if right < count else 1.0
    return low, high
