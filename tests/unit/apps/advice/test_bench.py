"""The bench and a single chart say the same of every fact and every rule; counts against a truth are right."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from isthmus.apps.advice.bench.measure import Right, against, fire
from isthmus.apps.advice.chart import rows
from isthmus.apps.advice.chart.chart import Chart, Order
from isthmus.apps.advice.chart.facts import Concepts, facts_of
from isthmus.apps.advice.chart.rows import SOURCES
from isthmus.apps.advice.hooks.service import known_of
from isthmus.apps.advice.pack.base import shipped
from isthmus.apps.contract.research import step
from isthmus.apps.contract.trial import Trial
from lib.advised import DAY, FOLDER, MMOL, PACKAGE, POTASSIUM, condition, drug, person, result

BASE = shipped()
PEOPLE = 40


def _invented(seed: int) -> dict[str, list[dict[str, Any]]]:
    """People with events of every concept that the base knows, in units that are converted and such that are not."""
    rng = np.random.default_rng(seed)
    concepts = [one for one in BASE.graph.concepts.values() if one.ids]
    tables: dict[str, list[dict[str, Any]]] = {name: [] for name in ("person", "visit_occurrence", *SOURCES)}
    units = [8840, 8749, 8753, 8713, 8636, 8645, 8582, 8848, 9444, 8554, 0]
    for who in range(1, PEOPLE + 1):
        tables["person"].append(person(who, gender_concept_id=int(rng.choice([8507, 8532])),
                                       year_of_birth=int(rng.integers(1930, 2000))))  # fmt: skip
        for number in range(60):
            one = concepts[int(rng.integers(len(concepts)))]
            concept, key = int(rng.choice(one.ids)), who * 1000 + number
            day = str(DAY - timedelta(days=int(rng.choice([0, 1, 3, 9, 40, 200, 800]))))
            if one.kind in ("test", "item"):
                made = result(key, concept, float(np.round(rng.lognormal(3, 1.5), 2)), int(rng.choice(units)), day, who)
                answers = [9191, 9189, 2000001151, 2000001153, 4181412, 4132135, 0]
                tables["measurement"].append(made | {"value_as_concept_id": int(rng.choice(answers))})
            elif one.kind == "drug":
                end = str(date.fromisoformat(day) + timedelta(days=int(rng.integers(0, 90))))
                tables["drug_exposure"].append(drug(key, concept, day, end, who))
            elif one.kind in ("procedure", "imaging"):
                tables["procedure_occurrence"].append({"procedure_occurrence_id": key, "person_id": who,
                    "procedure_concept_id": concept, "procedure_date": day})  # fmt: skip
            else:
                tables["condition_occurrence"].append(condition(key, concept, day, who))
        tables["visit_occurrence"].append({"visit_occurrence_id": who, "person_id": who, "visit_concept_id": 9201,
            "visit_start_date": str(DAY), "visit_end_date": str(DAY)})  # fmt: skip
    return tables


def _chart(trial: Trial, who: int, *, ordering: bool) -> Chart:
    """The chart of a call on the day; what begins on it is ordered when the hook is of orders."""
    tables = dict(trial.context().session.patient(who))
    orders: list[Order] = []
    if ordering:
        for name in ("drug_exposure", "procedure_occurrence"):
            source = SOURCES[name]
            today = pc.equal(tables[name][source.day], pa.scalar(DAY))
            found = tables[name].filter(today)[source.concept].to_pylist()
            orders += [Order(frozenset([one]), None, {"resourceType": "MedicationRequest"}) for one in found]
            tables[name] = tables[name].filter(pc.invert(today))
    made = rows.chart_of(tables, DAY)
    return Chart(
        made.today, made.birth, made.sex, made.events, made.tables, made.units, made.covers, tuple(orders),
        made.allergies,
    )  # fmt: skip


@pytest.mark.parametrize("hook", ["patient-view", "order-sign"])
def test_the_bench_says_of_every_fact_and_rule_what_a_chart_says(hook: str) -> None:
    with Trial(FOLDER, _invented(7), package=PACKAGE) as trial:
        concepts: Concepts = known_of(BASE, trial.context().session).concepts
        taken: dict[str, pa.Table] = {}

        def work(desk: Any) -> pa.Table:
            fire(desk, BASE, hook, concepts, calls=step(f"SELECT person_id, DATE '{DAY}' AS day FROM person"))
            taken["facts"] = desk.take(step("SELECT * FROM facts"))
            taken["firing"] = desk.take(step("SELECT person_id, rule FROM firing"))
            return taken["firing"]

        trial.context().session.steps("a test", work)
        fired = {(row["person_id"], row["rule"]) for row in taken["firing"].to_pylist()}
        judged = [one for one in BASE.rules.values() if hook in one.hooks]
        assert len(taken["facts"]) == PEOPLE
        for row in taken["facts"].to_pylist():
            chart = _chart(trial, row["person_id"], ordering=hook == "order-sign")
            found = facts_of(chart, BASE.needed(judged), concepts)
            for name, one in found.items():
                expected = pytest.approx(one.value, rel=1e-9) if isinstance(one.value, float) else one.value
                assert row[name] == expected, (row["person_id"], name)
            values = {name: one.value for name, one in found.items()}
            for one_rule in judged:
                holds = one_rule.when.value(values) is True
                assert holds is ((row["person_id"], one_rule.name) in fired), (row["person_id"], one_rule.name)
        assert len({rule for _, rule in fired}) > 8


def test_the_bench_counts_hits_misses_and_false_alerts() -> None:
    tables = {
        "person": [person(who) for who in range(1, 11)],
        "visit_occurrence": [
            {"visit_occurrence_id": who, "person_id": who, "visit_start_date": str(DAY), "visit_end_date": str(DAY)}
            for who in range(1, 11)
        ],
        "measurement": [result(who, POTASSIUM, 7.0 if who <= 3 else 4.0, MMOL, who=who) for who in range(1, 9)],
    }  # fmt: skip
    truth = pa.table({"person_id": [1, 2, 4], "rule": ["critical_potassium_high"] * 3})
    found: list[Right] = []
    with Trial(FOLDER, tables, package=PACKAGE) as trial:
        concepts = known_of(BASE, trial.context().session).concepts

        def work(desk: Any) -> pa.Table:
            (did,) = fire(desk, BASE, "patient-view", concepts, rules=["critical_potassium_high"])
            assert (did.calls, did.fired, did.open, did.alerted, did.persons) == (10, 3, 2, 3, 10)
            found.extend(against(desk, truth))
            return truth

        trial.context().session.steps("a test", work)
        told = trial.post("api/bench", {"hook": "patient-view", "rules": ["critical_potassium_high"]}).body
    (right,) = found
    assert (right.hits, right.missed, right.false_alerts, right.persons) == (2, 1, 1, 10)
    assert right.sensitivity == pytest.approx(2 / 3)
    assert right.specificity == pytest.approx(6 / 7)
    assert right.false_per_100 == 10.0
    assert told["rules"][0]["per100Calls"] == 30.0


def test_a_pack_that_is_being_written_is_checked(tmp_path: Path) -> None:
    head = (
        "pack: mine\nversion: '1'\ntitle: {en: Mine, zh: 我的}\nneeds: [ground]\n"
        "sources:\n  me: {title: me, checked: [{what: all, how: recalled}]}\n"
    )
    rule = (
        "rules:\n  old:\n    version: '1'\n    title: {en: old, zh: 老}\n    hooks: [patient-view]\n"
        "    when: age > 90\n    summary: {en: old, zh: 老}\n    source: me\n"
        "    examples: [{with: {age: 91}, fires: WORD}]\n"
    )
    with Trial(FOLDER, {"person": [person()]}, package=PACKAGE) as trial:
        files = {"pack.yaml": head, "rules.yaml": rule.replace("WORD", "yes")}
        told = trial.post("api/check", {"name": "mine", "files": files}).body
        assert told == {"whole": True, "faults": [], "rules": [{"rule": "old", "examples": 1}]}
        for was, becomes, fault in (
            ("age > 90", "agee > 90", "mine/rules.yaml:6: rule old"),
            ("WORD", "no", "mine/rules.yaml:9: rule old: the example says `fires: no`, and the condition gives yes"),
        ):
            bad = {"pack.yaml": head, "rules.yaml": rule.replace(was, becomes).replace("WORD", "yes")}
            answer = trial.post("api/check", {"name": "mine", "files": bad})
            assert answer.status == 422
            assert fault in answer.body["faults"][0]
        assert trial.get("graph", concept="warfarin").body.count("<circle") > 5
        assert "<table>" in trial.get("rules", language="zh").body
        assert "<p>" in trial.get("rates").body
        seen = trial.get("api/patients/1").body["hooks"]["patient-view"]
        assert seen["facts"]["age"]
