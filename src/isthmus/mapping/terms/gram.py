"""Character n-grams as exact 64-bit numbers and texts as sparse rows over them, without a loop over texts."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import scipy.sparse as sp

BITS = 21  # a code point; three of them fit in 63 bits, so that keys are exact and need no hashing


def keys(texts: pa.Array, lengths: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """The n-grams of each text as (row, key); lengths are 1 to 3. A text is bounded by a sign at either end."""
    held = pc.binary_join_element_wise("\x02", texts, "\x03", "")
    points = np.frombuffer("".join(held.to_pylist()).encode("utf-32-le"), np.uint32).astype(np.int64)
    row = np.repeat(np.arange(len(texts)), pc.utf8_length(held).to_numpy())
    rows, found = [], []
    for n in lengths:
        count = max(len(points) - n + 1, 0)
        key = np.zeros(count, np.int64)
        for at in range(n):
            key = (key << BITS) | points[at : at + count]
        whole = row[:count] == row[n - 1 : n - 1 + count]
        if n == 1:
            whole &= key > 3  # the bounds alone say nothing
        rows.append(row[:count][whole])
        found.append(key[whole])
    return np.concatenate(rows), np.concatenate(found)


@dataclass(frozen=True)
class Grams:
    """A closed set of n-grams, sorted, with the inverse document frequency of each."""

    lengths: tuple[int, ...]
    known: np.ndarray
    idf: np.ndarray

    @classmethod
    def learn(cls, texts: pa.Array, lengths: tuple[int, ...], at_least: int = 1) -> "Grams":
        """The n-grams that occur in `at_least` texts."""
        row, key = keys(texts, lengths)
        known, at = np.unique(key, return_inverse=True)
        held = np.bincount(np.unique(at * len(texts) + row) // max(len(texts), 1), minlength=len(known))
        kept = held >= at_least
        idf = np.log((1 + len(texts)) / (1 + held[kept])) + 1
        return cls(lengths, known[kept], idf.astype(np.float32))

    def count(self, texts: pa.Array) -> sp.csr_matrix:
        """Texts × n-grams, the number of times each occurs; unknown n-grams are left out."""
        row, key = keys(texts, self.lengths)
        at = np.searchsorted(self.known, key)
        at[at == len(self.known)] = 0
        hit = self.known[at] == key
        shape = (len(texts), len(self.known))
        out = sp.csr_matrix((np.ones(int(hit.sum()), np.float32), (row[hit], at[hit])), shape=shape)
        out.sum_duplicates()
        return out

    def weigh(self, texts: pa.Array) -> sp.csr_matrix:
        """Texts × n-grams, TF-IDF with sublinear counts, each row of length 1 (or 0 when nothing is known)."""
        out = self.count(texts)
        out.data = (1 + np.log(out.data)) * self.idf[out.indices]
        return unit(out)


def unit(matrix: sp.csr_matrix) -> sp.csr_matrix:
    """The rows scaled to length 1; empty rows stay empty."""
    length = np.sqrt(np.asarray(matrix.multiply(matrix).sum(1)).ravel())
    scale = np.divide(1.0, length, out=np.zeros_like(length), where=length > 0)
    out: sp.csr_matrix = sp.diags(scale.astype(np.float32)) @ matrix
    return out.tocsr()


def dots(left: sp.csr_matrix, right: sp.csr_matrix, row: np.ndarray, column: np.ndarray) -> np.ndarray:
    """The products of the given pairs of rows, in blocks: float32 of len(row)."""
    out = np.zeros(len(row), np.float32)
    for start in range(0, len(row), 100_000):
        part = slice(start, start + 100_000)
        out[part] = np.asarray(left[row[part]].multiply(right[column[part]]).sum(1)).ravel()
    return out


def best(
    left: sp.csr_matrix, right: sp.csr_matrix, count: int, block: int = 200
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each row of `left` its `count` most similar rows of `right`: (row, column, score), positive scores only."""
    rows, columns, scores = [], [], []
    across = right.T.tocsr()
    count = min(count, right.shape[0])
    for start in range(0, left.shape[0], block):
        score = (left[start : start + block] @ across).toarray()
        top = np.argpartition(-score, count - 1, axis=1)[:, :count]
        value = np.take_along_axis(score, top, axis=1)
        row, at = np.nonzero(value > 0)
        rows.append(row + start)
        columns.append(top[row, at])
        scores.append(value[row, at])
    return np.concatenate(rows), np.concatenate(columns), np.concatenate(scores)
