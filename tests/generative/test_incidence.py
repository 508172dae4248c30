"""Incidence against a reading of its definition day by day, on random stays, designs and persons."""

from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.research.incidence.design import Analysis, AtRisk, Design, Outcome, Strata
from isthmus.research.incidence.rates import incidence
from lib import cdm

EPOCH, FIRST = date(1970, 1, 1), (date(2019, 1, 1) - date(1970, 1, 1)).days
COHORTS = {"t": 1, "u": 2, "o": 3, "x": 4, "g": 5}
Stay = tuple[int, int, int, int]


def _design(draw: Random) -> Design:
    time = AtRisk(draw.randint(-20, 60), draw.random() < 0.3, draw.randint(0, 300), draw.random() < 0.3)
    return Design(
        targets={"t": "t", "u": "u"},
        outcomes={"any": Outcome("o"), "clean": Outcome("o", draw.choice([5, 60, 9999]), draw.choice([None, "x"]))},
        at_risk={"time": time, "stay": AtRisk()},
        analyses=(Analysis(("t", "u"), ("any", "clean"), ("time", "stay")),),
        subgroups={"g": "g"}, strata=Strata(ages=((50, 60),), sex=True, year=True),
        study=draw.choice([(None, None), (FIRST + 100, FIRST + 500)]),
    )  # fmt: skip


def _world(draw: Random) -> tuple[dict[str, Any], list[Stay]]:
    people = range(1, 5)
    tables = {
        "person": [
            {
                "person_id": one, "gender_concept_id": draw.choice([8507, 8532]),
                "year_of_birth": draw.randint(1955, 1975),
            }
            for one in people
        ],
        "observation_period": [
            {
                "observation_period_id": one, "person_id": one, "observation_period_start_date": _date(FIRST + 30),
                "observation_period_end_date": _date(FIRST + draw.randint(200, 900)),
            }
            for one in people
        ],
    }  # fmt: skip
    stays = []
    for cohort in COHORTS.values():
        for _ in range(draw.randint(0, 8)):
            start = FIRST + draw.randint(0, 700)
            stays.append((cohort, draw.choice(people), start, start + draw.choice([0, 1, 30, 200])))
    return tables, stays


def _date(day: int) -> str:
    return (EPOCH + timedelta(days=day)).isoformat()


def _spells(design: Design, tables: dict[str, Any], stays: list[Stay], target: str, time: AtRisk) -> Any:
    """Of each person the times at risk, those that share a day as one."""
    for person in tables["person"]:
        (period,) = (one for one in tables["observation_period"] if one["person_id"] == person["person_id"])
        opens, closes = (
            (date.fromisoformat(period[f"observation_period_{end}_date"]) - EPOCH).days for end in ("start", "end")
        )
        found: list[tuple[int, int]] = []
        for start, end in sorted(stay[2:] for stay in stays if stay[:2] == (COHORTS[target], person["person_id"])):
            low = (end if time.start_of_end else start) + time.start_days
            high = (end if time.end_of_end else start) + time.end_days
            if opens <= start <= closes and low <= high and opens <= low <= closes:
                found.append((low, min(high, closes)))
        merged: list[tuple[int, int]] = []
        for low, high in sorted(found):
            if merged and merged[-1][1] >= low:
                merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
            else:
                merged.append((low, high))
        earliest, latest = design.study
        for low, high in merged:
            if (earliest is None or low >= earliest) and (latest is None or low <= latest):
                yield person, low, high if latest is None else min(high, latest)


def _slow(design: Design, tables: dict[str, Any], stays: list[Stay], asked: tuple[str, str, str]) -> tuple[int, ...]:
    """Persons, days, persons with, outcomes of everybody together."""
    target, outcome, time = asked
    told = design.outcomes[outcome]
    at_risk, ill, days, cases = set(), set(), 0, 0
    for person, low, high in _spells(design, tables, stays, target, design.at_risk[time]):
        number = person["person_id"]
        gone: set[int] = set()
        for cohort, who, start, end in stays:
            if who == number and cohort == COHORTS[told.cohort]:
                gone |= set(range(start + 1, end + told.clean + 1))
            if who == number and told.unless and cohort == COHORTS[told.unless]:
                gone |= set(range(start, end + 1))
        left = set(range(low, high + 1)) - gone
        days += len(left)
        here = [
            start
            for cohort, who, start, _ in stays
            if cohort == COHORTS[told.cohort] and who == number and start in left
        ]
        cases += len(here)
        at_risk |= {number} if left else set()
        ill |= {number} if here else set()
    return len(at_risk), days, len(ill), cases


@given(st.integers(0, 10**6))
@settings(max_examples=15, deadline=None)
def test_persons_days_and_cases_are_those_of_a_count_day_by_day(tmp_path_factory: Any, seed: int) -> None:
    draw = Random(seed)
    design, (tables, stays) = _design(draw), _world(draw)
    folder: Path = tmp_path_factory.mktemp("incidence")
    with cdm.desk(folder, tables) as desk:
        desk.lay("result", cdm.stays(stays))
        found = incidence(desk, design, COHORTS).table.to_pylist()
    whole = [row for row in found if not (row["subgroup"] or row["age_group"] or row["sex"] or row["year"])]
    fast = {
        (row["target"], row["outcome"], row["at_risk"]): (
            row["persons"],
            row["days"],
            row["persons_with"],
            row["outcomes"],
        )
        for row in whole
    }
    assert fast == {asked: _slow(design, tables, stays, asked) for asked in design.asked()}
    for row in found:  # what divides by age, sex or year adds up to the whole
        assert row["outcomes"] <= row["outcomes_before"]
        assert row["days"] <= row["days_before"]
    for column in ("age_group", "sex", "year"):
        others = {"age_group", "sex", "year"} - {column}
        parts = [
            row for row in found
            if row[column] is not None and row["subgroup"] is None and all(row[one] is None for one in others)
        ]  # fmt: skip
        assert sum(row["days"] for row in parts) == sum(row["days"] for row in whole)
