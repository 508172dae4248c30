"""Conditional random fields by python-crfsuite: one, and several that vote.

Each is trained by the passive-aggressive method, which needs a few passes where the exact one needs a hundred. Where
there are several, each saw other sentences and votes for a label at each letter; the best sequence of labels that fit
each other is taken.
"""

import random
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pycrfsuite
from numpy.typing import NDArray

from isthmus.mapping.text.tagger.bio import OUTSIDE
from isthmus.mapping.text.tagger.feature import Features

Floats = NDArray[np.float64]

AGGRESSION = 0.05
"""How far one wrong sentence may move the weights; larger values follow the noise of the labels."""

LEAST = 1e-3
"""What a label without a vote counts, so that a sequence that fits can always be found."""


def fit(sentences: Iterable[tuple[Features, Sequence[str]]], paths: Sequence[Path], passes: int, share: float) -> None:
    """Train a field for each path from sentences with their labels, and write it there.

    The first field sees every sentence, each other a share of them, drawn by its number. Sentences are taken one by
    one and their features forgotten at once: all features of a few thousand sentences fill gigabytes.
    """
    trainers = [pycrfsuite.Trainer("pa", verbose=False) for _ in paths]
    draws = [random.Random(number) for number in range(len(paths))]
    for features, labels in sentences:
        items = pycrfsuite.ItemSequence(features)
        for number, trainer in enumerate(trainers):
            if number == 0 or draws[number].random() < share:
                trainer.append(items, labels)
    for trainer, path in zip(trainers, paths, strict=True):
        trainer.set_params({"max_iterations": passes, "c": AGGRESSION})
        trainer.train(str(path))
        trainer.clear()


def tag(sentences: Iterable[Features], paths: Sequence[Path]) -> list[list[str]]:
    """The labels of each sentence by the vote of all fields."""
    taggers = [_opened(path) for path in paths]
    names = sorted({OUTSIDE}.union(*(tagger.labels() for tagger in taggers)))
    may, first, last = _fitting(names)
    place = {name: number for number, name in enumerate(names)}
    written = []
    for features in sentences:
        items = pycrfsuite.ItemSequence(features)
        told = [tagger.tag(items) for tagger in taggers]
        if all(one == told[0] for one in told):
            written.append(told[0])
            continue
        votes = np.full((len(told[0]), len(names)), LEAST)
        for one in told:
            votes[np.arange(len(one)), [place[label] for label in one]] += 1 / len(told)
        written.append([names[label] for label in best(np.log(votes), may, first, last)])
    return written


def _opened(path: Path) -> pycrfsuite.Tagger:
    tagger = pycrfsuite.Tagger()
    tagger.open(str(path))
    return tagger


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
