"""Identities derived from content, so that a replay gives the same ones."""

import hashlib

SEPARATOR = "\x1f"


def digest63(*parts: str) -> int:
    """A non-negative 63-bit integer for the words, the same on every engine and machine.

    It is the first eight bytes of MD5 over the words joined by the unit separator, read little-endian and halved; MD5
    serves as a mixing function here, not as protection. Two of 10 million ids collide with a chance of about 5e-6.
    """
    digest = hashlib.md5(SEPARATOR.join(parts).encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest[:8], "little") >> 1


def mixed(identity: int, salt: int) -> int:
    """Another identity of the same thing, for another use: one of many tables that one record fills.

    Exclusive or: different things keep different identities, and it costs next to nothing.
    """
    return identity ^ salt
