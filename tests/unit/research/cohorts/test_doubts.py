"""What the reference takes, and its author hardly meant, is told with its place, and changes nobody who is in."""

import json
from pathlib import Path
from typing import Any

from isthmus.research.cohorts import files
from isthmus.research.cohorts.definition import Definition
from isthmus.research.cohorts.kept import fingerprint
from lib.command import run

FEVER = {"id": 0, "name": "f", "expression": {"items": [{"concept": {"CONCEPT_ID": 437663}}]}}
COUGH = {"id": 1, "name": "c", "expression": {"items": [{"concept": {"CONCEPT_ID": 254761}}]}}
MG_DL, MMOL_L, G_L = 8840, 8753, 8636


def document(**changed: Any) -> dict[str, Any]:
    primary = {"CriteriaList": [{"ConditionOccurrence": {"CodesetId": 0}}], "PrimaryCriteriaLimit": {"Type": "First"}}
    return {"ConceptSets": [FEVER], "PrimaryCriteria": primary, **changed}


def found(tmp_path: Path, text: str) -> Definition:
    (tmp_path / "c.json").write_text(text, encoding="utf-8")
    ((one,), refused) = files.read([tmp_path])
    assert not refused and isinstance(one, Definition)
    return one


def doubts(tmp_path: Path, text: str) -> list[str]:
    return [str(one) for one in found(tmp_path, text).doubts]


def measured(*units: int, **more: Any) -> dict[str, Any]:
    asked = {"CodesetId": 0, "Unit": [{"CONCEPT_ID": one} for one in units], **more}
    return document(PrimaryCriteria={"CriteriaList": [{"Measurement": asked}]})


def test_what_is_plain_is_not_doubted(tmp_path: Path) -> None:
    named = {**FEVER, "name": 'a "name": with what looks like a key'}
    assert doubts(tmp_path, json.dumps(document(ConceptSets=[named]), indent=1)) == []
    assert doubts(tmp_path, json.dumps({"expression": document()})) == []


def test_a_key_that_stands_twice_is_told_and_the_last_counts(tmp_path: Path) -> None:
    text = json.dumps(document()).replace('"CodesetId": 0', '"CodesetId": 7, "CodesetId": 0')
    (told,) = doubts(tmp_path, text)
    assert told.startswith("c.json: ") and "'CodesetId' stands twice in one map" in told
    assert fingerprint([found(tmp_path, text)]) == fingerprint([found(tmp_path, json.dumps(document()))])


def test_concept_sets_of_one_number_and_those_for_which_nobody_asks_are_told(tmp_path: Path) -> None:
    text = json.dumps(document(ConceptSets=[FEVER, {**COUGH, "id": 0}, COUGH]), indent=1)
    both, unused = doubts(tmp_path, text)
    assert both.startswith("c.json:17: ConceptSets[1].id: two concept sets have the number 0")
    assert unused.startswith("c.json:29: ConceptSets[2]: nothing asks for this concept set (1)")
    assert len(found(tmp_path, text).sets[0]) == 2


def test_units_of_different_amounts_under_one_limit_are_told(tmp_path: Path) -> None:
    limit = {"ValueAsNumber": {"Value": 5, "Op": "gt"}}
    (told,) = doubts(tmp_path, json.dumps(measured(MG_DL, MMOL_L, **limit)))
    assert "numbers in mg/dL and in mmol/L are compared with one limit" in told
    assert len(doubts(tmp_path, json.dumps(measured(MG_DL, G_L, **limit)))) == 1
    for fine in (measured(MG_DL, **limit), measured(MG_DL, MMOL_L), measured(MG_DL, 9999, **limit)):
        assert doubts(tmp_path, json.dumps(fine)) == []


def test_nobody_is_let_in_by_no_event_and_no_test_by_no_set(tmp_path: Path) -> None:
    nothing = document(PrimaryCriteria={"CriteriaList": []})
    missing = document(EndStrategy={"CustomEra": {"DrugCodesetId": 9, "GapDays": 0, "Offset": 0}})
    for body, said in ((nothing, "no event lets a person in"), (missing, "there is no concept set 9")):
        (tmp_path / "c.json").write_text(json.dumps(body), encoding="utf-8")
        _, (refused,) = files.read([tmp_path])
        assert said in str(refused) and str(refused).startswith("c.json:1: ")


def test_doubts_are_told_on_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text(json.dumps(document(ConceptSets=[FEVER, COUGH])), encoding="utf-8")
    done = run("cohorts", tmp_path, tmp_path / "c.json", "--words", "en")
    assert done.code == 0 and "doubtful: c.json:1: ConceptSets[1]: nothing asks" in done.err
