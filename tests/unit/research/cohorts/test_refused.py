"""Definitions that are refused as files: with file, line, place, cause and mend."""

import codecs
import json
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from isthmus.research.cohorts import files

FEVER = {"id": 0, "name": "f", "expression": {"items": [{"concept": {"CONCEPT_ID": 437663}}]}}
CIRCE: dict[str, Any] = {
    "ConceptSets": [FEVER],
    "PrimaryCriteria": {
        "CriteriaList": [{"ConditionOccurrence": {"CodesetId": 0}}],
        "ObservationWindow": {"PriorDays": 0, "PostDays": 0}, "PrimaryCriteriaLimit": {"Type": "First"},
    },
    "CollapseSettings": {"CollapseType": "ERA", "EraPad": 0},
}  # fmt: skip
SET = ("ConceptSets", 0, "expression", "items", 0, "concept", "CONCEPT_ID")
ENTRY = ("PrimaryCriteria", "CriteriaList", 0, "ConditionOccurrence", "CodesetId")


def _said(tmp_path: Path, name: str, content: bytes) -> str:
    (tmp_path / name).write_bytes(content)
    _, (refused,) = files.read([tmp_path])
    return str(refused)


def _changed(way: Sequence[str | int], value: Any) -> bytes:
    made = deepcopy(CIRCE)
    at: Any = made
    for key in way[:-1]:
        at = at[key]
    at[way[-1]] = value
    return json.dumps(made, indent=1).encode()


@pytest.mark.parametrize(
    ("way", "value", "said"),
    [
        (ENTRY, 7, "c.json:21: PrimaryCriteria.CriteriaList[0].ConditionOccurrence.CodesetId: there is no concept set"),
        (SET, True, "c.json:8: ConceptSets[0].expression.items[0]: an entry needs a concept"),
        (SET, 10**30, "c.json:8: ConceptSets[0].expression.items[0]: an entry needs a concept"),
        (("PrimaryCriteria", "ObservationWindow", "PriorDays"), -5, "c.json:26: PrimaryCriteria.ObservationWindow.Pri"),
        (("PrimaryCriteria", "PrimaryCriteriaLimit", "Type"), "Some", "c.json:30: PrimaryCriteria.PrimaryCriteriaLimi"),
        (("CollapseSettings", "CollapseType"), "HEAP", "c.json:34: CollapseSettings.CollapseType: Circe collapses by"),
        (("CollapseSettings", "EraPad"), -3, "c.json:35: CollapseSettings.EraPad: -3 is no number of days. Write 0"),
    ],
)  # fmt: skip
def test_a_circe_definition_that_would_mean_something_else_is_refused(
    tmp_path: Path, way: Sequence[str | int], value: Any, said: str
) -> None:
    assert _said(tmp_path, "c.json", _changed(way, value)).startswith(said)


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "c.json").write_bytes(codecs.BOM_UTF8 + json.dumps(CIRCE).encode())
    found, refused = files.read([tmp_path])
    assert ([one.name for one in found], refused) == (["c"], [])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("concepts:\n  f: []\nenter: [{condition: f}]\n", "p.yaml:2: concepts.f: the set names no concept"),
        (
            "concepts:\n  f: [1]\nenter:\n  - condition: f\n    value: 5\n",
            "p.yaml:5: enter[0].value: an event of the kind",
        ),
        (
            "concepts: {f: [1]}\nenter: [{condition: f}]\nrules:\n  r: []\n",
            "p.yaml:4: rules.r: there is no condition here.",
        ),
        (
            "concepts: {f: [1]}\nenter: [{condition: f}]\nrequire:\n - {condition: f, start: 30 after to 10 after}\n",
            "p.yaml:4: require[0].start: the window '30 after to 10 after' ends before it begins.",
        ),
        (
            "concepts: {f: [1]}\nenter: [{condition: f, date: 2020-02-30}]\n",
            "p.yaml: a date is none (day is out of range",
        ),
    ],
)
def test_a_phenotype_is_refused_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    assert _said(tmp_path, "p.yaml", text.encode()).startswith(said)
