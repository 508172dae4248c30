"""Somebody has the pseudonyms of a use, and tries every resident number of a county of that time.

What is tried: the number, and the identity that a lake derives from it, hashed in the usual ways, and under HMAC with
what an outsider can know as a key. Whoever has the secret finds everybody: the last test shows that the trying works.
"""

import hashlib
import hmac
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from random import Random

import pytest

from isthmus.base.identity import digest63
from isthmus.gate.grade.keys import DIGITS, Keys
from isthmus.ledger.identifier import mint

COUNTY, FIRST, DAYS, EACH = "330102", date(1958, 1, 1), 150, 999
WEIGHTS = tuple((1 << 17 - place) % 11 for place in range(17))  # GB 11643-1999
SECRET = Random(11643).randbytes(32)
GRANT = mint("20.500.99999", "GR", draw=Random(2).randrange)


def _numbers() -> Iterator[str]:
    """Every resident number of the county for births of these days."""
    for day in range(DAYS):
        born = f"{FIRST + timedelta(days=day):%Y%m%d}"
        for order in range(1, EACH + 1):
            bare = f"{COUNTY}{born}{order:03d}"
            rest = sum(int(digit) * weight for digit, weight in zip(bare, WEIGHTS, strict=True)) % 11
            yield bare + "10X98765432"[rest]


def _identity(number: str) -> int:
    """As a lake derives a person's number from that of a site."""
    return digest63("h01", "hospital", "person", number)


def _keyed(key: bytes) -> Callable[[bytes], str]:
    return lambda text: hmac.new(key, text, hashlib.sha256).hexdigest()


TRIED: Mapping[str, Callable[[bytes], str]] = {
    "SHA-256": lambda text: hashlib.sha256(text).hexdigest(),
    "MD5": lambda text: hashlib.md5(text, usedforsecurity=False).hexdigest(),
    "no key": _keyed(b""),
    "the grant as key": _keyed(GRANT.encode()),
    "the words of the derivation, without the secret": _keyed(
        hmac.new(bytes(32), f"isthmus:person:{GRANT}".encode(), hashlib.sha256).digest()
    ),
}


@pytest.fixture(scope="module")
def numbers() -> list[str]:
    found = list(_numbers())
    assert len(set(found)) == DAYS * EACH
    return found


@pytest.fixture(scope="module")
def pseudonyms(numbers: list[str]) -> frozenset[str]:
    """Of 200 of them, who are patients."""
    keys = Keys(SECRET, GRANT)
    return frozenset(keys.pseudonym(_identity(one)) for one in Random(3).sample(numbers, 200))


@pytest.mark.parametrize("way", TRIED)
def test_no_patient_is_found(numbers: list[str], pseudonyms: frozenset[str], way: str) -> None:
    trial = TRIED[way]
    for number in numbers:
        for text in (number, str(_identity(number))):
            assert trial(text.encode())[:DIGITS] not in pseudonyms


def test_another_use_finds_nobody(numbers: list[str], pseudonyms: frozenset[str]) -> None:
    other = Keys(SECRET, mint("20.500.99999", "GR", draw=Random(4).randrange))
    assert not pseudonyms & {other.pseudonym(_identity(number)) for number in numbers}


def test_the_secret_finds_all(numbers: list[str], pseudonyms: frozenset[str]) -> None:
    keys = Keys(SECRET, GRANT)
    assert pseudonyms <= {keys.pseudonym(_identity(number)) for number in numbers}
