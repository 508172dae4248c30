"""Risk of thrombosis and bleeding from rows of the CDM: the worked examples of the rule table for China.

Source: the rule table's section on thrombosis (Padua from PMC7454299 table 1 and PMC3278052 table 2; Caprini from the
form of 2005; bleeding from ACCP 9 as the Chinese guidance of 2018 has it). Sums and groups are exact.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from isthmus.apps.contract.trial import Trial
from lib.vte import ALL, FAMILY, Ward

MONTH = -24 * 30
PATIENTS: dict[str, Callable[[Ward, int], Ward]] = {
    "pneumonia": lambda w, n: w.admit(n, 72).ill(n, "J18.900", "J96.000").found(n).in_bed(n, 4),
    "infarction": lambda w, n: w.admit(n, 69).ill(n, "I21.900", "M06.900").found(n, bmi=31).walks(n),
    "cancer": lambda w, n: w.admit(n, 70).ill(n, "C34.900").done(n, "99.2500", hours=MONTH).found(n).walks(n),
    "cancer at 69": lambda w, n: w.admit(n, 69).ill(n, "C34.900").done(n, "99.2500", hours=MONTH).found(n).walks(n),
    "old cancer": lambda w, n: w.admit(n, 70).ill(n, "C34.900").done(n, "99.2500", hours=7 * MONTH).found(n).walks(n),
    "colectomy": lambda w, n: w.admit(n, 66).ill(n, "C18.900").done(n, "17.3300", "38.9300").found(n, bmi=27).walks(n),
    "hernia": lambda w, n: w.admit(n, 45).ill(n, "K40.900").done(n, "53.0000").found(n).walks(n),
    "hernia in a family": lambda w, n: PATIENTS["hernia"](w, n).row("observation", n, concept=FAMILY),
    "hip": lambda w, n: w.admit(n, 78, "female").ill(n, "S72.000").done(n, "81.5200").found(n).walks(n),
    "bleeder": lambda w, n: w.admit(n, 86).ill(n, "C34.900").done(n, "38.9300").found(n).walks(n),
    "a day in bed": lambda w, n: w.admit(n, 40).ill(n, "J20.900").found(n).in_bed(n, 1),
    "four days in bed": lambda w, n: w.admit(n, 40).ill(n, "J20.900").found(n).in_bed(n, 4),
    "unseen": lambda w, n: w.admit(n, 72).ill(n, "J18.900").found(n),
}
NUMBERS = {name: number for number, name in enumerate(PATIENTS, start=1)}
NO_FAMILY = {"never": ["family_vte"]}


@pytest.fixture(scope="module")
def hospital() -> Iterator[tuple[Trial, Ward]]:
    ward = Ward().delivers(*ALL)
    for name, happens in PATIENTS.items():
        happens(ward, NUMBERS[name])
    with ward.trial() as trial:
        yield trial, ward


@pytest.fixture
def told(hospital: tuple[Trial, Ward]) -> Iterator[Callable[..., dict[str, Any]]]:
    trial, _ = hospital
    usual = dict(trial.settings)

    def ask(name: str, **settings: Any) -> dict[str, Any]:
        trial.settings = usual | settings
        answer = trial.get(f"api/patients/{NUMBERS[name]}")
        assert answer.status == 200, answer.body
        return dict(answer.body)

    yield ask
    trial.settings = usual


Ask = Callable[..., dict[str, Any]]


def _risk(answer: dict[str, Any]) -> tuple[float | None, str | None]:
    return answer["risk"]["points"], answer["risk"]["group"]


@pytest.mark.parametrize(
    ("name", "points", "group"),
    [
        ("pneumonia", 6, "high"), ("infarction", 3, "low"), ("cancer", 4, "high"), ("cancer at 69", 3, "low"),
        ("old cancer", 1, "low"),
    ],
)  # fmt: skip
def test_a_worked_example_of_padua_comes_out_of_rows(told: Ask, name: str, points: float, group: str) -> None:
    answer = told(name)
    assert (answer["scale"], *_risk(answer)) == ("padua", points, group)


@pytest.mark.parametrize(
    ("name", "profile", "points", "grade", "group"),
    [
        ("colectomy", "caprini", 9, "very_high", "high"),
        ("colectomy", "caprini@accp9", 9, "high", "high"),
        ("colectomy", "caprini@cn-quality", 9, "high", "high"),
        ("hernia", "caprini", 2, "moderate", "moderate"),
        ("hernia", "caprini@accp9", 2, "low", "low"),
        ("hernia", "caprini@cn-quality", 2, "low", "low"),
        ("hip", "caprini@cn-quality", 8, "high", "high"),
    ],
)
def test_a_worked_example_of_caprini_comes_out_of_rows_and_names_its_profile(
    told: Ask, name: str, profile: str, points: float, grade: str, group: str
) -> None:
    answer = told(name, profile=profile, **NO_FAMILY)
    assert (answer["scale"], *_risk(answer)) == ("caprini", points, group)
    assert answer["risk"]["grade"] == grade
    stored = {"caprini": "caprini2005_form", "caprini@accp9": "accp9", "caprini@cn-quality": "cn_quality"}
    assert answer["risk"]["version"] == stored[profile]


def test_a_man_of_86_with_cancer_and_a_central_line_bleeds_by_four_of_the_list(told: Ask) -> None:
    answer = told("bleeder", scale="padua")
    assert (answer["bleeding"]["points"], answer["bleeding"]["grade"]) == (4, "high")


def test_bed_rest_counts_once(told: Ask) -> None:
    assert _risk(told("a day in bed", scale="caprini", **NO_FAMILY))[0] == 1
    assert _risk(told("four days in bed", scale="caprini", **NO_FAMILY))[0] == 2


def test_without_a_word_on_mobility_a_group_that_bed_rest_would_change_is_not_given(told: Ask) -> None:
    answer = told("unseen")
    assert _risk(answer) == (None, None)
    assert answer["risk"]["missing"] == ["reduced_mobility"]
    (item,) = (one for one in answer["risk"]["items"] if one["item"] == "reduced_mobility")
    assert {one["fact"]: one["why"] for one in item["evidence"]} == {
        "bed_days": "no row", "walking": "no record, which says nothing",
    }  # fmt: skip


def test_a_family_of_which_nothing_is_recorded_is_not_taken_for_healthy_unless_the_hospital_says_so(told: Ask) -> None:
    assert told("hernia")["risk"]["missing"] == ["family_vte"]
    assert _risk(told("hernia", **NO_FAMILY))[0] == 2
    assert _risk(told("hernia in a family"))[0] == 5


def test_nothing_is_taken_for_no_where_a_hospital_does_not_deliver_the_table() -> None:
    with Ward().admit(1, 72).ill(1, "J18.900").found(1).walks(1).trial() as trial:
        answer = trial.get("api/patients/1").body
    assert set(answer["risk"]["missing"]) == {"trauma_or_surgery", "hormones"}


def test_every_item_that_counts_names_its_rows(told: Ask, hospital: tuple[Trial, Ward]) -> None:
    _, ward = hospital
    known = {(table, row[f"{table}_id"]) for table, rows in ward.tables.items() for row in rows if f"{table}_id" in row}
    for name in PATIENTS:
        for item in told(name)["risk"]["items"]:
            rows = [(row["table"], row["id"]) for fact in item["evidence"] for row in fact["rows"]]
            assert set(rows) <= known
            assert rows or item["value"] in (False, None) or item["item"] == "age"
