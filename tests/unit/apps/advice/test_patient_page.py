"""One patient on one page: everything with its rows and reasons, in both languages, and nothing of what is refused."""

from dataclasses import replace
from typing import Any

import pytest

from isthmus.apps.advice.looks.parts import words
from isthmus.apps.advice.looks.patient import patient_page
from isthmus.apps.contract import Asked, InputError, Told
from isthmus.apps.contract.trial import Trial
from isthmus.serving.fragment import clean
from lib.advised import DAY, FOLDER, PACKAGE, condition, person, result

CANCER, HEPATITIS = 4246127, 4281232
ALT, AFP, BILIRUBIN, ALBUMIN, PLATELETS = 3006923, 2000001001, 3024128, 3024561, 3024929
STEP = {
    "pathway": "liver", "rule": "after cure", "title": "AFP <after> cure", "pathway_title": "liver cancer",
    "source": "a guideline", "due": "2024-03-01", "late": True,
    "evidence": [{"step": "resection", "day": "2023-12-01", "table": "procedure_occurrence", "id": 9, "site": "h01"}],
}  # fmt: skip


def _rows() -> dict[str, list[dict[str, Any]]]:
    return {
        "person": [person(), *(person(who, year_of_birth=1950) for who in range(2, 12))],
        "condition_occurrence": [
            condition(1, CANCER, "2023-11-01"), condition(2, HEPATITIS),
            *(condition(100 + who, CANCER, "2020-01-01", who) for who in range(2, 12)),
        ],
        "measurement": [
            result(1, ALT, 90.0, 8645), result(2, AFP, 900.0, 8842), result(3, BILIRUBIN, 20.0, 8749),
            result(4, ALBUMIN, 40.0, 8636), result(5, PLATELETS, 100.0, 9444),
        ],
    }  # fmt: skip


def _page(language: str = "en", told: Told | None = None, rows: Any = None, **query: str) -> str:
    with Trial(FOLDER, rows or _rows(), package=PACKAGE, settings={"day": DAY.isoformat()}) as trial:
        at = trial.context(language)
        if told is not None:
            at = replace(
                at, ask=lambda app, path: told if (app, path) == ("pathways", "patients/1") else at.ask("", "")
            )
        found = patient_page(Asked(path="patient", query=query, language=language), at)
    assert found.media == "text/html"
    return str(found.body)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_it_shows_state_risks_rules_due_steps_and_what_it_may_be(language: str) -> None:
    page = _page(language, Told(body={"person": 1, "due": [STEP]}), person="1")
    for key in ("state", "risks", "rules", "due", "alike"):
        assert words()[key][language] in page, key
    assert "measurement 2 (2024-03-31)" in page, "a value tells its row"
    assert "AFP &lt;after&gt; cure" in page
    assert words()["late"][language] in page
    assert "procedure_occurrence 9" in page
    assert words()["missing"][language] in page, "a score that cannot be reckoned says what it lacks"
    assert clean(page) == page, "the frame of the house leaves nothing of it out"


def test_a_pathway_that_is_not_there_or_refuses_is_told_and_harms_nothing() -> None:
    refused = Told(status=403, body={"error": "what pathways answers is seen by people of its grant only."})
    for told in (None, refused):
        page = _page("en", told, person="1")
        assert words()["no_pathways"]["en"] in page
        assert "alpha-fetoprotein" in page
    assert "people of its grant only" in _page("en", refused, person="1")


def test_who_is_alike_is_asked_for_and_few_are_not_told() -> None:
    assert "similar=yes" in _page("en", person="1")
    assert words()["too_little"]["en"] in _page("en", person="1", similar="yes")
    rows = _rows()
    for who in range(2, 12):  # the same results as the first's, when they fell ill
        rows["measurement"] += [
            one | {"measurement_id": 100 * who + at, "person_id": who, "measurement_date": "2020-02-01"}
            for at, one in enumerate(_rows()["measurement"])
        ]
    page = _page("en", rows=rows, person="1", similar="yes")
    assert "of 10 patients with the disease" in page
    assert "too few are left to tell" in page
    assert "alpha-fetoprotein 900" in page


def test_without_a_person_it_asks_for_one_and_a_wrong_one_is_told() -> None:
    assert "<form" in _page("en")
    for wrong in ("x' OR 1=1", "<script>", "77"):
        with pytest.raises(InputError, match="no such person"):
            _page("en", person=wrong)


def test_every_word_is_there_in_both_languages() -> None:
    assert all(one["en"].strip() and one["zh"].strip() for one in words().values())
