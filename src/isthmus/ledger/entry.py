"""Entries of the log: typed, canonical, and too narrow for anything about a patient.

An entry is one JSON object as RFC 8785 writes it, restricted to what needs no judgement: names in order, no blanks,
ASCII, values that are texts of a fixed form or whole numbers. Its kinds and fields are `kinds.csv`, its lists of
words `words.csv`. A text is a hash, a minted identifier with its check character, a time, a DUO code or a word of a
list; there is no form for free text. What was asked, granted or released stays elsewhere, and the log holds its
salted hash.
"""

import csv
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from importlib import resources

from isthmus.base.errors import InputError
from isthmus.ledger.identifier import is_identifier

Value = str | int

TIME = "%Y-%m-%dT%H:%M:%SZ"
COUNT = 10**10
_JSON = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True)
_HASH = re.compile(r"sha256:[0-9a-f]{64}")
_DUO = re.compile(r"DUO:[0-9]{7}")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a kind: the form of its value, and whether it may be missing."""

    name: str
    form: str
    needed: bool
    fits: Callable[[object], bool]


def encode(kind: str, fields: Mapping[str, Value]) -> bytes:
    """An entry as it goes into the log. Raises InputError when a field is missing, unknown, or not of its form."""
    values: dict[str, Value] = {**fields, "kind": kind}
    _check(values)
    return _canonical(values)


def decode(raw: bytes) -> Mapping[str, Value]:
    """Read an entry. Raises InputError for anything that `encode` would not have written."""
    try:
        values = json.loads(raw)
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise InputError("this is no entry of the log: one JSON object is expected. Make it with `encode`.")
    _check(values)
    if _canonical(values) != raw:
        raise InputError("this entry is not in canonical form. Make it with `encode`.")
    return values


def time_of(moment: datetime) -> str:
    """A moment in UTC as entries have it, to the second."""
    return moment.strftime(TIME)


def sealed(content: bytes, salt: bytes | None = None) -> tuple[str, bytes]:
    """A hash that stands for content without betraying it, and the salt that opens it (32 random bytes by default).

    HMAC-SHA-256 with the salt as key: content that could be guessed cannot be found by trying. Whoever destroys
    content and salt has erased both, and the entry stays.
    """
    chosen = secrets.token_bytes(32) if salt is None else salt
    return "sha256:" + hmac.new(chosen, content, hashlib.sha256).hexdigest(), chosen


@cache
def kinds() -> Mapping[str, Mapping[str, Field]]:
    """The fields of every kind of entry."""
    found: dict[str, dict[str, Field]] = {}
    for row in _rows("kinds.csv"):
        fits = _form(row["form"])
        found.setdefault(row["kind"], {})[row["field"]] = Field(
            row["field"], row["form"], row["need"] == "always", fits
        )
    shared = found.pop("*")
    return {kind: {**shared, **fields} for kind, fields in found.items()}


@cache
def words() -> Mapping[str, frozenset[str]]:
    """The lists of words."""
    found: dict[str, set[str]] = {}
    for row in _rows("words.csv"):
        found.setdefault(row["list"], set()).add(row["word"])
    return {name: frozenset(values) for name, values in found.items()}


def _rows(name: str) -> list[dict[str, str]]:
    with (resources.files(__package__) / name).open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def _check(values: Mapping[str, object]) -> None:
    kind = values.get("kind")
    fields = kinds().get(kind) if isinstance(kind, str) else None
    if fields is None:
        raise InputError(f"an entry has one of the kinds {', '.join(kinds())}. Name one of them.")
    if values.keys() - fields.keys():
        raise InputError(f"an entry of kind '{kind}' has only these fields: {', '.join(fields)}. Leave out the others.")
    for name, field in fields.items():
        if name in values:
            if not field.fits(values[name]):
                raise InputError(
                    f"'{name}' of a {kind} must be of the form '{field.form}'. Log a hash or an identifier."
                )
        elif field.needed:
            raise InputError(f"an entry of kind '{kind}' needs '{name}' (form '{field.form}'). Add it.")


def _canonical(values: Mapping[str, object]) -> bytes:
    return _JSON.encode(values).encode("ascii")


def _form(text: str) -> Callable[[object], bool]:
    name, _, detail = text.partition(":")
    forms: Mapping[str, Callable[[object], bool]] = {
        "count": _is_count,
        "hash": partial(_matches, _HASH),
        "identifier": partial(_is_identifier, detail or None),
        "kind": _is_kind,
        "purpose": partial(_matches, _DUO),
        "time": _is_time,
        "word": partial(_is_word, detail),
    }
    return forms[name]


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value < COUNT


def _matches(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _is_identifier(code: str | None, value: object) -> bool:
    return isinstance(value, str) and is_identifier(value, code)


def _is_kind(value: object) -> bool:
    return isinstance(value, str)


def _is_word(name: str, value: object) -> bool:
    return isinstance(value, str) and value in words()[name]


def _is_time(value: object) -> bool:
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True
