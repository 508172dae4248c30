"""The rewriting from a hospital's wording to a target, learned: which n-grams go, which come, which stand for which.

A conditional logit over each wording's candidates with sparse binary features: n-gram dropped, n-gram added, n-gram
kept, dropped × added, kept n-gram × target. Nothing is listed by hand: that 还纳 becomes 闭合 is a weight.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from scipy.optimize import minimize

SLOTS = 1 << 20  # features are hashed to this many slots; collisions cost little (Weinberger and others, ICML 2009)
COMMON = 50
PRIMES = np.array([11400714819323198485, 14029467366897019727, 1609587929392839161], np.uint64)


def slots(kind: int, *parts: np.ndarray) -> np.ndarray:
    """A slot for each tuple of numbers of one kind of feature."""
    mixed = np.full(len(parts[0]), (kind + 1) * 0x9E3779B97F4A7C15 & (1 << 64) - 1, np.uint64)
    for part, prime in zip(parts, PRIMES, strict=False):
        mixed = (mixed ^ part.astype(np.uint64)) * prime
        mixed ^= mixed >> np.uint64(29)
    return (mixed % np.uint64(SLOTS)).astype(np.int64)


def changes(texts: sp.csr_matrix, targets: sp.csr_matrix, row: np.ndarray, column: np.ndarray) -> sp.csr_matrix:
    """Pairs × slots: the features of each pair (row of `texts`, row of `targets`); both count the same n-grams."""
    out = []
    for start in range(0, len(row), 50_000):
        part = slice(start, start + 50_000)
        out.append(_changes(texts[row[part]], targets[column[part]], column[part]))
    return sp.vstack(out, format="csr") if out else sp.csr_matrix((0, SLOTS), dtype=np.float32)


def _changes(text: sp.csr_matrix, target: sp.csr_matrix, name: np.ndarray) -> sp.csr_matrix:
    text, target = text.sign(), target.sign()
    kept = text.multiply(target).tocsr()
    gone, come = (text - kept).tocsr(), (target - kept).tocsr()
    for matrix in (gone, come):
        matrix.eliminate_zeros()
    pairs, features = [], []
    for kind, matrix in enumerate((gone, come, kept)):
        pairs.append(_rows(matrix))
        features.append(slots(kind, matrix.indices))
    pair, left, right = crossed(gone, come)
    pairs.append(pair)
    features.append(slots(3, left, right))
    rows = _rows(text)
    pairs.append(rows)
    features.append(slots(4, text.indices, name[rows]))
    pairs.append(np.arange(len(name)))
    features.append(slots(5, name))
    at, slot = np.concatenate(pairs), np.concatenate(features)
    return sp.csr_matrix((np.ones(len(at), np.float32), (at, slot)), shape=(len(name), SLOTS))


def _rows(matrix: sp.csr_matrix) -> np.ndarray:
    return np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))


def crossed(left: sp.csr_matrix, right: sp.csr_matrix) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every (row, column of left, column of right) where both hold something in that row."""
    rows = _rows(left)
    many = np.diff(right.indptr)[rows]
    row = np.repeat(rows, many)
    first = np.repeat(right.indptr[rows], many)
    step = np.arange(len(row)) - np.repeat(np.cumsum(many) - many, many)
    return row, np.repeat(left.indices, many), right.indices[first + step]


@dataclass(frozen=True)
class Edit:
    """The learned weights of the slots, float32."""

    weights: np.ndarray

    @classmethod
    def learn(cls, features: sp.csr_matrix, group: np.ndarray, right: np.ndarray, penalty: float) -> "Edit":
        """From pairs, sorted by group (a wording), and which are right; groups without a right one are left out."""
        share = right / np.maximum(np.bincount(group, right)[group], 1e-9)
        used = np.bincount(group, right)[group] > 0
        features, share = features[used], share[used].astype(np.float32)
        _, group = np.unique(group[used], return_inverse=True)
        starts = np.flatnonzero(np.diff(group, prepend=-1))
        seen, small = _telling(features, share > 0)
        back = small.T.tocsr()

        def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
            score = small @ weights.astype(np.float32)
            score = score - np.maximum.reduceat(score, starts)[group]
            mass = np.exp(score)
            total = np.add.reduceat(mass, starts)
            gap = mass / total[group] - share
            value = float(np.log(total).sum() - (share * score).sum()) + 0.5 * penalty * float(weights @ weights)
            return value, (back @ gap.astype(np.float32)).astype(np.float64) + penalty * weights

        found = minimize(loss, np.zeros(len(seen)), jac=True, method="L-BFGS-B", options={"maxiter": 40, "maxcor": 6})
        weights = np.zeros(SLOTS, np.float32)
        weights[seen] = found.x
        return cls(weights)

    def score(self, features: sp.csr_matrix) -> np.ndarray:
        """The score of each pair, float32; comparable within a group."""
        return np.asarray(features @ self.weights, np.float32)

    def score_pairs(
        self, texts: sp.csr_matrix, targets: sp.csr_matrix, row: np.ndarray, column: np.ndarray
    ) -> np.ndarray:
        """The score of pairs of rows, in blocks: the features of all at once would take much memory."""
        out = np.zeros(len(row), np.float32)
        for start in range(0, len(row), 20_000):
            part = slice(start, start + 20_000)
            out[part] = self.score(_changes(texts[row[part]], targets[column[part]], column[part]))
        return out


def _telling(features: sp.csr_matrix, right: np.ndarray) -> tuple[np.ndarray, sp.csr_matrix]:
    """The slots worth a weight (found in a right pair, or in many wrong ones), and the features on them."""
    found = np.bincount(features.indices, minlength=SLOTS)
    kept = (np.bincount(features[right].indices, minlength=SLOTS) > 0) | (found >= COMMON)
    at = np.cumsum(kept) - 1
    held = kept[features.indices]
    ends = np.concatenate([[0], np.cumsum(held)])[features.indptr]
    shape = (features.shape[0], int(kept.sum()))
    return np.flatnonzero(kept), sp.csr_matrix((features.data[held], at[features.indices[held]], ends), shape=shape)
