"""Bit patterns of records: alike for one person, as unlike as chance for two, and nothing without the key."""

import numpy as np
import pyarrow as pa
import pytest

from isthmus.base.errors import UsageError
from isthmus.linkage import bloom
from isthmus.linkage.bloom import SENT, Encoded, Encoding, alike, encode

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))
ENCODING = Encoding(
    0.56, (Encoded("given", "name", 2, 25), Encoded("family", "name", 2, 25), Encoded("born", "born", 2, 25))
)
PEOPLE = [("anna", "miller", "19800102"), ("berta", "smith", "19751112"), ("carl", None, "20010520")]


def _records(rows: list[tuple[str | None, ...]], site: str = "a") -> pa.Table:
    given, family, born = zip(*rows, strict=True)
    text = [pa.array(column, pa.string()) for column in (given, family, born)]
    return pa.table([pa.array(range(len(rows))), pa.array([site] * len(rows)), *text],
                    names=["record_id", "site", "given", "family", "born"])  # fmt: skip


def _bits(rows: list[tuple[str | None, ...]], key: bytes = KEY) -> np.ndarray:
    joined = b"".join(encode(_records(rows), ENCODING, key)["pattern"].to_pylist())
    return np.unpackbits(np.frombuffer(joined, dtype=np.uint8).reshape(len(rows), -1), axis=1)


def _shared(one: np.ndarray, other: np.ndarray) -> float:
    return float((one == other).mean())


def test_a_key_makes_the_same_pattern_every_time() -> None:
    assert (_bits(PEOPLE) == _bits(PEOPLE)).all()
    assert _bits(PEOPLE).shape == (3, SENT)


def test_another_key_makes_another_pattern() -> None:
    for one, other in zip(_bits(PEOPLE), _bits(PEOPLE, OTHER), strict=True):
        assert _shared(one, other) == pytest.approx(0.5, abs=0.06)


def test_slips_leave_patterns_alike_and_strangers_share_half() -> None:
    anna, slipped, exchanged, berta = _bits(
        [PEOPLE[0], ("ana", "miller", "19800102"), ("miller", "anna", "19800102"), PEOPLE[1]]
    )
    assert _shared(anna, slipped) > 0.7
    assert _shared(anna, exchanged) == 1.0
    assert _shared(anna, berta) < 0.58


def test_each_is_linked_with_its_nearest() -> None:
    ours = encode(_records(PEOPLE), ENCODING, KEY)
    theirs = encode(_records([("berta", "smyth", "19751112"), ("dora", "jones", "19550807")], "b"), ENCODING, KEY)
    assert alike(ours, theirs, 0.56).select(["l", "r"]).to_pylist() == [{"l": 1, "r": 0}]


def test_nothing_is_linked_with_nobody() -> None:
    ours = encode(_records(PEOPLE), ENCODING, KEY)
    assert len(alike(ours, ours.slice(0, 0), 0.5)) == len(alike(ours.slice(0, 0), ours, 0.5)) == 0


def test_mixing_hides_which_letters_are_frequent(monkeypatch: pytest.MonkeyPatch) -> None:
    """All have one surname: in the filter itself its bits are set in everybody."""
    rng = np.random.default_rng(3)
    rows: list[tuple[str | None, ...]] = [
        ("".join(rng.choice(list("abcdefghij"), 6)), "miller", str(day))
        for day in rng.integers(19300101, 20201231, 400)
    ]
    mixed = _bits(rows).mean(axis=0)
    monkeypatch.setattr(bloom, "MIXED", 1)
    plain = _bits(rows).mean(axis=0)
    assert (plain == 1.0).mean() > 0.1
    assert (mixed == 1.0).mean() < 0.02
    assert mixed.std() < 0.7 * plain.std()


def test_a_short_key_is_refused() -> None:
    with pytest.raises(UsageError, match="32 at least"):
        encode(_records(PEOPLE), ENCODING, b"secret")
