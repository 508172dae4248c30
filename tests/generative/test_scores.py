"""Scores of patients at random: engine and Python agree, units change nothing, more of a bad sign is never better."""

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.lake.engine import Engine
from isthmus.research.expression import Kind
from isthmus.research.scores.patient import Outcome, score
from isthmus.research.scores.reader import shipped
from isthmus.research.scores.rule import Input, Score
from lib.scored import by_engine, constants

ROWS = 250

# How values rise (1) or fall (-1) with an input, the others left as they are.
SIGNS = {
    "albi": {"bilirubin": 1, "albumin": -1},
    "malbi": {"bilirubin": 1, "albumin": -1},
    "ez_albi": {"bilirubin": 1, "albumin": -1},
    "child_pugh": {"bilirubin": 1, "albumin": -1, "inr": 1},
    "meld": {"bilirubin": 1, "inr": 1, "creatinine": 1},
    "meld_na": {"sodium": -1},
    # Not albumin and sodium: with a creatinine of 3 or a bilirubin above 30 the formula turns round.
    "meld3": {"inr": 1, "bilirubin": 1, "creatinine": 1},
    "amap": {"age": 1, "bilirubin": 1, "albumin": -1, "platelets": -1},
    "page_b": {"age": 1, "platelets": -1},
    "mpage_b": {"age": 1, "platelets": -1, "albumin": -1},
    "fib4": {"age": 1, "ast": 1, "alt": -1, "platelets": -1},
    "apri": {"ast": 1, "ast_upper_limit": -1, "platelets": -1},
    "galad": {"age": 1, "afp": 1, "afp_l3": 1, "dcp": 1},
    "asap": {"age": 1, "afp": 1, "pivka": 1},
    "hap": {"albumin": -1, "bilirubin": 1, "afp": 1, "largest": 1},
    "six_and_twelve": {"largest": 1, "nodules": 1},
    "up_to_7": {"largest": 1, "nodules": 1},
}
# The same number in another unit: what one of the score's unit is of the other.
OTHERWISE = {
    "bilirubin": {"umol/L": [("mg/dL", 1 / 17.1), ("mg/L", 10 / 17.1)], "mg/dL": [("umol/L", 17.1)]},
    "albumin": {"g/L": [("g/dL", 0.1), ("mg/mL", 1.0)], "g/dL": [("g/L", 10.0)]},
    "creatinine": {"mg/dL": [("umol/L", 88.4), ("mg/L", 10.0)]},
    "sodium": {"mmol/L": [("meq/L", 1.0)]},
    "platelets": {"10*9/L": [("10*3/uL", 1.0), ("/uL", 1000.0), ("10^9/L", 1.0)]},
    "afp": {"ng/mL": [("ug/L", 1.0), ("[iU]/mL", 1 / 1.21)]},
    "ast": {"U/L": [("[iU]/L", 1.0)]},
    "alt": {"U/L": [("[iU]/L", 1.0)]},
    "largest": {"cm": [("mm", 10.0)]},
    "age": {"a": [("mo", 12.0)]},
}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    made = Engine(tmp_path_factory.mktemp("engine"), threads=1)
    yield made
    made.close()


def _drawn(draw: Random, one: Input, limits: list[float]) -> Any:
    """Nothing, something that is not admitted, a limit, or any value."""
    chance = draw.random()
    if chance < 0.12:
        return None
    if one.kind is Kind.TRUTH:
        return draw.random() < 0.5
    if one.codes:
        return draw.choice(one.codes) if chance > 0.2 or one.kind is Kind.TEXT else 3.0
    low, high = one.low or 0.0, one.high or 0.0
    if chance < 0.2:
        return draw.choice([low - 1, high + 1, float("nan"), low + 0.5])
    near = [limit for limit in limits if low <= limit <= high]
    value = draw.choice(near) if near and chance < 0.4 else low + (high - low) * draw.random() ** 4
    return float(round(value)) if one.whole else round(value, 3)


def _as_told(one: Input, value: Any) -> Any:
    return (value, one.unit) if one.unit and value is not None else value


def _of(rule: Score, row: dict[str, Any]) -> Outcome:
    return score(rule, {name: _as_told(rule.inputs[name], value) for name, value in row.items()})


@pytest.mark.parametrize("rule", shipped().values(), ids=lambda rule: rule.name)
def test_the_engine_and_python_give_the_same(rule: Score, engine: Engine) -> None:
    draw = Random(rule.name)
    limits = constants(rule)
    rows = [{name: _drawn(draw, one, limits) for name, one in rule.inputs.items()} for _ in range(ROWS)]
    known = 0
    for row, answer in zip(rows, by_engine(engine, rule, rows), strict=True):
        outcome = _of(rule, row)
        assert answer["grade"] == outcome.grade, row
        assert answer["missing"] == (", ".join(outcome.missing) or None), row
        assert answer["outside"] == (", ".join(outcome.reasons) or None), row
        assert (answer["value"] is None) == (outcome.value is None), row
        if outcome.value is not None:
            assert answer["value"] == pytest.approx(outcome.value, rel=1e-9, abs=1e-9), row
        known += outcome.calculable
    assert known >= ROWS / 20


def _whole(rule: Score, draw: st.DataObject) -> dict[str, Any]:
    """A patient of whom everything is known, in usual ranges."""
    row: dict[str, Any] = {}
    for name, one in rule.inputs.items():
        if one.optional:
            continue
        if one.kind is Kind.TRUTH:
            row[name] = draw.draw(st.booleans(), label=name)
        elif one.codes:
            row[name] = draw.draw(st.sampled_from(one.codes), label=name)
        else:
            low, high = one.low or 0.0, min(one.high or 0.0, (one.low or 0.0) + 300)
            if one.whole:
                row[name] = float(draw.draw(st.integers(int(low), int(high)), label=name))
            else:
                row[name] = round(draw.draw(st.floats(low, high), label=name), 3)
    return row


@pytest.mark.parametrize("name", SIGNS)
@settings(deadline=None)
@given(data=st.data())
def test_more_of_a_bad_sign_is_never_better(name: str, data: st.DataObject) -> None:
    rule = shipped()[name]
    row = _whole(rule, data)
    item = data.draw(st.sampled_from(sorted(SIGNS[name])), label="input")
    one = rule.inputs[item]
    more = data.draw(st.floats(row[item], one.high or 0.0), label="more")
    first, second = _of(rule, row), _of(rule, {**row, item: float(int(more)) if one.whole else more})
    assert first.value is not None
    assert second.value is not None
    assert (second.value - first.value) * SIGNS[name][item] >= 0
    if rule.grades and rule.grades[0].cut is not None:
        order = [grade.grade for grade in rule.grades]
        assert (order.index(str(second.grade)) - order.index(str(first.grade))) * SIGNS[name][item] >= 0


SCORES = ["albi", "ez_albi", "palbi", "meld", "meld_na", "meld3", "amap", "page_b", "mpage_b", "fib4", "cnlc", "galad"]


@pytest.mark.parametrize("name", SCORES)
@settings(deadline=None)
@given(data=st.data())
def test_the_unit_of_an_input_changes_nothing(name: str, data: st.DataObject) -> None:
    rule = shipped()[name]
    row = _whole(rule, data)
    told = {item: _as_told(rule.inputs[item], value) for item, value in row.items()}
    for item, ways in OTHERWISE.items():
        if item in row:
            unit, worth = data.draw(st.sampled_from(ways[rule.inputs[item].unit]), label=item)
            told[item] = (row[item] * worth, unit)
    first, second = _of(rule, row), score(rule, told)
    assert first.value == pytest.approx(second.value, abs=1e-4)
    assert first.missing == second.missing == ()
    assert not second.reasons
    assert first.grade == second.grade
