"""The second look: which of the first candidates are *together* the answer, judged set by set.

A wording may need one term or several. The sets of a fixed list are laid over its first candidates; of each set it is
measured how likely its members are one by one, how much of the wording they cover together, whether decisions used to
leave out and add what they do, whether they say the same twice, whether each piece between stops has its term, and
which sets likened wordings were given.
"""

from dataclasses import dataclass
from itertools import combinations

import lightgbm
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import scipy.sparse as sp

from isthmus.mapping.terms import ranker
from isthmus.mapping.terms.abbreviation import spelled
from isthmus.mapping.terms.gram import dots, unit
from isthmus.mapping.terms.habit import Habit
from isthmus.mapping.terms.knowledge import Knowledge
from isthmus.mapping.terms.pool import Views, look
from isthmus.mapping.terms.writing import bare

FIRST = 8  # candidates that sets are made of
LIKE = 30  # decided wordings whose sets are looked at
FOLDS = 5
BLOCK = 500
TREES = 300
SETTINGS = {**ranker.SETTINGS, "num_leaves": 15, "learning_rate": 0.03}  # as the ranker, with smaller trees and steps
NOTHING = -99.0  # the score of a set that cannot be, and of a wording without candidates
STOPS = r"[,;.+、 ]"


def _sets() -> np.ndarray:
    """Sets × candidates, bool: one, two or three of the best, all down to a place, and those without one."""
    ones = [(at,) for at in range(5)]
    several = [*combinations(range(6), 2), *combinations(range(5), 3)]
    runs = [tuple(range(count)) for count in range(4, FIRST + 1)]
    gaps = [tuple(at for at in range(5) if at != left) for left in range(4)]
    listed = [*ones, *several, *runs, *gaps]
    out = np.zeros((len(listed), FIRST), bool)
    for line, members in zip(out, listed, strict=True):
        line[list(members)] = True
    return out


SETS = _sets()
SIZES = SETS.sum(1)


@dataclass(frozen=True)
class Board:
    """The first candidates of each wording, best first: `target` (-1 where there is none) and `score`, texts × FIRST;
    `place` is the place of every pair of the pool at its wording."""

    target: np.ndarray
    score: np.ndarray
    place: np.ndarray

    @classmethod
    def lay(cls, row: np.ndarray, target: np.ndarray, score: np.ndarray, count: int) -> "Board":
        """From pairs sorted by row."""
        order = np.lexsort((-score, row))
        place = np.empty(len(row), np.int64)
        place[order] = np.arange(len(row)) - np.searchsorted(row, row[order])
        seen = place < FIRST
        chosen, likely = np.full((count, FIRST), -1, np.int64), np.zeros((count, FIRST))
        chosen[row[seen], place[seen]] = target[seen]
        likely[row[seen], place[seen]] = score[seen]
        return cls(chosen, likely, place)

    def possible(self) -> np.ndarray:
        """Texts × sets: whether all members are there."""
        out: np.ndarray = ((self.target >= 0)[:, None, :] | ~SETS[None]).all(2)
        return out

    def right(self, chosen: sp.csr_matrix) -> np.ndarray:
        """Texts × sets: whether a set is exactly what was chosen (texts × targets)."""
        row = np.repeat(np.arange(len(self.target)), FIRST)
        hit: np.ndarray = np.asarray(chosen[row, np.maximum(self.target, 0).ravel()] > 0).reshape(self.target.shape)
        hit = hit & (self.target >= 0)
        whole = hit.sum(1) == np.asarray(chosen.sum(1)).ravel()
        whole &= hit.any(axis=1)
        out: np.ndarray = (hit[:, None, :] == SETS[None]).all(2)
        out &= whole[:, None]
        return out


@dataclass(frozen=True)
class Choice:
    """The learned judge of sets: one collection of trees for each fold, the mean of their log-odds is the score."""

    trees: tuple[lightgbm.Booster, ...]

    def score(self, known: Knowledge, texts: pa.Array, board: Board) -> np.ndarray:
        """Texts × sets, log-odds; `NOTHING` for sets that cannot be."""
        count = len(texts)
        habit = habits(known, [np.ones(len(known.decisions.texts), bool)])
        features = measure(known, texts, np.full(count, -1), board, habit, np.zeros(count, np.int64))
        possible = board.possible()
        scores = [_read(trees, features, possible) for trees in self.trees]
        out: np.ndarray = np.mean(scores, axis=0)
        return out


def learn(known: Knowledge, board: Board) -> tuple[Choice, np.ndarray]:
    """The judge, and the scores of the decided wordings' sets by trees that did not see them."""
    texts = known.decisions.texts
    fold = np.random.default_rng(FOLDS).permutation(len(texts)) % FOLDS
    habit = habits(known, [fold != held for held in range(FOLDS)])
    features = measure(known, texts, np.arange(len(texts)), board, habit, fold)
    possible, right = board.possible(), board.right(known.chosen)
    trees, score = [], np.full(possible.shape, NOTHING)
    for held in range(FOLDS):
        used = possible & (fold != held)[:, None]
        sample = lightgbm.Dataset(features[used], right[used].astype(np.float32), params=dict(SETTINGS))
        trees.append(lightgbm.train(dict(SETTINGS), sample, TREES))
        out = fold == held
        score[out] = _read(trees[-1], features[out], possible[out])
    return Choice(tuple(trees)), score


def best(board: Board, row: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The pairs that the best set of each wording picks (bool), and each wording's score of it."""
    if len(score) == 0:
        return np.zeros(0, bool), np.zeros(0)
    taken = SETS[score.argmax(1)] & (board.target >= 0)
    picked = np.zeros(len(row), bool)
    seen = board.place < FIRST
    picked[seen] = taken[row[seen], board.place[seen]]
    return picked, score.max(1)


def _read(trees: lightgbm.Booster, features: np.ndarray, possible: np.ndarray) -> np.ndarray:
    out = np.full(possible.shape, NOTHING)
    if possible.any():
        out[possible] = np.asarray(trees.predict(features[possible], raw_score=True, num_threads=1))
    return out


def habits(known: Knowledge, used: list[np.ndarray]) -> list[Habit]:
    """What decisions used to leave out and to add, by masks of the decisions that may be looked at; short n-grams,
    then long ones."""
    return [Habit.learn(one.wordings, (known.chosen @ one.targets).sign(), used) for one in known.usage]


def measure(
    known: Knowledge, texts: pa.Array, own: np.ndarray, board: Board, habit: list[Habit], fold: np.ndarray
) -> np.ndarray:
    """Texts × sets × features, float32; `own` hides each text's own decision (-1: there is none), `fold` is the part
    of `habit` that did not see it."""
    parts = []
    for start in range(0, len(texts), BLOCK):
        part = slice(start, start + BLOCK)
        views = look(known, texts[part], own[part])
        target, score = board.target[part], board.score[part]
        told = [
            *_chances(score),
            *_coverage(known, views, target),
            *_habits(known, texts[part], target, habit, fold[part]),
            *_pieces(known, views, target),
            *_doubled(known, target),
            *_before(known, views, target, own[part]),
            *_lengths(known, views, texts[part], target),
        ]
        parts.append(np.stack(told, axis=2).astype(np.float32))
    return np.concatenate(parts) if parts else np.zeros((0, len(SETS), 1), np.float32)


def _wide(values: np.ndarray) -> np.ndarray:
    """A value of each text, at each of its sets."""
    return np.broadcast_to(np.asarray(values, np.float64)[:, None], (len(values), len(SETS)))


def _chances(score: np.ndarray) -> list[np.ndarray]:
    """What the candidates' own scores say: all members right, all others wrong, weakest within, best without."""
    yes, no = np.log(np.clip(score, 1e-6, 1)), np.log(np.clip(1 - score, 1e-6, 1))
    within, without = yes @ SETS.T, no @ (~SETS).T
    weakest = np.where(SETS, score[:, None], 2).min(2)
    strongest = np.where(SETS, score[:, None], -1).max(2)
    left = np.where(~SETS, score[:, None], -1).max(2)
    size = np.broadcast_to(SIZES, within.shape)
    first = np.broadcast_to(SETS.argmax(1), within.shape)
    top = [_wide(score[:, at]) for at in range(3)]
    return [size, within, without, within + without, weakest, strongest, left, weakest - left, first, *top]


def _coverage(known: Knowledge, views: Views, target: np.ndarray) -> list[np.ndarray]:
    """How much of the wording the members' words cover together, how much of theirs it covers, and their likeness."""
    count, shape = len(target), (len(target), len(SETS))
    gather, held, weight = _gather(target), np.maximum(target, 0).ravel(), known.small.idf
    row, every = np.repeat(np.arange(count), len(SETS)), np.arange(count * len(SETS))
    wording, words = views.parts[:count], (gather @ known.parts[held]).sign()
    whole = unit(gather @ known.targets[held])
    covered = (wording[row].multiply(words) @ weight).reshape(shape)
    return [
        covered / np.maximum(wording @ weight, 1e-6)[:, None],
        covered / np.maximum((words @ weight).reshape(shape), 1e-6),
        dots(views.grams[:count], whole, row, every).reshape(shape),
        dots(views.translated[:count], whole, row, every).reshape(shape),
    ]


def _habits(
    known: Knowledge, texts: pa.Array, target: np.ndarray, habit: list[Habit], fold: np.ndarray
) -> list[np.ndarray]:
    """Whether decisions used to leave out and to add what the members do together."""
    row = np.repeat(np.arange(len(target)), len(SETS))
    gather, held, told = _gather(target), np.maximum(target, 0).ravel(), bare(spelled(texts))
    return [
        values.reshape(len(target), len(SETS))
        for one, usage in zip(habit, known.usage, strict=True)
        for values in one.measure(
            usage.grams.count(told).sign()[row], (gather @ usage.targets[held]).sign().tocsr(), fold[row]
        )
    ]


def _gather(target: np.ndarray) -> sp.csr_matrix:
    """Every set of every text × every candidate of every text: 1 for a member that is there."""
    line, member = np.nonzero(np.tile(SETS, (len(target), 1)))
    at = (line // len(SETS)) * FIRST + member
    shape = (len(target) * len(SETS), target.size)
    return sp.csr_matrix((np.ones(len(line), np.float32), (line, at)), shape=shape) @ sp.diags(
        (target.ravel() >= 0).astype(np.float32)
    )


def _pieces(known: Knowledge, views: Views, target: np.ndarray) -> list[np.ndarray]:
    """Whether every piece between stops has its term: the likest member beside the likest candidate, least and mean."""
    count, shape = len(target), (len(target), len(SETS))
    piece = np.arange(views.rows, len(views.row))
    least, mean, many = np.ones(shape), np.ones(shape), np.ones(count)
    if len(piece):
        both, row = unit(views.grams + views.translated)[piece], views.row[piece]
        held = np.maximum(target, 0)
        each = [dots(both, known.targets, np.arange(len(piece)), held[row, at]) for at in range(FIRST)]
        like = np.stack(each, axis=1) * (target[row] >= 0)
        share = np.where(SETS, like[:, None], 0).max(2) / np.maximum(like.max(1), 1e-6)[:, None]
        total = np.zeros(shape)
        np.minimum.at(least, row, share)
        np.add.at(total, row, share)
        many = np.maximum(np.bincount(row, minlength=count), 1)
        mean = np.where((np.bincount(row, minlength=count) > 0)[:, None], total / many[:, None], 1)
    return [least, mean, _wide(many)]


def _doubled(known: Knowledge, target: np.ndarray) -> list[np.ndarray]:
    """Whether members say the same twice: the greatest likeness of two, and how many pairs are of one family."""
    held = np.maximum(target, 0)
    family = known.family[held]
    like, kin = np.zeros((len(target), len(SETS))), np.zeros((len(target), len(SETS)))
    for one, other in combinations(range(FIRST), 2):
        both = SETS[:, one] & SETS[:, other]
        alike = dots(known.targets, known.targets, held[:, one], held[:, other])
        akin = (family[:, one] == family[:, other]) & (family[:, one] >= 0)
        like[:, both] = np.maximum(like[:, both], alike[:, None])
        kin[:, both] += akin[:, None]
    return [like, kin]


def _before(known: Knowledge, views: Views, target: np.ndarray, own: np.ndarray) -> list[np.ndarray]:
    """What likened wordings were given: the very same set or not, and how many terms are to be expected."""
    count = len(target)
    weight = known.past.weigh(views.grams[:count], own)
    like = (views.grams[:count] @ known.past.wordings.T).toarray()
    mine = np.flatnonzero(own >= 0)
    like[mine, own[mine]] = -1
    size = np.asarray(known.chosen.sum(1)).ravel()
    expected = np.clip(weight @ (size - 1) + 1, 0.5, FIRST)
    # A set is known by the sum of its members' numbers, drawn once.
    mark = np.random.default_rng(9).integers(1, 1 << 48, known.chosen.shape[1])
    given = known.chosen.astype(np.int64) @ mark
    here = np.where(target >= 0, mark[np.maximum(target, 0)], 0) @ SETS.T.astype(np.int64)
    near = np.argsort(-like, axis=1, kind="stable")[:, :LIKE]
    same = given[near][:, :, None] == here[:, None, :]
    heavy, close = (np.take_along_axis(values, near, axis=1) for values in (weight, like))
    voted = (same * heavy[:, :, None]).sum(1)
    closest = (same * close[:, :, None]).max(1)
    gap = SIZES - expected[:, None]
    nearest = [_wide(close[:, 0]), same[:, 0, :].astype(np.float64), _wide(size[near[:, 0]])]
    return [*nearest, voted, closest, _wide(expected), gap, np.abs(gap)]


def _lengths(known: Knowledge, views: Views, texts: pa.Array, target: np.ndarray) -> list[np.ndarray]:
    """Lengths of the wording and of the members, and the wording's stops and brackets."""
    told = spelled(texts)
    length = views.length[: len(target)]
    theirs = np.where(target >= 0, known.length[np.maximum(target, 0)], 0) @ SETS.T
    stops, brackets = (pc.count_substring_regex(told, sign).to_numpy() for sign in (STOPS, r"[(（]"))
    return [_wide(length), theirs, theirs / np.maximum(length, 1)[:, None], _wide(stops), _wide(brackets)]
