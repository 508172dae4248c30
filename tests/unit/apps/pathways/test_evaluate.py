"""What becomes of rules at a desk: evidence, statements that do not grow, records that are not delivered."""

from pathlib import Path
from typing import Any

import pytest

from isthmus.apps.contract import PackError
from isthmus.apps.pathways.evaluate import Evaluation, evaluate
from isthmus.apps.pathways.statements import CAUSES, STATES
from lib import cdm, pathways
from lib.pathways import HEAD, NAMES, A, B, Patient, day


def _judged(folder: Path, patients: list[Patient], rules: dict[str, Any], **head: Any) -> Evaluation:
    folder.mkdir(exist_ok=True)
    with cdm.desk(folder, pathways.tables(patients)) as desk:
        return evaluate(desk, pathways.pack(rules, **head))


def _states(found: Evaluation) -> list[tuple[str, str]]:
    return [(STATES[row["state"]], CAUSES[row["cause"]]) for row in found.results.to_pylist()]


def test_the_statements_do_not_grow_with_the_rules(tmp_path: Path) -> None:
    patient = [Patient(1, done=[(3, A, "h1")])]
    few = _judged(tmp_path / "few", patient, {"one": {"exists": "a"}})
    many = _judged(
        tmp_path / "many", patient,
        {
            f"rule {number}": {"response": "b", "of": "a", "window": f"1 after to {number + 2} after",
                               "when": {"stage": "early", "not done": "c"}}
            for number in range(120)
        },
    )  # fmt: skip
    assert many.results.num_rows == 120
    assert few.steps == many.steps


def test_a_verdict_says_which_rows_made_it(tmp_path: Path) -> None:
    patient = Patient(1, done=[(3, A, "h1"), (5, B, "h2"), (9, B, "h1"), (80, B, "h1")])
    found = _judged(tmp_path, [patient], {"soon": {"response": "b", "of": "a", "window": "1 after to 30 after"}})
    (result,) = found.results.to_pylist()
    assert (STATES[result["state"]], result["met"], result["found_day"] - result["day"]) == ("met", 1, 2)
    rows = [(row["role"], row["table"], row["row_id"], row["site"]) for row in found.evidence.to_pylist()]
    assert rows == [
        ("found", "procedure_occurrence", 2, "h2"), ("found", "procedure_occurrence", 3, "h1"),
        ("opens", "procedure_occurrence", 1, "h1"),
    ]  # fmt: skip


def test_what_a_hospital_does_not_deliver_is_not_missed(tmp_path: Path) -> None:
    delivering = [Patient(9, home="h1", done=[(0, B, "h1"), (2, B, "h1")])]
    rule = {"b": {"exists": "b", "window": "that day to 9 after"}}
    for home, expected in (("h1", ("violated", "")), ("h2", ("not assessable", "not delivered"))):
        found = _judged(tmp_path / home, [Patient(1, home=home), *delivering], rule)
        assert _states(found)[0] == expected


def test_what_is_written_down_once_tells_nothing_of_later(tmp_path: Path) -> None:
    records = HEAD["records"] | {"later b": NAMES | {"procedure": "b", "after": 30}}
    rule = {"b": {"exists": "b", "window": "40 after to 90 after", "records": "later b"}}
    for days, expected in (((0, 2), ("not assessable", "not delivered")), ((0, 45), ("violated", ""))):
        others = Patient(9, done=[(at, B, "h1") for at in days])
        found = _judged(tmp_path / str(days[1]), [Patient(1), others], rule, records=records)
        assert _states(found)[0] == expected


def test_one_operation_under_several_days_is_one(tmp_path: Path) -> None:
    patient = Patient(1, done=[(0, A, "h1"), (2, A, "h1"), (9, A, "h2"), (30, A, "h1")])
    for apart, expected in ((0, "violated"), (7, "met")):
        steps = HEAD["steps"] | {"a": NAMES | {"procedure": "a", "apart": apart}}
        found = _judged(tmp_path / str(apart), [patient], {"a": {"exactly": "a", "times": 2}}, steps=steps)
        assert _states(found)[0][0] == expected


def test_who_is_not_seen_long_enough_is_not_judged(tmp_path: Path) -> None:
    rule = {"a": {"exists": "a", "window": "that day to 9 after"}}
    for seen, death, expected in (
        ((-5, 8), None, ("not assessable", "not followed")), ((-5, 9), None, ("violated", "")),
        ((-5, 8), 8, ("not applicable", "ended before due")), ((-5, 30), 10, ("violated", "")),
    ):  # fmt: skip
        found = _judged(tmp_path / f"{seen[1]}-{death}", [Patient(1, seen=seen, death=death)], rule)
        assert _states(found) == [expected]


def test_a_concept_that_the_vocabulary_does_not_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackError, match=r"small.yaml:\d+: concept set a: the vocabulary has no concept 999"):
        _judged(tmp_path, [Patient(1)], {"a": {"exists": "a"}}, concepts=HEAD["concepts"] | {"a": [999]})


def test_every_stay_in_hospital_is_judged_alone_and_ends_with_it(tmp_path: Path) -> None:
    population = {
        "concepts": {"in": [9201]}, "enter": [{"visit": "in"}], "take": "all", "leave": "0 days after end",
    }  # fmt: skip
    patient = Patient(1, seen=(-100, 400), done=[(1, A, "h1"), (30, A, "h1")])
    data = pathways.tables([patient])
    data["concept"].append({"concept_id": 9201})
    data["visit_occurrence"] = [
        {"visit_occurrence_id": at, "person_id": 1, "visit_concept_id": 9201, "visit_start_date": day(start),
         "visit_end_date": day(end), "site": "h1"}
        for at, (start, end) in enumerate(((0, 5), (20, 28), (50, 51)))
    ]  # fmt: skip
    made = pathways.pack(
        {"a": {"exists": "a", "window": "that day to 3 after"}}, population=population, ends="with the stay",
        looks="that day to any time after",
    )  # fmt: skip
    with cdm.desk(tmp_path, data) as desk:
        found = evaluate(desk, made)
    assert _states(found) == [("met", ""), ("violated", ""), ("not applicable", "ended before due")]
    assert found.results.column("episode").to_pylist() == [1, 2, 3]


def test_a_pathway_may_begin_with_a_step(tmp_path: Path) -> None:
    patients = [Patient(1, done=[(-3, A, "h2"), (20, A, "h1"), (22, B, "h1")]), Patient(2)]
    found = _judged(tmp_path, patients, {"b": {"exists": "b", "window": "25 after to 25 after"}}, anchor="a")
    assert _states(found) == [("met", "")]
    assert found.entered == 2
    (episode,) = found.episodes.to_pylist()
    assert (episode["person_id"], episode["site"]) == (1, "h2")


def test_a_registry_lends_its_items(tmp_path: Path) -> None:
    """Steps and facts by item, at the desk of the registry of liver cancer itself."""
    data = pathways.tables([Patient(1)])
    for row, column in (("condition_occurrence", "condition_concept_id"), ("concept", "concept_id")):
        data[row][0][column] = 201519
    data["concept"] += [{"concept_id": 4322818}, {"concept_id": 2000001102}]
    data["procedure_occurrence"] = [
        {"procedure_occurrence_id": 7, "person_id": 1, "procedure_concept_id": 4322818, "procedure_date": day(40),
         "site": "h1", "part_id": 1, "place": 1}
    ]  # fmt: skip
    data["observation"] = [
        {"observation_id": 8, "person_id": 1, "observation_concept_id": 2000001102, "observation_date": day(2),
         "value_as_concept_id": 2000001132, "site": "h1", "part_id": 1, "place": 2}
    ]  # fmt: skip
    made = pathways.pack(
        {"operated": {"exists": "a", "window": "that day to 90 after", "when": {"stage": "Ib"}}},
        population={"registry": "liver"}, concepts={}, records={},
        steps={"a": NAMES | {"item": "surgery_date"}},
        facts={"stage": NAMES | {"from": [{"item": "cnlc_told", "codes": {"Ia": ["Ia"], "Ib": ["Ib"]}}]}},
    )  # fmt: skip
    with cdm.desk(tmp_path, data) as desk:
        found = evaluate(desk, made)
    assert _states(found) == [("met", "")]
