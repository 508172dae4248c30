"""Words that are another but for a slip or two: a letter wrong, missing, too many, or two changed places."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from isthmus.mapping.search.index import signatures

SLIPS = ((5, 1), (9, 2))  # from how many letters on how many slips are allowed


def near(word: str, words: pa.Array, marks: np.ndarray) -> np.ndarray:
    """The places of the words within the slips that the length of `word` allows; `marks` are their signatures."""
    slips = max((allowed for length, allowed in SLIPS if len(word) >= length), default=0)
    if not slips:
        return np.zeros(0, np.int64)
    (own,) = signatures(pa.array([word]))
    differing = np.bitwise_count((marks ^ own).astype(np.uint64))
    length = pc.utf8_length(words).to_numpy()
    at = np.flatnonzero((differing <= 2 * slips) & (np.abs(length - len(word)) <= slips))
    found: np.ndarray = at[distances(word, words.take(pa.array(at))) <= slips]
    return found


def distances(word: str, words: pa.Array) -> np.ndarray:
    """The slips from a word to each of some (optimal string alignment)."""
    if not len(words):
        return np.zeros(0, np.int64)
    length = pc.utf8_length(words).to_numpy()
    wide = int(length.max())
    padded = "".join(pc.utf8_rpad(words, wide, "\0").to_pylist())
    letters = np.frombuffer(padded.encode("utf-32-le"), np.uint32).reshape(len(words), wide)
    asked = np.frombuffer(word.encode("utf-32-le"), np.uint32)
    before = last = np.broadcast_to(np.arange(wide + 1), (len(words), wide + 1))
    for row, letter in enumerate(asked, start=1):
        now = np.empty((len(words), wide + 1), np.int64)
        now[:, 0] = row
        for column in range(1, wide + 1):
            unlike = letters[:, column - 1] != letter
            best = np.minimum(np.minimum(now[:, column - 1], last[:, column]) + 1, last[:, column - 1] + unlike)
            if row > 1 and column > 1:
                turned = (letters[:, column - 2] == letter) & (letters[:, column - 1] == asked[row - 2])
                best = np.where(turned, np.minimum(best, before[:, column - 2] + 1), best)
            now[:, column] = best
        before, last = last, now
    found: np.ndarray = last[np.arange(len(words)), length]
    return found
