"""Shared keys by sorting, against counting each."""

import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isthmus.lake.engine import Engine
from isthmus.quality.checks import catalogue, keys
from isthmus.quality.checks.layout import held
from lib.checks import Small

NUMBERS = st.lists(st.one_of(st.integers(-3, 3), st.integers(-(2**63) + 1, 2**63 - 1)), max_size=30)


def _shared(values: list[int]) -> int:
    return sum(count for count in Counter(values).values() if count > 1)


@settings(deadline=None)
@given(NUMBERS)
def test_each_repeated_value_is_counted_each_time(values: list[int]) -> None:
    assert keys.repeated(pa.chunked_array([pa.array(values, pa.int64())])) == _shared(values)


@pytest.mark.parametrize("rows", [1, 3, 1000])
def test_slices_of_a_column_hold_all_its_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    values = [5, -5, 0, 7, 7, 7, -5, 2**62, None, None]
    engine = Engine(tmp_path, threads=1)
    engine.load("death", pa.table({"person_id": pa.array(values, pa.int64())}))
    monkeypatch.setattr(keys, "ROWS", rows)
    key = next(one for one in catalogue.checks("5.4") if one.type.over == "keys")
    check = replace(key, table="death", field="person_id")
    table = held(pa.schema([("person_id", pa.int64())]), len(values))
    columns = [engine.rows(one).column(0) for one in keys.slices(check, table)]
    assert len(columns) == -(-len(values) // rows)
    assert sum(len(one) for one in columns) == 8
    assert sum(keys.repeated(one) for one in columns) == 5


def test_keys_near_each_other_are_read_as_narrow_numbers_and_no_others(tmp_path: Path) -> None:
    key = next(one for one in catalogue.checks("5.4") if one.type.over == "keys")
    check = replace(key, table="death", field="person_id")
    for values, is_narrow in (([-5, 2**32 - 6, -5], True), ([-5, 2**32 - 5, -5], False)):
        engine = Engine(tmp_path, threads=1)
        engine.load("death", pa.table({"person_id": pa.array(values, pa.int64())}))
        known = {"nulls": {"person_id": 0}, "ranges": {"person_id": (min(values), max(values))}}
        (statement,) = keys.slices(check, held(pa.schema([("person_id", pa.int64())]), 3, **known))
        column = engine.rows(statement).column(0)
        assert (column.type == pa.uint32()) is is_narrow
        assert keys.repeated(column) == 2


@pytest.mark.parametrize("rows", [7, 1000])
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(*[st.sampled_from([None, "1", "2"])] * 4), max_size=12))
def test_rows_that_say_the_same_are_counted_as_grouping_counts_them(
    monkeypatch: pytest.MonkeyPatch, rows: int, said: list[tuple[str | None, ...]]
) -> None:
    monkeypatch.setattr(keys, "ROWS", rows)
    names = ("person_id", "procedure_concept_id", "procedure_source_value", "visit_occurrence_id")
    drawn = [
        {"procedure_date": "2020-01-01", "procedure_occurrence_id": str(number), **dict(zip(names, one, strict=True))}
        for number, one in enumerate(said)
    ]
    with tempfile.TemporaryDirectory() as folder:
        small = Small(Path(folder), {"procedure_occurrence": drawn})
        found = small.results()["rule_repeatedevent_procedure_occurrence_procedure_concept_id"]
        small.engine.close()
    assert found.counts is None or (found.counts.violated, found.counts.of) == (len(said) - len(set(said)), len(said))
    assert bool(said) == (found.counts is not None and found.counts.of > 0)
