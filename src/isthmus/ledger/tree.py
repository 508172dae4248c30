"""The Merkle tree of RFC 9162, section 2.1, with SHA-256: roots, proofs, and the checks that a witness makes.

Subtree proofs follow draft-ietf-plants-merkle-tree-certs, section 4. A proof is a list of hashes, deepest first.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence

Span = Callable[[int, int], bytes]
"""Gives the Merkle tree hash of the leaves from (included) to (excluded)."""

EMPTY = hashlib.sha256(b"").digest()
SIZE = 32


def leaf_hash(entry: bytes) -> bytes:
    """The hash of one entry."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a node over its two children."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Edge:
    """The right edge of a growing tree: the roots of its perfect subtrees, largest first. Log-sized memory.

    `size` leaves are in it; `hashes` has one hash for every bit that is set in `size`, highest bit first.
    """

    __slots__ = ("hashes", "size")

    def __init__(self, size: int = 0, hashes: Iterable[bytes] = ()) -> None:
        self.size = size
        self.hashes = list(hashes)
        if len(self.hashes) != size.bit_count():
            raise ValueError(f"a tree of {size} leaves has {size.bit_count()} perfect subtrees, not {len(self.hashes)}")

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Append leaf hashes."""
        hashes, size, sha256 = self.hashes, self.size, hashlib.sha256
        for leaf in leaves:
            node, full = leaf, size
            while full & 1:
                node = sha256(b"\x01" + hashes.pop() + node).digest()
                full >>= 1
            hashes.append(node)
            size += 1
        self.size = size

    def root(self) -> bytes:
        """The Merkle tree hash over all leaves."""
        if not self.hashes:
            return EMPTY
        node = self.hashes[-1]
        for left in reversed(self.hashes[:-1]):
            node = node_hash(left, node)
        return node


def root_of(leaves: Iterable[bytes]) -> bytes:
    """The root over leaf hashes."""
    edge = Edge()
    edge.extend(leaves)
    return edge.root()


def _split(count: int) -> int:
    """The largest power of two below `count` (two or more)."""
    return 1 << (count - 1).bit_length() - 1


def inclusion(span: Span, index: int, start: int, end: int) -> list[bytes]:
    """The path from a leaf to the root of the subtree `[start, end)`; `start` is 0 for a whole tree (RFC 9162 2.1.3.1).

    Raises ValueError when the leaf is not in there, or it is no subtree.
    """
    if not (start <= index < end and is_subtree(start, end)):
        raise ValueError(f"no leaf {index} in the subtree from {start} to {end}")
    path: list[bytes] = []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(span(middle, end))
            end = middle
        else:
            path.append(span(start, middle))
            start = middle
    return path[::-1]


def consistency(span: Span, old: int, new: int) -> list[bytes]:
    """The proof that the first `old` leaves of the tree of `new` leaves are unchanged (RFC 9162 2.1.4.1).

    It is empty for equal sizes, and for the empty tree. Raises ValueError when `old` is larger than `new`.
    """
    return subtree_consistency(span, 0, old, new)


def subtree_consistency(span: Span, start: int, end: int, size: int) -> list[bytes]:
    """The proof that the subtree `[start, end)` is part of the tree of `size` leaves. ValueError for no subtree."""
    if not (0 <= start <= end <= size and (start == end or is_subtree(start, end))):
        raise ValueError(f"no subtree from {start} to {end} in a tree of {size} leaves")
    path: list[bytes] = []
    low, high, known = 0, size, True
    while start != end and (low, high) != (start, end):
        middle = low + _split(high - low)
        if end <= middle:
            path.append(span(middle, high))
            high = middle
        else:
            path.append(span(low, middle))
            known = known and start >= middle
            start, low = max(start, middle), middle
    if not known:
        path.append(span(low, high))
    return path[::-1]


def is_subtree(start: int, end: int) -> bool:
    """Whether `[start, end)` is one node's range in every tree that holds it: `start` is a multiple of its size."""
    return 0 <= start < end and start % (1 << (end - start - 1).bit_length()) == 0


def is_included(proof: Sequence[bytes], leaf: bytes, index: int, *, size: int, root: bytes) -> bool:
    """Whether the proof leads from the leaf hash to the root (RFC 9162 2.1.3.2)."""
    if not (0 <= index < size) or len(leaf) != SIZE or any(len(one) != SIZE for one in proof):
        return False
    place, last, node = index, size - 1, leaf
    for one in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            node = node_hash(one, node)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            node = node_hash(node, one)
        place, last = place >> 1, last >> 1
    return last == 0 and node == root


def is_consistent(proof: Sequence[bytes], old: int, old_root: bytes, new: int, new_root: bytes) -> bool:
    """Whether the proof shows that the older tree is a beginning of the newer (RFC 9162 2.1.4.2).

    With no leaves there is nothing to prove: then only two equal, empty trees are consistent.
    """
    if old == new >= 0:
        return not proof and old_root == new_root and (old > 0 or old_root == EMPTY)
    if not (0 < old < new and proof) or any(len(one) != SIZE for one in (*proof, old_root, new_root)):
        return False
    path = list(proof) if old & (old - 1) else [old_root, *proof]
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    before = after = path[0]
    for one in path[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            before, after = node_hash(one, before), node_hash(one, after)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            after = node_hash(after, one)
        place, last = place >> 1, last >> 1
    return last == 0 and before == old_root and after == new_root
