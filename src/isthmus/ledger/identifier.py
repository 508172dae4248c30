"""Identifiers that are minted once and catch slips of the pen: `PREFIX/KIND BODY CHECK`, written without the blanks.

`PREFIX` is a Handle prefix, numbers with points, 16 characters at most; `KIND` two letters (objects.csv); `BODY` 16
characters, 80 random bits, from Crockford's alphabet (no I, L, O, U); `CHECK` one character by ISO 7064 MOD 37-2 over
all letters and digits before it. 37 is prime and 2 is a primitive root of it, so every single wrong character and
every swap of two neighbours is found. The check value 36, which ISO writes as an asterisk, is never minted.
"""

import csv
import re
import secrets
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from importlib import resources

from isthmus.base.errors import InputError

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
BODY = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 16
_VALUES = bytes.maketrans(ALPHABET.encode(), bytes(range(len(ALPHABET))))
_OTHERS = bytes(set(range(256)) - set(ALPHABET.encode()))
_SHAPE = re.compile(
    rf"(?P<prefix>(?=[0-9.]{{1,16}}/)[0-9]+(?:\.[0-9]+)*)/(?P<code>[A-Z]{{2}})(?P<body>[{BODY}]{{{LENGTH}}})(?P<check>[{BODY}])"
)
_PREFIX = re.compile(r"(?=[0-9.]{1,16}$)[0-9]+(?:\.[0-9]+)*")


@cache
def objects() -> Mapping[str, str]:
    """What is given identifiers: two letters and a word for each."""
    with (resources.files(__package__) / "objects.csv").open(encoding="utf-8") as stream:
        return {row["code"]: row["object"] for row in csv.DictReader(stream)}


def check_character(text: str) -> str:
    """The ISO 7064 MOD 37-2 check character over the letters and digits of a text; `*` for 36."""
    total = 0
    for value in text.encode().translate(_VALUES, _OTHERS):
        total = (total + value) * 2
    return (ALPHABET + "*")[(1 - total) % 37]


def mint(prefix: str, code: str, *, draw: Callable[[int], int] = secrets.randbelow) -> str:
    """A new identifier. `draw(n)` gives a random number below n. InputError for a kind or prefix that is none."""
    if not _PREFIX.fullmatch(prefix) or code not in objects():
        raise InputError(
            f"'{prefix}' with kind '{code}' mints nothing: numbers with points, and one of {', '.join(objects())}."
        )
    while True:
        text = f"{prefix}/{code}" + "".join(BODY[draw(len(BODY))] for _ in range(LENGTH))
        check = check_character(text)
        if check in BODY:
            return text + check


@lru_cache(4096)
def is_identifier(text: str, code: str | None = None) -> bool:
    """Whether a text is a well-formed identifier with a right check character, of the kind asked for."""
    found = _SHAPE.fullmatch(text)
    if found is None or found["code"] not in objects() or (code is not None and found["code"] != code):
        return False
    return check_character(text[:-1]) == found["check"]


def parse(text: str, *, prefix: str | None = None) -> tuple[str, str]:
    """Prefix and kind of an identifier, as people may type it (blanks around, small letters).

    Raises InputError when it is none, its check character is wrong, or it has another prefix than the one asked for.
    """
    tidy = text.strip().upper()
    found = _SHAPE.fullmatch(tidy)
    if found is None or not is_identifier(tidy):
        raise InputError("this is no identifier, or a character of it is wrong or swapped. Compare it with the source.")
    if prefix is not None and found["prefix"] != prefix:
        raise InputError(f"the identifier belongs to '{found['prefix']}', not to '{prefix}'. Ask the resolver there.")
    return found["prefix"], found["code"]
