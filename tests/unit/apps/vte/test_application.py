"""The application: cards, feedback, indicators counted by hand, the report, pages in both languages."""

import csv
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from io import StringIO
from itertools import chain
from typing import Any

import pyarrow as pa
import pytest

from isthmus.apps.contract import Asked, InputError
from isthmus.apps.contract.trial import Trial
from isthmus.apps.vte.application import Vte
from isthmus.apps.vte.indicator import COUNTS
from isthmus.cdm.questions import QUESTIONS
from isthmus.flow.invented import invented_hospitals
from isthmus.gate.declared import Invented
from lib.vte import ALL, BEGAN, BLEEDING, CAPRINI, PADUA, Ward

HEPARIN, COMPRESSION = 1367571, 2000001808
SERVICE = "vte-patient-view"


def _ward() -> Ward:
    """A hospital that delivers everything.

    1 high, assessed in time, anticoagulants   2 high, assessed after 30 h, thrombosis on the third day
    3 low, assessed in time, by another later  4 not assessed    5 stays for 20 hours
    6 brought a thrombosis along, moderate by Caprini, compression
    """
    ward = Ward("east").delivers(*ALL)
    ward.tables["visit_occurrence"].clear()
    ward.admit(1, 72).ill(1, "J18.900", "J96.000").found(1).in_bed(1, 4).assessed(1, PADUA, 6, 4)
    ward.assessed(1, BLEEDING, 0, 5).row("drug_exposure", 1, concept=HEPARIN, hours=12)
    ward.admit(2, 80).ill(2, "J18.900", "J96.000").found(2).in_bed(2, 5).assessed(2, PADUA, 6, 30).ill(
        2, "I26.900", hours=60
    )
    ward.admit(3, 40).ill(3, "J20.900").found(3).walks(3).assessed(3, PADUA, 5, 2).assessed(3, PADUA, 1, 40)
    ward.admit(4, 50).ill(4, "J20.900").found(4).walks(4)
    ward.admit(5, 50, days=20 / 24).ill(5, "J20.900").assessed(5, PADUA, 9, 1)
    ward.admit(6, 60).ill(6, "I80.200").found(6).assessed(6, CAPRINI, 4, 24).row(
        "device_exposure", 6, concept=COMPRESSION
    )
    return ward


@pytest.fixture(scope="module")
def hospital() -> Iterator[Trial]:
    with _ward().trial(at=BEGAN + timedelta(days=6)) as trial:
        yield trial


def _cards(trial: Trial, person: int, language: str = "en") -> list[dict[str, Any]]:
    body = {"hook": "patient-view", "hookInstance": "1", "context": {"patientId": str(person)}}
    return list(trial.serve(SERVICE, body, language)["cards"])


def test_a_card_says_risk_action_rule_and_rows(hospital: Trial) -> None:
    risk, *due = _cards(hospital, 2)
    assert risk["summary"].startswith("VTE risk high (Padua prediction score), bleeding risk low: drug prophylaxis")
    assert "Rule: padua 2010" in risk["detail"]
    assert "condition_occurrence" in risk["detail"]
    assert {one["summary"] for one in due} == {
        "VTE: assessment of bleeding is overdue since 2024-03-05 09:00",
        "Venous thromboembolism: drug prophylaxis: not done",
    }
    assert {one["indicator"] for one in (risk, *due)} == {"warning"}
    assert len({one["uuid"] for one in (risk, *due)}) == 3
    assert all(len(one["summary"]) <= 140 for one in (risk, *due))


def test_who_has_what_is_due_is_left_alone_and_cards_are_told_in_chinese(hospital: Trial) -> None:
    (only,) = _cards(hospital, 1, "zh")
    assert only["summary"] == "VTE 风险高危（Padua 评分（内科）），出血风险低危：药物预防，必要时联合机械预防"
    assert len(_cards(hospital, 4)) == 1


def test_a_request_that_names_no_patient_is_refused_and_an_unknown_one_gets_no_card(hospital: Trial) -> None:
    with pytest.raises(InputError, match="patientId"):
        hospital.serve(SERVICE, {"hook": "patient-view", "context": {}})
    assert _cards(hospital, 4711) == []
    assert hospital.get("api/patients/4711").status == 404


def test_what_becomes_of_a_card_is_kept(hospital: Trial) -> None:
    card = _cards(hospital, 2)[0]["uuid"]
    said = {"card": card, "outcome": "overridden", "overrideReason": {"reason": {"code": "patient-declined"}}}
    hospital.feedback(SERVICE, {"feedback": [said]})
    (kept,) = hospital.context().records.find("feedback", {"card": card})
    assert (kept["outcome"], kept["reason"]) == ("overridden", "patient-declined")
    for body in ({"cards": []}, {"feedback": [{"card": card, "outcome": "seen"}]}):
        with pytest.raises(InputError, match="feedback"):
            hospital.feedback(SERVICE, body)
    hospital.feedback(
        SERVICE, {"feedback": [{"card": "c", "outcome": "overridden", "overrideReason": {"reason": "x"}}]}
    )


def test_what_became_of_cards_is_counted_those_that_nobody_answered_too(hospital: Trial) -> None:
    shown = _cards(hospital, 2)
    said = {"card": shown[0]["uuid"], "outcome": "overridden", "overrideReason": {"reason": {"code": "declined"}}}
    hospital.feedback(SERVICE, {"feedback": [said]})
    told = {one["what"]: one for one in hospital.get("api/cards").body}
    assert set(told) >= {"risk"} and len(told) >= len(shown)
    assert told["risk"]["reasons"] == {"declined": 1}
    assert (told["risk"]["overridden"], told["risk"]["accepted"]) == (1, 0)
    assert all(one["ignored"] >= 1 for what, one in told.items() if what != "risk")
    assert hospital.get("api/cards", until="2020-01-01").body == []
    with pytest.raises(InputError, match="span"):
        hospital.get("api/cards", until="rain")


@pytest.fixture(scope="module")
def counted(hospital: Trial, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The indicators of that hospital and of `west`, which delivers diagnoses and nothing else."""
    west = Ward("west").admit(107, 60).row("condition_occurrence", 107, code="J20.900").tables
    rows = {"east": _ward().tables, "west": west}
    tables = {
        site: {
            name: pa.Table.from_pylist(listed, schema=pa.schema([QUESTIONS[name].schema().to_pyarrow().field(column)
                                                                 for column in dict.fromkeys(chain(*listed))
                                                                 if column != "site"]))
            for name, listed in one.items()
        }
        for site, one in rows.items()
    }  # fmt: skip
    opened = invented_hospitals(tmp_path_factory.mktemp("vte") / "ws", tables.items())
    edition = opened.lake.editions.current()
    assert edition is not None
    session = Invented(opened.lake, edition, hospital.bound.manifest.reads)
    (handle,) = (one.handle for one in Vte().routes() if one.path == "indicators")
    at = replace(hospital.context(site=""), session=session)
    return list(handle(Asked(query={"since": "2024-01-01"}), at).body)


def test_indicators_are_those_counted_by_hand(counted: list[dict[str, Any]]) -> None:
    east, _ = counted
    counts = {name: east[name] for name in COUNTS}
    assert counts == {
        "discharged": 5, "assessed": 4, "assessed_in_time": 3, "bleeding_assessed": 1, "bleeding_in_time": 1,
        "graded": 4, "raised": 3, "drug": 1, "mechanical": 1, "hospital_vte": 1,
    }  # fmt: skip
    assert east["raised_share"] == pytest.approx(3 / 4)
    assert east["hospital_vte_share"] == pytest.approx(1 / 5)


def test_a_hospital_that_delivers_no_assessments_has_no_rate_of_them(counted: list[dict[str, Any]]) -> None:
    _, west = counted
    assert (west["site"], west["discharged"]) == ("west", 1)
    for name in ("assessed", "assessed_share", "bleeding_in_time_share", "raised_share", "drug", "mechanical_share"):
        assert west[name] is None
    assert west["hospital_vte"] == 0


def test_a_site_sees_its_own_indicators_and_a_wrong_period_is_refused(hospital: Trial) -> None:
    assert {row["site"] for row in hospital.get("api/indicators", since="2024-01-01").body} == {"east"}
    told = hospital.get("api/indicators.csv", since="2024-03-01", until="2024-03-31", by="month")
    (row,) = csv.DictReader(StringIO(str(told.body).removeprefix("\ufeff")))
    assert (row["period"], row["discharged"]) == ("2024-03-01", "5")
    for query in ({"since": "spring"}, {"since": "2024-05-01", "until": "2024-01-01"}, {"by": "week"}):
        with pytest.raises(InputError):
            hospital.get("api/indicators", **query)


def test_the_report_has_a_case_for_each_thrombosis_and_says_what_no_data_give(hospital: Trial) -> None:
    told = hospital.get("api/report", since="2024-01-01").body
    assert sorted(case["CM-0-person"] for case in told["cases"]) == [2, 6]
    by_item = {one["item"]: one for one in told["items"]}
    assert by_item["VTE-4-day"]["filled"] == 2
    assert by_item["CM-6-costs"]["given"] is False
    assert hospital.get("api/report.csv", since="2024-01-01").media.startswith("text/csv")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_pages_are_told_in_both_languages_and_hold_nothing_that_was_sent(hospital: Trial, language: str) -> None:
    titles = {"en": ("Risk of bleeding", "not assessable"), "zh": ("出血风险", "无法评估")}[language]
    page = str(hospital.get("patient", language, person="2").body)
    assert titles[0] in page
    assert "condition_occurrence" in page
    assert titles[1] in str(hospital.get("report", language, since="2024-01-01").body)
    assert "<table>" in str(hospital.get("indicators", language, since="2024-01-01").body)
    sent = str(hospital.get("patient", language, person="<script>").body)
    assert "<script>" not in sent


def test_the_moment_can_be_another_and_is_refused_when_it_is_none(hospital: Trial) -> None:
    early = hospital.get("api/patients/2", at="2024-03-04T12:00").body
    assert early["at"] == "2024-03-04T12:00"
    assert [one["late"] for one in early["due"] if one["what"] in ("risk", "bleeding")] == [False, False]
    with pytest.raises(InputError, match="no time"):
        hospital.get("api/patients/2", at="noon")
