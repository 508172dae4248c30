"""A trained mapper of terms: what it learned, what it says of new wordings, and how sure it is."""

import hashlib
from dataclasses import dataclass

import numpy as np
import orjson
import pyarrow as pa

from isthmus.base.errors import InputError
from isthmus.mapping.terms import choice, knowledge, pool, ranker
from isthmus.mapping.terms.abbreviation import spelled
from isthmus.mapping.terms.calibration import CAUTION, Calibration, Trust
from isthmus.mapping.terms.choice import NOTHING, Board, Choice
from isthmus.mapping.terms.knowledge import Decisions, Knowledge
from isthmus.mapping.terms.ranker import Pairs, Ranker
from isthmus.mapping.terms.writing import bare

PRECISION = 0.99  # of what is mapped automatically, the share that should be right
FEWEST, MOST = 50, 20_000  # decided wordings: fewer teach nothing, more need a likeness matrix beyond a laptop


@dataclass(frozen=True)
class Answer:
    """What is said of a block of wordings.

    `pairs`, `score`, `confidence`: every candidate, sorted by wording, what the trees say of it, and the calibrated
    chance that it is among the right terms.
    `picked`: the candidates that together are the answer, at least the best one of each wording that has any.
    `certainty`, `trust`: for each wording, the chance that the picked terms are exactly the right ones, and the share
    that was right of all answers at least as sure.
    """

    pairs: Pairs
    score: np.ndarray
    confidence: np.ndarray
    picked: np.ndarray
    certainty: np.ndarray
    trust: np.ndarray

    @property
    def automatic(self) -> np.ndarray:
        """For each wording, whether it would be mapped automatically at the usual precision."""
        out: np.ndarray = self.trust >= PRECISION
        return out


@dataclass(frozen=True)
class Model:
    """A mapper: knowledge, ranker, choice of the set, and what makes their scores into confidence."""

    known: Knowledge
    ranker: Ranker
    choice: Choice
    pair: Calibration
    whole: Calibration
    trust: Trust  # of the chosen set's score

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
        board = Board.lay(found.row, found.target, score, count)
        chooser, together = choice.learn(known, board)
        picked, sure = choice.best(board, found.row, together)
        exact = is_exact(found.row, picked, right, np.asarray(known.chosen.sum(1)).ravel())
        return cls(
            known=known,
            ranker=trained,
            choice=chooser,
            pair=Calibration.learn(score, right),
            whole=Calibration.learn(sure, exact),
            trust=Trust.learn(np.where(known.was_strange(), NOTHING, sure), exact),
        )

    def answer(self, texts: pa.Array) -> Answer:
        """What the model says of each text."""
        found, score = self.ranker.rank(self.known, texts)
        board = Board.lay(found.row, found.target, score, len(texts))
        picked, sure = choice.best(board, found.row, self.choice.score(self.known, texts, board))
        trust = self.trust.read(np.where(self.known.strange(texts), NOTHING, sure))
        return Answer(found, score, self.pair.read(score), picked, self.whole.read(sure), trust)

    def nearest(self, texts: pa.Array, row: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """For each pair of a text and a target, the decided wording that is likest among those which were given the
        target (its number, -1: none), and how like it is, from 0 to 1."""
        like = self.known.grams.weigh(bare(spelled(texts))) @ self.known.past.wordings.T
        fit = like[row].multiply(self.known.chosen.T.tocsr()[target]).tocsr()
        found = np.asarray(fit.argmax(axis=1)).ravel() if len(row) else np.zeros(0, np.int64)
        best = np.asarray(fit.max(axis=1).todense()).ravel() if len(row) else np.zeros(0)
        return np.where(best > 0, found, -1), best

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
            "form": 4,
            "ridge": knowledge.RIDGE,
            "candidates": pool.KEPT,
            "neighbours": pool.NEIGHBOURS,
            "folds": ranker.FOLDS,
            "penalty": ranker.PENALTY,
            "trees": ranker.TREES,
            "precision": PRECISION,
            "caution": CAUTION,
            "lightgbm": ranker.SETTINGS,
            "sets": {"candidates": choice.FIRST, "folds": choice.FOLDS, "trees": choice.TREES, **choice.SETTINGS},
        }


def is_exact(row: np.ndarray, picked: np.ndarray, right: np.ndarray, many: np.ndarray) -> np.ndarray:
    """For each wording whether exactly its right terms, `many` of them, were picked."""
    taken = np.bincount(row[picked], minlength=len(many))
    hit = np.bincount(row[picked & right], minlength=len(many))
    out: np.ndarray = (taken == hit) & (hit == many)
    return out
