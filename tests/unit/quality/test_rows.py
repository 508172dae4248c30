"""The rows behind a verdict are as many as the check counted, and the dashboard's form says what was counted."""

import json
from datetime import datetime
from pathlib import Path

import orjson
import pytest

from isthmus.quality.checks.document import document
from isthmus.quality.checks.rows import held_in, wrong
from lib.checks import TODAY, Small
from unit.quality.test_types import SMALL


@pytest.fixture(scope="module")
def cdms(tmp_path_factory: pytest.TempPathFactory) -> tuple[Small, Small]:
    """The CDM of the other tests, and one in which a woman has a man's disease and somebody two periods at once."""
    men = "1 | 1 | 200962\n2 | 2 | 200962"
    procedures = "procedure_occurrence_id | person_id | procedure_concept_id\n--+--+--\n1 | 1 | 4041261"
    ancestors = "ancestor_concept_id | descendant_concept_id\n--+--\n4041261 | 4041261"
    drawn = f"condition_occurrence_id | person_id | condition_concept_id\n--+--+--\n{men}"
    periods = (
        "observation_period_id | person_id | observation_period_start_date | observation_period_end_date\n--+--+--+--\n"
        "1 | 1 | 2020-01-01 | 2020-12-31\n2 | 1 | 2020-06-01 | 2021-06-30\n3 | 2 | 2020-01-01 | 2020-12-31"
    )
    units = "measurement_id | measurement_concept_id | unit_concept_id\n--+--+--\n1 | 3006315 | 1\n2 | 3006315 | 8784"
    tables = {"procedure_occurrence": procedures, "concept_ancestor": ancestors, "measurement": units}
    small = Small(tmp_path_factory.mktemp("rows"), SMALL | tables)
    return small, Small(
        tmp_path_factory.mktemp("men"), SMALL | {"condition_occurrence": drawn, "observation_period": periods}
    )


@pytest.fixture
def small(cdms: tuple[Small, Small]) -> Small:
    return cdms[0]


def test_the_rows_of_a_check_are_those_that_it_counted(cdms: tuple[Small, Small]) -> None:
    """But for different values and for matches that count more than once, which are rows once and for all."""
    seen = set()
    for one in cdms:
        for check_id, found in one.results().items():
            check = found.check
            if found.counts is None or not found.counts.violated or check.type.over == "layout":
                continue
            listed = wrong(check, one.layout, TODAY)
            assert listed is not None
            rows = one.engine.rows(listed)
            assert rows.column_names == list(one.layout[held_in(check)].columns)
            seen.add(check.type.over)
            if check.type.over == "values":
                assert len({row[check.field] for row in rows.to_pylist()}) == found.counts.violated
            elif check.type.over == "overlaps":
                assert len({row["person_id"] for row in rows.to_pylist()}) == found.counts.violated
            else:
                assert rows.num_rows == found.counts.violated, check_id
    assert seen >= {
        "rows",
        "keys",
        "values",
        "persons",
        "conditions",
        "overlaps",
        "people",
        "deaths",
        "visits",
        "concepts",
        "genders",
        "units",
    }


def test_what_is_not_there_has_no_rows(small: Small) -> None:
    absent = next(one.check for one in small.results().values() if one.check.type.over == "layout")
    assert wrong(absent, small.layout, TODAY) is None


def test_the_form_is_the_dashboards(small: Small) -> None:
    results = list(small.results().values())
    began = datetime(2026, 6, 30, 8, 0, 0)  # noqa: DTZ001 times in the lake are without a zone
    told = json.loads(orjson.dumps(document(results, {"cdmSourceName": "small"}, started=began, ended=began)))
    assert list(told) == [
        "startTimestamp", "endTimestamp", "executionTime", "executionTimeSeconds", "CheckResults", "Metadata",
        "Overview",
    ]  # fmt: skip
    assert told["Metadata"] == [{"cdmSourceName": "small", "dqdVersion": "2.8.4"}]
    assert told["startTimestamp"] == ["2026-06-30 08:00:00"]
    rows = {row["checkId"]: row for row in told["CheckResults"]}
    assert len(rows) == 2535
    row = rows["field_isprimarykey_condition_occurrence_condition_occurrence_id"]
    assert row == {
        "numViolatedRows": 2, "pctViolatedRows": 2 / 7, "numDenominatorRows": 7, "executionTime": "0 secs",
        "queryText": "", "checkName": "isPrimaryKey", "checkLevel": "FIELD",
        "checkDescription": "Rows of condition_occurrence that share their condition_occurrence_id with another row.",
        "cdmTableName": "CONDITION_OCCURRENCE", "cdmFieldName": "CONDITION_OCCURRENCE_ID",
        "sqlFile": "field_is_primary_key.sql", "category": "Conformance", "subcategory": "Relational",
        "context": "Verification", "checkId": row["checkId"], "failed": 1, "passed": 0, "isError": 0,
        "notApplicable": 0, "thresholdValue": 0.0,
    }  # fmt: skip
    counted = told["Overview"]
    assert counted["countTotal"] == [2535]
    assert counted["countOverallFailed"][0] == sum(one["failed"] for one in rows.values())
    assert sum(counted[f"countFailed{name}"][0] for name in ("Plausibility", "Conformance", "Completeness")) == sum(
        one["failed"] for one in rows.values()
    )


def test_every_result_is_exactly_one_of_four(small: Small, tmp_path: Path) -> None:
    results = list(Small(tmp_path, SMALL, without=["concept", "death"]).results().values())
    began = datetime(2026, 6, 30)  # noqa: DTZ001 times in the lake are without a zone
    for row in document(results, {}, started=began, ended=began)["CheckResults"]:
        assert row["failed"] + row["passed"] + row["isError"] + row["notApplicable"] == 1
        assert ("error" in row) == bool(row["isError"])
        assert ("notApplicableReason" in row) == bool(row["notApplicable"])
