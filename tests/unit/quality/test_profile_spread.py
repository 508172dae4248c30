"""Distributions: the statement against plain Python, and the percentiles that go by rank."""

import math
from collections.abc import Iterator

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isthmus.flow.statement import query
from isthmus.lake.engine import Engine
from isthmus.quality.profile.spread import STRATA, spread
from lib import naive, profiled

SHARE, RANK = 1, 511
VALUES = st.lists(st.floats(-1e6, 1e6).map(lambda one: round(one, 3)), min_size=1, max_size=30)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    opened = Engine(tmp_path_factory.mktemp("scratch"))
    yield opened
    opened.close()


def _spread(engine: Engine, analysis: int, counted: dict[float | None, int]) -> list[float]:
    rows = [{"analysis_id": analysis, "value": value, "n": n} for value, n in counted.items()]
    schema = pa.schema([("analysis_id", pa.int32()), *((name, pa.string()) for name in STRATA),
                        ("value", pa.float64()), ("n", pa.int64())])  # fmt: skip
    engine.load("given", pa.Table.from_pylist(rows, schema))
    (found,) = engine.rows(query(spread("given", [RANK]))).to_pylist()
    return [math.nan if found[name] is None else found[name] for name in profiled.STATISTICS]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(values=VALUES)
def test_statistics_are_those_of_the_values_themselves(engine: Engine, values: list[float]) -> None:
    counted: dict[float | None, int] = {}
    for one in values:
        counted[one] = counted.get(one, 0) + 1
    expected = [math.nan if one is None else one for one in naive.spread(values)]
    assert _spread(engine, SHARE, counted) == pytest.approx(expected, rel=1e-9, abs=1e-6, nan_ok=True)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(values=VALUES)
def test_a_percentile_is_a_value_that_its_share_does_not_exceed(engine: Engine, values: list[float]) -> None:
    counted: dict[float | None, int] = {}
    for one in values:
        counted[one] = counted.get(one, 0) + 1
    told = dict(zip(("median", "p10", "p25", "p75", "p90"), _spread(engine, SHARE, counted)[5:], strict=True))
    for name, share in (("median", 50), ("p10", 10), ("p25", 25), ("p75", 75), ("p90", 90)):
        assert told[name] in values
        assert 100 * sum(one <= told[name] for one in values) >= share * len(values)
        assert 100 * sum(one < told[name] for one in values) < share * len(values)


def test_a_missing_value_counts_and_stands_first(engine: Engine) -> None:
    count, least, greatest, mean, deviation, median, *_ = _spread(engine, SHARE, {None: 6, 1.0: 2, 3.0: 2})
    assert (count, least, greatest, mean, median) == (10, 1.0, 3.0, 2.0, 1.0)
    assert deviation == pytest.approx(math.sqrt(4 / 3))


def test_one_value_has_no_deviation(engine: Engine) -> None:
    assert math.isnan(_spread(engine, SHARE, {4.0: 1})[4])


def test_by_rank_a_percentile_is_the_last_value_within_it_or_minus_9999(engine: Engine) -> None:
    """Of four values the ranks are at 0.2, 0.4, 0.6, 0.8: none is within 0.1."""
    *_, median, p10, p25, p75, p90 = _spread(engine, RANK, {1.0: 1, 2.0: 1, 3.0: 2})
    assert (median, p10, p25, p75, p90) == (2.0, -9999.0, 1.0, 3.0, 3.0)
