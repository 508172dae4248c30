"""The services over invented patients: cards that say which rows and which rule made them, and what became of them."""

from datetime import datetime
from typing import Any

import pytest

from isthmus.apps.advice.firing.history import History
from isthmus.apps.advice.hooks import schema
from isthmus.apps.advice.pack.base import shipped
from isthmus.apps.contract import InputError, Told
from isthmus.apps.contract.trial import Trial
from lib.advised import (
    CIRRHOSIS,
    CREATININE,
    DIABETES,
    FOLDER,
    HEPATITIS_B,
    IBUPROFEN,
    METFORMIN,
    MMOL,
    PACKAGE,
    POTASSIUM,
    UMOL,
    WARFARIN,
    condition,
    drug,
    order,
    person,
    request,
    result,
)

RXN, ATC = "http://www.nlm.nih.gov/research/umls/rxnorm", "http://www.whocc.no/atc"
TABLES = {
    "person": [person(), person(2)],
    "measurement": [result(10, CREATININE, 400, UMOL), result(11, POTASSIUM, 7.1, MMOL, who=2)],
    "condition_occurrence": [condition(20, CIRRHOSIS), condition(21, HEPATITIS_B), condition(22, DIABETES)],
    "drug_exposure": [drug(30, WARFARIN)],
    "procedure_occurrence": [],
    "observation": [],
}
NOON = datetime.fromisoformat("2024-03-31T12:00")


def _trial(at: datetime = NOON, **settings: Any) -> Trial:
    return Trial(FOLDER, TABLES, package=PACKAGE, settings=settings, at=at)


def _rules(answer: Any) -> list[str]:
    return [one["extension"]["org.isthmus.advice"]["rule"] for one in answer["cards"]]


def test_a_card_says_which_rule_and_which_rows_made_it() -> None:
    with _trial() as trial:
        called = request("order-sign", draftOrders=order(RXN, "6809"))
        answer = trial.serve("advice-order-sign", called)
    schema.made(answer)
    (card,) = [one for one in answer["cards"] if one["source"]["topic"]["code"] == "metformin_egfr_30"]
    made = card["extension"]["org.isthmus.advice"]
    assert (made["rule"], made["version"], made["pack"]) == ("metformin_egfr_30", "1", "drugs")
    assert {(one["table"], one["id"]) for one in made["rows"]} == {
        ("MedicationRequest", "draft-1"),
        ("measurement", "10"),
    }
    assert "measurement 10, 2024-03-31" in card["detail"]
    assert card["indicator"] == "critical"
    assert card["suggestions"][0]["actions"] == [
        {"type": "delete", "description": "Take out the order of metformin", "resourceId": "MedicationRequest/draft-1"}
    ]
    assert all(one["display"] for one in card["overrideReasons"])


def test_an_interaction_is_found_with_what_the_edition_knows() -> None:
    with _trial() as trial:
        answer = trial.serve("advice-order-select", request("order-select", selections=["MedicationRequest/draft-1"],
                                                            draftOrders=order(ATC, "M01AE01")))  # fmt: skip
        other = trial.serve("advice-order-select", request("order-select", selections=["MedicationRequest/other"],
                                                           draftOrders=order(ATC, "M01AE01")))  # fmt: skip
    assert "interaction.warfarin.nsaid" in _rules(answer)
    assert _rules(other) == []  # what is drafted but not chosen is no order yet


def test_it_speaks_chinese() -> None:
    with _trial() as trial:
        answer = trial.serve("advice-patient-view", request(patient="2"), language="zh")
    assert answer["cards"][0]["summary"] == "血钾 7.1 mmol/L：心律失常风险"
    assert "依据" in answer["cards"][0]["detail"]


def test_of_a_patient_nobody_knows_412_is_told_unless_resources_come_along() -> None:
    with _trial() as trial:
        told = trial.serve("advice-patient-view", request(patient="99"))
        assert isinstance(told, Told)
        assert told.status == 412
        sent = request(patient="abc")
        sent["prefetch"] = {
            "patient": {"resourceType": "Patient", "id": "abc", "gender": "female", "birthDate": "1950-02-01"},
            "observations": {
                "resourceType": "Bundle",
                "entry": [
                    {
                        "resource": {
                            "resourceType": "Observation", "id": "o1", "status": "final",
                            "code": {"coding": [{"system": "http://loinc.org", "code": "2823-3"}]},
                            "effectiveDateTime": "2024-03-31T08:00:00+08:00",
                            "valueQuantity": {"value": 7.0, "unit": "mmol/L"},
                        }
                    }
                ],
            },
        }  # fmt: skip
        answer = trial.serve("advice-patient-view", sent)
    assert _rules(answer) == ["critical_potassium_high"]
    assert answer["cards"][0]["extension"]["org.isthmus.advice"]["rows"][0]["id"] == "o1"


def test_a_request_that_is_none_is_refused() -> None:
    with _trial() as trial:
        for body in (
            None, {}, {"hook": "patient-view"}, request("order-sign"),
            {"hook": "patient-view", "hookInstance": "1", "context": {"userId": "x"}},
        ):  # fmt: skip
            with pytest.raises(InputError):
                trial.serve("advice-patient-view", body)


def test_every_call_is_remembered_whatever_a_caller_names_it() -> None:
    with _trial() as trial:
        for patient in ("1", "2", "2"):
            trial.serve("advice-patient-view", request(patient=patient) | {"hookInstance": "always-the-same"})
        rows = trial.context().records.find("call")
        firing = trial.context().records.find("firing")
    assert sorted(row["person"] for row in rows) == ["1", "2", "2"]
    assert {row["instance"] for row in rows} == {"always-the-same"}
    assert {row["call"] for row in firing} <= {row["call"] for row in rows}


def test_a_name_that_nobody_would_read_is_not_kept() -> None:
    long = "x" * (schema.LONGEST + 1)
    with _trial() as trial:
        for body in (request() | {"hookInstance": long}, request(userId=long), request(patient=long)):
            with pytest.raises(InputError, match="at most 200 characters"):
                trial.serve("advice-patient-view", body)
        said = {"card": "c", "outcome": "overridden", "outcomeTimestamp": "2024-03-31T12:00:00Z"}
        with pytest.raises(InputError, match="code of a reason"):
            trial.feedback("advice-patient-view", {"feedback": [said | {"overrideReason": {"reason": {"code": long}}}]})
        assert not trial.context().records.find("call")


def test_the_page_of_rates_tells_reasons_and_switches() -> None:
    with _trial() as trial:
        card = trial.serve("advice-patient-view", request(patient="2"))["cards"][0]
        said = {"card": card["uuid"], "outcome": "overridden", "outcomeTimestamp": "2024-03-31T12:00:00Z",
                "overrideReason": {"reason": {"code": "wrong_data"}}}  # fmt: skip
        trial.feedback("advice-patient-view", {"feedback": [said]})
        trial.post("api/rules/critical_potassium_high/mode", {"mode": "off", "why": "the <laboratory> calls"})
        until = "2024-03-31T12:01"
        page, told = trial.get("rates", until=until).body, trial.get("api/rates", until=until).body
        zh = trial.get("rates", language="zh", until=until).body
    assert "The data are wrong or out of date 1" in page and "the &lt;laboratory&gt; calls" in page
    assert "数据有误或已过时 1" in zh and "规则启停记录" in zh
    (one,) = told["switches"]
    assert (one["rule"], one["mode"], one["why"]) == ("critical_potassium_high", "off", "the <laboratory> calls")


def test_the_bench_says_at_which_hook_a_rule_is_judged() -> None:
    with _trial() as trial:
        for rule, said in (
            ("no_rule", "there is no rule 'no_rule'"),
            ("metformin_egfr_30", "is judged at order-select"),
        ):
            with pytest.raises(InputError, match=said):
                trial.post("api/bench", {"hook": "patient-view", "rules": [rule]})


def test_what_was_shown_is_silent_for_a_while_and_new_rows_of_a_critical_rule_are_not() -> None:
    with _trial() as trial:
        first = trial.serve("advice-patient-view", request(patient="2"))
        again = trial.serve("advice-patient-view", request(patient="2"))
        assert _rules(first) == ["critical_potassium_high"]
        assert _rules(again) == []
        sent = request(patient="2")
        sent["prefetch"] = {
            "observations": {
                "resourceType": "Observation", "id": "new", "status": "final",
                "code": {"coding": [{"system": "http://loinc.org", "code": "2823-3"}]},
                "effectiveDateTime": "2024-03-31T20:00:00", "valueQuantity": {"value": 7.3, "code": "mmol/L"},
            }
        }  # fmt: skip
        assert _rules(trial.serve("advice-patient-view", sent)) == ["critical_potassium_high"]


def test_feedback_silent_mode_and_the_switch_are_kept_and_measured_a_year_later() -> None:
    base = shipped()
    with _trial() as trial:
        card = trial.serve("advice-patient-view", request(patient="2"))["cards"][0]
        trial.feedback(
            "advice-patient-view",
            {
                "feedback": [
                    {
                        "card": card["uuid"], "outcome": "overridden", "outcomeTimestamp": "2024-03-31T12:01:00Z",
                        "overrideReason": {"reason": {"code": "wrong_data"}, "userComment": "haemolysed"},
                    },
                    {"card": "of-another", "outcome": "overridden", "outcomeTimestamp": "2024-03-31T12:01:00Z"},
                ]
            },
        )  # fmt: skip
        told = trial.post("api/rules/critical_potassium_high/mode", {"mode": "off", "why": "our laboratory calls"})
        assert told.body["mode"] == "off"
        assert _rules(trial.serve("advice-patient-view", request(patient="2"))) == []
        at = trial.context()
        rates = History(at.records, base, at.site).rates(
            *map(datetime.fromisoformat, ("2024-03-01", "2025-03-31T12:00"))
        )
    (one,) = [rate for rate in rates if rate.rule == "critical_potassium_high"]
    assert (one.shown, one.overridden, one.accepted, one.ignored) == (1, 1, 0, 0)
    assert one.override == 1.0
    assert one.reasons == {"wrong_data": 1}
    assert one.days_off == pytest.approx(365.0)


def test_a_silent_rule_fires_and_is_not_shown_and_a_cap_spares_what_is_critical() -> None:
    with _trial(cap=1) as trial:
        trial.post("api/rules/surveillance_cirrhosis/mode", {"mode": "silent", "why": "trying it out"})
        answer = trial.serve("advice-patient-view", request())
        rows = trial.context().records.find("firing")
    assert len(answer["cards"]) == 1
    outcome = {row["rule"]: row["outcome"] for row in rows}
    assert outcome["surveillance_cirrhosis"] == "silent"
    assert set(outcome.values()) == {"shown", "silent", "capped"}


def test_a_dose_is_reckoned_from_the_instructions_of_an_order() -> None:
    often = {"dosageInstruction": [{
        "timing": {"repeat": {"frequency": 4, "period": 1, "periodUnit": "d"}},
        "doseAndRate": [{"doseQuantity": {"value": 1.5, "unit": "g", "code": "g"}}],
    }]}  # fmt: skip
    with _trial() as trial:
        answer = trial.serve("advice-order-sign", request("order-sign", draftOrders=order(RXN, "161", **often)))
    assert {"paracetamol_dose", "paracetamol_cirrhosis"} <= set(_rules(answer))
    assert "6000 mg" in next(one["summary"] for one in answer["cards"] if "6000" in one["summary"])


def test_an_allergy_that_was_sent_is_seen_and_a_refuted_one_is_not() -> None:
    allergy = {
        "resourceType": "AllergyIntolerance", "id": "a1", "clinicalStatus": {"coding": [{"code": "active"}]},
        "code": {"coding": [{"system": RXN, "code": "7980"}]},
    }  # fmt: skip
    with _trial() as trial:
        for status, expected in (("confirmed", True), ("refuted", False)):
            called = request("order-sign", draftOrders=order(RXN, "723"))
            called["prefetch"] = {"allergies": allergy | {"verificationStatus": {"coding": [{"code": status}]}}}
            assert ("allergy_penicillin" in _rules(trial.serve("advice-order-sign", called))) is expected


def test_a_key_that_could_not_be_fetched_leaves_things_unknown() -> None:
    called = request("order-sign", patient="abc", draftOrders=order(ATC, "M01AE01"))
    with _trial() as trial:
        called["prefetch"] = {
            "conditions": {"resourceType": "OperationOutcome"},
            "patient": {"resourceType": "Patient"},
        }
        assert _rules(trial.serve("advice-order-sign", called)) == []
        row = trial.context().records.find("call")[0]
        assert row["open"] > 5  # rules over conditions cannot be told, and that is remembered
        assert trial.get("api/rules/contraindication.nsaid.ascites").body["strength"] == "strong"


def test_two_drafts_interact_and_the_edition_has_the_rest() -> None:
    bundle = order(RXN, "5640")
    bundle["entry"] += order(RXN, "8787", name="draft-2")["entry"]
    with _trial() as trial:
        rules = _rules(trial.serve("advice-order-sign", request("order-sign", draftOrders=bundle)))
    assert "interaction.warfarin.nsaid" in rules
    assert METFORMIN and IBUPROFEN
