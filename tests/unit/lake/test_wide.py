"""A wide temporary table is held in Arrow and can be used like any other."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from isthmus.flow.statement import query
from isthmus.lake.engine import Engine


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    one = Engine(tmp_path / "scratch")
    yield one
    one.close()


def test_a_wide_table_can_be_replaced_by_what_is_left_of_it(engine: Engine) -> None:
    assert engine.create("source", query("SELECT range AS a FROM range(5)"), wide=True) == 5
    assert engine.create("source", query("SELECT * FROM source WHERE a > 1")) == 3
    assert engine.count("source") == 3
    assert "source" not in engine.tables(), "it is held in Arrow still"


def test_a_table_is_held_as_it_is_said_whatever_it_was_before(engine: Engine) -> None:
    for wide in (False, True, False, True):
        engine.create("source", query("SELECT range AS a FROM range(4)"), wide=wide)
        assert ("source" in engine.tables()) != wide
        assert engine.rows(query("SELECT sum(a) AS a FROM source"))["a"].to_pylist() == [6]
    engine.drop("source")
    assert engine.create("source", query("SELECT 1 AS a")) == 1
    assert "source" in engine.tables()


def test_two_tables_may_be_of_either_kind(engine: Engine) -> None:
    engine.create("source", query("SELECT 1 AS a"), wide=True)
    engine.create("other", query("SELECT a FROM source"))
    engine.insert("other", query("SELECT a FROM source"))
    assert engine.count("other") == 2
