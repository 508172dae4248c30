"""Rules of the pack fhir-r4, each as a tiny resource of an invented patient and the row that comes of it."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from isthmus.base.identity import digest63
from isthmus.flow.workspace import Workspace
from lib.workspace import loaded, outcomes, rows

SNOMED, LOINC, UCUM = "http://snomed.info/sct", "http://loinc.org", "http://unitsofmeasure.org"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
Load = Callable[..., Workspace]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """A workspace with these resources in one bulk file, or in the files named."""

    def run(*resources: dict[str, Any], **files: list[dict[str, Any]]) -> Workspace:
        folder = tmp_path / "export"
        folder.mkdir()
        for name, listed in {"All": list(resources), **files}.items():
            text = "".join(json.dumps(one) + "\n" for one in listed)
            if text:
                (folder / f"{name}.ndjson").write_text(text, encoding="utf-8")
        return loaded(tmp_path, {"fhir": (folder, "fhir-r4")})[0]

    return run


def coded(code: str, system: str = SNOMED, text: str = "as written") -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}], "text": text}


def resource(kind: str, **more: Any) -> dict[str, Any]:
    """A resource of patient p1 in visit v1, with whatever else is given."""
    about = "patient" if kind in ("Immunization", "AllergyIntolerance", "SupplyDelivery") else "subject"
    return {"resourceType": kind, "id": "r1", about: {"reference": "Patient/p1"}, **more}


def noun(table: str, *key: str) -> int:
    return digest63("h01", "fhir", table, *key)


def one(found: list[dict[str, Any]]) -> dict[str, Any]:
    (row,) = found
    return row


PATIENT = {
    "resourceType": "Patient",
    "id": "p1",
    "gender": "female",
    "birthDate": "1961-03-04",
    "deceasedDateTime": "2020-02-03T23:30:00+08:00",
    "address": [{"line": ["1 Long Lane"], "city": "Anytown", "postalCode": "00001"}],
    "extension": [
        {"url": "http://other.org/x", "valueString": "y"},
        {
            "url": "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race",
            "extension": [
                {"url": "ombCategory", "valueCoding": {"code": "2028-9"}},
                {"url": "text", "valueString": "Asian"},
            ],
        },
    ],
}  # fmt: skip


def test_a_patient_becomes_a_person_a_location_and_a_death(load: Load) -> None:
    opened = load(PATIENT)
    person = one(rows(opened, "person"))
    assert person["person_id"] == noun("person", "p1")
    assert (person["gender_concept_id"], person["year_of_birth"], person["month_of_birth"]) == (8532, 1961, 3)
    assert (person["race_concept_id"], person["race_source_value"], person["ethnicity_concept_id"]) == (
        8515,
        "Asian",
        0,
    )
    location = one(rows(opened, "location"))
    assert (location["location_id"], location["city"]) == (person["location_id"], "Anytown")
    assert str(one(rows(opened, "death"))["death_date"]) == "2020-02-03"  # the local day, whatever the zone


def test_a_year_of_birth_is_enough_and_a_death_without_a_day_is_none(load: Load) -> None:
    opened = load({"resourceType": "Patient", "id": "p1", "birthDate": "1961", "deceasedBoolean": True})
    person = one(rows(opened, "person"))
    assert (person["year_of_birth"], person["month_of_birth"], person["birth_datetime"]) == (1961, None, None)
    assert rows(opened, "death") == []


@pytest.mark.parametrize(
    "reference",
    ["Patient/p1", "urn:uuid:p1", "https://x.org/fhir/Patient/p1/_history/3", "Patient?identifier=http://x.org/id|p1"],
)
def test_every_way_of_naming_a_patient_leads_to_one_person(load: Load, reference: str) -> None:
    condition = resource(
        "Condition", subject={"reference": reference}, onsetDateTime="2020-01-02", code=coded("38341003")
    )
    opened = load(PATIENT, condition)
    assert one(rows(opened, "condition_occurrence"))["person_id"] == noun("person", "p1")


def test_a_visit_has_its_class_its_doctor_and_its_place(load: Load) -> None:
    """A transaction Bundle names the doctor by national number; the file that explains the number is read first."""
    doctor = {
        "resourceType": "Practitioner", "id": "d1", "name": [{"family": "Who"}],
        "identifier": [{"system": "http://hl7.org/fhir/sid/us-npi", "value": "42"}, {"value": "of no system"}],
    }  # fmt: skip
    role = {
        "resourceType": "PractitionerRole", "id": "pr1", "practitioner": {"identifier": {"value": "42"}},
        "organization": {"reference": "Organization/o1"}, "specialty": [{"coding": [{"code": "208D00000X"}]}],
    }  # fmt: skip
    clinic = {"resourceType": "Organization", "id": "o1", "name": "A clinic", "type": [coded("prov")]}
    insurer = {"resourceType": "Organization", "id": "o2", "name": "An insurer", "type": [coded("pay")]}
    visit = resource(
        "Encounter", id="v1", status="finished", **{"class": {"code": "IMP"}},
        period={"start": "2020-01-02T08:00:00Z", "end": "2020-01-05T10:00:00Z"},
        participant=[{"individual": {"reference": "Practitioner?identifier=http://hl7.org/fhir/sid/us-npi|42"}}],
        serviceProvider={"reference": "Organization?identifier=http://x.org|o1"},
    )  # fmt: skip
    planned = {**visit, "id": "v2", "status": "planned"}
    opened = load(Encounter=[visit, planned], Practitioner=[doctor], PractitionerRole=[role], Zz=[clinic, insurer])
    row = one(rows(opened, "visit_occurrence"))
    assert (row["visit_concept_id"], row["visit_source_value"], str(row["visit_end_date"])) == (
        9201,
        "IMP",
        "2020-01-05",
    )
    provider = one(rows(opened, "provider"))
    assert row["provider_id"] == provider["provider_id"] == noun("provider", "d1")
    assert (provider["specialty_source_value"], provider["care_site_id"]) == ("208D00000X", noun("care_site", "o1"))
    assert row["care_site_id"] == one(rows(opened, "care_site"))["care_site_id"] == noun("care_site", "o1")
    assert outcomes(opened, kind="Encounter") == {"mapped": 1, "kept": 1}
    assert outcomes(opened, kind="Organization") == {"mapped": 1, "kept": 1}


def test_the_domain_of_a_condition_says_which_table(load: Load) -> None:
    opened = load(
        resource("Condition", id="c1", code=coded("38341003"), onsetDateTime="2020-01-02",
                 abatementDateTime="2020-01-09"),
        resource("Condition", id="c2", code=coded("160903007"), onsetDateTime="2020-01-02"),
        resource("Condition", id="c3", code=coded("1"), onsetDateTime="2012"),
        resource("Condition", id="c4", code=coded("38341003"), onsetDateTime="2020-01-02",
                 verificationStatus=coded("refuted")),
        resource("Condition", id="c5", code=coded("38341003")),
    )  # fmt: skip
    found = {row["condition_source_value"]: row for row in rows(opened, "condition_occurrence")}
    assert set(found) == {"38341003", "1"}
    assert (
        found["38341003"]["condition_concept_id"] > 0 and str(found["38341003"]["condition_end_date"]) == "2020-01-09"
    )
    assert (found["1"]["condition_concept_id"], str(found["1"]["condition_start_date"])) == (0, "2012-01-01")
    assert one(rows(opened, "observation"))["observation_source_value"] == "160903007"  # employment
    assert outcomes(opened, kind="Condition") == {"mapped": 3, "kept": 1, "quarantined": 1}  # the last has no day


def test_a_quantity_is_a_measurement_and_an_answer_an_observation(load: Load) -> None:
    about = {"effectiveDateTime": "2020-01-02T03:04:05+08:00", "encounter": {"reference": "urn:uuid:v1"}}
    quantity = {"value": 5.5, "comparator": "<", "unit": "kilogram", "code": "kg", "system": UCUM}
    opened = load(
        resource("Observation", id="o1", code=coded("29463-7", LOINC), valueQuantity=quantity, **about),
        resource("Observation", id="o2", code=coded("72166-2", LOINC),
                 valueCodeableConcept=coded("1", text="never"), **about),
        resource("Observation", id="o3", code=coded("x", "urn:own"), valueQuantity=quantity, **about),
        resource("Observation", id="o4", code=coded("x", "urn:own"), valueString="yes", **about),
        resource("Observation", id="o5", code=coded("x", "urn:own"), dataAbsentReason=coded("refused"), **about),
        resource("Observation", id="o6", code=coded("29463-7", LOINC),
                 status="entered-in-error", valueQuantity=quantity, **about),
    )  # fmt: skip
    weight, own = sorted(rows(opened, "measurement"), key=lambda row: -row["measurement_concept_id"])
    assert (weight["value_as_number"], weight["operator_concept_id"], weight["unit_source_value"]) == (
        5.5,
        4171756,
        "kilogram",
    )
    assert weight["unit_concept_id"] == 9529 and weight["visit_occurrence_id"] == noun("visit_occurrence", "v1")
    assert str(weight["measurement_datetime"]) == "2020-01-02 03:04:05"
    assert (own["measurement_concept_id"], own["value_as_number"], own["measurement_source_value"]) == (0, 5.5, "x")
    values = sorted((row["value_source_value"], row["value_as_string"]) for row in rows(opened, "observation"))
    assert values == [("1", "never"), ("refused", None), ("yes", "yes")]
    assert outcomes(opened, kind="Observation") == {"mapped": 5, "kept": 1}


def test_a_panel_gives_a_row_for_each_component_and_none_of_its_own(load: Load) -> None:
    panel = resource(
        "Observation", code=coded("85354-9", LOINC), effectiveDateTime="2020-01-02",
        component=[
            {"code": coded("8480-6", LOINC), "valueQuantity": {"value": 120, "code": "mm[Hg]"}},
            {"code": coded("8462-4", LOINC), "valueQuantity": {"value": 80, "code": "mm[Hg]"}},
            {"code": coded("y", "urn:own"), "valueString": "left arm"},
        ],
    )  # fmt: skip
    opened = load(panel)
    assert {row["measurement_source_value"]: row["value_as_number"] for row in rows(opened, "measurement")} == {
        "8480-6": 120.0, "8462-4": 80.0,
    }  # fmt: skip
    assert one(rows(opened, "observation"))["value_as_string"] == "left arm"
    assert outcomes(opened) == {"mapped": 1}


def test_a_medicine_stands_in_the_order_beside_it_or_in_a_resource_of_its_own(load: Load) -> None:
    order = {"authoredOn": "2020-01-02", "status": "active", "intent": "order"}
    beside = [{"resourceType": "Medication", "id": "m", "code": coded("2", RXNORM)}]
    supply = {"expectedSupplyDuration": {"value": 2, "code": "wk"}}
    opened = load(
        resource(
            "MedicationRequest", id="a", medicationCodeableConcept=coded("1", RXNORM), dispenseRequest=supply, **order
        ),
        resource("MedicationRequest", id="b", medicationReference={"reference": "#m"}, contained=beside, **order),
        resource("MedicationRequest", id="c", medicationReference={"reference": "Medication/m3"}, **order),
        resource(
            "MedicationRequest", id="d", medicationCodeableConcept=coded("1", RXNORM), **{**order, "intent": "plan"}
        ),
        Medication=[{"resourceType": "Medication", "id": "m3", "code": coded("3", RXNORM)}],
    )
    drugs = {row["drug_source_value"]: row for row in rows(opened, "drug_exposure")}
    assert set(drugs) == {"1", "2", "3"}
    assert (str(drugs["1"]["drug_exposure_end_date"]), drugs["1"]["days_supply"]) == ("2020-01-16", 14)
    assert {row["drug_type_concept_id"] for row in drugs.values()} == {32838}
    assert outcomes(opened, kind="MedicationRequest") == {"mapped": 3, "kept": 1}


def test_vaccines_supplies_and_devices(load: Load) -> None:
    opened = load(
        resource("Immunization", status="completed", occurrenceDateTime="2020-01-02", lotNumber="L7",
                 vaccineCode=coded("140", "http://hl7.org/fhir/sid/cvx")),
        resource("Immunization", id="r2", status="not-done", occurrenceDateTime="2020-01-02"),
        resource("SupplyDelivery", status="completed", occurrenceDateTime="2020-01-02",
                 suppliedItem={"quantity": {"value": 50}, "itemCodeableConcept": coded("337388004")}),
        {"resourceType": "Device", "id": "d1", "type": coded("72506001"), "udiCarrier": [{"deviceIdentifier": "U"}]},
        resource("DeviceUseStatement", status="active", device={"reference": "Device/d1"},
                 timingPeriod={"start": "2020-02-02"}),
    )  # fmt: skip
    vaccine = one(rows(opened, "drug_exposure"))
    assert (vaccine["drug_source_value"], vaccine["lot_number"], vaccine["drug_type_concept_id"]) == (
        "140",
        "L7",
        32818,
    )
    devices = {row["device_source_value"]: row for row in rows(opened, "device_exposure")}
    assert devices["337388004"]["quantity"] == 50
    assert (devices["72506001"]["unique_device_id"], str(devices["72506001"]["device_exposure_start_date"])) == (
        "U", "2020-02-02",
    )  # fmt: skip


def test_an_allergy_and_what_it_does(load: Load) -> None:
    allergy = resource(
        "AllergyIntolerance", code=coded("288328004"), recordedDate="2020-01-02", criticality="low",
        reaction=[{"manifestation": [coded("271807003", text="a rash")], "severity": "mild"}],
    )  # fmt: skip
    found = rows(load(allergy), "observation")
    assert {row["observation_source_value"] for row in found} == {"288328004"}
    assert sorted((row["value_as_string"], row["qualifier_source_value"]) for row in found) == [
        ("a rash", "mild"), ("as written", "low"),
    ]  # fmt: skip


def test_a_report_with_a_text_is_a_note_and_its_copy_is_not_a_second_one(load: Load) -> None:
    def packed(text: str, kind: str = "text/plain; charset=utf-8") -> dict[str, str]:
        return {"contentType": kind, "data": base64.b64encode(text.encode()).decode()}

    day = {"effectiveDateTime": "2020-01-02", "status": "final"}
    opened = load(
        resource("DiagnosticReport", code=coded("34117-2", LOINC), presentedForm=[packed("肝右叶占位")], **day),
        resource("DiagnosticReport", id="r2", code=coded("51990-0", LOINC), **day),
        resource("DocumentReference", id="d1", status="current", date="2020-01-02", type=coded("34117-2", LOINC),
                 identifier=[{"value": "urn:uuid:r1"}], content=[{"attachment": packed("肝右叶占位")}]),
        resource("DocumentReference", id="d2", status="current", date="2020-01-02", type=coded("34117-2", LOINC),
                 content=[{"attachment": packed("another")}]),
        resource("DocumentReference", id="d3", status="current", date="2020-01-02", type=coded("34117-2", LOINC),
                 content=[{"attachment": packed("no text", "application/pdf")}]),
    )  # fmt: skip
    assert sorted(row["note_text"] for row in rows(opened, "note")) == ["another", "肝右叶占位"]
    assert outcomes(opened, kind="DiagnosticReport") == {"mapped": 1, "kept": 1}
    assert outcomes(opened, kind="DocumentReference") == {"mapped": 1, "kept": 2}


def test_the_newer_version_stands_and_a_repetition_is_counted_once(load: Load) -> None:
    def version(number: int, day: str) -> dict[str, Any]:
        meta = {"versionId": str(number)}
        return resource("Condition", code=coded("38341003"), onsetDateTime=day, meta=meta)

    opened = load(version(10, "2020-01-10"), version(9, "2020-01-09"), version(10, "2020-01-10"))
    assert str(one(rows(opened, "condition_occurrence"))["condition_start_date"]) == "2020-01-10"
    assert outcomes(opened) == {"mapped": 1, "superseded": 1}


def test_what_has_no_place_in_the_model_is_kept_with_a_reason(load: Load) -> None:
    opened = load(resource("Claim"), resource("CarePlan"), resource("SomethingNew"))
    assert outcomes(opened) == {"kept": 3}
    assert all(row["reason"] for row in rows(opened, "record"))
