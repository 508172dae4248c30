"""What the analyses mean where definitions are easily misread, on tables of a few rows."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from lib import profiled

PERSON = {"person_id": 1, "gender_concept_id": 8507, "year_of_birth": 1990}


def _period(person: int, first: date, last: date) -> Mapping[str, Any]:
    return {"person_id": person, "observation_period_start_date": first, "observation_period_end_date": last}


def _counts(tmp_path: Path, **rows: list[Mapping[str, Any]]) -> dict[int, dict[tuple[str, ...], int]]:
    """Counts by analysis and the strata that it fills."""
    results, _ = profiled.profile(profiled.drawn(**rows), tmp_path)
    told = profiled.counts(results)
    return {
        analysis: {tuple(one for one in key if one is not None): count for key, count in found.items()}
        for analysis, found in told.items()
    }


def test_an_event_in_two_periods_is_two_records_of_one_person(tmp_path: Path) -> None:
    found = _counts(
        tmp_path, person=[PERSON],
        observation_period=[
            _period(1, date(2020, 1, 1), date(2020, 6, 30)), _period(1, date(2020, 3, 1), date(2020, 9, 1)),
        ],
        condition_occurrence=[
            {"person_id": 1, "condition_concept_id": 5, "condition_start_date": date(2020, 4, 1)},
            {"person_id": 1, "condition_concept_id": 5, "condition_start_date": date(2021, 4, 1)},
        ],
    )  # fmt: skip
    assert found[400] == {("5",): 1}
    assert found[401] == {("5",): 2}  # and the event of 2021 is outside of both
    assert found[402] == {("5", "202004"): 1}


def test_a_month_is_covered_once_however_many_periods_cover_it(tmp_path: Path) -> None:
    found = _counts(
        tmp_path, person=[PERSON],
        observation_period=[
            _period(1, date(2019, 12, 1), date(2020, 1, 31)), _period(1, date(2020, 1, 1), date(2020, 2, 28)),
            _period(2, date(2020, 1, 2), date(2020, 1, 31)),
        ],
    )  # fmt: skip
    assert found[110] == {("201912",): 1, ("202001",): 1}  # February is no month in which a period starts
    assert found[117] == {("201912",): 1, ("202001",): 2, ("202002",): 1}
    assert found[116] == {("2019", "8507", "2"): 1, ("2020", "8507", "3"): 1}  # person 2 is not in the person table


def test_ages_before_birth_are_in_the_decade_of_zero_and_then_below(tmp_path: Path) -> None:
    """As whole numbers divide in SQL: towards zero."""
    visits = [{"person_id": 1, "visit_concept_id": 9201, "visit_start_date": date(year, 1, 1)} for year in (1975, 1985)]
    found = _counts(tmp_path, person=[PERSON], visit_occurrence=visits)
    assert found[212] == {("1975", "8507", "-1"): 1, ("1985", "8507", "0"): 1}
    assert found[210] == {(): 2}


def test_records_without_a_visit_and_of_a_visit_without_a_concept_are_told_together(tmp_path: Path) -> None:
    """Achilles has two rows of one key for them, 1 and 2."""
    found = _counts(
        tmp_path, person=[PERSON],
        visit_occurrence=[{"visit_occurrence_id": 7, "person_id": 1, "visit_concept_id": 0}],
        measurement=[{"person_id": 1, "visit_occurrence_id": visit} for visit in (7, None, None)],
    )  # fmt: skip
    assert found[226] == {("0", "measurement"): 3}


def test_of_two_periods_from_one_day_the_shorter_is_the_first(tmp_path: Path) -> None:
    periods = [_period(1, date(2020, 1, 1), date(2020, 12, 31)), _period(1, date(2020, 1, 1), date(2020, 1, 11))]
    for given in (periods, periods[::-1]):
        _, distributions = profiled.profile(profiled.drawn(person=[PERSON], observation_period=given), tmp_path)
        (told,) = profiled.spreads(distributions)[105].values()
        assert told[1] == 10.0


def test_a_person_with_three_records_has_at_least_one_and_two(tmp_path: Path) -> None:
    drugs = [{"person_id": person, "drug_concept_id": 3, "drug_exposure_start_date": date(2020, 1, 1 + turn)}
             for person, times in ((1, 3), (2, 1)) for turn in range(times)]  # fmt: skip
    periods = [_period(person, date(2020, 1, 1), date(2020, 12, 31)) for person in (1, 2)]
    found = _counts(tmp_path, person=[PERSON], observation_period=periods, drug_exposure=drugs)
    assert found[791] == {("3", "1"): 2, ("3", "3"): 1}


def test_source_values_with_concept_0_are_listed_by_table_and_column(tmp_path: Path) -> None:
    found = _counts(
        tmp_path, person=[{**PERSON, "gender_concept_id": 0, "gender_source_value": "女"}],
        specimen=[{"person_id": 1, "specimen_concept_id": 0}, {"person_id": 1, "specimen_concept_id": 4}],
    )  # fmt: skip
    assert found[1900] == {("person", "gender_source_value", "女"): 1, ("specimen", "specimen_source_value"): 1}


def test_an_empty_cdm_gives_no_rows(tmp_path: Path) -> None:
    results, distributions = profiled.profile({}, tmp_path)
    assert (results.num_rows, distributions.num_rows) == (0, 0)


@pytest.mark.parametrize("name", ["O'Neil", "女", ""])
def test_the_name_of_the_source_is_told_as_it_is(tmp_path: Path, name: str) -> None:
    given = profiled.drawn(person=[PERSON])
    with profiled.engine(given, tmp_path) as opened:
        results, _ = profiled.compute(opened, frozenset({"person"}), source_name=name, day="2026-11-28")
    (row,) = [one for one in results.to_pylist() if one["analysis_id"] == 0]
    assert (row["stratum_1"], row["stratum_3"], row["count_value"]) == (name, "2026-11-28", 1)
