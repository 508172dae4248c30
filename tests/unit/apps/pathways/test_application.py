"""The application on its contract: judged once an edition, cards with rule and rows, reasons that stay."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

import isthmus.apps.pathways
from isthmus.apps.contract import InputError, Published
from isthmus.apps.contract.trial import Trial
from isthmus.cdm.starter import starter
from isthmus.flow.workspace import Workspace
from isthmus.research.registries.enrolment.model import GIVEN, WITHDRAWN
from isthmus.research.registries.enrolment.ruling import CASE, CONFIRMED, CONSENT, REFUTED
from isthmus.research.registries.enrolment.said import say

FOLDER = Path(isthmus.apps.pathways.__file__).parent
CANCER, STAGE, IA, CLASS, CLASS_A, RESECTION, CT, AFP, TEAM = (
    201519, 2000001102, 2000001131, 2000001104, 2000001141, 4322818, 2000001406, 2000001001, 2000001408,
)  # fmt: skip
NOW = datetime(2024, 4, 1, 8, tzinfo=UTC)
AFTER = "imaging after treatment meant to cure"


def _rows() -> dict[str, list[dict[str, Any]]]:
    """Two patients: 1 is resected after imaging and the team's decision, 2 is seen late, after the diagnosis."""
    people = (1, 2)
    return {
        "concept": starter()["concept"].to_pylist(),
        "person": [
            {"person_id": one, "year_of_birth": 1960, "gender_concept_id": 8507, "person_source_value": f"p{one}"}
            for one in people
        ],
        "observation_period": [
            {"observation_period_id": one, "person_id": one, "observation_period_start_date": date(2023, 1, 1),
             "observation_period_end_date": date(2024, 3, 31)}
            for one in people
        ],
        "condition_occurrence": [
            {"condition_occurrence_id": one, "person_id": one, "condition_concept_id": CANCER,
             "condition_start_date": date(2024, 1, 10)}
            for one in people
        ],
        "observation": [
            {"observation_id": at, "person_id": 1, "observation_concept_id": concept, "value_as_concept_id": value,
             "observation_date": date(2024, 1, 11)}
            for at, (concept, value) in enumerate(((STAGE, IA), (CLASS, CLASS_A)), start=1)
        ],
        "procedure_occurrence": [
            {"procedure_occurrence_id": at, "person_id": 1, "procedure_concept_id": concept, "procedure_date": day}
            for at, (concept, day) in enumerate(
                ((CT, date(2024, 1, 12)), (TEAM, date(2024, 1, 15)), (RESECTION, date(2024, 1, 20))), start=1
            )
        ]
        + [
            {"procedure_occurrence_id": 9, "person_id": 2, "procedure_concept_id": CT,
             "procedure_date": date(2024, 3, 20)}
        ],
        "measurement": [
            {"measurement_id": 1, "person_id": 1, "measurement_concept_id": AFP, "measurement_date": date(2024, 1, 11),
             "value_as_number": 20.0}
        ],
    }  # fmt: skip


@pytest.fixture(scope="module")
def trial() -> Iterator[Trial]:
    settings = {"pathways": ["liver"], "ahead": 200}
    with Trial(FOLDER, _rows(), package="isthmus.apps.pathways", settings=settings, at=NOW) as made:
        yield made


def _cards(trial: Trial, person: int) -> list[dict[str, Any]]:
    answer = trial.serve("pathway-due-steps", {"hook": "patient-view", "context": {"patientId": str(person)}})
    cards: list[dict[str, Any]] = dict(answer)["cards"]
    return cards


def test_a_card_says_what_is_due_by_which_rule_and_which_rows(trial: Trial) -> None:
    cards = {one["source"]["topic"]["code"]: one for one in _cards(trial, 1)}
    card = cards[f"liver/{AFTER}"]
    assert card["summary"].startswith("Due until 2024-09-16")
    assert "procedure_occurrence 3" in card["detail"]
    assert card["indicator"] == "info"
    assert all(len(one["summary"]) <= 140 for one in cards.values())
    assert "liver/imaging before resection" not in cards, "what was done is not due"


def test_what_was_missed_is_overdue(trial: Trial) -> None:
    overdue = [one["summary"] for one in _cards(trial, 2) if one["indicator"] == "warning"]
    assert any(said.startswith("Overdue since 2024-02-09: AFP") for said in overdue)


def test_the_page_and_the_summary_tell_the_same_in_both_languages(trial: Trial) -> None:
    (rule,) = (
        one for one in trial.get("api/pathways/liver").body["rules"] if one["rule"] == "imaging before resection"
    )
    assert (rule["met"], rule["violated"], rule["not applicable"]) == (1, 0, 1)
    for language, word in (("en", "Contrast-enhanced imaging within 28 days"), ("zh", "肝切除前 28 天内")):
        page = trial.get("pathway", language).body
        assert word in page
        assert "<script" not in page
        assert "style=" not in page


def test_a_card_that_is_overridden_with_a_reason_is_a_justified_deviation(trial: Trial) -> None:
    (card,) = (one for one in _cards(trial, 2) if one["source"]["topic"]["code"] == "liver/AFP at diagnosis")
    assert "declined" in {one["code"] for one in card["overrideReasons"]}
    told = {"card": card["uuid"], "outcome": "overridden",
            "overrideReason": {"reason": {"code": "declined"}, "userComment": "twice"}}  # fmt: skip
    trial.feedback("pathway-due-steps", {"feedback": [told]})
    assert card["uuid"] not in {one["uuid"] for one in _cards(trial, 2)}
    counted = trial.get("api/deviations").body["deviations"]
    assert [(one["rule"], one["reason"], one["rows"]) for one in counted] == [("AFP at diagnosis", "declined", 1)]
    (mine,) = (one for one in trial.get("api/deviations").body["cards"] if one["rule"] == "AFP at diagnosis")
    assert (mine["accepted"], mine["overridden"], mine["ignored"]) == (0, 1, 0)
    (rule,) = (one for one in trial.get("api/pathways/liver").body["rules"] if one["rule"] == "AFP at diagnosis")
    assert (rule["violated"], rule["justified"]) == (1, 1)


def test_feedback_is_kept_whole_or_refused_and_a_card_nobody_answers_is_counted(trial: Trial) -> None:
    cards = _cards(trial, 2)
    before, was = trial.context().records.count("feedback"), trial.get("api/deviations").body["cards"]
    odd = {"card": cards[0]["uuid"], "outcome": "overridden", "overrideReason": {"reason": {"code": "rain"}}}
    for body in (
        None,
        [],
        {},
        {"feedback": "x"},
        {"feedback": [1]},
        {"feedback": [odd, {"card": "c", "outcome": "x"}]},
    ):
        with pytest.raises(InputError, match="feedback"):
            trial.feedback("pathway-due-steps", body)
    assert trial.context().records.count("feedback") == before
    trial.feedback("pathway-due-steps", {"feedback": [odd, odd | {"overrideReason": "rain", "card": "of-another"}]})
    assert cards[0]["uuid"] in {one["uuid"] for one in _cards(trial, 2)}  # no reason of the pack: it comes again
    told = trial.get("api/deviations").body["cards"]
    words = ("overridden", "ignored")
    overridden, ignored = (sum(one[word] for one in told) - sum(one[word] for one in was) for word in words)
    assert (overridden, ignored) == (1, -1)
    assert sum(one["ignored"] for one in told) == sum(one["ignored"] for one in was) - 1 >= 0
    assert trial.get("api/deviations", until="2020-01-01").body["cards"] == []


def test_what_was_judged_on_another_edition_is_judged_anew(trial: Trial) -> None:
    at = trial.context()
    assert at.records.count("judged")[0]["rows"] == 1
    trial.tell(Published(9, ("invented",)))
    assert not at.records.find("judged")
    trial.run("judge")
    assert at.records.find("judged")[0]["edition"] == at.session.edition


def test_who_withdraws_or_is_no_case_is_left_out_at_once_and_comes_back(trial: Trial) -> None:
    """For whoever opens the patient at once; on page and in the summary too, which is judged anew."""
    opened = Workspace(Path(trial._scratch.name) / "ws")
    episodes = trial.get("api/pathways/liver").body["episodes"]
    assert episodes == 2
    for kind, word, back in ((CONSENT, WITHDRAWN, GIVEN), (CASE, REFUTED, CONFIRMED)):
        assert _cards(trial, 1)
        say(opened, "liver", kind, {1: date(2024, 3, 1)}, word, author="ann", reason="a letter")
        judged = trial.context().records.find("judged")[0]
        assert _cards(trial, 1) == []
        assert _cards(trial, 2)
        assert trial.context().records.find("judged")[0] == judged, "who opens a patient waits for no judging"
        assert trial.get("api/pathways/liver").body["episodes"] == episodes - 1
        assert _cards(trial, 1) == []
        say(opened, "liver", kind, {1: None}, back, author="ann", reason="another letter")
        trial.run("judge")
        assert trial.get("api/pathways/liver").body["episodes"] == episodes


def test_what_is_judged_for_all_and_for_a_site_is_told_once(trial: Trial) -> None:
    """A site asked first, then the job came: the rows of both are there."""
    trial.context().records.remove("judged", {})
    trial.tell(Published(9, ("invented",)))
    first = _cards(trial, 1)
    trial.run("judge")
    assert {row["site"] for row in trial.context().records.find("open_step", {"person": 1})} == {"", "invented"}
    assert _cards(trial, 1) == first != []


def test_a_reason_or_rule_that_the_pack_does_not_have_is_refused(trial: Trial) -> None:
    told = {"pathway": "liver", "rule": "AFP at diagnosis", "person": 2, "begins": "2024-01-10", "reason": "rain"}
    with pytest.raises(InputError, match="no such reason"):
        trial.post("api/deviations", told)
    with pytest.raises(InputError, match="no such rule"):
        trial.post("api/deviations", told | {"rule": "rain", "reason": "declined"})
    with pytest.raises(InputError, match="a deviation says begins"):
        trial.post("api/deviations", told | {"begins": ""})


def test_an_unknown_patient_has_no_cards(trial: Trial) -> None:
    answer = trial.serve("pathway-due-steps", {"hook": "patient-view", "context": {"patientId": "99"}})
    assert getattr(answer, "status", 200) == 412
    with pytest.raises(InputError, match="patientId is missing"):
        trial.serve("pathway-due-steps", {"hook": "patient-view", "context": {}})
