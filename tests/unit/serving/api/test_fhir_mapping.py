"""The mapping from OMOP to FHIR, by itself: what stands where, what is left out, what a parameter compares."""

from datetime import date
from typing import Any

import pytest

from isthmus.serving.api.fhir import reading, search
from isthmus.serving.api.fhir.mapping import Resource, codes, resources, system_of, systems, vocabulary_of
from isthmus.serving.api.problem import Problem

EVERYTHING = {
    name: frozenset(
        {one.id, *one.needs}
        | {part for each in one.elements for part in (each.column, each.text, each.unit, each.comparator) if part}
    )
    for name, one in resources().items()
}
LAB: dict[str, Any] = {
    "measurement_id": "a" * 32, "person_id": "b" * 32, "visit_occurrence_id": None,
    "measurement_date": date(2024, 2, 9),
    "measurement_concept_id": 3009306, "measurement_concept_id__code": "1834-1",
    "measurement_concept_id__name": "AFP", "measurement_concept_id__vocabulary": "LOINC",
    "measurement_source_value": "甲胎蛋白", "value_as_number": 12.5, "operator_concept_id": 4171756,
    "unit_concept_id": 8842, "unit_concept_id__code": "ng/mL", "unit_concept_id__name": "nanogram per milliliter",
    "unit_concept_id__vocabulary": "UCUM", "value_as_concept_id": 9191, "value_as_concept_id__code": "10828004",
    "value_as_concept_id__name": "positive", "value_as_concept_id__vocabulary": "SNOMED", "range_low": 0.0,
    "range_high": 7.0,
}  # fmt: skip


def lab(**changed: Any) -> dict[str, Any]:
    return reading.read(resources()["Observation"], {**LAB, **changed}, EVERYTHING["Observation"], 7)


def test_a_result_says_code_value_unit_comparator_and_range() -> None:
    found = lab()
    assert [one["system"] for one in found["code"]["coding"]] == [
        "http://loinc.org",
        "https://fhir-terminology.ohdsi.org",
    ]
    assert found["code"]["text"] == "甲胎蛋白"
    unit = {"unit": "ng/mL", "system": "http://unitsofmeasure.org", "code": "ng/mL"}
    assert found["valueQuantity"] == {"value": 12.5, "comparator": "<", **unit}
    assert found["referenceRange"] == [{"low": {"value": 0.0, **unit}, "high": {"value": 7.0, **unit}}]
    assert "valueCodeableConcept" not in found and "encounter" not in found
    assert found["meta"]["source"] == "urn:isthmus:edition:7" and found["effectiveDateTime"] == "2024-02-09"


def test_a_result_in_words_is_a_concept() -> None:
    found = lab(value_as_number=None)
    assert "valueQuantity" not in found
    assert found["valueCodeableConcept"]["coding"][0]["code"] == "10828004"


def test_what_names_no_concept_says_so_where_it_must() -> None:
    found = lab(measurement_concept_id=0, measurement_source_value=None, value_as_concept_id=0, value_as_number=None)
    assert found["code"] == {"text": "unknown"}
    assert "valueCodeableConcept" not in found


def test_columns_that_the_grant_does_not_hold_are_left_out() -> None:
    held = frozenset({"measurement_id", "person_id", "measurement_concept_id"})
    found = reading.read(resources()["Observation"], LAB, held, 7)
    assert found.keys() == {"resourceType", "id", "meta", "status", "category", "code", "subject"}
    assert found["code"]["text"] == "AFP"


def test_fixed_parts_are_not_shared_between_resources() -> None:
    first = lab()
    first["category"][0]["coding"][0]["code"] = "altered"
    assert lab()["category"][0]["coding"][0]["code"] == "laboratory"


def test_values_are_put_where_paths_lead() -> None:
    found: dict[str, Any] = {}
    reading.put(found, "content[0].attachment.title", "report")
    reading.put(found, "content[0].attachment", {"data": "eA=="})
    reading.put(found, "type[0]", {"text": "x"})
    reading.put(found, "period.start", "2024")
    assert found == {
        "content": [{"attachment": {"title": "report", "data": "eA=="}}], "type": [{"text": "x"}],
        "period": {"start": "2024"},
    }  # fmt: skip


def condition(resource: str, name: str, value: str) -> str:
    one: Resource = resources()[resource]
    held = EVERYTHING[resource] | {parameter.column for parameter in one.search.values()}
    (found,) = search.read(one, [(name, value)], held, 100).conditions
    return found


@pytest.mark.parametrize(
    ("said", "compared"),
    [
        ("2024-02", "((t.measurement_date >= DATE '2024-02-01' AND t.measurement_date <= DATE '2024-02-29'))"),
        ("gt2024", "(t.measurement_date > DATE '2024-12-31')"),
        ("le2024-02-09T10:00:00Z", "(t.measurement_date <= DATE '2024-02-09')"),
        ("ne2024-02-09", "((t.measurement_date < DATE '2024-02-09' OR t.measurement_date > DATE '2024-02-09'))"),
    ],
)
def test_a_date_stands_for_all_its_days(said: str, compared: str) -> None:
    assert condition("Observation", "date", said) == compared


def test_codes_of_a_set_and_all_others() -> None:
    assert (
        condition("Patient", "gender", "male,female")
        == "((t.gender_concept_id IN (8507)) OR (t.gender_concept_id IN (8532)))"
    )
    assert "NOT IN (8507, 8532, 8521)" in condition("Patient", "gender", "unknown")
    assert condition("Patient", "gender", "blue") == "(1 = 0)"


def test_a_quote_stays_inside_its_text() -> None:
    assert condition("Observation", "code", "x' OR '1'='1") == (
        "((t_measurement_concept_id_c.concept_code = 'x'' OR ''1''=''1'))"
    )


@pytest.mark.parametrize("value", ["", "2024-13", "2024-02-30", "24", "soon", "gt", "2024-02-09 x"])
def test_what_is_no_date_is_refused(value: str) -> None:
    with pytest.raises(Problem, match="takes a day"):
        condition("Observation", "date", value)


def test_every_system_leads_back_to_its_vocabulary() -> None:
    for name in systems():
        assert vocabulary_of(system_of(name)) == name
    assert vocabulary_of(system_of("CHPS 2020")) == "CHPS 2020"
    assert vocabulary_of("urn:nothing") == ""


def test_every_set_that_elements_use_names_what_else_there_is() -> None:
    for resource in resources().values():
        for one in resource.elements:
            assert not one.codes or None in codes()[one.codes]
