"""Past decisions as a regression: what a wording's likeness to decided wordings says about its target.

Kernel ridge regression with a character kernel. The weights over decisions serve twice: carried to the chosen targets
they are votes; carried to the targets' own n-grams they translate a hospital's words into those of the list. Leaving
one decision out has a closed form (the inverse of a matrix less one row and column, by its Schur complement), so that
the ranker may be trained on the same decisions without seeing its own answer.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp


@dataclass(frozen=True)
class Past:
    """Decided wordings, and what maps a likeness to them into weights: `solver` is (K + λI)⁻¹, N × N."""

    wordings: sp.csr_matrix
    solver: np.ndarray

    @classmethod
    def learn(cls, wordings: sp.csr_matrix, ridge: float) -> "Past":
        """From the unit n-gram rows of the decided wordings."""
        gram = kernel(wordings, wordings)
        gram[np.diag_indices_from(gram)] += ridge
        return cls(wordings, np.linalg.inv(gram).astype(np.float32))

    def weigh(self, texts: sp.csr_matrix, own: np.ndarray) -> np.ndarray:
        """Texts × decisions: each decision's weight for each text, had the decision `own` (-1: none) not been made."""
        weight: np.ndarray = kernel(texts, self.wordings) @ self.solver
        at = np.flatnonzero(own >= 0)
        left = own[at]
        weight[at] -= (weight[at, left] / self.solver[left, left])[:, None] * self.solver[left]
        return weight


def kernel(left: sp.csr_matrix, right: sp.csr_matrix) -> np.ndarray:
    """Likeness of unit rows, float32: the cosine, and its square, which asks for several n-grams at once."""
    cosine = (left @ right.T).toarray().astype(np.float32)
    out: np.ndarray = 0.5 * cosine + 0.5 * cosine * cosine
    return out


def strongest(matrix: np.ndarray, count: int) -> sp.csr_matrix:
    """The `count` entries of each row that are largest in size, the rest 0."""
    if matrix.shape[1] <= count:
        return sp.csr_matrix(matrix)
    top = np.argpartition(-np.abs(matrix), count, axis=1)[:, :count]
    row = np.repeat(np.arange(len(matrix)), count)
    value = np.take_along_axis(matrix, top, axis=1).ravel()
    return sp.csr_matrix((value, (row, top.ravel())), shape=matrix.shape)
