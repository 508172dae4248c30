"""Identifiers: every single wrong character and every swap of neighbours is found. Records take only right steps."""

import random
from dataclasses import replace

import pytest

from isthmus.base.errors import InputError
from isthmus.ledger.identifier import ALPHABET, check_character, is_identifier, mint, objects, parse
from isthmus.ledger.resolver import Record
from lib.logs import PREFIX


def _minted(count: int, seed: int = 3) -> list[str]:
    chance = random.Random(seed)
    return [mint(PREFIX, chance.choice(sorted(objects())), draw=chance.randrange) for _ in range(count)]


def test_the_check_character_is_that_of_iso_7064_mod_37_2() -> None:
    # The donation number G1234 98 654321 of ISBT 128, which uses this check, has the check character H.
    assert check_character("G123498654321") == "H"
    for text in ("", "A", "20500GR"):
        whole = text + check_character(text)
        values = [(ALPHABET + "*").index(letter) for letter in whole]
        weighted = sum(value * 2**power for power, value in enumerate(reversed(values)))
        assert weighted % 37 == 1


def test_minted_identifiers_are_right_and_never_equal() -> None:
    found = _minted(500)
    assert len(set(found)) == 500
    assert all(is_identifier(one) for one in found)
    assert parse(f" {found[0].lower()} ", prefix=PREFIX)[0] == PREFIX


def test_every_wrong_character_is_found() -> None:
    for text in _minted(20):
        for place, right in enumerate(text):
            for wrong in ALPHABET + "./-* ":
                if wrong != right:
                    harmed = text[:place] + wrong + text[place + 1 :]
                    assert not is_identifier(harmed), (text, harmed)


def test_every_swap_of_neighbours_is_found() -> None:
    swapped = 0
    for text in _minted(300):
        start = text.index("/") - len(PREFIX)
        for place in range(start, len(text) - 1):
            one, two = text[place : place + 2]
            if one != two and not (place < text.index("/") and "." in (one, two)):  # a point moved is another prefix
                swapped += 1
                assert not is_identifier(text[:place] + two + one + text[place + 2 :]), text
    assert swapped > 5000


def test_a_point_that_moved_is_another_resolvers_prefix() -> None:
    text = _minted(1)[0]
    moved = text.replace("20.500", "205.00")
    with pytest.raises(InputError, match="belongs to"):
        parse(moved, prefix=PREFIX)


def test_what_is_no_prefix_or_kind_mints_nothing() -> None:
    for prefix, code in (
        ("", "GR"),
        ("a", "GR"),
        ("1..2", "GR"),
        ("1.", "GR"),
        ("123456789.12345678", "GR"),
        ("20.1", "ZZ"),
    ):
        with pytest.raises(InputError):
            mint(prefix, code)


def _record(state: str = "active") -> Record:
    return Record(_minted(1)[0], "application/json", "sha256:" + "0" * 64, "granted", state, "editions/000001.json")


def test_a_record_is_read_as_it_was_written() -> None:
    record = _record()
    assert Record.parse(record.content) == record
    assert [one["type"] for one in record.values()] == ["TYPE", "SHA256", "ACCESS", "STATE", "URL"]
    assert record.hash != record.moved("superseded", successor=_minted(2)[1]).hash


def test_what_is_gone_stays_gone() -> None:
    gone = _record().moved("gone")
    assert (gone.location, gone.state) == (None, "gone")
    for state in ("minted", "active", "superseded", "withdrawn", "gone"):
        with pytest.raises(InputError, match="cannot become"):
            gone.moved(state)
    assert _record().moved("withdrawn").moved("active") == _record()


@pytest.mark.parametrize(
    "wrong",
    [
        {"identifier": "20.1/GR123"},
        {"content_type": "json"},
        {"digest": "0" * 64},
        {"access": "free"},
        {"state": "lost"},
        {"location": None},
        {"state": "superseded"},
        {"successor": "20.1/GR123"},
    ],
)
def test_a_record_with_a_wrong_value_is_refused(wrong: dict[str, str | None]) -> None:
    with pytest.raises(InputError):
        replace(_record(), **wrong)  # type: ignore[arg-type]
