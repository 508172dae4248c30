"""Bringing a copy up to date: of equal rows as many go as left, and nothing else changes."""

import pyarrow as pa

from isthmus.serving.client.client import _without

SCHEMA = pa.schema([("id", pa.string()), ("value", pa.float64()), ("day", pa.date32())])


def rows(*values: tuple[str | None, float | None]) -> pa.Table:
    return pa.table({"id": [one for one, _ in values], "value": [one for _, one in values],
                     "day": [None] * len(values)}, schema=SCHEMA)  # fmt: skip


def test_of_equal_rows_as_many_go_as_left() -> None:
    held = rows(("a", 1.0), ("a", 1.0), ("a", 1.0), ("b", None), ("c", 2.0))
    left = rows(("a", 1.0), ("b", None))
    assert sorted(map(str, _without(held, left).to_pylist())) == sorted(
        map(str, rows(("a", 1.0), ("a", 1.0), ("c", 2.0)).to_pylist())
    )


def test_where_nothing_left_everything_stays() -> None:
    held = rows(("a", 1.0), (None, 2.0))
    assert _without(held, rows()).equals(held)


def test_empty_and_null_are_not_the_same() -> None:
    held = rows(("", 1.0), (None, 1.0))
    assert _without(held, rows((None, 1.0))).to_pylist() == rows(("", 1.0)).to_pylist()
