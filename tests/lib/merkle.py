"""A slow, obvious oracle: the recursive definitions of RFC 9162, section 2.1, over lists of entries."""

import hashlib
from collections.abc import Sequence


def mth(entries: Sequence[bytes]) -> bytes:
    """The Merkle tree hash of a list of entries."""
    if not entries:
        return hashlib.sha256(b"").digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\x00" + entries[0]).digest()
    half = split(len(entries))
    return hashlib.sha256(b"\x01" + mth(entries[:half]) + mth(entries[half:])).digest()


def split(count: int) -> int:
    """The largest power of two below a number."""
    return max(2**power for power in range(64) if 2**power < count)


def path(index: int, entries: Sequence[bytes]) -> list[bytes]:
    """PATH(m, D_n)."""
    if len(entries) == 1:
        return []
    half = split(len(entries))
    if index < half:
        return [*path(index, entries[:half]), mth(entries[half:])]
    return [*path(index - half, entries[half:]), mth(entries[:half])]


def proof(old: int, entries: Sequence[bytes]) -> list[bytes]:
    """PROOF(m, D_n) for 0 < m."""
    return subproof(0, old, entries, True)


def subproof(start: int, end: int, entries: Sequence[bytes], known: bool) -> list[bytes]:
    """SUBTREE_SUBPROOF of the draft on subtrees; with start 0 it is SUBPROOF of the RFC."""
    if (start, end) == (0, len(entries)):
        return [] if known else [mth(entries)]
    half = split(len(entries))
    if end <= half:
        return [*subproof(start, end, entries[:half], known), mth(entries[half:])]
    if start >= half:
        return [*subproof(start - half, end - half, entries[half:], known), mth(entries[:half])]
    return [*subproof(0, end - half, entries[half:], False), mth(entries[:half])]
