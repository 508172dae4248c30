"""The re-ranker: gradient-boosted trees over the features of each candidate, trained on decisions made.

Every number that a decision could have leaked into is made without it: likenesses leave the decision itself out in
closed form, the rewriting is learned on other folds, and calibration sees only scores of trees grown on other folds.
"""

from dataclasses import dataclass

import lightgbm
import numpy as np
import pyarrow as pa
import scipy.sparse as sp

from isthmus.mapping.terms.abbreviation import spelled
from isthmus.mapping.terms.edit import Edit, changes
from isthmus.mapping.terms.feature import first_guess, measure, names, with_edit
from isthmus.mapping.terms.knowledge import Knowledge
from isthmus.mapping.terms.pool import candidates, look
from isthmus.mapping.terms.writing import bare

FOLDS = 6
SEEN = 25  # wrong candidates of a wording that the rewriting learns from
PENALTY = 1.0
BLOCK = 1000
SETTINGS = {
    "objective": "binary",
    "num_leaves": 31,
    "learning_rate": 0.08,
    "min_data_in_leaf": 40,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "max_bin": 127,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "seed": 1,
    "verbose": -1,
}
TREES = 150


@dataclass(frozen=True)
class Pairs:
    """Candidates of wordings: parallel `row`, `target` and one row of `features` each; sorted by row."""

    row: np.ndarray
    target: np.ndarray
    features: np.ndarray


@dataclass(frozen=True)
class Ranker:
    """What was learned: the rewriting, and one set of trees for each fold; the mean of the trees is the score."""

    edit: Edit
    trees: tuple[lightgbm.Booster, ...]

    def rank(self, known: Knowledge, texts: pa.Array) -> tuple[Pairs, np.ndarray]:
        """The candidates of each text and the score of each, from 0 to 1."""
        found = pairs(known, texts, np.full(len(texts), -1))
        rewritten = self.edit.score_pairs(_parts(known, texts), known.parts, found.row, found.target)
        features = with_edit(found.features, found.row, rewritten)
        score = np.mean([np.asarray(trees.predict(features, num_threads=1)) for trees in self.trees], axis=0)
        return Pairs(found.row, found.target, features), score


def learn(known: Knowledge) -> tuple[Ranker, Pairs, np.ndarray]:
    """The ranker, and the candidates of the decided wordings with scores of trees that did not see them."""
    texts = known.decisions.texts
    found = pairs(known, texts, np.arange(len(texts)))
    right = np.asarray(known.chosen[found.row, found.target]).ravel() > 0
    hard = (_place(found.row, first_guess(found.features)) < SEEN) | right
    fold = np.random.default_rng(FOLDS).permutation(len(texts)) % FOLDS
    changed = changes(_parts(known, texts), known.parts, found.row[hard], found.target[hard])
    edit = Edit.learn(changed, found.row[hard], right[hard], PENALTY)
    rewritten = np.zeros(len(right), np.float32)
    parts = _parts(known, texts)
    for held in range(FOLDS):
        used, out = fold[found.row[hard]] != held, fold[found.row] == held
        other = Edit.learn(changed[used], found.row[hard][used], right[hard][used], PENALTY)
        rewritten[out] = other.score_pairs(parts, known.parts, found.row[out], found.target[out])
    features = with_edit(found.features, found.row, rewritten)
    trees, score = [], np.zeros(len(right))
    for held in range(FOLDS):
        used, out = hard & (fold[found.row] != held), fold[found.row] == held
        sample = lightgbm.Dataset(features[used], right[used].astype(np.float32), params=dict(SETTINGS))
        trees.append(lightgbm.train(dict(SETTINGS), sample, TREES))
        score[out] = trees[-1].predict(features[out], num_threads=1)
    return Ranker(edit, tuple(trees)), Pairs(found.row, found.target, features), score


def pairs(known: Knowledge, texts: pa.Array, own: np.ndarray) -> Pairs:
    """Candidates with their features but the rewriting's, made in blocks of texts so that memory stays flat."""
    rows, targets, features = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], []
    for start in range(0, len(texts), BLOCK):
        part = slice(start, start + BLOCK)
        views = look(known, texts[part], own[part])
        row, target = candidates(known, views)
        features.append(measure(known, views, row, target, own[part]))
        rows.append(row + start)
        targets.append(target)
    wide = np.concatenate(features) if features else np.zeros((0, len(names()) - 3), np.float32)
    return Pairs(np.concatenate(rows), np.concatenate(targets), wide)


def _parts(known: Knowledge, texts: pa.Array) -> sp.csr_matrix:
    return known.small.count(bare(spelled(texts))).sign()


def _place(row: np.ndarray, score: np.ndarray) -> np.ndarray:
    order = np.lexsort((-score, row))
    place = np.empty(len(row), np.int64)
    place[order] = np.arange(len(row)) - np.searchsorted(row, row[order])
    return place
