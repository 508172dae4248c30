"""Cohorts of small CDMs, and how much work many definitions are."""

from pathlib import Path
from typing import Any

import pytest
from sqlglot import exp, parse_one

from isthmus.gate.desk import Desk
from isthmus.research.cohorts import circe, evaluate, files
from isthmus.research.cohorts.controls import controls
from isthmus.research.cohorts.cursor import Cursor
from isthmus.research.cohorts.definition import Definition
from isthmus.research.cohorts.matching import JOINS
from lib import cdm

Json = dict[str, Any]
ALL = {"Type": "All"}
FEVER, COUGH, HOME, WARD, WOMAN, MAN = 11, 12, 21, 22, 8532, 8507


def _set(number: int, *concepts: int) -> Json:
    return {"id": number, "expression": {"items": [{"concept": {"CONCEPT_ID": one}} for one in concepts]}}


def _definition(primary: Json, name: str = "1", **more: Any) -> Definition:
    document = {
        "ConceptSets": [_set(1, FEVER), _set(2, COUGH)],
        "PrimaryCriteria": {"CriteriaList": [primary], "PrimaryCriteriaLimit": ALL},
        "QualifiedLimit": ALL, "ExpressionLimit": ALL, **more,
    }  # fmt: skip
    return circe.definition(Cursor(document, file="case.json"), name=name)


def _condition(number: int, person: int, concept: int, day: str, visit: int | None = None, **more: Any) -> Json:
    return {
        "condition_occurrence_id": number, "person_id": person, "condition_concept_id": concept,
        "condition_start_date": day, "visit_occurrence_id": visit, **more,
    }  # fmt: skip


TABLES: dict[str, Any] = {
    "concept": [{"concept_id": one, "concept_name": str(one)} for one in (FEVER, COUGH, HOME, WARD, WOMAN, MAN)],
    "person": [
        {"person_id": 1, "gender_concept_id": WOMAN, "year_of_birth": 1950},
        {"person_id": 2, "gender_concept_id": MAN, "year_of_birth": 1990},
    ],
    "observation_period": [
        {
            "observation_period_id": one, "person_id": one, "observation_period_start_date": "2020-01-01",
            "observation_period_end_date": "2020-12-31",
        }
        for one in (1, 2, 3)
    ],
    "visit_occurrence": [
        {"visit_occurrence_id": 5, "person_id": 1, "visit_concept_id": WARD, "visit_start_date": "2020-03-01"},
        {"visit_occurrence_id": 6, "person_id": 2, "visit_concept_id": HOME, "visit_start_date": "2020-03-01"},
    ],
    "condition_occurrence": [
        _condition(1, 1, FEVER, "2020-03-01", 5),
        _condition(2, 2, FEVER, "2020-03-01", 6),
        _condition(3, 3, FEVER, "2020-03-02"),
        _condition(4, 2, COUGH, "2020-03-05", 5),
        _condition(5, 1, COUGH, "2021-06-01"),
    ],
}  # fmt: skip


def _who(desk: Desk, *definitions: Definition, chunks: int | None = None) -> list[tuple[int, int, str, str]]:
    found = files.cohort_table(evaluate.evaluate(desk, definitions, chunks=chunks)).to_pylist()
    return [tuple(value if isinstance(value, int) else str(value) for value in row.values()) for row in found]


@pytest.fixture
def desk(tmp_path: Path) -> Any:
    with cdm.desk(tmp_path, TABLES) as made:
        yield made


def test_a_person_who_is_not_in_person_is_lost_only_where_the_person_is_asked_about(desk: Desk) -> None:
    plain = _definition({"ConditionOccurrence": {"CodesetId": 1}}, "1")
    old = _definition({"ConditionOccurrence": {"CodesetId": 1, "Age": {"Value": 18, "Op": "gte"}}}, "2")
    women = _definition({"ConditionOccurrence": {"CodesetId": 1, "Gender": [{"CONCEPT_ID": WOMAN}]}}, "3")
    assert [row[:2] for row in _who(desk, plain, old, women)] == [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (3, 1)]


def test_a_visit_counts_only_with_the_person_of_the_event(desk: Desk) -> None:
    asked = {"VisitType": [{"CONCEPT_ID": WARD}]}
    both = [_definition({"ConditionOccurrence": {"CodesetId": at, **asked}}, str(at)) for at in (1, 2)]
    assert [row[:2] for row in _who(desk, *both)] == [(1, 1)]  # the cough of person 2 names a visit of person 1


def test_a_member_stays_until_the_observation_period_ends_or_as_long_as_is_said(desk: Desk) -> None:
    fever = {"ConditionOccurrence": {"CodesetId": 1, "Gender": [{"CONCEPT_ID": MAN}]}}
    stays = [
        _definition(fever, "1"),
        _definition(fever, "2", EndStrategy={"DateOffset": {"DateField": "StartDate", "Offset": 9}}),
        _definition(fever, "3", CensoringCriteria=[{"ConditionOccurrence": {"CodesetId": 2}}]),
    ]
    assert [row[2:] for row in _who(desk, *stays)] == [
        ("2020-03-01", "2020-12-31"), ("2020-03-01", "2020-03-10"), ("2020-03-01", "2020-03-05"),
    ]  # fmt: skip


def test_without_is_true_of_those_who_have_no_event_at_all(desk: Desk) -> None:
    ever = {"Start": {"Coeff": -1}, "End": {"Coeff": 1}}
    coughs = {"Criteria": {"ConditionOccurrence": {"CodesetId": 2}}, "StartWindow": ever}
    found = []
    for kind, count in ((0, 0), (2, 1), (0, 1), (1, 1)):
        asked = {"Type": "ALL", "CriteriaList": [{**coughs, "Occurrence": {"Type": kind, "Count": count}}]}
        definition = _definition({"ConditionOccurrence": {"CodesetId": 1}}, AdditionalCriteria=asked)
        found.append([row[1] for row in _who(desk, definition)])
    assert found == [[1, 3], [2], [2], [1, 2, 3]]  # person 1 coughed after the observation period


def test_chunks_of_persons_change_nothing(desk: Desk) -> None:
    definitions = [_definition({"ConditionOccurrence": {"CodesetId": at}}, str(at)) for at in (1, 2)]
    assert _who(desk, *definitions) == _who(desk, *definitions, chunks=3)


def test_a_cohort_of_nobody_is_counted_as_nobody(desk: Desk) -> None:
    nobody = _definition({"ConditionOccurrence": {"CodesetId": 9}}, ConceptSets=[_set(9)])
    found = evaluate.evaluate(desk, [nobody])
    assert files.counted(found) == [("1", 0, 0)]
    assert found.rows.num_rows == 0


def _varied(at: int) -> Definition:
    """A definition that differs from every other in its concepts, window, age and exit."""
    return _definition(
        {"ConditionOccurrence": {"CodesetId": 1 + at % 2, "Age": {"Value": at % 90, "Op": "gt"}}}, str(at),
        InclusionRules=[{"name": "", "expression": {"Type": "ANY", "CriteriaList": [{
            "Criteria": {"ConditionOccurrence": {"CodesetId": 2 - at % 2}},
            "StartWindow": {"Start": {"Days": at, "Coeff": -1}, "End": {"Days": at, "Coeff": 1}},
            "Occurrence": {"Type": 2, "Count": 1 + at % 3},
        }], "DemographicCriteriaList": [{"Age": {"Value": at, "Op": "lt"}}]}}],
        EndStrategy={"DateOffset": {"DateField": "EndDate", "Offset": at}},
    )  # fmt: skip


def test_more_definitions_are_not_more_statements(tmp_path: Path) -> None:
    steps = []
    for many in (2, 300):
        (tmp_path / str(many)).mkdir()
        with cdm.desk(tmp_path / str(many), TABLES) as desk:
            evaluate.evaluate(desk, [_varied(at) for at in range(1, many + 1)], chunks=1)
            steps.append(desk.steps)
    assert steps[0] == steps[1]


@pytest.mark.parametrize("alias", JOINS)
def test_what_stands_beside_an_event_is_found_by_keys_alone(alias: str) -> None:
    """A condition that is no equality with the table looked up makes the join look at every event for every row."""
    (join,) = parse_one(f"SELECT * FROM c {JOINS[alias]}", dialect="duckdb").args["joins"]
    on = join.args["on"]
    for part in on.flatten() if isinstance(on, exp.And) else (on,):
        assert isinstance(part, exp.EQ)
        assert isinstance(part.left, exp.Column)
        assert part.left.table == alias


def test_negative_controls_need_no_observation_period_and_look_where_they_are_told(desk: Desk) -> None:
    every = controls(desk, {7: FEVER, 8: COUGH, 9: WARD}, occurrence="all", descendants=False).to_pylist()
    assert [(row["cohort"], row["person_id"], str(row["start_date"])) for row in every] == [
        (7, 1, "2020-03-01"), (7, 2, "2020-03-01"), (7, 3, "2020-03-02"), (8, 1, "2021-06-01"), (8, 2, "2020-03-05"),
        (9, 1, "2020-03-01"),
    ]  # fmt: skip
    assert all(row["start_date"] == row["end_date"] for row in every)
    visits = controls(desk, {7: FEVER, 9: WARD}, descendants=False, within=["VisitOccurrence"]).to_pylist()
    assert [row["cohort"] for row in visits] == [9]
