"""Spans of a page: stretches of characters that stand for something, and how they lie to each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from isthmus.mapping.text.page import Ints, Mask


@dataclass(frozen=True, slots=True)
class Spans:
    """Stretches `[start, end)` of a page in the order of their starts; `what` numbers what each stands for."""

    start: Ints
    end: Ints
    what: Ints

    def __len__(self) -> int:
        return len(self.start)

    @classmethod
    def of(cls, rows: Sequence[tuple[int, int, int]]) -> Self:
        """Spans of (start, end, what) in any order."""
        table = np.array(rows, dtype=np.int64).reshape(-1, 3)
        order = np.lexsort((-table[:, 1], table[:, 0]))
        return cls(table[order, 0], table[order, 1], table[order, 2])

    def where(self, mask: Mask | Ints) -> Self:
        """The spans for which the mask holds, or those with these numbers in this order."""
        return type(self)(self.start[mask], self.end[mask], self.what[mask])

    def before(self, position: Ints) -> Ints:
        """The number of the last span that ends at or before each position; -1 where there is none.

        Holds for spans that do not overlap each other.
        """
        return np.searchsorted(self.end, position, side="right") - 1

    def after(self, position: Ints) -> Ints:
        """The number of the first span that starts at or after each position; the length where there is none."""
        return np.searchsorted(self.start, position, side="left")

    def cover(self, size: int) -> Mask:
        """Which of the first `size` positions lie in a span."""
        edges = np.zeros(size + 1, dtype=np.int32)
        np.add.at(edges, self.start, 1)
        np.add.at(edges, self.end, -1)
        return np.cumsum(edges[:-1]) > 0


def longest(spans: Spans) -> Mask:
    """Which spans stay when, from left to right, the longest one wins and none may overlap."""
    kept, last = [], 0
    for start, end in zip(spans.start.tolist(), spans.end.tolist(), strict=True):
        stays = start >= last
        kept.append(stays)
        if stays:
            last = end
    return np.array(kept, dtype=bool)


def apart(spans: Spans, taken: Mask) -> Mask:
    """Which spans touch no position that is taken."""
    count = np.concatenate([[0], np.cumsum(taken)])
    return np.asarray(count[spans.end] == count[spans.start])
