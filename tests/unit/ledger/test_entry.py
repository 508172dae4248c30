"""Entries: one right form, and no room for a patient."""

import json
import re
from datetime import datetime

import pytest

from isthmus.base.errors import InputError
from isthmus.ledger import entry
from isthmus.ledger.verify.entry import read_entry
from lib import logs

# What somebody might be tempted to write into the log; none of it is real.
TEMPTING = [
    "110101199003070011",
    "11010119900307001X",
    "13800138000",
    "张三",
    "Zhang San",
    "zhangsan",
    "1990-03-07",
    "1990-03-07T00:00:00",
    "MRN0012345",
    "C22.0",
    "select name from person",
    "20.500.99999/110101199003070011",
    "sha256:110101199003070011",
    "DUO:13800138000",
    "",
    19900307.5,
    13800138000,
    110101199003070011,
    -1,
    True,
    None,
    ["a"],
    {"a": 1},
]


def _example(kind: str) -> dict[str, str | int]:
    chance = __import__("random").Random(5)
    values: dict[str, str | int] = {}
    for name, field in entry.kinds()[kind].items():
        form, _, detail = field.form.partition(":")
        if form == "identifier":
            values[name] = logs.mint(logs.PREFIX, detail or "GR", draw=chance.randrange)
        elif form == "word":
            values[name] = min(entry.words()[detail])
        elif form != "kind":
            given = {"hash": entry.sealed(b"x", b"y")[0], "time": entry.time_of(logs.MONDAY), "purpose": "DUO:0000007"}
            values[name] = given.get(form, 12)
    return values


@pytest.mark.parametrize("kind", entry.kinds())
def test_every_kind_is_written_and_read_by_both(kind: str) -> None:
    values = _example(kind)
    raw = entry.encode(kind, values)
    assert entry.decode(raw) == read_entry(raw) == {**values, "kind": kind}
    assert len(raw) < 1024


@pytest.mark.parametrize("kind", entry.kinds())
def test_no_field_of_any_kind_takes_free_text_or_a_patient(kind: str) -> None:
    values = _example(kind)
    for name in entry.kinds()[kind]:
        for tempting in TEMPTING:
            with pytest.raises(InputError) as refused:
                entry.encode(kind, {**values, name: tempting} if name != "kind" else values | {"id": tempting})  # type: ignore[dict-item]
            assert str(tempting) not in str(refused.value) or tempting in ("", -1, True, None, ["a"])
    with pytest.raises(InputError, match="only these fields"):
        entry.encode(kind, {**values, "note": "x"})
    for name, field in entry.kinds()[kind].items():
        if field.needed and name != "kind":
            with pytest.raises(InputError, match="needs"):
                entry.encode(kind, {key: value for key, value in values.items() if key != name})


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(InputError, match="one of the kinds"):
        entry.encode("person", _example("grant"))


@pytest.mark.parametrize(
    "harm",
    [
        lambda raw: raw.replace(b',"', b', "'),
        lambda raw: raw + b"\n",
        lambda raw: raw[:-1],
        lambda raw: b"[" + raw + b"]",
        lambda raw: raw.replace(b"{", b'{"zz":1,', 1),
        lambda raw: raw[:-1] + b',"act":"granted"}',
        lambda raw: json.dumps(dict(reversed(json.loads(raw).items())), separators=(",", ":")).encode(),
        lambda raw: raw.replace(b"granted", b"gr\\u0061nted"),
        lambda raw: b"",
        lambda raw: b"\xff" + raw,
        lambda raw: b"[" * 5000,
    ],
)
def test_an_entry_has_one_right_form(harm: object) -> None:
    raw = entry.encode("grant", {**_example("grant"), "act": "granted"})
    harmed = harm(raw)  # type: ignore[operator]
    assert harmed != raw
    with pytest.raises(InputError):
        entry.decode(harmed)
    if b'"zz"' not in harmed:  # the verifier knows forms, not the fields of every kind
        assert read_entry(harmed) is None


def test_a_moment_that_is_none_is_refused() -> None:
    for text in ("2026-02-30T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-01T24:00:00Z"):
        with pytest.raises(InputError):
            entry.encode("grant", {**_example("grant"), "until": text})
    assert entry.time_of(datetime(2026, 1, 2, 3, 4, 5, 678)) == "2026-01-02T03:04:05Z"  # noqa: DTZ001 -- UTC, as the clock gives it


def test_a_sealed_hash_opens_only_with_its_salt() -> None:
    one, salt = entry.sealed(b"plan")
    assert re.fullmatch("sha256:[0-9a-f]{64}", one)
    assert entry.sealed(b"plan", salt)[0] == one
    assert entry.sealed(b"plan")[0] != one
    assert entry.sealed(b"other", salt)[0] != one
