"""Editions are numbered, chained, published in one step, and never changed."""

import hashlib
from pathlib import Path

import pytest

from isthmus.base.errors import InputError
from isthmus.lake.delta import DataFile
from isthmus.lake.edition import Edition, Editions

FILE = DataFile("person", "person/site=a/00.parquet", "a", 3, 100)
NOTES = {"published_at": "2024-01-01T00:00:00Z"}


def _published(editions: Editions, *batches: str) -> Edition:
    return editions.publish({"person": (4, [FILE])}, batches=batches, notes=NOTES)


@pytest.fixture
def editions(tmp_path: Path) -> Editions:
    return Editions(tmp_path)


def test_before_the_first_there_is_none(editions: Editions) -> None:
    assert editions.current() is None
    assert editions.numbers() == []
    with pytest.raises(InputError, match=r"^there is no edition 1\. None is published yet; run `isthmus ingest`\.$"):
        editions.get(1)


def test_an_edition_says_what_it_holds(editions: Editions) -> None:
    _published(editions, "b1", "b2")
    found = editions.current()
    assert found is not None
    assert (found.number, found.name, found.batches) == (1, "e000001", ("b1", "b2"))
    assert found.tables() == {"person": 3}
    assert found.files("person") == [FILE]
    assert found.files("measurement") == []
    assert found.body["published_at"] == NOTES["published_at"]
    assert found.body["tables"]["person"]["version"] == 4


def test_every_edition_names_the_digest_of_the_one_before(editions: Editions) -> None:
    chain = [_published(editions, f"b{number}") for number in range(3)]
    assert [one.number for one in chain] == [1, 2, 3]
    assert [one.body["previous"] for one in chain] == [None, chain[0].digest, chain[1].digest]
    for one in chain:
        content = (editions.folder / f"{one.number:06d}.json").read_bytes()
        assert hashlib.sha256(content).hexdigest() == one.digest == editions.get(one.number).digest


def test_an_edition_is_published_once(editions: Editions, monkeypatch: pytest.MonkeyPatch) -> None:
    first = _published(editions, "b1")
    monkeypatch.setattr(Editions, "current", lambda _: None)  # one who looked before the first was there
    with pytest.raises(FileExistsError):
        _published(editions, "b2")
    assert editions.get(1).digest == first.digest
    assert [path.name for path in editions.folder.iterdir()] == ["000001.json"]


def test_what_a_killed_process_left_is_taken_away(editions: Editions) -> None:
    editions.folder.mkdir()
    (editions.folder / ".000001.json.4711.tmp").write_text('{"edition": 1')
    assert editions.current() is None
    _published(editions)
    editions.clear()
    assert [path.name for path in editions.folder.iterdir()] == ["000001.json"]


def test_an_edition_that_is_not_there_is_said_with_those_that_are(editions: Editions) -> None:
    _published(editions)
    _published(editions)
    with pytest.raises(InputError, match=r"^there is no edition 9\. Published: 1 to 2\.$"):
        editions.get(9)
