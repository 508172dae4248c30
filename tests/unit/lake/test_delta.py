"""What a table's log says is read again as soon as anything in it is not as it was."""

from pathlib import Path

import pyarrow as pa
import pytest

from isthmus.base.errors import IntegrityError
from isthmus.lake import delta
from isthmus.lake.delta import DataFile, Deltas

SCHEMA = pa.schema([("person_id", pa.int64()), ("site", pa.string())])


def _file(number: int, site: str = "h01") -> DataFile:
    return DataFile("person", f"person/site={site}/{number:064x}.parquet", site, 1, 100)


def _committed(deltas: Deltas, number: int, *, remove: list[DataFile] | None = None, site: str = "h01") -> None:
    deltas.commit("person", SCHEMA, add=[_file(number, site)], remove=remove or [], batch=f"b{number}")


def test_what_this_or_another_has_committed_is_seen_at_once(tmp_path: Path) -> None:
    ours, theirs = Deltas(tmp_path), Deltas(tmp_path)
    assert (ours.version("person"), ours.files("person")) == (None, [])
    _committed(ours, 1)
    assert (ours.version("person"), ours.files("person")) == (0, [_file(1)])
    _committed(theirs, 2, site="h02")
    assert (ours.version("person"), ours.files("person")) == (1, [_file(1), _file(2, "h02")])
    assert ours.files("person", site="h02") == [_file(2, "h02")]
    _committed(theirs, 3, remove=[_file(1)])
    assert ours.files("person") == [_file(3), _file(2, "h02")]
    assert [ours.files("person", version=number) for number in (0, 1)] == [[_file(1)], [_file(1), _file(2, "h02")]]


def test_the_log_is_not_read_again_while_it_is_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deltas = Deltas(tmp_path)
    _committed(deltas, 1)
    before = deltas.files("person")
    monkeypatch.setattr(deltas, "_open", lambda *_: pytest.fail("read again"))
    assert (deltas.files("person"), deltas.files("person", version=0), deltas.version("person")) == (before, before, 0)
    deltas.files("person").clear()  # what was given out is the caller's
    assert deltas.files("person") == before


def test_a_log_that_was_altered_or_is_gone_is_not_remembered(tmp_path: Path) -> None:
    deltas = Deltas(tmp_path)
    _committed(deltas, 1)
    _committed(deltas, 2)
    assert len(deltas.files("person")) == 2
    last = max((tmp_path / "person" / "_delta_log").glob("*.json"))
    last.write_bytes(last.read_bytes()[:-20])
    with pytest.raises(IntegrityError, match="was altered"):
        deltas.files("person")
    last.unlink()
    assert deltas.files("person") == [_file(1)]


def test_versions_that_are_kept_are_not_more_and_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("isthmus.lake.delta.KEPT", 2)
    deltas = Deltas(tmp_path)
    for number in range(1, 5):
        _committed(deltas, number)
    assert [len(deltas.files("person", version=number)) for number in (0, 1, 2, 3, 0)] == [1, 2, 3, 4, 1]
    assert len(deltas._known) <= 2


def test_who_alone_writes_looks_at_a_log_once_and_sees_what_it_commits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deltas, looked = Deltas(tmp_path), list[Path]()
    found = delta._log
    _committed(deltas, 1)
    monkeypatch.setattr(delta, "_log", lambda folder: looked.append(folder) or found(folder))
    with deltas.alone():
        assert [deltas.files("person") for _ in range(3)] == [[_file(1)]] * 3
        assert len(looked) == 1
        assert not deltas.has_batch("person", "b2")
        _committed(deltas, 2)
        assert (deltas.files("person"), deltas.has_batch("person", "b2")) == ([_file(1), _file(2)], True)
        _committed(deltas, 2)  # a retry
        _committed(deltas, 3, remove=[_file(2)])
        assert (deltas.version("person"), deltas.files("person")) == (2, [_file(1), _file(3)])
    _committed(Deltas(tmp_path), 4)
    assert deltas.files("person") == Deltas(tmp_path).files("person") == [_file(1), _file(3), _file(4)]


def test_a_long_log_has_checkpoints_and_loses_nothing(tmp_path: Path) -> None:
    deltas = Deltas(tmp_path)
    for number in range(1, 24):
        _committed(deltas, number, remove=[_file(5)] if number == 22 else [])
    assert len(list((tmp_path / "person" / "_delta_log").glob("*.checkpoint.parquet"))) == 1
    kept = [_file(number) for number in range(1, 24) if number != 5]
    assert deltas.files("person") == Deltas(tmp_path).files("person") == kept
    assert all(Deltas(tmp_path).has_batch("person", f"b{number}") for number in (1, 19, 20, 23))
