"""Footers tell rows, nulls and ranges of files, and nothing that they do not know."""

from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from isthmus.base.errors import IntegrityError
from isthmus.lake.footer import Footers, footers

SCHEMA = pa.schema([("id", pa.int64()), ("day", pa.date32()), ("word", pa.string()), ("late", pa.int32())])


def _written(path: Path, **columns: list[object]) -> Path:
    schema = pa.schema([SCHEMA.field(name) for name in columns])
    pq.write_table(pa.table(columns, schema), path, row_group_size=2)
    return path


def test_several_files_are_one_table(tmp_path: Path) -> None:
    one = _written(tmp_path / "1", id=[3, None, 5], day=[None, None, None], word=["b", None, "a"], late=[1, 1, 1])
    two = _written(tmp_path / "2", id=[-1, 2], day=[date(2020, 1, 1), None], word=["c", "d"])
    assert footers([one, two], SCHEMA) == Footers(
        5, {"id": 1, "day": 4, "word": 1, "late": 2},
        {"id": (-1, 5), "day": (date(2020, 1, 1), date(2020, 1, 1)), "late": (1, 1)},
    )  # fmt: skip


def test_names_are_told_in_lower_case(tmp_path: Path) -> None:
    pq.write_table(pa.table({"ID": [1]}), tmp_path / "1")
    found = footers([tmp_path / "1"], pa.schema([("ID", pa.int64())]))
    assert (found.nulls, found.ranges) == ({"id": 0}, {"id": (1, 1)})


def test_what_a_footer_does_not_say_is_not_known(tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": [1, None]}), tmp_path / "1", write_statistics=False)
    assert footers([tmp_path / "1"], pa.schema([("id", pa.int64())])) == Footers(2, {}, {})


def test_no_file_is_no_row() -> None:
    assert footers([], SCHEMA) == Footers(0, dict.fromkeys(SCHEMA.names, 0), {})


@pytest.mark.parametrize(
    ("content", "told"), [(None, "is missing from the lake"), (b"PAR1 and no more", "was altered")]
)
def test_a_file_that_is_missing_or_altered_is_named(tmp_path: Path, content: bytes | None, told: str) -> None:
    path = tmp_path / "rows.parquet"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(IntegrityError, match=f"rows.parquet.*{told}"):
        footers([path], pa.schema([("n", pa.int64())]))
