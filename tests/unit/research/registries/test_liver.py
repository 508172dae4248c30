"""The liver pack as a liver oncologist reads it: TNM from what the record says, end points, response, units."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from lib import registries as lib

HCC, RESECTION, TACE, LENVATINIB = 4001171, 4067461, 2000001401, 46221433
MRECIST, CR, PR, PD, M0, M_CLASS = 2000001177, 2000010169, 2000010170, 2000010172, 2000010132, 2000010009
CANCER_DAY, OUTSIDE, NO, YES = "2020-03-01", 2000001107, 45878245, 45877994
KNOWN = (HCC, RESECTION, TACE, LENVATINIB, MRECIST, OUTSIDE, M_CLASS, NO, YES)
# Told of everybody, unless a case says otherwise: one tumour of 3 cm, nothing in large vessels.
SEEN = {"tumour_number": "1", "tumour_size": "3 cm", "vascular_invasion": "no"}
# What else is told of a patient, the stage that follows, and what is missing where none does.
CASES: Mapping[str, tuple[Mapping[str, str], Mapping[int, int], str | None, str | None]] = {
    "no thrombus is no thrombus of a trunk, nothing outside is neither N1 nor M1": ({}, {OUTSIDE: NO}, "IB", None),
    "of a specimen the microscope has to tell": ({}, {OUTSIDE: NO, RESECTION: 0}, None, "vascular_invasion"),
    "and where it does": ({"mvi": "M0"}, {OUTSIDE: NO, RESECTION: 0}, "IB", None),
    "microvascular invasion counts": ({"mvi": "M1"}, {OUTSIDE: NO, RESECTION: 0}, "II", None),
    "a thrombus whose extent nobody tells": ({"vascular_invasion": "yes"}, {OUTSIDE: NO}, None, "major_branch"),
    "one in a first-order branch": ({"vascular_invasion": "yes", "portal_vp": "Vp3"}, {OUTSIDE: NO}, "IIIB", None),
    "one in the trunk by Cheng": ({"vascular_invasion": "yes", "portal_cheng": "III"}, {OUTSIDE: NO}, "IIIB", None),
    "one farther out": (
        {"vascular_invasion": "yes", "portal_cheng": "I", "hepatic_vein_invasion": "Vv0"}, {OUTSIDE: NO}, "II", None,
    ),
    "M0 says nothing of nodes": ({}, {M_CLASS: M0}, None, "nodes"),
    "something outside, and nobody says what": ({}, {OUTSIDE: YES}, None, "nodes, metastasis"),
    "a ruptured tumour perforated the peritoneum": ({"rupture": "yes"}, {OUTSIDE: NO}, "IIIB", None),
    "two tumours": ({"tumour_number": "2"}, {OUTSIDE: NO}, "II", None),
}  # fmt: skip


def _data(people: Mapping[int, Mapping[str, str]], **more: lib.Rows) -> dict[str, Any]:
    """Patients with liver cancer; what forms tell of them by item."""
    forms = [
        lib.observed(person, 0, CANCER_DAY, observation_source_value=f"liver:{item}", observation_id=1000 * person + at,
                     **_value(value))
        for person, told in people.items() for at, (item, value) in enumerate(told.items())
    ]  # fmt: skip
    concepts = [{"concept_id": one, "concept_name": str(one), "domain_id": "Any"} for one in KNOWN]
    data = lib.tables(people, concept=concepts, observation=[*forms, *more.pop("observation", [])], **more)
    for row in data["condition_occurrence"]:
        row["condition_concept_id"] = HCC
    return data


def _value(told: str) -> dict[str, Any]:
    """A number with its unit, or a text."""
    number, _, unit = told.partition(" ")
    return {"value_as_number": float(number), "unit_source_value": unit} if unit else {"value_as_string": told}


def _operated(person: int, concept: int, day: str) -> dict[str, Any]:
    return {"procedure_occurrence_id": 10 * person + concept % 10, "person_id": person, "procedure_concept_id": concept,
            "procedure_date": day, "procedure_type_concept_id": 32817, "site": "h1"}  # fmt: skip


def _built(tmp_path: Path, data: Mapping[str, Any]) -> dict[str, dict[int, dict[str, Any]]]:
    """Rows of a registry's tables by person, the last of several."""
    _, found = lib.built(tmp_path, Path("liver"), data)
    return {name: {row["person_id"]: row for row in rows if "person_id" in row} for name, rows in found.items()}


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> dict[int, dict[str, Any]]:
    people: dict[int, Mapping[str, str]] = {}
    observed, measured, done = [], [], []
    for person, (told, coded, _, _) in enumerate(CASES.values(), start=1):
        people[person] = SEEN | told
        for concept, value in coded.items():
            key = {"value_as_concept_id": value}
            if concept == RESECTION:
                done.append(_operated(person, RESECTION, "2020-03-20"))
            elif concept == M_CLASS:
                measured.append(lib.measured(person, concept, CANCER_DAY, None, measurement_id=person, **key))
            else:
                observed.append(lib.observed(person, concept, CANCER_DAY, observation_id=person, **key))
    data = _data(people, observation=observed, measurement=measured, procedure_occurrence=done)
    return _built(tmp_path_factory.mktemp("staged"), data)["stage"]


@pytest.mark.parametrize(("at", "case"), list(enumerate(CASES, start=1)), ids=str)
def test_tnm_follows_from_what_the_record_says_or_tells_what_is_missing(
    at: int, case: str, staged: dict[int, dict[str, Any]]
) -> None:
    _, coded, stage, missing = CASES[case]
    row = staged[at]
    assert (row["tnm8"], row["tnm8_missing"]) == (stage, missing)
    assert row["tnm_basis"] == ("p" if RESECTION in coded else "c")


def test_recurrence_free_survival_starts_with_the_first_curative_treatment(tmp_path: Path) -> None:
    """1: TACE before a resection; 2: the resection left tumour; 3: TACE alone. The tumour came back on one day."""
    events = {"recurrence_date": "2020-12-26", "progression_date": "2020-12-26"}
    people = {1: events, 2: events | {"residual_tumour": "R1"}, 3: events}
    done = [_operated(one, TACE, "2020-03-11") for one in people] + [
        _operated(one, RESECTION, "2020-04-30") for one in (1, 2)
    ]
    found = _built(tmp_path, _data(people, procedure_occurrence=done))
    days = {one: (row["rfs_days"], row["rfs_event"]) for one, row in found["endpoint"].items()}
    assert days == {1: (240, 1), 2: (None, None), 3: (None, None)}
    assert {row["pfs_days"] for row in found["endpoint"].values()} == {290}


def test_the_best_response_of_a_line_is_an_objective_one_or_not(tmp_path: Path) -> None:
    """1: stable, partial, then progression, all in the line; 2: progression at once; 3: nobody assessed."""
    given = [
        {"drug_exposure_id": one, "person_id": one, "drug_concept_id": LENVATINIB, "site": "h1",
         "drug_exposure_start_date": "2020-04-01", "drug_exposure_end_date": "2020-10-01",
         "drug_type_concept_id": 32817}
        for one in (1, 2, 3)
    ]  # fmt: skip
    assessed = [(1, "2020-06-01", 2000010171), (1, "2020-08-01", PR), (1, "2020-10-01", PD), (2, "2020-06-01", PD)]
    told = [
        lib.observed(person, MRECIST, day, value_as_concept_id=value, observation_id=at)
        for at, (person, day, value) in enumerate(assessed, start=1)
    ]  # fmt: skip
    found = _built(tmp_path, _data({1: {}, 2: {}, 3: {}}, drug_exposure=given, observation=told))
    said = {one: (row["line_best_mrecist"], row["line_objective_mrecist"]) for one, row in found["systemic"].items()}
    assert said == {1: ("PR", True), 2: ("PD", False), 3: (None, None)}


def test_attenuation_is_in_decibels_per_metre(tmp_path: Path) -> None:
    rows = _built(tmp_path, _data({1: {"steatosis_cap": "286 dB/m"}, 2: {"steatosis_cap": "2.86 dB/cm"}}))
    assert {one: row["steatosis_cap"] for one, row in rows["underlying"].items()} == {1: 286.0, 2: 286.0}
