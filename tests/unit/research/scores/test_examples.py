"""Every worked example inside the score files comes out: for one patient, and by the engine for all of them."""

from collections.abc import Iterator

import pytest

from isthmus.lake.engine import Engine
from isthmus.research.scores.patient import Outcome, score
from isthmus.research.scores.reader import shipped
from isthmus.research.scores.rule import Example, Score
from lib.scored import as_row, by_engine

EXAMPLES = [(one, example) for one in shipped().values() for example in one.examples]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    made = Engine(tmp_path_factory.mktemp("engine"), threads=1)
    yield made
    made.close()


def _named(pair: Score | Example) -> str:
    return pair.name if isinstance(pair, Score) else pair.place


def _comes_out(example: Example, outcome: Outcome) -> bool:
    same = outcome.grade == example.grade and set(outcome.missing) == set(example.missing)
    if example.value is not None:
        same = same and outcome.value is not None and round(outcome.value, example.places) == example.value
    steps = ((outcome.steps[name], expected) for name, expected in example.steps.items())
    return same and all(isinstance(told, float) and round(told, places) == value for told, (value, places) in steps)


@pytest.mark.parametrize(("rule", "example"), EXAMPLES, ids=_named)
def test_a_worked_example_comes_out_for_one_patient(rule: Score, example: Example) -> None:
    outcome = score(rule, example.given)
    assert _comes_out(example, outcome), outcome
    assert outcome.calculable == (example.grade is not None if rule.grades else example.value is not None)


@pytest.mark.parametrize("rule", shipped().values(), ids=lambda rule: rule.name)
def test_the_engine_gives_the_same_for_all_examples_at_once(rule: Score, engine: Engine) -> None:
    outcomes = [score(rule, one.given) for one in rule.examples]
    rows = [{used.name: used.value for used in one.inputs if not used.assumed} for one in outcomes]
    for row, outcome in zip(by_engine(engine, rule, rows), outcomes, strict=True):
        assert {"grade": row["grade"], "missing": row["missing"]} == as_row(outcome)
        assert row["value"] == pytest.approx(outcome.value, abs=1e-9)
        assert (row["score"], row["version"]) == (rule.name, rule.version)
        assert row["outside"] is None


@pytest.mark.parametrize("rule", shipped().values(), ids=lambda rule: rule.name)
def test_every_score_says_where_it_is_from_and_what_it_was_held_against(rule: Score) -> None:
    assert rule.source
    assert rule.checked
    assert rule.partial
    assert rule.examples
    assert all(one.title_zh for one in (rule, *rule.inputs.values(), *rule.grades))
