"""What each of the 27 types of check counts, on tables that one can read."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from isthmus.quality.checks import catalogue
from isthmus.quality.checks.verdict import Result
from lib.checks import Small

PEOPLE = """
    person_id | gender_concept_id | year_of_birth | month_of_birth | day_of_birth | birth_datetime
    ----------+-------------------+---------------+----------------+--------------+---------------------
    1         | 8507              | 1980          | 5              | 10           |
    2         | 8532              | 1990          |                |              | 1990-03-01 00:00:00
"""
VISITS = """
    visit_occurrence_id | person_id | visit_start_date | visit_end_date
    --------------------+-----------+------------------+---------------
    7                   | 1         | 2020-01-10       | 2020-01-12
"""
CONCEPTS = """
    concept_id | domain_id | concept_class_id | standard_concept | invalid_reason
    -----------+-----------+------------------+------------------+---------------
    0          | Metadata  | Undefined        |                  |
    100        | Condition | Disorder         | S                |
    101        | Drug      | Ingredient       | S                |
    102        | Condition | Disorder         |                  |
    103        | Condition | Disorder         | S                | D
"""
CONDITIONS = """
    condition_occurrence_id | person_id | condition_concept_id | condition_start_date | condition_end_date | condition_source_value | visit_occurrence_id
    ------------------------+-----------+----------------------+----------------------+--------------------+------------------------+--------------------
    1                       | 1         | 100                  | 2020-01-10           | 2020-01-09         | a                      | 7
    1                       | 1         | 101                  | 2020-02-10           |                    | b                      | 7
    2                       | 2         | 102                  | 1989-12-31           |                    | b                      |
    3                       | 9         | 103                  | 1940-01-01           |                    |                        | 8
    4                       |           | 0                    | 2099-01-01           |                    | c                      |
    5                       | 1         | 0                    |                      |                    |                        |
    6                       | 1         | 777                  |                      |                    |                        |
"""  # noqa: E501 a table is read in one piece
DEATHS = """
    person_id | death_date
    ----------+-----------
    1         | 2019-11-11
    1         | 2019-12-01
"""
SMALL = {
    "person": PEOPLE, "visit_occurrence": VISITS, "concept": CONCEPTS, "condition_occurrence": CONDITIONS,
    "death": DEATHS,
}  # fmt: skip
START, END = "condition_occurrence_condition_start_date", "condition_occurrence_condition_end_date"
CONCEPT = "condition_occurrence_condition_concept_id"
COUNTED = {
    "table_cdmtable_person": (0, 1, "passed"),
    "field_cdmfield_person_person_id": (0, 1, "passed"),
    "table_measurepersoncompleteness_condition_occurrence": (0, 2, "passed"),
    "table_measurepersoncompleteness_visit_occurrence": (1, 2, "passed"),  # half of them, and 100 % may be without
    "table_measurepersoncompleteness_observation_period": (2, 2, "failed"),
    # Persons 1, 2 and 9 have conditions; the row without a person is nobody's.
    "table_measureconditioneracompleteness_condition_era": (3, 3, "failed"),
    "field_isrequired_condition_occurrence_person_id": (1, 7, "failed"),
    "field_measurevaluecompleteness_condition_occurrence_condition_end_date": (6, 7, "passed"),
    "field_cdmdatatype_condition_occurrence_condition_concept_id": (0, 7, "passed"),
    "field_isprimarykey_condition_occurrence_condition_occurrence_id": (2, 7, "failed"),
    "field_isforeignkey_condition_occurrence_person_id": (1, 7, "failed"),
    "field_isforeignkey_condition_occurrence_visit_occurrence_id": (1, 7, "failed"),
    f"field_isforeignkey_{CONCEPT}": (1, 7, "failed"),
    f"field_fkdomain_{CONCEPT}": (1, 7, "failed"),
    f"field_isstandardvalidconcept_{CONCEPT}": (2, 7, "failed"),
    f"field_standardconceptrecordcompleteness_{CONCEPT}": (2, 7, "failed"),
    # Values a, b, c and none; of those c and none stand beside 0.
    "field_sourcevaluecompleteness_condition_occurrence_condition_source_value": (2, 4, "failed"),
    f"field_plausiblevaluelow_{START}": (1, 5, "failed"),
    f"field_plausiblevaluehigh_{START}": (1, 5, "failed"),
    f"field_plausiblestartbeforeend_{START}": (1, 1, "failed"),
    f"field_plausibletemporalafter_{END}": (1, 7, "failed"),
    f"field_plausibletemporalafter_{START}": (1, 7, "failed"),
    f"field_plausibleafterbirth_{START}": (1, 5, "failed"),
    # Person 1 has two deaths; 60 days after the first is 2020-01-10, after the second 2020-01-30.
    f"field_plausiblebeforedeath_{START}": (2, 4, "failed"),
    "field_withinvisitdates_condition_occurrence_condition_start_date": (1, 2, "failed"),
}  # fmt: skip


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Result]:
    return Small(tmp_path_factory.mktemp("small"), SMALL).results()


@pytest.mark.parametrize("check", COUNTED)
def test_a_check_counts_rows(results: Mapping[str, Result], check: str) -> None:
    found = results[check]
    assert found.counts is not None
    assert (found.counts.violated, found.counts.of, found.status) == COUNTED[check]


def test_counts_are_the_same_where_nobody_tells_what_is_null(tmp_path: Path, results: Mapping[str, Result]) -> None:
    assert Small(tmp_path, SMALL, known=False).results() == results


def test_the_older_check_of_death_looks_at_each_row_once(results: Mapping[str, Result]) -> None:
    """It counts rows of persons who died, and wrong rows by death."""
    found = results[f"field_plausibleduringlife_{START}"]
    assert found.counts is not None
    assert (found.counts.violated, found.counts.of) == (2, 4)


def test_periods_that_overlap_or_touch(tmp_path: Path) -> None:
    periods = """
        observation_period_id | person_id | observation_period_start_date | observation_period_end_date
        ----------------------+-----------+-------------------------------+----------------------------
        1                     | 1         | 2020-01-01                    | 2020-01-31
        2                     | 1         | 2020-01-15                    | 2020-02-15
        3                     | 2         | 2020-01-01                    | 2020-01-31
        4                     | 2         | 2020-02-01                    | 2020-02-15
        5                     | 3         | 2020-01-01                    | 2020-01-31
        6                     | 3         | 2020-02-02                    | 2020-02-15
        7                     | 4         | 2020-01-01                    | 2020-01-31
    """
    found = Small(tmp_path, {"observation_period": periods}).results()
    counts = found["table_measureobservationperiodoverlap_observation_period"].counts
    assert counts is not None
    assert (counts.violated, counts.of) == (2, 4)


def test_a_class_of_concepts(tmp_path: Path) -> None:
    eras = """
        drug_era_id | drug_concept_id
        ------------+----------------
        1           | 100
        2           | 101
        3           | 0
        4           | 999
    """
    found = Small(tmp_path, {"drug_era": eras, "concept": CONCEPTS}).results()
    counts = found["field_fkclass_drug_era_drug_concept_id"].counts
    assert counts is not None
    assert (counts.violated, counts.of) == (1, 4)


def test_an_empty_concept_counts_only_where_the_source_gave_a_value(tmp_path: Path) -> None:
    measurements = """
        measurement_id | unit_concept_id | unit_source_value
        ---------------+-----------------+------------------
        1              | 8840            | mg/dL
        2              | 0               |
        3              |                 | mg/dL
        4              |                 |
    """
    found = Small(tmp_path, {"measurement": measurements}).results()
    counts = found["field_standardconceptrecordcompleteness_measurement_unit_concept_id"].counts
    assert counts is not None
    assert (counts.violated, counts.of) == (2, 3)


def test_a_source_concept_without_a_value_beside_it(tmp_path: Path) -> None:
    conditions = """
        condition_occurrence_id | condition_source_concept_id
        ------------------------+----------------------------
        1                       | 0
        2                       |
        3                       | 5
    """
    found = Small(tmp_path, {"condition_occurrence": conditions}).results()
    counts = found["field_sourceconceptrecordcompleteness_condition_occurrence_condition_source_concept_id"].counts
    assert counts is not None
    assert (counts.violated, counts.of) == (1, 2)


def test_genders_of_a_concept_and_of_those_below_it(tmp_path: Path) -> None:
    """Prostate cancer 200962 is of men; what lies below 4090861 too, and a row counts once for each way up."""
    conditions = """
        condition_occurrence_id | person_id | condition_concept_id
        ------------------------+-----------+---------------------
        1                       | 1         | 200962
        2                       | 2         | 200962
        3                       | 9         | 200962
        4                       | 2         | 55
    """
    ancestors = """
        ancestor_concept_id | descendant_concept_id
        --------------------+----------------------
        4090861             | 55
        4025213             | 55
        4090861             | 200962
    """
    tables = {"person": PEOPLE, "condition_occurrence": conditions, "concept_ancestor": ancestors}
    found = Small(tmp_path, tables).results()
    one = found["concept_plausiblegender_condition_occurrence_condition_concept_id_200962"].counts
    below = found[
        "concept_plausiblegenderusedescendants_condition_occurrence_condition_concept_id_4090861,4025213"
    ].counts
    assert one is not None
    assert below is not None
    assert (one.violated, one.of) == (1, 3)
    assert (below.violated, below.of) == (3, 5)


def test_units_of_a_measurement(tmp_path: Path) -> None:
    """A unit of 0 is not looked at, no unit is; -1 in the list says that no unit is right."""
    checks = [one for one in catalogue.checks("5.4") if one.type.name == "plausibleUnitConceptIds"]
    check = next(one for one in checks if "-1" not in one.value.split())
    right = check.value.split()[0]
    rows = [
        {"measurement_id": str(number), "measurement_concept_id": str(check.concepts[0]), "unit_concept_id": unit}
        for number, unit in enumerate((right, right, "0", None, "12345"))
    ]
    found = Small(tmp_path, {"measurement": rows}).results()[check.check_id].counts
    assert found is not None
    assert (found.violated, found.of) == (1, 4)


def test_every_type_of_check_is_counted_in_some_test() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    assert not [name for name in catalogue.types() if f"_{name.lower()}_" not in source and name not in source]
