"""What the simulation calls covered is what the shipped packs know, with the same concepts."""

import csv

import pytest

from isthmus.mapping import pack as packs
from isthmus.simulation import catalogue
from isthmus.simulation.catalogue import Codes

PACKS = packs.SHIPPED


def known(pack: str, system: str) -> dict[str, int]:
    with (PACKS / pack / "codes" / f"{system}.csv").open(encoding="utf-8", newline="") as stream:
        return {row["code"]: int(row["concept_id"]) for row in csv.DictReader(stream)}


SYSTEMS = [
    ("sim-his", "diagnosis", "code", catalogue.conditions().codes),
    ("sim-his", "drug", "code", catalogue.drugs().codes),
    ("sim-his", "procedure", "code", catalogue.procedures()),
    ("sim-lis", "lab", "code", catalogue.tests().codes),
    ("sim-vendor", "diagnosis", "vendor", catalogue.conditions().codes),
    ("sim-vendor", "drug", "vendor", catalogue.drugs().codes),
    ("sim-vendor", "procedure", "vendor", catalogue.procedures()),
    ("sim-vendor", "lab", "vendor", catalogue.tests().codes),
]


@pytest.mark.parametrize(("pack", "system", "column", "codes"), SYSTEMS)
def test_a_pack_knows_the_codes_called_covered(pack: str, system: str, *, column: str, codes: Codes) -> None:
    written = getattr(codes, column).to_pylist()
    covered = {
        code: int(concept) for code, concept, one in zip(written, codes.concept, codes.covered, strict=True) if one
    }
    assert known(pack, system) == covered
    assert len(covered) < len(written)


@pytest.mark.parametrize("pack", ["sim-lis", "sim-vendor"])
def test_every_spelling_of_a_unit_is_known(pack: str) -> None:
    units, spelled = catalogue.units(), known(pack, "unit")
    for spelling in (units.spelling, units.other_spelling):
        assert [spelled[one] for one in spelling.to_pylist()] == units.concept.tolist()


def test_hl7_and_fhir_know_every_code_that_is_the_hospitals_own() -> None:
    local = known("sim-hl7", "local")
    for codes, system in (
        (catalogue.tests().codes, "hospital-lab"),
        (catalogue.drugs().codes, "hospital-drug"),
        (catalogue.procedures(), "hospital-procedure"),
    ):
        invented = {
            code: int(concept)
            for code, concept in zip(codes.code.to_pylist(), codes.concept, strict=True)
            if concept > 2_000_000_000
        }
        assert invented.items() <= known("sim-fhir", system).items()
        assert invented.items() <= local.items()
    answers = {
        f"{item.key}-{answer}": int(concept)
        for item in catalogue.items().values()
        for answer, concept in zip(item.answers, item.answer_concepts, strict=True)
    }
    assert known("sim-hl7", "99FORM") == answers
    assert answers.items() <= known("sim-fhir", "hospital-form").items()


@pytest.mark.parametrize("name", ["sim-hl7", "sim-fhir"])
def test_a_pack_that_extends_another_can_be_read(name: str) -> None:
    pack = packs.load(name)
    assert pack.name == name
    assert pack.keyspace == name.removeprefix("sim-")
    assert pack.records


@pytest.mark.parametrize("name", ["sim-his", "sim-lis", "sim-vendor", "sim-emr"])
def test_a_pack_can_be_read(name: str) -> None:
    pack = packs.load(name)
    assert pack.name == name
    assert pack.records
    assert all(record.key and record.person for record in pack.records)


@pytest.mark.parametrize("codes", [catalogue.conditions().codes, catalogue.drugs().codes, catalogue.procedures()])
def test_what_no_open_code_system_knows_has_no_open_code(codes: Codes) -> None:
    """Else exports would hold the name of OMOP's concept 0 where a hospital writes its own code."""
    nowhere = codes.concept == 0
    assert {bool(one) for one, mine in zip(codes.open_code.to_pylist(), nowhere, strict=True) if mine} <= {False}
    assert all(one is None or len(one.split()) <= 1 for one in codes.open_code.to_pylist())
