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
from lib.advised import FOLDER, PACKAGE, person

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
