"""Scored pairs to persons: records that belong together, and never two that may not.

Most groups of linked records agree in everything and are persons as they are. Where a group holds two values of which a
person has but one, or a pair that speaks against being one person, its links are taken strongest first, and the
evidence between what is joined is added up (greedy contraction, as for correlation clustering: Keuper et al. 2015).
"""

import heapq
from collections import defaultdict
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from isthmus.base.errors import IntegrityError
from isthmus.linkage.model import weight
from isthmus.linkage.rules import Rules

AGAINST = -4.0
"""From this weight of what disagrees on, a pair below the threshold makes its group one to be looked at closely."""
NEVER = -1e6
"""The weight of what was decided to be two people; `decide` gives it."""
RIVAL = weight(0.99)
"""A link must be so much stronger than one to a rival who cannot be the same person."""
CUT = pa.schema([("l", pa.int64()), ("r", pa.int64()), ("weight", pa.float64()), ("reason", pa.string())])
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Clusters:
    """`members`: record_id, cluster (the first of its record ids). `cut`: links above the threshold that were not made,
    with the reason (constraint, rival, against).
    """

    members: pa.Table
    cut: pa.Table


@dataclass(frozen=True, slots=True)
class _Graph:
    """Pairs of rows: `links` are above the threshold; `value` is their weight, or what speaks against the others."""

    left: Ints
    right: Ints
    value: Floats
    links: npt.NDArray[np.bool_]


def clusters(records: pa.Table, scored: pa.Table, rules: Rules) -> Clusters:
    """Join the records of one person.

    Two records that differ in a column of `rules.differ` never end in one cluster, nor by way of a third; this is
    checked before returning.

    :raises IntegrityError: if it should not hold.
    """
    graph = _graph(records, scored, rules)
    count = len(records)
    labels = _components(count, graph.left[graph.links], graph.right[graph.links])
    held = [_codes(records[column]) for column in rules.differ if column in records.column_names]
    inside = labels[graph.left] == labels[graph.right]
    close = np.zeros(count, dtype=bool)
    close[labels[graph.left[inside & ~graph.links & (graph.value <= AGAINST)]]] = True
    for codes in held:
        close[_mixed(labels, codes)] = True
    labels = labels.copy()
    cut: list[tuple[int, str]] = []
    for members, edges in _groups(labels, graph, np.flatnonzero(inside & close[labels[graph.left]])):
        contraction = _Contraction({one: tuple(int(codes[one]) for codes in held) for one in members})
        contraction.run([edge for _, edge in edges])
        for one in members:
            labels[one] = count + contraction.root(one)
        parted = ((row, edge) for row, edge in edges if edge.link and labels[edge.left] != labels[edge.right])
        cut += [(row, contraction.reason(edge.left, edge.right)) for row, edge in parted]
    for codes in held:
        if len(_mixed(labels, codes)):
            raise IntegrityError("a cluster holds two values of which a person has one; nothing was linked.")
    return Clusters(_named(records, labels), _cut(scored, cut))


def grown(former: Clusters, records: pa.Table, scored: pa.Table, rules: Rules) -> Clusters:
    """The clusters after new records have come: what `clusters` would give, for less.

    `records` and `scored` are all of them, old and new.
    """
    known = records["record_id"].combine_chunks()
    new = known.filter(_taken(former.members, known).is_null())
    fresh = pc.or_(pc.is_in(scored["l"], new), pc.is_in(scored["r"], new))
    links = scored.filter(pc.and_(fresh, pc.greater_equal(scored["weight"], weight(rules.link)))).select(["l", "r"])
    inside = reached(former, known, new, links)
    these = known.filter(inside)
    within = scored.filter(pc.and_(pc.is_in(scored["l"], these), pc.is_in(scored["r"], these)))
    return patched(former, known, clusters(records.filter(inside), within, rules))


def reached(former: Clusters, known: pa.Array, seeds: pa.Array, links: pa.Table) -> pa.Array:
    """Which of the `known` record ids have to be clustered anew, as a mask, when `seeds` are new or have changed.

    `links` (`l`, `r`) are those that came with them. A record is reached by way of these, of links that were not made
    before, and of the clusters as they were.
    """
    cluster = pc.coalesce(_taken(former.members, known), known)
    ties = pa.concat_tables([links, former.cut.select(["l", "r"])])
    # Looking few up among all costs as much as everything else together: first the few are sought out.
    wanted = pa.chunked_array([*ties["l"].chunks, *ties["r"].chunks, *_chunks(seeds)], pa.int64()).combine_chunks()
    few = pa.table({"record_id": known, "cluster": cluster}).filter(pc.is_in(known, wanted))
    left, right, begun = (_taken(few, one) for one in (*(ties[side].combine_chunks() for side in "lr"), seeds))
    nodes = pc.unique(pa.chunked_array([left, right, begun]))
    rows = (pc.index_in(one, nodes).to_numpy(zero_copy_only=False).astype(np.int64) for one in (left, right))
    groups = _components(len(nodes), *rows)
    started = pc.index_in(begun, nodes).to_numpy(zero_copy_only=False)
    return pc.is_in(cluster, nodes.filter(pa.array(np.isin(groups, groups[started]))))


def patched(former: Clusters, known: pa.Array, anew: Clusters) -> Clusters:
    """The clusters of all `known` records, some of which were clustered anew."""
    these = anew.members["record_id"].combine_chunks()
    fresh = _taken(anew.members, known)
    cluster = pc.coalesce(fresh, _taken(former.members, known))
    cut = former.cut.filter(pc.invert(pc.is_in(former.cut["l"], these)))
    return Clusters(pa.table({"record_id": known, "cluster": cluster}), pa.concat_tables([cut, anew.cut]))


def _chunks(values: pa.Array | pa.ChunkedArray) -> list[pa.Array]:
    return values.chunks if isinstance(values, pa.ChunkedArray) else [values]


def _taken(members: pa.Table, ids: pa.Array) -> pa.Array:
    """The cluster of each record, null where it has none."""
    there, cluster = (members[name].combine_chunks() for name in ("record_id", "cluster"))
    if ids.slice(0, len(there)).equals(there):  # mostly new records come behind the old ones
        return pa.concat_arrays([cluster, pa.nulls(len(ids) - len(there), pa.int64())])
    return cluster.take(pc.index_in(ids, there))


def _graph(records: pa.Table, scored: pa.Table, rules: Rules) -> _Graph:
    ids = records["record_id"].combine_chunks()
    left, right = (pc.index_in(scored[side], ids).combine_chunks().to_numpy().astype(np.int64) for side in "lr")
    total = scored["weight"].to_numpy()
    links = total >= weight(rules.link)
    against = np.zeros(len(total))
    for one in rules.comparisons:
        against += np.minimum(scored[f"weight_{one.name}"].to_numpy(), 0.0)
    against = np.where(total <= NEVER, total, against)
    return _Graph(left, right, np.where(links, total, against), links)


def _components(count: int, left: Ints, right: Ints) -> Ints:
    graph = coo_array((np.ones(len(left), dtype=np.int8), (left, right)), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def _codes(column: pa.ChunkedArray) -> Ints:
    """A number for each value; -1 for null."""
    indices = pc.dictionary_encode(column.combine_chunks()).indices
    return np.asarray(pc.fill_null(indices, -1).to_numpy(zero_copy_only=False), dtype=np.int64)


def _mixed(labels: Ints, codes: Ints) -> Ints:
    """Labels under which there are two different values."""
    known = codes >= 0
    width = int(codes.max(initial=0)) + 1
    pairs = np.unique(labels[known] * width + codes[known]) // width
    return np.asarray(np.unique(pairs[1:][pairs[1:] == pairs[:-1]]))


class _Edge(NamedTuple):
    """A pair of rows as _Graph has it."""

    left: int
    right: int
    value: float
    link: bool


def _groups(labels: Ints, graph: _Graph, rows: Ints) -> list[tuple[list[int], list[tuple[int, _Edge]]]]:
    """The members and the pairs of each group that is looked at closely."""
    edges: defaultdict[int, list[tuple[int, _Edge]]] = defaultdict(list)
    members: defaultdict[int, set[int]] = defaultdict(set)
    for row, label in zip(rows.tolist(), labels[graph.left[rows]].tolist(), strict=True):
        edge = _Edge(int(graph.left[row]), int(graph.right[row]), float(graph.value[row]), bool(graph.links[row]))
        edges[label].append((row, edge))
        members[label] |= {edge.left, edge.right}
    return [(sorted(members[label]), edges[label]) for label in edges]


class _Contraction:
    """One group: its parts, what each holds, and the evidence between them."""

    def __init__(self, held: dict[int, tuple[int, ...]]) -> None:
        self.parent = {one: one for one in held}
        self.held = held
        self.between: dict[int, dict[int, float]] = {one: {} for one in held}
        self.strongest: dict[int, dict[int, float]] = {one: {} for one in held}

    def root(self, one: int) -> int:
        """The part that a record is in now."""
        while self.parent[one] != one:
            one = self.parent[one]
        return one

    def run(self, edges: list[_Edge]) -> None:
        """Join parts, the strongest evidence first, until none is for joining."""
        for left, right, value, link in edges:
            self.between[left][right] = self.between[right][left] = value
            if link:
                self.strongest[left][right] = self.strongest[right][left] = value
        queue = [(-value, left, right) for left, right, value, link in edges if link]
        heapq.heapify(queue)
        while queue:
            negative, left, right = heapq.heappop(queue)
            if self.between.get(left, {}).get(right) != -negative or -negative <= 0.0:
                continue  # joined meanwhile, or the evidence has changed and stands in the queue again
            if self._differ(left, right) or self._has_rival(left, right):
                continue
            self._join(left, right, queue)

    def reason(self, left: int, right: int) -> str:
        """Why two records are not in one part."""
        one, other = self.root(left), self.root(right)
        if self._differ(one, other):
            return "constraint"
        return "rival" if self.between[one].get(other, 0.0) > 0.0 else "against"

    def _differ(self, left: int, right: int) -> bool:
        return any(a >= 0 and b >= 0 and a != b for a, b in zip(self.held[left], self.held[right], strict=True))

    def _has_rival(self, left: int, right: int) -> bool:
        """Whether either part is linked nearly as strongly to a third that could not follow the other."""
        strength = self.strongest[left].get(right, 0.0)
        for one, other in ((left, right), (right, left)):
            for third, value in self.strongest[one].items():
                if third == other or value < strength - RIVAL:
                    continue
                if self._differ(other, third) or self.between[other].get(third, 0.0) + value <= 0.0:
                    return True
        return False

    def _join(self, left: int, right: int, queue: list[tuple[float, int, int]]) -> None:
        self.parent[right] = left
        self.held[left] = tuple(max(a, b) for a, b in zip(self.held[left], self.held[right], strict=True))
        for store in (self.between, self.strongest):
            store[left].pop(right, None)
            store[right].pop(left, None)
        for third, value in self.strongest.pop(right).items():
            best = max(value, self.strongest[left].get(third, value))
            self.strongest[left][third] = self.strongest[third][left] = best
            del self.strongest[third][right]
        for third, value in self.between.pop(right).items():
            together = value + self.between[left].get(third, 0.0)
            self.between[left][third] = self.between[third][left] = together
            del self.between[third][right]
        for third in self.strongest[left]:
            heapq.heappush(queue, (-self.between[left][third], min(left, third), max(left, third)))


def _named(records: pa.Table, labels: Ints) -> pa.Table:
    """Each record with the first record id of its cluster."""
    table = pa.table({"record_id": records["record_id"], "label": labels})
    first = table.group_by("label").aggregate([("record_id", "min")])
    row = pc.index_in(table["label"], first["label"].combine_chunks())
    return pa.table({"record_id": table["record_id"], "cluster": first["record_id_min"].take(row)})


def _cut(scored: pa.Table, cut: list[tuple[int, str]]) -> pa.Table:
    rows = pa.array([row for row, _ in cut], pa.int64())
    found: dict[str, Any] = {name: scored[name].take(rows) for name in ("l", "r", "weight")}
    return pa.table({**found, "reason": pa.array([reason for _, reason in cut], pa.string())})
