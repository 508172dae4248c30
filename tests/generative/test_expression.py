"""Expressions at random: what the engine answers is what Python works out, and no answer is an error."""

from collections.abc import Iterator
from datetime import date
from math import isclose, isfinite
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp

from isthmus.lake.engine import Engine
from isthmus.research.expression import Kind, parse

KINDS = {"a": Kind.NUMBER, "b": Kind.NUMBER, "t": Kind.TEXT, "d": Kind.DATE, "e": Kind.DATE, "p": Kind.TRUTH}
TYPES = {Kind.NUMBER: pa.float64(), Kind.TEXT: pa.string(), Kind.DATE: pa.date32(), Kind.TRUTH: pa.bool_()}
NUMBERS = st.sampled_from(["a", "b", "0", "1", "2.5", "-3", "10", "null"])
TEXTS = st.sampled_from(["t", "'x'", "'x|y'", "'it''s'", "null"])
DATES = st.sampled_from(["d", "e", "date '2020-02-29'", "date '1999-12-31'", "null"])
TRUTHS = st.sampled_from(["p", "true", "false", "null"])


def _joined(form: str, *parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(*parts).map(lambda told: form.format(*told))


def _numbers(number: st.SearchStrategy[str], truth: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    signs = [_joined(f"({{}} {sign} {{}})", number, number) for sign in "+-*/"]
    functions = [
        _joined(f"{name}({{}})", number)
        for name in ("abs", "floor", "ceil", "ln", "log10", "sqrt", "exp", "-", "round")
    ]
    several = [
        _joined(f"{name}({{}}, {{}})", number, number)
        for name in ("least", "greatest", "lowest", "highest", "coalesce")
    ]
    days = [_joined(f"{name}({{}}, {{}})", DATES, DATES) for name in ("days", "months", "years")]
    case = _joined("case when {} then {} when {} then {} else {} end", truth, number, truth, number, number)
    return st.one_of(*signs, *functions, *several, *days, case, _joined("year({})", DATES))


def _truths(number: st.SearchStrategy[str], truth: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    signs = [_joined(f"({{}} {sign} {{}})", number, number) for sign in ("<", "<=", ">", ">=", "=", "<>")]
    return st.one_of(
        *signs,
        _joined("({} and {})", truth, truth),
        _joined("({} or {})", truth, truth),
        _joined("not {}", truth),
        _joined("{} is null", st.one_of(number, TEXTS, DATES)),
        _joined("{} in ({}, {})", number, number, number),
        _joined("{} not between {} and {}", number, number, number),
        _joined("{} in ('x', 'y')", TEXTS),
        _joined("has({}, 'x')", TEXTS),
        _joined("contains({}, 's')", TEXTS),
        _joined("{} <= {}", DATES, DATES),
        _joined("add_days({}, {}) > {}", DATES, number, DATES),
        _joined("earliest({}, {}) = {}", DATES, DATES, DATES),
        _joined("case when {} then {} else {} end", truth, truth, truth),
    )


def _grown(levels: int) -> st.SearchStrategy[str]:
    number, truth = NUMBERS, TRUTHS
    for _ in range(levels):
        number, truth = st.one_of(number, _numbers(number, truth)), st.one_of(truth, _truths(number, truth))
    return st.one_of(_numbers(number, truth), _truths(number, truth))


ROWS = st.fixed_dictionaries(
    {
        "a": st.none() | st.integers(-20, 20).map(float),
        "b": st.none() | st.integers(-4, 4).map(lambda value: value / 2),
        "t": st.none() | st.sampled_from(["", "x", "y|x", "yes"]),
        "d": st.none() | st.dates(date(1950, 1, 1), date(2030, 1, 1)),
        "e": st.none() | st.dates(date(1950, 1, 1), date(2030, 1, 1)),
        "p": st.none() | st.booleans(),
    }
)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    made = Engine(tmp_path_factory.mktemp("engine"), threads=1)
    yield made
    made.close()


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        if not isfinite(one) or not isfinite(other):
            return not isfinite(one) and not isfinite(other)
        return isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
    return bool(one == other)


@settings(deadline=None)
@given(text=_grown(2), rows=st.lists(ROWS, min_size=1, max_size=8))
def test_an_expression_at_random_means_one_thing(text: str, rows: list[dict[str, Any]], engine: Engine) -> None:
    read = parse(text, "here", KINDS)
    table = pa.table({name: pa.array([row[name] for row in rows], TYPES[kind]) for name, kind in KINDS.items()})
    engine.load("given", table)
    answered = engine.rows(exp.select(read.tree().as_("x")).from_("given"))["x"].to_pylist()
    engine.drop("given")
    for row, answer in zip(rows, answered, strict=True):
        assert _same(answer, read.value(row)), (text, row, answer, read.value(row))
