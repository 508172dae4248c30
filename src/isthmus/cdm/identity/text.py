"""Columns of texts made plain, and texts of one width as a matrix of bytes."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Bytes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
MISSING = "missing"
BLANKS = r"[\s\-–—·.'’`_]+"


def plain(texts: pa.Array | pa.ChunkedArray, blanks: str = BLANKS) -> pa.Array:
    """Full-width letters made plain, capitals, and nothing that people put between digits."""
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    if pa.types.is_dictionary(texts.type):
        texts = texts.cast(pa.string())
    texts = pc.utf8_upper(pc.utf8_normalize(texts.cast(pa.string()), form="NFKC"))
    return pc.replace_substring_regex(texts, pattern=blanks, replacement="")


def matching(texts: pa.Array, pattern: str) -> Mask:
    """Which texts a pattern matches; null does not."""
    found = pc.match_substring_regex(texts, pattern=pattern)
    return np.asarray(pc.fill_null(found, False).to_numpy(zero_copy_only=False), dtype=bool)


def empty(texts: pa.Array) -> Mask:
    """Which texts are null or empty."""
    return np.asarray(pc.fill_null(pc.equal(texts, ""), True).to_numpy(zero_copy_only=False), dtype=bool)


def matrix(texts: pa.Array, rows: Mask, width: int) -> Bytes:
    """The texts of some rows, all of `width` ASCII characters, as a matrix: one row each."""
    some = texts.filter(pa.array(rows))
    joined = "".join(some.to_pylist())
    return np.frombuffer(joined.encode("ascii"), dtype=np.uint8).reshape(len(some), width)


def digits(letters: Bytes) -> npt.NDArray[np.int64]:
    """ASCII digits as numbers; X, the tenth remainder, is 10."""
    return np.where(letters == ord("X"), 10, letters.astype(np.int64) - ord("0"))


def number(columns: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Decimal numbers from columns of digits, one a row."""
    return np.asarray(columns @ 10 ** np.arange(columns.shape[1] - 1, -1, -1))


class Reasons:
    """One word a row: the first thing that was found wrong with it."""

    def __init__(self, length: int) -> None:
        self.words: list[str | None] = [None]
        self.index = np.zeros(length, dtype=np.int32)

    def mark(self, rows: Mask, word: str) -> None:
        """Give a reason to those of the rows that have none yet."""
        self.words.append(word)
        self.index[rows & (self.index == 0)] = len(self.words) - 1

    @property
    def good(self) -> Mask:
        """Rows without a reason."""
        return np.asarray(self.index == 0)

    def array(self) -> pa.Array:
        """The reasons as texts; null where there is none."""
        return pa.array(self.words, pa.string()).take(pa.array(self.index))


def only(texts: pa.Array, rows: Mask) -> pa.Array:
    """The texts of some rows, null elsewhere."""
    return pc.if_else(pa.array(rows), texts, pa.scalar(None, pa.string()))


def some(texts: pa.Array) -> pa.Array:
    """The texts that hold anything, null where nothing stands."""
    return only(texts, ~empty(texts))
