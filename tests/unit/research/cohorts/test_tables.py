"""What is told of cohorts beside counts: who is in two of them, and who is in them."""

import math
from pathlib import Path
from typing import Any

import pytest

from isthmus.gate.desk import Desk
from isthmus.research.cohorts.describe import describe, standardised
from isthmus.research.cohorts.overlap import overlap
from lib import cdm

WOMAN, MAN, FEVER = 8532, 8507, 437663
SEXES = {1: WOMAN, 2: WOMAN, 3: MAN, 4: MAN}
TABLES: dict[str, Any] = {
    "concept": [{"concept_id": FEVER, "concept_name": "Fever"}],
    "person": [
        {"person_id": one, "gender_concept_id": sex, "year_of_birth": 1930 + 10 * one, "site": "east"}
        for one, sex in SEXES.items()
    ],
    "condition_occurrence": [
        {
            "condition_occurrence_id": at, "person_id": person, "condition_concept_id": FEVER,
            "condition_start_date": day,
        }
        for at, (person, day) in enumerate([(1, "1970-04-01"), (1, "1970-04-02"), (3, "1970-04-11"), (3, "1999-01-01")])
    ],
}  # fmt: skip
# Cohort 1: all four persons from day 100; cohort 2: persons 3 and 4, the former before, the latter on the same day.
STAYS = [(1, one, 100, 110) for one in SEXES] + [(1, 1, 300, 310), (2, 3, 80, 90), (2, 4, 100, 100)]


@pytest.fixture
def desk(tmp_path: Path) -> Any:
    with cdm.desk(tmp_path, TABLES) as made:
        made.lay("result", cdm.stays(STAYS))
        yield made


def test_persons_of_two_cohorts_are_counted_by_what_came_first_and_by_days_they_share(desk: Desk) -> None:
    assert overlap(desk, ["a", "b"]).to_pylist() == [
        {
            "one": "a", "other": "b", "persons_one": 4, "persons_other": 2, "both": 2, "either": 4, "together": 1,
            "one_first": 0, "same_day": 1, "other_first": 1,
        }
    ]  # fmt: skip


def _told(desk: Desk, *cohorts: int, **more: Any) -> dict[tuple[Any, ...], dict[str, Any]]:
    rows = describe(desk, cohorts, **more).to_pylist()
    return {(row["section"], row["low"], row["name"]): row for row in rows}


def test_two_cohorts_are_described_beside_each_other(desk: Desk) -> None:
    """Ages in 1970: 30, 20, 10, 0 and 10, 0; half of the first are women, none of the second."""
    told = _told(desk, 1, 2)
    assert [told["all", None, ""][key] for key in ("n_1", "n_2")] == [4, 2]
    age = told["age", None, ""]
    assert (age["value_1"], age["value_2"]) == (15, 5)
    pooled = math.sqrt((500 / 3 + 50) / 2)
    assert age["difference"] == pytest.approx(10 / pooled)
    women = told["sex", None, str(WOMAN)]
    assert (women["value_1"], women["value_2"], women["difference"]) == (0.5, 0, pytest.approx(math.sqrt(2)))
    assert told["site", None, "east"]["difference"] == 0


def test_events_are_counted_once_a_person_in_windows_around_the_first_entry(desk: Desk) -> None:
    """Day 90 is 1970-04-01: persons 1 and 3 had fever, ten days before and on the day of entering cohort 1."""
    told = _told(desk, 1)
    fevers = {key[1]: row["n_1"] for key, row in told.items() if key[2] == "Fever"}
    assert fevers == {-365: 1, 0: 1}
    wide = _told(desk, 1, windows=[(-1000, 20_000)])
    assert [row["value_1"] for key, row in wide.items() if key[2] == "Fever"] == [0.5]


def test_a_cohort_of_nobody_is_described_as_nobody(desk: Desk) -> None:
    told = _told(desk, 1, 9)
    assert (told["all", None, ""]["n_2"], told["age", None, ""]["difference"]) == (0, None)
    assert told["sex", None, str(WOMAN)]["difference"] is None


def test_a_difference_without_any_spread_is_none_unless_there_is_no_difference() -> None:
    assert standardised([1.0, 0.0], [0.0, 0.0]) is None
    assert standardised([1.0, 1.0], [0.0, 0.0]) == 0
