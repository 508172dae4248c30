"""What a table's log says is read again as soon as anything in it is not as it was."""

from pathlib import Path

import pyarrow as pa
import pytest

from isthmus.base.errors import IntegrityError
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
