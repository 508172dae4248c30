"""When a check passes, fails, is not applicable or an error: the rules of the dashboard."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from isthmus.quality.checks import catalogue
from isthmus.quality.checks.verdict import Result
from lib.checks import Small

PEOPLE = """
    person_id | gender_concept_id
    ----------+------------------
    1         | 8507
"""
CONDITIONS = """
    condition_occurrence_id | person_id | condition_concept_id | condition_start_date
    ------------------------+-----------+----------------------+---------------------
    1                       | 1         | 5                    | 2020-01-01
"""
TABLES = {"person": PEOPLE, "condition_occurrence": CONDITIONS}
DEATH = "field_plausiblebeforedeath_condition_occurrence_condition_start_date"


def _result(folder: Path, check: str, *, without: Sequence[str] = (), **tables: str) -> Result:
    return Small(folder, TABLES | tables, without=without).results()[check]


def _said(one: Result) -> tuple[str, str, tuple[int, int] | None]:
    return one.status, one.reason, (one.counts.violated, one.counts.of) if one.counts else None


def test_a_table_that_is_not_there_fails_once_and_its_checks_do_not_apply(tmp_path: Path) -> None:
    found = Small(tmp_path, TABLES, without=["death"]).results()
    gone = "Table DEATH is not there."
    assert _said(found["table_cdmtable_death"]) == ("failed", gone, (1, 1))
    assert _said(found["field_cdmfield_death_death_date"]) == ("not applicable", gone, None)
    assert _said(found["field_isrequired_death_death_date"]) == ("not applicable", gone, None)
    assert _said(found["table_measurepersoncompleteness_death"]) == ("not applicable", gone, None)


def test_a_field_that_is_not_there_fails_once_and_its_checks_do_not_apply(tmp_path: Path) -> None:
    found = Small(tmp_path, TABLES, without=["person.year_of_birth"]).results()
    gone = "Field PERSON.YEAR_OF_BIRTH is not there."
    assert _said(found["field_cdmfield_person_year_of_birth"]) == ("failed", gone, (1, 1))
    assert _said(found["field_isrequired_person_year_of_birth"]) == ("not applicable", gone, None)


def test_what_a_check_reads_beside_its_field_must_be_there(tmp_path: Path) -> None:
    gone = "Table DEATH is not there, and this check reads it."
    assert _said(_result(tmp_path, DEATH, without=["death"])) == ("error", gone, None)


def test_no_check_of_an_empty_table_applies_but_that_it_is_there(tmp_path: Path) -> None:
    found = Small(tmp_path, TABLES).results()
    empty = "Table OBSERVATION is empty."
    assert _said(found["table_cdmtable_observation"]) == ("passed", "", (0, 1))
    assert _said(found["field_cdmfield_observation_person_id"]) == ("passed", "", (0, 1))
    assert _said(found["field_isrequired_observation_person_id"]) == ("not applicable", empty, (0, 0))
    assert _said(found["field_measurevaluecompleteness_observation_person_id"]) == ("not applicable", empty, (0, 0))
    assert _said(found["table_measurepersoncompleteness_observation"]) == ("failed", "", (1, 1))


def test_of_a_field_without_values_only_that_is_counted(tmp_path: Path) -> None:
    found = Small(tmp_path, TABLES).results()
    none = "Field CONDITION_OCCURRENCE.CONDITION_END_DATE has no value."
    low = found["field_plausiblevaluelow_condition_occurrence_condition_end_date"]
    assert _said(low) == ("not applicable", none, (0, 0))
    complete = found["field_measurevaluecompleteness_condition_occurrence_condition_end_date"]
    assert _said(complete) == ("passed", "", (1, 1))


def test_a_check_of_a_concept_that_no_row_has_does_not_apply(tmp_path: Path) -> None:
    check = "concept_plausiblegender_condition_occurrence_condition_concept_id_200962"
    none = "No row that counts has CONDITION_OCCURRENCE.CONDITION_CONCEPT_ID = 200962."
    assert _said(_result(tmp_path, check)) == ("not applicable", none, (0, 0))


def test_eras_are_asked_for_where_there_are_conditions(tmp_path: Path) -> None:
    check = "table_measureconditioneracompleteness_condition_era"
    assert _said(_result(tmp_path / "a", check)) == ("failed", "", (1, 1))
    none = ("not applicable", "Table CONDITION_OCCURRENCE is empty.", (0, 0))
    assert _said(Small(tmp_path / "b", {"person": PEOPLE}).results()[check]) == none
    gone = ("error", "Table CONDITION_ERA is not there.", None)
    assert _said(_result(tmp_path / "c", check, without=["condition_era"])) == gone


def test_conditions_of_nobody_ask_for_no_era(tmp_path: Path) -> None:
    drawn = "condition_occurrence_id | person_id | condition_concept_id\n--+--+--\n1 | | 5\n2 | 1 | 5"
    check = "table_measureconditioneracompleteness_condition_era"
    assert _said(_result(tmp_path, check, condition_occurrence=drawn)) == ("failed", "", (1, 1))


@pytest.mark.parametrize(("wrong", "status"), [(1, "passed"), (2, "failed")])
def test_a_threshold_is_the_per_cent_that_may_be_wrong(tmp_path: Path, wrong: int, status: str) -> None:
    """A start before 1950 is plausible in 1 % of the rows, and in no more."""
    heading = "condition_occurrence_id | person_id | condition_start_date\n--+--+--\n"
    days = ["1940-01-01"] * wrong + ["2020-01-01"] * (100 - wrong)
    drawn = heading + "\n".join(f"{number} | 1 | {day}" for number, day in enumerate(days))
    check = "field_plausiblevaluelow_condition_occurrence_condition_start_date"
    assert _said(_result(tmp_path, check, condition_occurrence=drawn)) == (status, "", (wrong, 100))


def test_a_cdm_without_tables_fails_for_each_and_nothing_else(tmp_path: Path) -> None:
    from_nothing = Small(tmp_path, {}, without=list(Small(tmp_path / "all", {}).layout)).results()
    statuses = {one.status for one in from_nothing.values() if one.check.type.name != "cdmTable"}
    assert {one.status for one in from_nothing.values() if one.check.type.name == "cdmTable"} == {"failed"}
    assert statuses == {"not applicable"}


def test_limits_move_with_the_day(tmp_path: Path) -> None:
    """Today of these tests is 2026-06-30: tomorrow is allowed, the day after is not."""
    drawn = """
        condition_occurrence_id | condition_start_date
        ------------------------+---------------------
        1                       | 2026-07-01
        2                       | 2026-07-02
    """
    check = "field_plausiblevaluehigh_condition_occurrence_condition_start_date"
    assert _said(_result(tmp_path, check, condition_occurrence=drawn)) == ("failed", "", (1, 2))


def test_the_set_has_the_dashboards_size() -> None:
    assert {version: len(catalogue.checks(version)) for version in catalogue.VERSIONS} == {"5.3": 2005, "5.4": 2535}
    assert len(catalogue.types()) == 27
    for version in catalogue.VERSIONS:
        ids = [one.check_id for one in catalogue.checks(version)]
        assert len(set(ids)) == len(ids)
