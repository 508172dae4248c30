"""A trained mapper of terms: what it learned, what it says of new wordings, and how sure it is."""

import hashlib
from dataclasses import dataclass

import numpy as np
import orjson
import pyarrow as pa

from isthmus.base.errors import InputError
from isthmus.mapping.terms import knowledge, pool, ranker
from isthmus.mapping.terms.calibration import Calibration, threshold
from isthmus.mapping.terms.knowledge import Decisions, Knowledge
from isthmus.mapping.terms.ranker import Pairs, Ranker

PRECISION = 0.99  # of what is mapped automatically, the share that should be right
NOTHING = -99.0  # the sureness of a wording without candidates
FEWEST, MOST = 50, 20_000  # decided wordings: fewer teach nothing, more need a likeness matrix beyond a laptop


@dataclass(frozen=True)
class Answer:
    """What is said of a block of wordings.

    `pairs`, `score`, `confidence`: every candidate, sorted by wording, what the trees say of it, and the calibrated
    chance that it is among the right terms.
    `picked`: the candidates that together are the answer, at least the best one of each wording that has any.
    `certainty`, `automatic`: for each wording, the chance that the picked terms are exactly the right ones, and whether
    that is above the threshold.
    """

    pairs: Pairs
    score: np.ndarray
    confidence: np.ndarray
    picked: np.ndarray
    certainty: np.ndarray
    automatic: np.ndarray


@dataclass(frozen=True)
class Model:
    """A mapper: knowledge, ranker, and what makes its scores into confidence."""

    known: Knowledge
    ranker: Ranker
    pair: Calibration
    whole: Calibration
    pick: float  # a further candidate is picked when its score is above this
    limit: float  # the certainty score above which mapping is automatic

    @classmethod
    def learn(cls, names: pa.Array, family: np.ndarray, decisions: Decisions) -> "Model":
        """From targets (distinct names; the number of each one's family of codes, -1: none) and decisions on them."""
        count = len(decisions.texts)
        if not FEWEST <= count <= MOST:
            raise InputError(
                f"{count} decided wordings were given; a mapper of terms learns from {FEWEST} to {MOST}. "
                "Give more decisions, or the most recent ones."
            )
        known = Knowledge.learn(names, family, decisions)
        trained, found, score = ranker.learn(known)
        right = np.asarray(known.chosen[found.row, found.target]).ravel() > 0
        many = np.asarray(known.chosen.sum(1)).ravel()
        pick = _best_pick(found.row, score, right, int(many.sum()))
        picked = _pick(found.row, score, pick)
        exact = is_exact(found.row, picked, right, many)
        sure = _sureness(found.row, score, picked, count)
        return cls(
            known=known,
            ranker=trained,
            pair=Calibration.learn(score, right),
            whole=Calibration.learn(sure, exact),
            pick=pick,
            limit=threshold(sure, exact, PRECISION),
        )

    def answer(self, texts: pa.Array) -> Answer:
        """What the model says of each text."""
        found, score = self.ranker.rank(self.known, texts)
        picked = _pick(found.row, score, self.pick)
        sure = _sureness(found.row, score, picked, len(texts))
        return Answer(found, score, self.pair.read(score), picked, self.whole.read(sure), sure >= self.limit)

    @property
    def version(self) -> str:
        """The digest of what the model was trained on and with: 16 hexadecimal digits."""
        made = hashlib.sha256()
        made.update(orjson.dumps(self.settings, option=orjson.OPT_SORT_KEYS))
        made.update(orjson.dumps(self.known.names.to_pylist()))
        made.update(orjson.dumps(self.known.decisions.texts.to_pylist()))
        for numbers in (self.known.family, self.known.decisions.text, self.known.decisions.target):
            made.update(np.ascontiguousarray(numbers, np.int64).tobytes())
        return made.hexdigest()[:16]

    @property
    def settings(self) -> dict[str, object]:
        """The settings that, with the data, make the model what it is."""
        return {
            "form": 1,
            "ridge": knowledge.RIDGE,
            "candidates": pool.KEPT,
            "neighbours": pool.NEIGHBOURS,
            "folds": ranker.FOLDS,
            "penalty": ranker.PENALTY,
            "trees": ranker.TREES,
            "precision": PRECISION,
            "lightgbm": ranker.SETTINGS,
        }


def is_exact(row: np.ndarray, picked: np.ndarray, right: np.ndarray, many: np.ndarray) -> np.ndarray:
    """For each wording whether exactly its right terms, `many` of them, were picked."""
    taken = np.bincount(row[picked], minlength=len(many))
    hit = np.bincount(row[picked & right], minlength=len(many))
    out: np.ndarray = (taken == hit) & (hit == many)
    return out


def _pick(row: np.ndarray, score: np.ndarray, above: float) -> np.ndarray:
    order = np.lexsort((-score, row))
    first = np.zeros(len(row), bool)
    first[order[np.flatnonzero(np.diff(row[order], prepend=-1))]] = True
    out: np.ndarray = first | (score > above)
    return out


def _best_pick(row: np.ndarray, score: np.ndarray, right: np.ndarray, total: int) -> float:
    """The score that gives the best micro F1."""
    tried = np.arange(0.1, 0.8, 0.02)
    picks = [_pick(row, score, above) for above in tried]
    return float(tried[np.argmax([2 * (picked & right).sum() / (picked.sum() + total) for picked in picks])])


def _sureness(row: np.ndarray, score: np.ndarray, picked: np.ndarray, count: int) -> np.ndarray:
    """The logarithm of the chance that the picked are all right and the others all wrong, were they independent."""
    chance = np.clip(np.where(picked, score, 1 - score), 1e-9, 1)
    out = np.bincount(row, np.log(chance), minlength=count)
    return np.where(np.bincount(row, minlength=count) > 0, out, NOTHING)
