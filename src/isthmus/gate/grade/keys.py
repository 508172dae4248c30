"""Keys of one use: pseudonyms and shifts of dates that no other use shares.

Pseudonym and shift come from HMAC-SHA-256 with a key of the use, itself derived from the operator's secret. The same
function exists twice: in Python, and as an expression that an engine evaluates where the column is used.
"""

import hashlib
import hmac
from typing import Any

import ibis
import ibis.expr.types as ir

from isthmus.base.errors import InputError

SECRET = 32  # bytes
DIGITS = 32  # hexadecimal: 128 bit
REACH = 182  # days: dates move by at most this many, to either side
_BLOCK = 64  # bytes of a block of SHA-256
_WORD = 8  # hexadecimal digits from which a shift is taken


def _sha256(value: bytes) -> str:
    """The engine's own function: 64 hexadecimal digits."""
    raise NotImplementedError


def _unhex(value: str) -> bytes:
    """The engine's own function."""
    raise NotImplementedError


def _encode(value: str) -> bytes:
    """The engine's own function: the text in UTF-8."""
    raise NotImplementedError


def _concat(one: bytes, other: bytes) -> bytes:
    """The engine's own function."""
    raise NotImplementedError


def _left(value: str, characters: int) -> str:
    """The engine's own function; Ibis's would write its argument out twice, and have it computed twice."""
    raise NotImplementedError


_SHA256, _UNHEX, _ENCODE, _CONCAT, _LEFT = (
    ibis.udf.scalar.builtin(function, name=function.__name__.strip("_"))
    for function in (_sha256, _unhex, _encode, _concat, _left)
)


class Keys:
    """The keys of one use. `secret` is the operator's, of 32 bytes; what is derived for `use` tells nothing of it."""

    def __init__(self, secret: bytes, use: str) -> None:
        if len(secret) != SECRET or not use:
            raise InputError(f"the keys of a use need a secret of {SECRET} bytes and the use's name.")
        self._keys = {
            domain: hmac.new(secret, f"isthmus:{domain}:{use}".encode(), hashlib.sha256).digest()
            for domain in ("person", "thing", "days")
        }

    def pseudonym(self, identity: int, domain: str = "person") -> str:
        """What stands for a person (or, in domain `thing`, for another row) in this use: 32 hexadecimal digits."""
        return self._digest(identity, domain)[:DIGITS]

    def days(self, person: int) -> int:
        """By how many days all dates of a person are moved in this use: the same for all, so that intervals stay."""
        return int(self._digest(person, "days")[:_WORD], 16) % (2 * REACH + 1) - REACH

    def pseudonyms(self, identities: ir.IntegerValue, domain: str = "person") -> ir.StringValue:
        """`pseudonym` as an expression; null for null."""
        return _LEFT(self._digests(identities, domain), DIGITS)

    def moved(self, dates: Any, people: ir.IntegerValue) -> Any:
        """Dates or datetimes moved by the `days` of their people, as an expression; null for a null of either."""
        word = ibis.literal("0x").concat(_LEFT(self._digests(people, "days"), _WORD)).cast("int64")
        shift = (word % (2 * REACH + 1) - REACH).as_interval("D")
        if dates.type().is_date():  # the engine makes a time of a date that moves
            return (dates.cast("timestamp") + shift).date()
        return dates + shift

    def _digest(self, identity: int, domain: str) -> str:
        return hmac.new(self._keys[domain], str(identity).encode(), hashlib.sha256).hexdigest()

    def _digests(self, identities: ir.IntegerValue, domain: str) -> ir.StringValue:
        """HMAC (RFC 2104), written out, for engines have the hash only."""
        key = self._keys[domain].ljust(_BLOCK, b"\0")
        inner, outer = (_UNHEX(ibis.literal(bytes(byte ^ pad for byte in key).hex())) for pad in (0x36, 0x5C))
        return _SHA256(_CONCAT(outer, _UNHEX(_SHA256(_CONCAT(inner, _ENCODE(identities.cast("string")))))))
