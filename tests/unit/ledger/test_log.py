"""Appending, publishing, and what a second try or a second process meets."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from isthmus.base.errors import InputError, IntegrityError, IsthmusError
from isthmus.ledger.key import Key
from isthmus.ledger.log import Batch, Log
from isthmus.ledger.note import Checkpoint
from isthmus.ledger.tree import is_consistent, is_included, leaf_hash
from isthmus.ledger.verify.log import check_log
from isthmus.ledger.verify.policy import read_policy
from lib import logs, merkle


def test_published_entries_and_roots_are_those_of_the_definition(tmp_path: Path) -> None:
    log = Log(tmp_path, Key.make("example.org/log"))
    whole = logs.entries(1400)
    for number, (low, high) in enumerate([(0, 1), (1, 256), (256, 300), (300, 812), (812, 1400)]):
        log.append(Batch(f"b{number}", whole[low:high]))
        checkpoint = Checkpoint.parse(log.publish().text)
        assert checkpoint == Checkpoint("example.org/log", high, merkle.mth(whole[:high]))
        assert list(log.entries()) == whole[:high]
    for index in (0, 255, 256, 811, 1399):
        assert log.inclusion(index) == merkle.path(index, whole)
        assert is_included(log.inclusion(index), leaf_hash(whole[index]), index, size=1400, root=merkle.mth(whole))
        assert log.entry(index) == whole[index]
    for old in (1, 256, 300, 812, 1400):
        assert log.consistency(old) == merkle.proof(old, whole)
        assert is_consistent(log.consistency(old), old, merkle.mth(whole[:old]), 1400, merkle.mth(whole))


def test_a_batch_that_comes_again_is_not_taken_twice(tmp_path: Path) -> None:
    log = Log(tmp_path, Key.make("example.org/log"))
    one, two, other = logs.entries(3)
    assert [(r.first, r.count, r.repeated) for r in log.append(Batch("a", [one, two]))] == [(0, 2, False)]
    assert [(r.first, r.count, r.repeated) for r in log.append(Batch("a", [one, two]))] == [(0, 2, True)]
    log.publish()
    assert log.append(Batch("a", [one, two]))[0].repeated
    assert log.size == 2
    with pytest.raises(InputError, match="logged with other entries"):
        log.append(Batch("a", [one, other]))


def test_batches_of_one_call_are_taken_together_or_not_at_all(tmp_path: Path) -> None:
    log = Log(tmp_path, Key.make("example.org/log"))
    one, two, three = logs.entries(3)
    log.append(Batch("a", [one]))
    with pytest.raises(InputError):
        log.append(Batch("b", [two]), Batch("a", [three]))
    assert log.size == 1
    with pytest.raises(InputError, match="canonical"):
        log.append(Batch("b", [two]), Batch("c", [three.replace(b',"', b', "')]))
    assert log.size == 1
    assert [one.first for one in log.append(Batch("b", [two]), Batch("c", [three]))] == [1, 2]


def test_a_full_disk_takes_nothing_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = Log(tmp_path, Key.make("example.org/log"))
    whole = logs.entries(900)
    log.append(Batch("a", whole[:10]))
    pages = log._journal._db.execute("pragma page_count").fetchone()[0]
    log._journal._db.execute(f"pragma max_page_count = {pages}")
    with pytest.raises(IsthmusError, match="nothing was logged"):
        log.append(Batch("b", whole[10:]))
    assert log.size == 10
    log._journal._db.execute(f"pragma max_page_count = {pages + 1000}")
    monkeypatch.setattr("isthmus.ledger.tiles.replaced", _full)
    with pytest.raises(IsthmusError, match="No space left"):
        log.publish()
    monkeypatch.undo()
    log.append(Batch("b", whole[10:]))
    log.publish()
    assert list(log.entries()) == whole


def _full(*_: object, **__: object) -> None:
    raise OSError(28, "No space left on device")


def test_two_writers_take_turns(tmp_path: Path) -> None:
    key = Key.make("example.org/log")
    first, second = Log(tmp_path, key), Log(tmp_path, key)
    whole = logs.entries(40)
    for number, one in enumerate(whole):
        (first if number % 2 else second).append(Batch(str(number), [one]))
        if number % 7 == 0:
            (second if number % 2 else first).publish()
    first.publish()
    assert list(second.entries()) == whole


def test_a_log_is_not_begun_anew_over_its_tiles(tmp_path: Path) -> None:
    log = Log(tmp_path, Key.make("example.org/log"))
    log.append(Batch("a", logs.entries(3)))
    log.publish()
    log.close()
    for left in tmp_path.glob("journal.*"):
        left.unlink()
    with pytest.raises(IntegrityError, match="no journal"):
        Log(tmp_path, Key.make("example.org/log"))


def test_another_key_opens_a_log_only_when_the_former_is_named(tmp_path: Path) -> None:
    old, new = Key.make("example.org/log"), Key.make("example.org/log")
    log = Log(tmp_path, old)
    log.append(Batch("a", logs.entries(3)))
    log.close()
    with pytest.raises(IntegrityError, match="own key"):
        Log(tmp_path, new)
    log = Log(tmp_path, new, former=[old.vkey])
    log.append(Batch("b", logs.entries(2, seed=2)))
    note = log.publish()
    assert note.signed_by(new.vkey)
    assert Checkpoint.parse(note.text).size == 5


def test_damaged_tiles_stop_the_writer_before_it_signs_on(tmp_path: Path) -> None:
    made = logs.filled(tmp_path, 300, pending=5)
    tile = made.folder / "tile/0/001.p/44"
    tile.write_bytes(bytes(32) + tile.read_bytes()[32:])
    with pytest.raises(IntegrityError, match="do not lead to the root"):
        made.log.publish()


def test_a_journal_that_lost_entries_stops_the_writer(tmp_path: Path) -> None:
    made = logs.filled(tmp_path, 300, pending=5)
    with closing(sqlite3.connect(made.folder / "journal.sqlite")) as base:
        base.execute("delete from pending")
        base.commit()
    with pytest.raises(IntegrityError, match="lost entries"):
        made.log.publish()


def test_partial_tiles_of_published_sizes_stay_until_the_full_one_is_there(tmp_path: Path) -> None:
    log = Log(tmp_path, Key.make("example.org/log"))
    whole = logs.entries(300)
    for size in (10, 20):
        log.append(Batch(str(size), whole[size - 10 : size]))
        log.publish()
    assert {path.name for path in (tmp_path / "tile/0/000.p").iterdir()} == {"10", "20"}
    log.append(Batch("rest", whole[20:]))
    log.publish()
    left = [path.relative_to(tmp_path / "tile").as_posix() for path in tmp_path.glob("tile/**/*") if path.is_file()]
    assert sorted(left) == [
        "0/000", "0/001.p/44", "1/000.p/1", "entries/000", "entries/001.p/44",
    ]  # fmt: skip


def test_publishing_again_keeps_the_cosignatures(tmp_path: Path) -> None:
    made = logs.filled(tmp_path, 120, pending=0)
    again = made.log.publish()
    assert made.quorum.is_met(again)
    report = check_log(made.folder, read_policy(made.policy))
    assert (report.faults, report.published, report.pending, report.quorum) == ([], 120, 0, True)


def test_what_was_appended_is_checked_before_anything_is_published(tmp_path: Path) -> None:
    made = logs.consortium(tmp_path)
    rules = read_policy(made.policy)
    assert check_log(made.folder, rules).faults == []
    made.log.append(Batch("a", logs.entries(20)))
    report = check_log(made.folder, rules)
    assert (report.faults, report.published, report.pending, report.quorum) == ([], 0, 20, False)
    made.log.publish()
    (made.folder / "checkpoint").unlink()
    assert "missing or older" in "".join(check_log(made.folder, rules).faults)


def test_an_empty_log_can_be_published_and_checked(tmp_path: Path) -> None:
    made = logs.consortium(tmp_path)
    made.witness(made.log.publish())
    report = check_log(made.folder, read_policy(made.policy))
    assert (report.faults, report.published, report.quorum) == ([], 0, True)
