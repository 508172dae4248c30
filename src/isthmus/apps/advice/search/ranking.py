"""Ranking: how well passages fit clauses, reckoned over arrays of all passages at once (BM25).

Robertson SE, Zaragoza H. The probabilistic relevance framework: BM25 and beyond. Found Trends Inf Retr 2009;3:333.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isthmus.apps.advice.search.asking import Clause
from isthmus.apps.advice.search.index import Places, Times

K, B = 1.2, 0.75
"""What is usual of BM25: how soon repetition stops counting, and how much a long passage loses by its length."""
Scores = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Held:
    """What is known of the segments that are asked: lengths of passages by segment, postings by gram and segment."""

    lengths: Mapping[str, Places]
    postings: Mapping[str, Mapping[str, tuple[Places, Times]]]


def ranked(clauses: Sequence[Clause], held: Held, most: int) -> list[tuple[str, int, float]]:
    """Segment, place and score of the passages that fit best, at most so many, the best first.

    Of a clause the best alternative counts. A passage that lacks some clauses counts by the share that it has.
    """
    names = list(held.lengths)
    sizes = [len(held.lengths[name]) for name in names]
    starts = dict(zip(names, np.cumsum([0, *sizes[:-1]]).tolist(), strict=True)) if names else {}
    whole = sum(sizes)
    if not whole or not clauses:
        return []
    lengths = np.concatenate([held.lengths[name] for name in names]).astype(np.float32)
    penalty = K * (1 - B + B * lengths / max(float(lengths.mean()), 1.0))
    total, has = np.zeros(whole, dtype=np.float32), np.zeros(whole, dtype=np.uint8)
    for clause in clauses:
        score = _best(clause, held, starts, penalty)
        total += score
        has += score > 0
    total *= has / np.float32(len(clauses))
    found = np.flatnonzero(total)
    if len(found) > most:
        found = found[np.argpartition(-total[found], most)[:most]]
    found = found[np.lexsort((found, -total[found]))]
    ends = np.cumsum(sizes)
    of = np.searchsorted(ends, found, side="right")
    return [
        (names[at], int(place) - starts[names[at]], float(total[place]))
        for at, place in zip(of.tolist(), found.tolist(), strict=True)
    ]


def _best(clause: Clause, held: Held, starts: Mapping[str, int], penalty: Scores) -> Scores:
    """The score of the clause's best alternative for each passage."""
    best = np.zeros(len(penalty), dtype=np.float32)
    for one in clause.alternatives:
        rows, times = _matching(one.grams, held, starts, len(penalty))
        if not len(rows):
            continue
        rare = np.float32(np.log1p((len(penalty) - len(rows) + 0.5) / (len(rows) + 0.5)))
        often = times * np.float32(K + 1) / (times + penalty[rows])
        best[rows] = np.maximum(best[rows], np.float32(one.weight) * rare * often)
    return best


def _matching(
    grams: Sequence[str], held: Held, starts: Mapping[str, int], whole: int
) -> tuple[npt.NDArray[np.int64], Scores]:
    """The passages that have every gram, and how often that which is there least."""
    times: Times | None = None
    for gram in grams:
        own = np.zeros(whole, dtype=np.uint8)
        for segment, (places, count) in held.postings.get(gram, {}).items():
            own[places.astype(np.int64) + starts[segment]] = count
        times = own if times is None else np.minimum(times, own)
    if times is None:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
    rows = np.flatnonzero(times)
    return rows, times[rows].astype(np.float32)
