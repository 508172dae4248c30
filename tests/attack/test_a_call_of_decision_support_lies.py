"""Calls of decision support from a system that is broken, or not to be trusted.

Cards are of the right patient and tell people nothing that runs; what is no call is refused with its place.
"""

import copy
import itertools
import json
import re
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from isthmus.apps.advice.hooks import schema
from isthmus.apps.contract import InputError, Told
from isthmus.apps.contract.trial import Trial
from lib.advised import FOLDER, PACKAGE, order, person, request

RXN, LOINC, UCUM = "http://www.nlm.nih.gov/research/umls/rxnorm", "http://loinc.org", "http://unitsofmeasure.org"
TRICK = "<img src=x onerror=alert(1)>"
RULE = "metformin_egfr_30"
NUMBERS = itertools.count()
EMPTY = ("condition_occurrence", "drug_exposure", "measurement", "procedure_occurrence", "observation")


@pytest.fixture(scope="module")
def trial() -> Iterator[Trial]:
    with Trial(FOLDER, {"person": [person()], **{name: [] for name in EMPTY}}, package=PACKAGE) as found:
        yield found


def fresh() -> str:
    """A patient of whom nothing was told before: what was told of one is not told again at once."""
    return f"p{next(NUMBERS)}"


def creatinine(who: str, value: Any = 400, name: Any = "o1", **more: Any) -> dict[str, Any]:
    """A result high enough that metformin is advised against; `who` as a reference has it behind Patient/."""
    return {
        "resourceType": "Observation", "id": name, "status": "final", "subject": {"reference": f"Patient/{who}"},
        "code": {"coding": [{"system": LOINC, "code": "2160-0"}]}, "effectiveDateTime": "2026-11-28T08:00:00Z",
        "valueQuantity": {"value": value, "unit": "umol/L", "system": UCUM, "code": "umol/L"}, **more,
    }  # fmt: skip


def born(who: str, day: str = "1960-01-01") -> dict[str, Any]:
    return {"resourceType": "Patient", "id": who, "gender": "male", "birthDate": day}


def call(who: str, *observations: Any, name: Any = "d1", **prefetch: Any) -> dict[str, Any]:
    """Metformin is ordered for a man of 66, with results sent along."""
    drafted = order(RXN, "6809", name=name, subject={"reference": f"Patient/{who}"})
    made = request("order-sign", patient=who, draftOrders=drafted)
    return {**made, "prefetch": {"patient": born(who), "observations": list(observations), **prefetch}}


def rules(answer: Any) -> set[str]:
    return {one["extension"]["org.isthmus.advice"]["rule"] for one in answer["cards"]}


def test_the_call_that_is_attacked_gives_a_card(trial: Trial) -> None:
    who = fresh()
    assert RULE in rules(trial.serve("advice-order-sign", call(who, creatinine(who))))
    who = fresh()
    told = {"subject": {"reference": f"https://his.example/fhir/Patient/{who}/_history/7"}}
    assert RULE in rules(trial.serve("advice-order-sign", call(who, creatinine(who, **told))))


def of_another(what: str) -> dict[str, Any]:
    """A call for patient a with one resource of patient b."""
    theirs = creatinine("b")
    match what:
        case "prefetch.observations":
            return call("a", creatinine("a"), {"resourceType": "Bundle", "entry": [{"resource": theirs}]})
        case "prefetch.patient":
            return call("a", creatinine("a"), patient=born("b"))
        case "prefetch.allergies":
            allergy = {"resourceType": "AllergyIntolerance", "patient": {"reference": "https://his.example/Patient/b"}}
            return call("a", creatinine("a"), allergies=[allergy])
        case _:
            made = call("a", creatinine("a"))
            made["context"]["draftOrders"] = order(RXN, "6809", subject={"reference": "Patient/b"})
            return made


@pytest.mark.parametrize(
    "place", ["prefetch.observations", "prefetch.patient", "prefetch.allergies", "context.draftOrders"]
)
def test_what_is_of_another_patient_makes_no_card_of_this_one(trial: Trial, place: str) -> None:
    with pytest.raises(InputError, match=re.escape(place)) as told:
        trial.serve("advice-order-sign", of_another(place))
    assert "Patient/b" not in str(told.value)


def test_births_that_contradict_each_other_are_not_known(trial: Trial) -> None:
    who = fresh()
    told = call(who, creatinine(who), patient=[born(who), born(who)])
    assert RULE in rules(trial.serve("advice-order-sign", told))
    who = fresh()
    told = call(who, creatinine(who), patient=[born(who), born(who, "1990-01-01")])
    assert RULE not in rules(trial.serve("advice-order-sign", told))


@pytest.mark.parametrize("name", [TRICK, "[x](javascript:alert(1))", "", "x" * 65, 7, ["x"], "![](//evil.example)"])
def test_nothing_of_a_resource_runs_in_a_card(trial: Trial, name: Any) -> None:
    who = fresh()
    typed = {**creatinine(who), "resourceType": f"Observation{TRICK}"}
    answer = trial.serve("advice-order-sign", call(who, creatinine(who, name=name), typed, name=name))
    assert RULE in rules(answer)
    shown = json.dumps(answer)
    assert "<img" not in shown and "javascript" not in shown and "evil" not in shown
    schema.made(answer)


ODD: tuple[Any, ...] = (
    None, True, 0, -1, 10**400, float("nan"), float("inf"), "", "x", "\ud800", "9999-12-31T23:59:59-14:00", "0001",
    [], {}, [None], [[]], {"coding": 5}, {"coding": [5, {"code": ["x"]}]}, {"resourceType": "Bundle", "entry": 5},
    ["final"], {"repeat": {"frequency": 10**400, "period": 1, "periodUnit": "d"}}, [5],
    [{"doseQuantity": {"value": 10**400}}],
)  # fmt: skip


def places(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every way to a value of a document."""
    if way:
        yield way
    keys = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield from places(value[key], (*way, key))


def test_a_call_with_anything_anywhere_is_answered_or_refused(trial: Trial) -> None:
    dosed = {
        "dosageInstruction": [
            {"timing": {"repeat": {"frequency": 2, "period": 1, "periodUnit": "d"}},
             "doseAndRate": [{"doseQuantity": {"value": 500, "unit": "mg"}}]}
        ]
    }  # fmt: skip
    allergy = {
        "resourceType": "AllergyIntolerance", "code": {"coding": []}, "verificationStatus": {"coding": [{"code": "x"}]},
        "reaction": [{"substance": {"coding": []}}],
    }  # fmt: skip
    panel = creatinine("a", component=[{"code": {"coding": []}, "valueInteger": 5}], effectivePeriod={"start": "2026"})
    whole = call("a", panel, allergies=[allergy])
    whole["context"]["draftOrders"]["entry"][0]["resource"] |= dosed
    ways, draw, refused = list(places(whole)), Random(7), 0
    for _ in range(100):
        sent = copy.deepcopy(whole)
        *before, last = draw.choice(ways)
        at = sent
        for key in before:
            at = at[key]
        at[last] = draw.choice(ODD)
        try:
            answer = trial.serve("advice-order-sign", sent)
        except InputError as error:
            assert str(error)
            refused += 1
            continue
        if not isinstance(answer, Told):
            schema.made(answer)
    assert 0 < refused < 100


def test_a_call_that_is_deep_or_long_is_answered_or_refused(trial: Trial) -> None:
    who = fresh()
    deep: Any = creatinine(who)
    for _ in range(900):
        deep = [deep]
    with pytest.raises(InputError, match="in more than"):
        trial.serve("advice-order-sign", call(who, deep))
    allergies = [{"resourceType": "AllergyIntolerance", "code": {}}] * 30_000  # more than can be copied for each
    assert RULE in rules(trial.serve("advice-order-sign", call(who, creatinine(who), allergies=allergies)))


def test_feedback_of_tomorrow_or_on_everything_is_refused(trial: Trial) -> None:
    told = {"card": "c", "outcome": "overridden", "outcomeTimestamp": "9999-12-31T23:59:59-12:00"}
    with pytest.raises(InputError, match="not yet"):
        trial.feedback("advice-order-sign", {"feedback": [told]})
    with pytest.raises(InputError, match="not yet"):
        trial.feedback("advice-order-sign", {"feedback": [{**told, "outcomeTimestamp": "2099-01-01T00:00:00Z"}]})
    now = {**told, "outcomeTimestamp": "2020-01-01T00:00:00Z"}
    trial.feedback("advice-order-sign", {"feedback": [now]})
    with pytest.raises(InputError, match="at once"):
        trial.feedback("advice-order-sign", {"feedback": [now] * 1001})
