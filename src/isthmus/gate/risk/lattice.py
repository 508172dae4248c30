"""The mildest generalisation of a table that makes it k-anonymous: an exact search of the lattice of levels.

Every column has a hierarchy of levels; a node of the lattice takes one level for each. The loss of a node is the
entropy that its columns lose (log2 of how many rows share the generalised value, over how many share the original),
which is a sum over columns. Nodes are tried from the least loss upwards, so the first that holds is the best. A node
that does not hold rules out all milder ones, so such a node is first made as coarse as it can be without holding.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from isthmus.base.errors import InputError

Ints = npt.NDArray[np.int64]
Levels = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """A column, and for each of its values the value at every level, level 0 being the value itself."""

    column: str
    values: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Optimum:
    """The level of each column, the loss in bits, how many rows are left out, and how many nodes were tried."""

    levels: Levels
    loss: float
    left_out: int
    tried: int


def optimum(table: pa.Table, hierarchies: Sequence[Hierarchy], *, k: int, suppressed: float = 0.0) -> Optimum | None:
    """The node of least loss in which at most that share of rows is in classes smaller than k; None if there is none.

    Rows in smaller classes are to be left out by the caller. Raises InputError for a value without a hierarchy.
    """
    columns = [_Column(table, one) for one in hierarchies]
    rows, repeats = _distinct([one.levels[0] for one in columns])
    search = _Search([[level[rows] for level in one.levels] for one in columns], repeats, k)
    limit = int(suppressed * table.num_rows)
    losses = [one.losses for one in columns]
    nodes = sorted(product(*(range(len(one)) for one in losses)), key=lambda node: _loss(losses, node))
    for node in nodes:
        if search.rules_out(node):
            continue
        outliers = search.outliers(node)
        if outliers <= limit:
            return Optimum(node, _loss(losses, node), outliers, search.tried)
        search.remember(node, limit)
    return None


def _loss(losses: Sequence[Sequence[float]], node: Levels) -> float:
    return sum(one[level] for one, level in zip(losses, node, strict=True))


class _Column:
    """A column's rows as codes at each level, and the loss of each level."""

    def __init__(self, table: pa.Table, hierarchy: Hierarchy) -> None:
        encoded = table.column(hierarchy.column).combine_chunks().dictionary_encode()
        values = encoded.dictionary.to_pylist()
        if unknown := [value for value in values if value not in hierarchy.values]:
            raise InputError(f"{len(unknown)} values of {hierarchy.column} are not in its hierarchy. Add them there.")
        codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        steps = list(zip(*(hierarchy.values[value] for value in values), strict=True))
        self.levels = [np.unique(step, return_inverse=True)[1].astype(np.int64)[codes] for step in steps]
        shared = [np.bincount(level)[level] for level in self.levels]
        self.losses = [float(np.log2(counts / shared[0]).sum()) for counts in shared]


def _distinct(columns: Sequence[Ints]) -> tuple[Ints, Ints]:
    """One row for each combination of values, and how many rows have it."""
    _, first, counts = np.unique(_joined(columns), return_index=True, return_counts=True)
    return first.astype(np.int64), counts.astype(np.int64)


def _joined(columns: Sequence[Ints]) -> Ints:
    """One number for each combination of codes, small enough for the next column to be joined."""
    key = np.zeros(len(columns[0]), dtype=np.int64)
    room = 1
    for column in columns:
        width = int(column.max()) + 1
        if room * width >= 2**62:
            key = np.unique(key, return_inverse=True)[1].astype(np.int64)
            room = int(key.max()) + 1
        key, room = key * width + column, room * width
    return key


class _Search:
    """Which nodes hold, and what the ones that do not rule out."""

    def __init__(self, levels: Sequence[Sequence[Ints]], repeats: Ints, k: int) -> None:
        self._levels, self._repeats, self._k = levels, repeats, k
        self._failed = np.empty((0, len(levels)), dtype=np.int64)
        self._seen: dict[Levels, int] = {}

    @property
    def tried(self) -> int:
        """How many nodes were looked at."""
        return len(self._seen)

    def rules_out(self, node: Levels) -> bool:
        """Is the node at or below one that does not hold?"""
        return bool((self._failed >= np.array(node)).all(axis=1).any())

    def outliers(self, node: Levels) -> int:
        """Rows in classes smaller than k."""
        if node not in self._seen:
            key = _joined([steps[level] for steps, level in zip(self._levels, node, strict=True)])
            place = np.unique(key, return_inverse=True)[1]
            size = np.bincount(place, weights=self._repeats)
            self._seen[node] = int(size[size < self._k].sum())
        return self._seen[node]

    def remember(self, node: Levels, limit: int) -> None:
        """Climb from a node that does not hold as far as none does, and keep where that ends."""
        climbing = True
        while climbing:
            climbing = False
            for above in self._above(node):
                if self.outliers(above) > limit:
                    node, climbing = above, True
                    break
        self._failed = np.vstack([self._failed, np.array(node)])

    def _above(self, node: Levels) -> Iterator[Levels]:
        for place, steps in enumerate(self._levels):
            if node[place] + 1 < len(steps):
                yield (*node[:place], node[place] + 1, *node[place + 1 :])
