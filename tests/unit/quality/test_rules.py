"""What our own types of check count, and that the rows behind them are those."""

import pytest

from isthmus.cdm.tables import TABLES
from isthmus.quality.checks import catalogue
from isthmus.quality.checks.rows import wrong
from lib.checks import TODAY, Small

MEASUREMENTS = """
    measurement_id | person_id | measurement_concept_id | measurement_date | measurement_datetime | value_as_number | value_as_concept_id | value_source_value | unit_source_value | unit_concept_id | measurement_source_value | visit_occurrence_id
    ---------------+-----------+------------------------+------------------+----------------------+-----------------+---------------------+--------------------+-------------------+-----------------+--------------------------+--------------------
    1              | 1         | 100                    | 2020-01-10       |                      | 4.5             |                     | 4.5                | g/L               | 8636            | A                        | 7
    2              | 1         | 100                    | 2020-01-10       |                      | 4.5             |                     | 4.5                | g/L               | 8636            | A                        | 7
    3              | 1         | 100                    | 2020-01-10       |                      | 4.5             |                     | 4.5                | g/L               | 8636            | A                        | 7
    4              | 1         | 100                    | 2020-01-10       |                      | 4.6             |                     | 4.6                | g/L               | 8636            | A                        | 7
    5              | 2         | 100                    | 1900-01-01       |                      |                 |                     | umol/L             | 17.1              |                 | A                        |
    6              | 2         | 100                    | 2020-01-10       |                      |                 | 0                   |                    | g/L               |                 | A                        |
    7              | 2         | 100                    | 2020-01-11       |                      |                 | 45                  |                    |                   |                 | A                        |
    8              | 2         | 100                    | 9999-12-31       |                      |                 |                     | negative           | 1                 |                 | A                        |
"""  # noqa: E501 a table is read in one piece
COUNTED = {
    "rule_placeholderday_measurement_measurement_date": (2, 8, "failed"),
    "rule_withoutresult_measurement_value_as_number": (1, 8, "failed"),
    "rule_exchangedfields_measurement_unit_source_value": (2, 7, "failed"),
    "rule_repeatedevent_measurement_measurement_concept_id": (2, 8, "failed"),
    "rule_placeholderday_death_death_date": (0, 0, "not applicable"),
}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Small:
    return Small(tmp_path_factory.mktemp("rules"), {"measurement": MEASUREMENTS})


@pytest.mark.parametrize("check_id", COUNTED)
def test_a_rule_counts(small: Small, check_id: str) -> None:
    found = small.results()[check_id]
    counts = found.counts
    assert ((counts and counts.violated) or 0, (counts and counts.of) or 0, found.status) == COUNTED[check_id]


def test_the_rows_of_a_rule_are_those_that_it_counted(small: Small) -> None:
    listed = {}
    for check_id, (violated, _, _) in COUNTED.items():
        if violated:
            rows = wrong(small.results()[check_id].check, small.layout, TODAY)
            assert rows is not None
            listed[check_id.split("_")[1]] = sorted(small.engine.rows(rows)["measurement_id"].to_pylist())
    assert listed == {
        "placeholderday": [5, 8], "withoutresult": [6], "exchangedfields": [5, 8], "repeatedevent": [2, 3],
    }  # fmt: skip


def test_rules_have_ids_of_their_own_and_name_columns_that_there_are(small: Small) -> None:
    for version in catalogue.VERSIONS:
        own = catalogue.rules(version)
        ids = [one.check_id for one in own]
        assert len(set(ids)) == len(ids)
        assert not set(ids) & {one.check_id for one in catalogue.checks(version)}
        assert all(one.type.level == catalogue.RULE for one in own)
    for check in catalogue.rules("5.4"):
        columns = {column.name for column in TABLES[check.table].columns}
        assert {check.field, *check.compared} <= columns
