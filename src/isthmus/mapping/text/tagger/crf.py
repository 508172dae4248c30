"""Conditional random fields by python-crfsuite: one, and several that vote.

Each is trained by the passive-aggressive method, which needs a few passes where the exact one needs a hundred. Several
that saw other sentences, in another order, are right more often than any one: each votes for a label at each letter,
and the best sequence of labels that fit each other is taken.
"""

import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pycrfsuite
from numpy.typing import NDArray

from isthmus.mapping.text.tagger.bio import OUTSIDE
from isthmus.mapping.text.tagger.feature import Features

Floats = NDArray[np.float64]

LEAST = 1e-3
"""What a label without a vote counts, so that a sequence that fits can always be found."""


def fit(features: Sequence[Features], labels: Sequence[Sequence[str]], path: Path, passes: int) -> None:
    """Train one field and write it to `path`."""
    trainer = pycrfsuite.Trainer("pa", verbose=False)
    for one, told in zip(features, labels, strict=True):
        trainer.append(one, told)
    trainer.set_params({"max_iterations": passes, "c": 0.05})
    trainer.train(str(path))


def fit_several(
    features: Sequence[Features], labels: Sequence[Sequence[str]], paths: Sequence[Path], passes: int, share: float
) -> None:
    """Train one field per path, each on a share of the sentences, drawn and ordered by its number."""
    items = [pycrfsuite.ItemSequence(one) for one in features]
    for number, path in enumerate(paths):
        order = list(range(len(items)))
        if number:
            random.Random(number).shuffle(order)
            order = order[: int(len(order) * share)]
        fit([items[place] for place in order], [labels[place] for place in order], path, passes)


def tag(features: Sequence[Features], paths: Sequence[Path]) -> list[list[str]]:
    """The labels of each sentence by the vote of all fields."""
    items = [pycrfsuite.ItemSequence(one) for one in features]
    taggers = []
    for path in paths:
        tagger = pycrfsuite.Tagger()
        tagger.open(str(path))
        taggers.append(tagger)
    if len(taggers) == 1:
        return [taggers[0].tag(one) for one in items]
    names = sorted({OUTSIDE}.union(*(tagger.labels() for tagger in taggers)))
    may, first, last = _fitting(names)
    place = {name: number for number, name in enumerate(names)}
    written = []
    for one in items:
        votes = np.zeros((len(one), len(names)))
        for tagger in taggers:
            votes[np.arange(len(one)), [place[label] for label in tagger.tag(one)]] += 1
        chosen = best(np.log(votes / len(taggers) + LEAST), may, first, last)
        written.append([names[label] for label in chosen])
    return written


def _fitting(names: Sequence[str]) -> tuple[Floats, Floats, Floats]:
    """0 where a label may follow another, stand first, stand last; else a great loss."""
    never = -1e9
    may = np.full((len(names), len(names)), never)
    for row, one in enumerate(names):
        for column, other in enumerate(names):
            inside = one[0] in "BI"
            fits = (other[0] in "IE" and other[1:] == one[1:]) if inside else other[0] in "OBS"
            may[row, column] = 0.0 if fits else never
    first = np.array([0.0 if name[0] in "OBS" else never for name in names])
    last = np.array([0.0 if name[0] in "OES" else never for name in names])
    return may, first, last


def best(scores: Floats, may: Floats, first: Floats, last: Floats) -> list[int]:
    """The sequence of labels with the greatest sum of scores that fit each other (Viterbi).

    `scores` has a row per letter and a column per label.
    """
    reached = scores[0] + first
    back = np.zeros(scores.shape, dtype=np.int64)
    for row in range(1, len(scores)):
        ways = reached[:, None] + may
        back[row] = ways.argmax(axis=0)
        reached = ways.max(axis=0) + scores[row]
    path = [int((reached + last).argmax())]
    for row in range(len(scores) - 1, 0, -1):
        path.append(int(back[row, path[-1]]))
    return path[::-1]
