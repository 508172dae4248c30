"""Cohorts made of others: days together, without, subgroups, windows around stays; in one run with those they need."""

from pathlib import Path
from typing import Any

import pytest

from isthmus.base.errors import InputError
from isthmus.gate.desk import Desk
from isthmus.research.cohorts import files, phenotype
from isthmus.research.cohorts.cursor import DefinitionError
from isthmus.research.cohorts.definition import Cohort
from isthmus.research.cohorts.evaluate import evaluate
from isthmus.research.cohorts.words import told
from lib import cdm

WOMAN, MAN = 8532, 8507
FEVER, COUGH = 11, 12
BASE = {
    "fever": "{concepts: {f: [11]}, enter: [{condition: f}], take: all, leave: 0 days after end}",
    "cough": "{concepts: {c: [12]}, enter: [{condition: c}], take: all, leave: 0 days after end}",
}


def _condition(number: int, person: int, concept: int, start: str, end: str) -> dict[str, Any]:
    return {
        "condition_occurrence_id": number, "person_id": person, "condition_concept_id": concept,
        "condition_start_date": f"2020-{start}", "condition_end_date": f"2020-{end}",
    }  # fmt: skip


TABLES: dict[str, Any] = {
    "concept": [{"concept_id": one, "concept_name": str(one)} for one in (FEVER, COUGH)],
    "person": [
        {"person_id": 1, "gender_concept_id": WOMAN, "year_of_birth": 1950, "site": "east"},
        {"person_id": 2, "gender_concept_id": MAN, "year_of_birth": 1990, "site": "west"},
    ],
    "observation_period": [
        {
            "observation_period_id": one, "person_id": one, "observation_period_start_date": "2020-01-01",
            "observation_period_end_date": "2020-12-31",
        }
        for one in (1, 2)
    ],
    "condition_occurrence": [
        _condition(1, 1, FEVER, "03-01", "03-10"),
        _condition(2, 1, COUGH, "03-05", "03-20"),
        _condition(3, 1, FEVER, "06-01", "06-10"),
        _condition(4, 2, FEVER, "03-01", "03-10"),
        _condition(5, 2, COUGH, "03-11", "03-12"),
    ],
}  # fmt: skip


@pytest.fixture
def desk(tmp_path: Path) -> Any:
    with cdm.desk(tmp_path, TABLES) as made:
        yield made


def _cohort(name: str, text: str) -> Cohort:
    return phenotype.read(text.encode(), name=name, file=f"{name}.yaml")


def _who(desk: Desk, **asked: str) -> dict[str, list[tuple[int, str, str]]]:
    """The stays of cohorts that are made of fever and cough; months and days of 2020."""
    cohorts = [_cohort(name, text) for name, text in (asked | BASE).items()]
    found: dict[str, list[tuple[int, str, str]]] = {name: [] for name in asked}
    for row in files.cohort_table(evaluate(desk, cohorts)).to_pylist():
        name, person, start, end = row.values()
        found.get(name, []).append((person, f"{start:%m-%d}", f"{end:%m-%d}"))
    return found


def test_days_are_joined_shared_and_taken_away(desk: Desk) -> None:
    assert _who(
        desk, either="{any of: [fever, cough]}", both="{all of: [fever, cough]}", only="{of: fever, without: cough}"
    ) == {
        "either": [(1, "03-01", "03-20"), (1, "06-01", "06-10"), (2, "03-01", "03-12")],
        "both": [(1, "03-05", "03-10")],
        "only": [(1, "03-01", "03-04"), (1, "06-01", "06-10"), (2, "03-01", "03-10")],
    }  # fmt: skip


def test_a_combination_may_be_made_of_combinations_in_any_order_of_files(desk: Desk) -> None:
    found = _who(
        desk, a="{of: z, without: b}", b="{all of: [fever, cough]}", z="{any of: [fever, cough]}",
        some="{at least 2 of: [fever, cough, b]}",
    )  # fmt: skip
    assert found["a"] == [(1, "03-01", "03-04"), (1, "03-11", "03-20"), (1, "06-01", "06-10"), (2, "03-01", "03-12")]
    assert found["some"] == found["b"]


def test_a_subgroup_keeps_stays_of_which_something_holds(desk: Desk) -> None:
    assert _who(
        desk,
        women="{of: fever, only: [person: {sex: [8532]}]}",
        young="{of: fever, only: [person: {age: at most 40}]}",
        west="{of: fever, only: [person: {site: like west}]}",
        spring="{of: {cohort: fever, its start: 2020-01-01 to 2020-04-30}}",
        coughing="{of: fever, only: [{cohort: cough, start: 0 after to 10 after}]}",
        never="{of: fever, only: [{cohort: cough, exactly: 0, start: 0 after to 4 after}], take: first}",
        long="{of: {cohort: cough, length in days: above 2}}",
    ) == {
        "women": [(1, "03-01", "03-10"), (1, "06-01", "06-10")],
        "young": [(2, "03-01", "03-10")],
        "west": [(2, "03-01", "03-10")],
        "spring": [(1, "03-01", "03-10"), (2, "03-01", "03-10")],
        "coughing": [(1, "03-01", "03-10"), (2, "03-01", "03-10")],
        "never": [(1, "06-01", "06-10"), (2, "03-01", "03-10")],
        "long": [(1, "03-05", "03-20")],
    }


def test_a_phenotype_may_ask_for_cohorts_beside_events(desk: Desk) -> None:
    asked = "{concepts: {c: [12]}, enter: [{condition: c, where: [{cohort: fever, start: 5 before to that day}]}]}"
    assert _who(desk, asked=asked) == {"asked": [(1, "03-05", "12-31")]}


def test_an_event_may_be_counted_from_other_days(desk: Desk) -> None:
    moved = "{concepts: {c: [12]}, enter: [{condition: c, counted from: 2 days before start to 30 days after end}],"
    assert _who(desk, moved=moved + " take: all, leave: 0 days after end}") == {
        "moved": [(1, "03-03", "04-19"), (2, "03-09", "04-11")]
    }
    plain = {name: phenotype.document(text.encode(), file="1.yaml") for name, text in {"m": moved + "}"}.items()}
    (event,) = plain["m"]["PrimaryCriteria"]["CriteriaList"]
    assert event["ConditionOccurrence"]["DateAdjustment"] == {
        "StartWith": "START_DATE", "StartOffset": -2, "EndWith": "END_DATE", "EndOffset": 30,
    }  # fmt: skip


def test_more_cohorts_of_others_are_not_more_statements(tmp_path: Path) -> None:
    steps = []
    for many in (1, 60):
        (tmp_path / str(many)).mkdir()
        window = "cohort: cough, start: {at} before to 9 after"
        asked = {f"a{at}": "{of: fever, only: [{" + window.format(at=at) + "}]}" for at in range(many)}
        asked |= {f"b{at}": f"{{of: fever, without: a{at}}}" for at in range(many)}
        with cdm.desk(tmp_path / str(many), TABLES) as desk:
            _who(desk, **asked)
            steps.append(desk.steps)
    assert steps[0] == steps[1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{all of: []}", "no cohort is named"),
        ("{at least 3 of: [fever, cough]}", "3 of 2 cohorts is never"),
        ("{of: fever, without: fever}", "without its own days is empty"),
        ("{without: fever}", "there is no 'of'"),
        ("{any of: [fever], all of: [cough]}", "are said together"),
        ("{any of: [fever], rules: {}}", "has no 'rules' here"),
        ("{of: fever, enter: []}", "a subgroup has no 'enter' here"),
        ("{enter: [{specimen: any, counted from: start to end}]}", "cannot be moved"),
        ("{enter: [{condition: any, counted from: tomorrow}]}", "is no start and end of an event"),
    ],
)
def test_wrong_combinations_are_refused(text: str, said: str) -> None:
    with pytest.raises(DefinitionError, match=said):
        _cohort("1", text)


def test_a_cohort_that_is_absent_or_made_of_itself_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("{any of: [fever, absent]}")
    (tmp_path / "b.yaml").write_text("{of: c, without: fever}")
    (tmp_path / "c.yaml").write_text("{of: b}")
    (tmp_path / "fever.yaml").write_text(BASE["fever"])
    found, refused = files.read([tmp_path])
    assert [one.name for one in found] == ["fever"]
    assert [str(one).split(":")[0] for one in refused] == ["a.yaml", "b.yaml", "c.yaml"]
    assert "the cohort absent, which no definition" in str(refused[0])
    assert "let no cohort be made of itself" in str(refused[1])
    with cdm.desk(tmp_path, {}) as desk, pytest.raises(InputError, match="absent"):
        evaluate(desk, [_cohort("a", "{of: absent}")])


def test_what_circe_cannot_say_is_not_written_as_circe(tmp_path: Path) -> None:
    for text in ("{any of: [fever]}", "{of: fever}", "{enter: [{condition: any}], require: [person: {site: like x}]}"):
        with pytest.raises(DefinitionError, match="Circe has no words"):
            phenotype.document(text.encode(), file="1.yaml")


def test_where_no_other_cohorts_are_at_hand_none_may_be_named() -> None:
    with pytest.raises(DefinitionError, match="none can be named here"):
        phenotype.alone(b"{of: fever}", name="1", file="cases")
    assert phenotype.alone(BASE["fever"].encode(), name="1", file="cases").name == "1"


def test_cohorts_of_others_are_said_in_words() -> None:
    def say(text: str, language: str) -> list[str]:
        return [str(line) for line in told(_cohort("1", text), language)]

    assert say("{of: a, without: [b, c]}", "en") == ["The days on which a person is in “a”, and not in “b” and “c”."]
    assert say("{all of: [a, b]}", "zh") == ["此人同时处于以下全部的日子：“a”、“b”。"]
    subgroup = say("{of: a, only: [{cohort: b, start: 30 before to that day}, {person: {site: like north}}]}", "en")
    assert "  cohort “a”" in subgroup
    assert any("at least one cohort “b”, starting between 30 days before and the day of" in line for line in subgroup)
    assert any("site like “north”" in line for line in subgroup)
    assert "  队列 “a”" in say("{of: a}", "zh")
