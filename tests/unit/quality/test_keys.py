"""Shared keys by sorting, against counting each."""

from collections import Counter
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.lake.engine import Engine
from isthmus.quality.checks import keys

NUMBERS = st.lists(st.one_of(st.integers(-3, 3), st.integers(-(2**63) + 1, 2**63 - 1)), max_size=30)


def _shared(values: list[int]) -> int:
    return sum(count for count in Counter(values).values() if count > 1)


@given(st.lists(NUMBERS, max_size=3))
def test_each_repeated_value_is_counted_each_time(slices: list[list[int]]) -> None:
    columns = [pa.chunked_array([pa.array(one, pa.int64())]) for one in slices]
    assert keys.repeated(columns) == sum(_shared(one) for one in slices)


@pytest.mark.parametrize("rows", [1, 3, 1000])
def test_slices_of_a_column_hold_all_its_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    values = [5, -5, 0, 7, 7, 7, -5, 2**62, None, None]
    engine = Engine(tmp_path, threads=1)
    engine.load("death", pa.table({"person_id": pa.array(values, pa.int64())}))
    monkeypatch.setattr(keys, "ROWS", rows)
    columns = [engine.rows(one).column(0) for one in keys.slices("death", "person_id", len(values))]
    assert len(columns) == -(-len(values) // rows)
    assert sum(len(one) for one in columns) == 8
    assert keys.repeated(columns) == 5
