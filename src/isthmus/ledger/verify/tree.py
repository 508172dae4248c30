"""Merkle trees by the recursive definitions of RFC 9162 and of the draft on subtrees, written to be read.

A proof is consumed from its end, the root's side, while the tree is walked down; what remains must be nothing.
"""

import hashlib
from collections.abc import Sequence

LENGTH = 32
LIMIT = 1 << 64


def hash_leaf(data: bytes) -> bytes:
    """SHA-256 of a zero byte and the entry."""
    return hashlib.sha256(b"".join((b"\x00", data))).digest()


def hash_pair(left: bytes, right: bytes) -> bytes:
    """SHA-256 of a one byte and the two children."""
    return hashlib.sha256(b"".join((b"\x01", left, right))).digest()


def fold(hashes: Sequence[bytes]) -> bytes:
    """The Merkle tree hash over leaf (or subtree) hashes, layer by layer: an odd last one moves up unchanged."""
    if not hashes:
        return hashlib.sha256().digest()
    layer = list(hashes)
    while len(layer) > 1:
        above = [hash_pair(layer[place], layer[place + 1]) for place in range(0, len(layer) - 1, 2)]
        layer = above + layer[len(above) * 2 :]
    return layer[0]


def cut(count: int) -> int:
    """The largest power of two that is smaller than `count`."""
    power = 1
    while power * 2 < count:
        power *= 2
    return power


def included(proof: Sequence[bytes], leaf: bytes, index: int, size: int, root: bytes) -> bool:
    """Whether a leaf hash stands at an index of the tree with this root."""
    return included_within(proof, leaf, index, (0, size), root)


def included_within(proof: Sequence[bytes], leaf: bytes, index: int, subtree: tuple[int, int], root: bytes) -> bool:
    """Whether a leaf hash stands at an index of the subtree (start, end) with this root."""
    start, end = subtree
    if not (_is_node(start, end) and start <= index < end and _are_hashes((leaf, root, *proof))):
        return False
    rest = list(proof)
    found = _climb(rest, leaf, index - start, end - start)
    return not rest and found == root


def consistent(proof: Sequence[bytes], old: int, old_root: bytes, size: int, root: bytes) -> bool:
    """Whether a tree begins with all of an older tree. An empty older tree proves nothing, unless both are empty."""
    if old == 0 and size > 0:
        return False
    if old == 0 and root != fold(()):
        return False
    return consistent_within(proof, (0, old), old_root, size, root)


def consistent_within(proof: Sequence[bytes], subtree: tuple[int, int], inner: bytes, size: int, root: bytes) -> bool:
    """Whether the subtree (start, end) with the hash `inner` is part of the tree with this root.

    An empty subtree is part of every tree: its hash must be the empty one, and there is no proof.
    """
    start, end = subtree
    if not (0 <= start <= end <= size < LIMIT):
        return False
    if start == end:
        return not proof and inner == fold(())
    if (start, end) == (0, size):
        return not proof and inner == root
    if not (_is_node(start, end) and _are_hashes((inner, root, *proof))):
        return False
    rest = list(proof)
    found = _descend(rest, inner, (start, end), size, True)
    return not rest and found == (inner, root)


def _climb(rest: list[bytes], leaf: bytes, index: int, size: int) -> bytes | None:
    if size == 1:
        return leaf
    if not rest:
        return None
    half, beside = cut(size), rest.pop()
    if index < half:
        left = _climb(rest, leaf, index, half)
        return None if left is None else hash_pair(left, beside)
    right = _climb(rest, leaf, index - half, size - half)
    return None if right is None else hash_pair(beside, right)


def _descend(
    rest: list[bytes], inner: bytes, subtree: tuple[int, int], size: int, known: bool
) -> tuple[bytes, bytes] | None:
    """The subtree's hash and the tree's, as the proof has them."""
    start, end = subtree
    if (start, end) == (0, size):
        if known:
            return inner, inner
        given = rest.pop() if rest else None
        return None if given is None else (given, given)
    if not rest:
        return None
    half, beside = cut(size), rest.pop()
    if end <= half:
        found = _descend(rest, inner, subtree, half, known)
        return found and (found[0], hash_pair(found[1], beside))
    if start >= half:
        found = _descend(rest, inner, (start - half, end - half), size - half, known)
        return found and (found[0], hash_pair(beside, found[1]))
    found = _descend(rest, inner, (0, end - half), size - half, False)
    return found and (hash_pair(beside, found[0]), hash_pair(beside, found[1]))


def _is_node(start: int, end: int) -> bool:
    if not 0 <= start < end < LIMIT:
        return False
    span = 1
    while span < end - start:
        span *= 2
    return start % span == 0


def _are_hashes(values: Sequence[bytes]) -> bool:
    return all(len(value) == LENGTH for value in values)
