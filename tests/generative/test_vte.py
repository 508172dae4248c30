"""The two readings of the definitions, for many patients at a desk and for one in Python, agree over random rows."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from isthmus.apps.contract import manifest_of, tables
from isthmus.apps.contract.research import step
from isthmus.apps.contract.trial import Trial
from isthmus.apps.vte.evidence import steps
from isthmus.apps.vte.evidence.chart import Judged, Moment, judge
from isthmus.apps.vte.evidence.definition import shipped
from isthmus.apps.vte.evidence.fact import SOURCES
from lib.vte import ALL, BEGAN, FOLDER, UNITS, Ward

PEOPLE = 60
SCORES = ("padua", "caprini", "bleeding_medical", "bleeding_surgical", "improve_bleeding")
COLUMNS = {name: sorted(held) for name, held in manifest_of(FOLDER).reads.items()}
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
    return (
        float(edge + rng.choice([0, 0, -1, 1, -24, 24, 100, -7])) if rng.random() < 0.8 else float(rng.integers(0, 60))
    )


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
        for name in SCORES:
            wanted[name] = steps.grade(name)
        for name, asked in wanted.items():
            found[name] = {row["moment"]: row for row in desk.take(asked).to_pylist()}
        found["evidence"] = {0: {"rows": desk.take(step("SELECT moment, fact, row_id FROM evidence")).to_pylist()}}
        return pa.table({})

    hospital.context().session.steps("both readings", work)
    return found


@pytest.fixture(scope="module")
def one_by_one(hospital: Trial) -> dict[int, Judged]:
    session = hospital.context().session
    whole = {table: session.ask(tables[table].select(*columns)) for table, columns in COLUMNS.items()}
    delivered, moment = dict.fromkeys(SOURCES, True), Moment(BEGAN, BEGAN + timedelta(hours=60))
    found = {}
    for person in range(1, PEOPLE + 1):
        rows = {name: table.filter(pc.equal(table["person_id"], person)) for name, table in whole.items()}
        found[person] = judge(shipped(), rows, moment, lambda _: {}, said=SAID, never=NEVER, delivered=delivered)
    return found


def _same(one: Any, other: Any) -> bool:
    return bool(np.isclose(one, other, rtol=1e-9)) if isinstance(one, float) and other is not None else one == other


def test_every_fact_and_item_is_the_same_both_ways(
    one_by_one: dict[int, Judged], at_once: dict[str, dict[int, Answer]]
) -> None:
    known = 0
    for person, judged in one_by_one.items():
        for name, told in judged.facts.items():
            if name in at_once["fact"][person]:
                assert _same(told.value, at_once["fact"][person][name]), (person, name)
        for name, value in judged.items.items():
            assert _same(value, at_once["item"][person][name]), (person, name)
            known += value is not None and value is not False
    assert known > PEOPLE * 3


def test_the_rows_behind_facts_are_the_same_both_ways(
    one_by_one: dict[int, Judged], at_once: dict[str, dict[int, Answer]]
) -> None:
    wide: dict[tuple[int, str], set[int]] = {}
    for row in at_once["evidence"][0]["rows"]:
        wide.setdefault((row["moment"], row["fact"]), set()).add(row["row_id"])
    for person, judged in one_by_one.items():
        for name in at_once["fact"][person].keys() & judged.facts.keys():
            told, rows = judged.facts[name], wide.get((person, name), set())
            mine = {row.id for row in told.rows}
            assert mine == rows or (told.fact.take == "latest" and mine < rows), (person, name)


@pytest.mark.parametrize("name", SCORES)
def test_every_score_is_the_same_both_ways(
    one_by_one: dict[int, Judged], at_once: dict[str, dict[int, Answer]], name: str
) -> None:
    for person, judged in one_by_one.items():
        outcome, row = judged.outcome(name), at_once[name][person]
        assert (outcome.value, outcome.grade) == (pytest.approx(row["value"]), row["grade"]), person
        assert ", ".join(outcome.missing) == (row["missing"] or ""), person
