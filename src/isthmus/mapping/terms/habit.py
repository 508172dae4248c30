"""What terms leave out of a wording and what they add to it, judged by how often decisions did so.

That a hospital's 'left' is left out says nothing, for decisions always leave it out; that 'forceps' is, says much.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

RARE = 3  # decided wordings: an n-gram found in fewer has no habit
SURE = 0.999


@dataclass(frozen=True)
class Habit:
    """Of each n-gram, for each part of the decisions that was looked at (parts × n-grams):

    `kept`, of the wordings with it, the share whose terms had it too; `said`, of the wordings whose terms had it, the
    share that had it too; `seen`, in how many wordings it was.
    """

    kept: np.ndarray
    said: np.ndarray
    seen: np.ndarray

    @classmethod
    def learn(cls, wordings: sp.csr_matrix, terms: sp.csr_matrix, used: Sequence[np.ndarray]) -> "Habit":
        """From decided wordings and all their terms (0 and 1 by n-gram); `used` are the masks of the parts."""
        both = wordings.multiply(terms).tocsr()
        seen, meant, shared = (
            np.stack([np.asarray(matrix[mask].sum(0)).ravel() for mask in used]) for matrix in (wordings, terms, both)
        )
        whole = shared.sum(1, keepdims=True)
        kept, said = ((shared + whole / np.maximum(of.sum(1, keepdims=True), 1)) / (of + 1) for of in (seen, meant))
        return cls(kept, said, seen)

    def measure(self, wordings: sp.csr_matrix, terms: sp.csr_matrix, part: np.ndarray) -> list[np.ndarray]:
        """Of each line (a wording beside terms that are taken together): the strongest and all that speaks against
        leaving out what they leave out, the same for what they add, how much left out is rare, how much kept is usual.

        `part` is the part of the decisions by which each line is judged.
        """
        both = wordings.multiply(terms).tocsr()
        lost, come = (wordings - both).tocsr(), (terms - both).tocsr()
        for matrix in (lost, come):
            matrix.eliminate_zeros()
        told = []
        for matrix, share in ((lost, self.kept), (come, self.said)):
            against = _read(matrix, share, part)
            told.append(np.asarray(against.max(1).todense()).ravel())
            against.data = -np.log(1 - np.minimum(against.data, SURE))
            told.append(np.asarray(against.sum(1)).ravel())
        rare = np.asarray(_read(lost, (self.seen < RARE).astype(np.float32), part).sum(1)).ravel()
        return [*told, rare, np.asarray(_read(both, self.kept, part).sum(1)).ravel()]


def _read(matrix: sp.csr_matrix, values: np.ndarray, part: np.ndarray) -> sp.csr_matrix:
    """The matrix with, in place of each 1, the value of its n-gram in the part of its line."""
    line = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    return sp.csr_matrix((values[part[line], matrix.indices], matrix.indices, matrix.indptr), shape=matrix.shape)
