"""The examples of the CDS Hooks specification are valid against our schemas, and its opioid example is answered.

Source: cds-hooks/docs (Apache-2.0), specification/current.md, examples.md and hooks/*.md.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from isthmus.apps.advice.hooks import schema
from isthmus.apps.contract.trial import Trial
from lib.advised import FOLDER, PACKAGE, person, request

pytestmark = pytest.mark.acceptance

BLOCK = re.compile(r"```json\n(.*?)```", re.DOTALL)
NO_JSON = re.compile(r"^POST .*$| // .*$", re.MULTILINE)


def _documents(outside: Path) -> Iterator[tuple[str, Any]]:
    """Every block of JSON; a piece of a document (`"context": {…}`) stands in braces of ours."""
    for path in sorted((outside / "fhir/cds-hooks+docs").rglob("*.md")):
        for text in BLOCK.findall(path.read_text(encoding="utf-8")):
            plain = NO_JSON.sub("", text)
            whole = plain if plain.lstrip().startswith("{") else f"{{{plain}}}"
            try:
                yield path.name, json.loads(whole)
            except ValueError:
                assert "JSON Web Token" in text, (path.name, text[:80])  # the only block with comments as lines


def _check(document: dict[str, Any]) -> str:
    if "hook" in document and "hookInstance" in document:
        schema.read(document, schema.Request)
        return "request"
    for key, kind in (("services", schema.Discovery), ("cards", schema.Response), ("summary", schema.Card)):
        if key in document:
            schema.read(document, kind)
            return key
    if "feedback" in document:
        schema.feedback(document)
        return "feedback"
    if document.get("type") in ("create", "update", "delete"):
        schema.read(document, schema.Action)
        return "action"
    parts = {"source": schema.Source, "fhirAuthorization": schema.Authorization}
    for key, part in parts.items():
        if key in document:
            schema.read(document[key], part)
            return key
    for reason in document.get("overrideReasons", ()):
        schema.read(reason, schema.Coding)
    return "part"


def test_every_example_is_valid(outside: Path) -> None:
    checked: dict[str, int] = {}
    for _, document in _documents(outside):
        kind = _check(document)
        checked[kind] = checked.get(kind, 0) + 1
    print(checked)
    assert checked["request"] >= 4
    assert checked["cards"] >= 5
    assert checked["feedback"] == 3
    assert sum(checked.values()) >= 50


def test_the_contexts_of_our_hooks_are_taken(outside: Path) -> None:
    taken = 0
    for name, document in _documents(outside):
        hook = name.removesuffix(".md")
        if hook in schema.NEEDED and "context" in document:
            schema.request({"hook": hook, "hookInstance": "1", "context": document["context"]}, hook)
            taken += 1
    assert taken >= 9


def test_the_opioid_example_is_answered_with_a_card_of_the_same_urgency(outside: Path) -> None:
    """Hydrocodone is ordered while oxycodone is taken; the specification's own answer is a warning too."""
    text = (outside / "fhir/cds-hooks+docs/examples.md").read_text(encoding="utf-8")
    called, expected = (json.loads(one) for one in BLOCK.findall(text)[:2])
    with Trial(FOLDER, {"person": [person()]}, package=PACKAGE, settings={"day": "2017-05-05"}) as trial:
        answer = trial.serve("advice-order-sign", called)
    schema.made(answer)
    (card,) = answer["cards"]
    assert card["indicator"] == expected["indicator"] == "warning"
    made = card["extension"]["org.isthmus.advice"]
    assert made["rule"] == "interaction.hydrocodone.oxycodone"
    assert [one["id"] for one in made["rows"]] == ["medrx001", "medrx002"]


def _observation(name: str, code: str, value: float, unit: str) -> dict[str, Any]:
    return {
        "resourceType": "Observation", "id": name, "status": "final", "effectiveDateTime": "2024-03-01",
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "valueQuantity": {"value": value, "code": unit, "system": "http://unitsofmeasure.org"},
    }  # fmt: skip


def test_the_15_patients_of_amap_get_its_score_and_group_through_a_call(outside: Path) -> None:
    """The calculator of its authors' hospital group (`onc/cancerverse_parity/amap_cases.json`, whole scores)."""
    cases = json.loads((outside / "onc/cancerverse_parity/amap_cases.json").read_text(encoding="utf-8"))["cases"]
    told = {True: 0, False: 0}
    with Trial(FOLDER, {"person": [person()]}, package=PACKAGE, settings={"day": "2024-03-31"}) as trial:
        for number, case in enumerate(cases):
            sent = request(patient=f"amap-{number}")
            sent["prefetch"] = {
                "patient": {
                    "resourceType": "Patient", "id": f"amap-{number}", "birthDate": f"{2024 - case['age']}-01-01",
                    "gender": "male" if case["male"] else "female",
                },
                "conditions": {
                    "resourceType": "Condition", "id": "b",
                    "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": "B18.1"}]},
                },
                "medications": None, "procedures": None, "allergies": None,
                "observations": [
                    _observation("bili", "1975-2", case["bili"], "umol/L"),
                    _observation("alb", "1751-7", case["alb"], "g/L"),
                    _observation("plt", "777-3", case["plt"], "10*9/L"),
                ],
            }  # fmt: skip
            answer = trial.serve("advice-patient-view", sent)
            schema.made(answer)
            cards = {one["source"]["topic"]["code"]: one for one in answer["cards"]}
            high = case["risk_group"] == "High"
            told[high] += 1
            assert ("amap_high" in cards) is high, case
            if high:
                found = float(cards["amap_high"]["summary"].split()[1].rstrip(":"))
                assert round(found) == case["score"], case
                rows = cards["amap_high"]["extension"]["org.isthmus.advice"]["rows"]
                assert {"bili", "alb", "plt"} <= {one["id"] for one in rows}
    print(told)
    assert len(cases) == 15 and all(told.values())
