"""Keys of one use: pseudonyms and shifts of dates that no other use shares.

Pseudonym and shift come from HMAC-SHA-256 with a key of the use, itself derived from the operator's secret. The same
function exists twice: in Python, and as an expression that an engine evaluates where the column is used.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from typing import Any

import ibis
import ibis.expr.types as ir

from isthmus.base.errors import InputError

SECRET = 32  # bytes
DIGITS = 32  # hexadecimal: 128 bit
REACH = 182  # days: dates move by at most this many, to either side
VEIL = 63  # bits of a number that is made anew for each question
_BLOCK = 64  # bytes of a block of SHA-256
_PADS = (0x36, 0x5C)  # of the inner and the outer hash of HMAC (RFC 2104)
FORM = re.compile(r"[0-9a-f]{32}")
"""How a pseudonym is written."""
_NUMBER = 15  # hexadecimal digits of a number
_WORD = 8  # hexadecimal digits from which a shift is taken


_builtin = ibis.udf.scalar.builtin  # functions that the engine has and Ibis has not, by name and types
_SHA256 = _builtin(lambda value: None, name="sha256", signature=(("binary",), "string"))  # 64 hexadecimal digits
_UNHEX = _builtin(lambda value: None, name="unhex", signature=(("string",), "binary"))
_ENCODE = _builtin(lambda value: None, name="encode", signature=(("string",), "binary"))  # in UTF-8
_CONCAT = _builtin(lambda one, other: None, name="concat", signature=(("binary", "binary"), "binary"))
# Ibis's own `left` writes its argument out twice, and has it computed twice.
_LEFT = _builtin(lambda value, characters: None, name="left", signature=(("string", "int64"), "string"))


class Keys:
    """The keys of one use. `secret` is the operator's, of 32 bytes; what is derived for `use` tells nothing of it."""

    def __init__(self, secret: bytes, use: str) -> None:
        if len(secret) != SECRET or not use:
            raise InputError(f"the keys of a use need a secret of {SECRET} bytes and the use's name.")
        self._keys = {
            domain: hmac.new(secret, f"isthmus:{domain}:{use}".encode(), hashlib.sha256).digest()
            for domain in ("person", "thing", "days", "name")
        }
        # Of both hashes of HMAC the block of the key is the same for all: it is hashed once.
        self._begun = {
            domain: tuple(hashlib.sha256(bytes(byte ^ pad for byte in key.ljust(_BLOCK, b"\0"))) for pad in _PADS)
            for domain, key in self._keys.items()
        }
        self._veil = secrets.randbits(VEIL)

    @property
    def name(self) -> str:
        """What may be called after these keys, and after no others."""
        return self._keys["name"].hex()[:DIGITS]

    def pseudonym(self, identity: int, domain: str = "person") -> str:
        """What stands for a person (or, in domain `thing`, for another row) in this use: 32 hexadecimal digits."""
        return self._digest(identity, domain)[:DIGITS]

    def named(self, identities: Iterable[int | None], domain: str = "person") -> list[str | None]:
        """`pseudonym` of many; None for None."""
        inner, outer = self._begun[domain]
        return [None if one is None else _mac(inner, outer, b"%d" % one)[:DIGITS] for one in identities]

    def days(self, person: int) -> int:
        """By how many days all dates of a person are moved in this use: the same for all, so that intervals stay."""
        return int(self._digest(person, "days")[:_WORD], 16) % (2 * REACH + 1) - REACH

    def pseudonyms(self, identities: ir.IntegerValue, domain: str = "person") -> ir.StringValue:
        """`pseudonym` as an expression; null for null."""
        return _LEFT(self._digests(identities, domain), DIGITS)

    @staticmethod
    def numbers(pseudonyms: ir.StringValue) -> ir.IntegerValue:
        """Whole numbers of 60 bit that stand for pseudonyms, where steps of ours count with identities."""
        return ibis.literal("0x").concat(_LEFT(pseudonyms, _NUMBER)).cast("int64")

    @staticmethod
    def number(pseudonym: str) -> int:
        """The same of one pseudonym."""
        return int(pseudonym[:_NUMBER], 16)

    def veiled(self, identities: ir.IntegerValue) -> ir.IntegerValue:
        """Numbers that are apart where identities are, for a question that only counts and compares them.

        No value of them may be told. They are no pseudonyms: the secret bits keep the order in which an engine gives
        rows, which follows from the numbers, from telling of the identities. They change with every question.
        """
        return identities ^ ibis.literal(self._veil, type="int64")

    def shifts(self, people: ir.IntegerValue) -> ir.IntegerValue:
        """`days` as an expression; null for null."""
        word = ibis.literal("0x").concat(_LEFT(self._digests(people, "days"), _WORD)).cast("int64")
        return word % (2 * REACH + 1) - REACH

    @staticmethod
    def moved(dates: Any, days: ir.IntegerValue) -> Any:
        """Dates or datetimes moved by so many days, as an expression; null for a null of either."""
        shift = days.as_interval("D")
        if dates.type().is_date():  # the engine makes a time of a date that moves
            return (dates.cast("timestamp") + shift).date()
        return dates + shift

    def _digest(self, identity: int, domain: str) -> str:
        inner, outer = self._begun[domain]
        return _mac(inner, outer, b"%d" % identity)

    def _digests(self, identities: ir.IntegerValue, domain: str) -> ir.StringValue:
        """HMAC (RFC 2104), written out, for engines have the hash only."""
        key = self._keys[domain].ljust(_BLOCK, b"\0")
        inner, outer = (_UNHEX(ibis.literal(bytes(byte ^ pad for byte in key).hex())) for pad in _PADS)
        return _SHA256(_CONCAT(outer, _UNHEX(_SHA256(_CONCAT(inner, _ENCODE(identities.cast("string")))))))


def _mac(inner: Any, outer: Any, value: bytes) -> str:
    """HMAC of a value in hexadecimal digits, from both hashes with the key in them."""
    one, other = inner.copy(), outer.copy()
    one.update(value)
    other.update(one.digest())
    return str(other.hexdigest())
