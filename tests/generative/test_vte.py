"""The two readings of the definitions, for many patients at a desk and for one in Python, agree over random rows."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from isthmus.apps.contract.research import step
from isthmus.apps.contract.trial import Trial
from isthmus.apps.vte.evidence import steps
from isthmus.apps.vte.evidence.chart import Moment, judge
from isthmus.apps.vte.evidence.definition import SOURCES, shipped
from lib.vte import ALL, BEGAN, UNITS, Ward

PEOPLE = 60
NEVER = ["family_vte", "walking"]
SAID = {"cancer_hormones_count": True}
MOMENTS = """
    SELECT CAST(visit_occurrence_id AS BIGINT) AS moment, person_id, site, visit_start_datetime AS began,
        visit_start_datetime + INTERVAL 60 HOUR AS seen
    FROM visit_occurrence
"""
Answer = Mapping[str, Any]


def _ward() -> Ward:
    """People with events around every edge of every window, in sets by concept or by code, in many units."""
    rng, made = np.random.default_rng(20240304), shipped()
    ward = Ward("east").delivers(*ALL)
    facts = list(made.facts.values())
    for person in range(1, PEOPLE + 1):
        ward.admit(person, int(rng.integers(18, 95)), str(rng.choice(["male", "female"])))
        if person % 20 == 0:
            continue
        for _ in range(int(rng.integers(0, 40))):
            fact = facts[int(rng.integers(0, len(facts)))]
            chosen, hours = made.sets[fact.set], _hours(rng, fact.days)
            by_code = chosen.codes and (not chosen.concepts or rng.random() < 0.5)
            concept = 0 if by_code else int(rng.choice(chosen.concepts))
            code = f"ICD10CN:{rng.choice(chosen.codes)}1" if by_code else ""
            if chosen.less and rng.random() < 0.2:
                concept = int(rng.choice(chosen.less))
            given: dict[str, Any] = {}
            if fact.source.number:
                unit = fact.unit if fact.unit in UNITS else ""
                given = {"number": round(float(rng.uniform(0.5, 300)), 1), "unit": unit if rng.random() < 0.9 else ""}
            ward.row(fact.source.table, person, concept=concept, code=code, hours=hours, **given)
            _blur(ward, fact.source.table, rng)
    return ward


def _hours(rng: np.random.Generator, days: int) -> float:
    edge = rng.choice([0, 60, -24 * min(days, 9000), 60 - 24 * min(days, 9000)])
    return float(edge + rng.choice([0, 0, -1, 1, -24, 24, 100, -7])) if rng.random() < 0.8 else float(rng.integers(0, 60))


def _blur(ward: Ward, table: str, rng: np.random.Generator) -> None:
    """Some rows have a day without a time, as null or as midnight."""
    row, source = ward.tables[table][-1], SOURCES[table]
    if rng.random() < 0.2:
        row[source.time] = None
    elif rng.random() < 0.2:
        row[source.time] = datetime.combine(row[source.day], datetime.min.time())


@pytest.fixture(scope="module")
def hospital() -> Iterator[Trial]:
    with _ward().trial() as trial:
        yield trial


@pytest.fixture(scope="module")
def at_once(hospital: Trial) -> dict[str, dict[int, Answer]]:
    found: dict[str, dict[int, Answer]] = {}

    def work(desk: Any) -> pa.Table:
        desk.make("moment", step(MOMENTS))
        steps.tell(desk, shipped(), list(shipped().items), SAID, NEVER)
        wanted = {"item": step("SELECT * FROM item"), "fact": step("SELECT * FROM fact_told")}
        for name in ("padua", "caprini", "bleeding_medical", "bleeding_surgical", "improve_bleeding"):
            wanted[name] = steps.grade(name)
        for name, asked in wanted.items():
            found[name] = {row["moment"]: row for row in desk.take(asked).to_pylist()}
        found["evidence"] = {0: {"rows": desk.take(step("SELECT moment, fact, row_id FROM evidence")).to_pylist()}}
        return pa.table({})

    hospital.context().session.steps("both readings", work)
    return found


def _one(hospital: Trial, person: int) -> Any:
    tables = hospital.context().session.patient(person)
    delivered = dict.fromkeys(SOURCES, True)
    moment = Moment(BEGAN, BEGAN + timedelta(hours=60))
    return judge(shipped(), tables, moment, lambda _: {}, said=SAID, never=NEVER, delivered=delivered)


def test_every_fact_and_item_is_the_same_both_ways(hospital: Trial, at_once: dict[str, dict[int, Answer]]) -> None:
    known = 0
    for person in range(1, PEOPLE + 1):
        judged = _one(hospital, person)
        for name, told in judged.facts.items():
            other = at_once["fact"][person].get(name)
            if name in at_once["fact"][person]:
                assert told.value == pytest.approx(other, rel=1e-9), (person, name)
        for name, value in judged.items.items():
            assert value == pytest.approx(at_once["item"][person][name], rel=1e-9), (person, name)
            known += value is not None and value is not False
    assert known > PEOPLE * 3


def test_the_rows_behind_facts_are_the_same_both_ways(hospital: Trial, at_once: dict[str, dict[int, Answer]]) -> None:
    found = {(row["moment"], row["fact"], row["row_id"]) for row in at_once["evidence"][0]["rows"]}
    names = {fact for _, fact, _ in found}
    for person in range(1, PEOPLE + 1):
        for name in names:
            told = _one_fact(hospital, person, name)
            wide = {row for one, fact, row in found if (one, fact) == (person, name)}
            assert told == wide or (told < wide and shipped().facts[name].take == "latest"), (person, name)


_CACHE: dict[int, Any] = {}


def _one_fact(hospital: Trial, person: int, name: str) -> set[Any]:
    if person not in _CACHE:
        _CACHE[person] = _one(hospital, person)
    return {row.id for row in _CACHE[person].facts[name].rows}


@pytest.mark.parametrize("name", ["padua", "caprini", "bleeding_medical", "bleeding_surgical", "improve_bleeding"])
def test_every_score_is_the_same_both_ways(
    hospital: Trial, at_once: dict[str, dict[int, Answer]], name: str
) -> None:
    for person in range(1, PEOPLE + 1):
        outcome, row = _one(hospital, person).outcome(name), at_once[name][person]
        assert (outcome.value, outcome.grade) == (pytest.approx(row["value"]), row["grade"]), person
        assert ", ".join(outcome.missing) == (row["missing"] or ""), person
