"""Days on which a feed was silent: nobody of the patients who are usual on such a weekday came."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

WEEK, AROUND = 7, 6  # days of a week; weeks before and after a day that tell what is usual on it
CHANCE = 0.01  # that some day of the whole time is silent by chance alone


@dataclass(frozen=True, slots=True)
class Silence:
    """Days in a row, first and last included, without a patient, and how many a day are usual then."""

    first: date
    last: date
    usual: float

    @property
    def days(self) -> int:
        """How many days."""
        return (self.last - self.first).days + 1


def silent(days: np.ndarray, counts: np.ndarray) -> list[Silence]:
    """The silent days of a feed, from its patients by day (days since 1970, in any order; counts above 0).

    A day is silent when it has none and a Poisson count of its expectation would have none with a chance so small
    that among all days of the feed one is met by chance in 1 of 100 feeds (Bonferroni). The expectation is the mean of
    the same weekday in the weeks around, the half with fewest rows left out: other gaps do not hide one.
    """
    if not len(days):
        return []
    first, last = int(days.min()), int(days.max())
    rows = np.zeros(last - first + 1)
    rows[days - first] = counts
    usual = _usual(rows)
    quiet = (rows == 0) & (np.exp(-usual) * len(rows) < CHANCE)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], quiet.astype(np.int8), [0]])))
    start = date(1970, 1, 1) + timedelta(days=first)
    return [
        Silence(start + timedelta(days=int(begin)), start + timedelta(days=int(end) - 1),
                round(float(usual[begin:end].mean()), 1))
        for begin, end in zip(edges[::2], edges[1::2], strict=True)
    ]  # fmt: skip


def _usual(rows: np.ndarray) -> np.ndarray:
    """Of each day, the mean of the busier half of the same weekdays around it, but never more than twice their median.

    Days beyond either end are not known and count for nothing.
    """
    steps = [step * WEEK for step in range(-AROUND, AROUND + 1) if step]
    padded = np.concatenate([np.full(AROUND * WEEK, np.nan), rows, np.full(AROUND * WEEK, np.nan)])
    around = np.stack([padded[AROUND * WEEK + step :][: len(rows)] for step in steps])
    known = np.isfinite(around).sum(axis=0)
    ordered = np.sort(np.where(np.isfinite(around), around, -1.0), axis=0)[::-1]  # the busiest first, the unknown last
    take = np.arange(len(steps))[:, None] < np.maximum(known // 2, 1)[None, :]
    busier = np.where(take & (ordered >= 0), ordered, 0.0).sum(axis=0) / np.maximum(take.sum(axis=0), 1)
    middle = ordered[np.minimum(known // 2, len(steps) - 1), np.arange(len(rows))]
    return np.where(known > 1, np.minimum(busier, 2 * np.maximum(middle, 0.0)), 0.0)
