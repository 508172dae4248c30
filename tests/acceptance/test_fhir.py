"""FHIR R4 by Synthea, as three projects keep it, against counts made from the same files without Isthmus.

Sources: `fhir/smart-on-fhir+generated-sample-data` (143 transaction Bundles, 2019), `fhir/google+fhir-data-pipes` (42
Bundles, 2021, US Core), `fhir/aehrc+pathling` (Bundles and bulk NDJSON, 2021 to 2024), all Apache-2.0.
"""

import gzip
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from isthmus.flow.ingest import Report, ingest
from isthmus.flow.workspace import Workspace
from lib.workspace import loaded, rows

pytestmark = pytest.mark.acceptance

SOURCES = ("smart-on-fhir+generated-sample-data", "google+fhir-data-pipes", "aehrc+pathling")
CLASSES = {"AMB": 9202, "EMER": 9203, "IMP": 9201, "HH": 0}
# Tables of events, with the word that begins their columns.
TABLES = {
    "condition_occurrence": "condition", "procedure_occurrence": "procedure", "measurement": "measurement",
    "observation": "observation", "drug_exposure": "drug", "device_exposure": "device",
}  # fmt: skip


def resources_of(path: Path) -> list[dict[str, Any]]:
    """All resources of a file, read by other means than ours."""
    data = gzip.decompress(path.read_bytes())
    try:
        found = orjson.loads(data)
    except orjson.JSONDecodeError:
        return [orjson.loads(line) for line in data.splitlines() if line.strip()]
    return [entry["resource"] for entry in found["entry"]] if found["resourceType"] == "Bundle" else [found]


class Loaded:
    """One source: the resources as its files have them, and the workspace they were loaded into."""

    def __init__(self, outside: Path, folder: Path, source: str) -> None:
        self.name = source
        self.folder = folder / "export"
        self.folder.mkdir(parents=True)
        self.resources: list[dict[str, Any]] = []
        self._contents: set[bytes] = set()
        for number, path in enumerate(sorted((outside / "fhir" / source).rglob("*.json.gz"))):
            self._add(path, number)
        for number, path in enumerate(sorted((outside / "fhir" / source).rglob("*.ndjson.gz"))):
            self._add(path, 1000 + number)
        self.workspace: Workspace
        self.report: Report
        self.workspace, self.report = loaded(folder, {"fhir": (self.folder, "fhir-r4")})
        # Some files of a source hold the same resource: what counts below is each of them once.
        self.distinct = {(one["resourceType"], one["id"]): one for one in self.resources}
        self._tables: dict[str, list[dict[str, Any]]] = {}

    def _add(self, path: Path, number: int) -> None:
        shutil.copy(path, self.folder / f"{number:04}_{path.name}")
        # A file with the bytes of another is the same delivery, and lands once.
        if path.read_bytes() not in self._contents:
            self._contents.add(path.read_bytes())
            self.resources += resources_of(path)

    def rows(self, table: str) -> list[dict[str, Any]]:
        if table not in self._tables:
            self._tables[table] = rows(self.workspace, table)
        return self._tables[table]

    def of(self, kind: str) -> Iterator[dict[str, Any]]:
        return (one for (found, _), one in self.distinct.items() if found == kind)

    def accounts(self) -> dict[str, Counter[str]]:
        """Outcomes by kind of record, as the report of the ingest gives them."""
        found: dict[str, Counter[str]] = {}
        for parts in self.report.accounts.values():
            for part in parts:
                for kind, outcomes in part.items():
                    found.setdefault(kind, Counter()).update(outcomes)
        return found


@pytest.fixture(scope="module", params=SOURCES)
def source(request: pytest.FixtureRequest, outside: Path, tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    return Loaded(outside, tmp_path_factory.mktemp("fhir"), request.param)


def test_every_resource_is_accounted_for(source: Loaded) -> None:
    """Mapped, kept with a reason, or one of several equal ones; by type, as many as the files hold. None is a fault."""
    accounts = source.accounts()
    empty = accounts.pop("file", Counter())  # one file of Pathling's is empty
    expected = Counter(one["resourceType"] for one in source.resources)
    for kind, outcomes in sorted(accounts.items()):
        sys.stdout.write(f"{source.name} {kind}: {dict(outcomes)}\n")
    assert {kind: sum(outcomes.values()) for kind, outcomes in accounts.items()} == dict(expected)
    assert not any(outcomes["quarantined"] or outcomes["superseded"] for outcomes in accounts.values())
    assert empty.total() == (1 if source.name == "aehrc+pathling" else 0)


def test_what_is_kept_has_a_reason(source: Loaded) -> None:
    kept = [row for row in source.rows("record") if row["outcome"] == "kept"]
    assert kept and all(row["reason"] and row["reason"] != "no rule of the pack applies" for row in kept)


def test_persons_are_the_patients(source: Loaded) -> None:
    persons, patients = source.rows("person"), list(source.of("Patient"))
    assert len(persons) == len(patients)
    assert {row["person_source_value"] for row in persons} == {one["id"] for one in patients}
    women = sum(one["gender"] == "female" for one in patients)
    assert sum(row["gender_concept_id"] == 8532 for row in persons) == women > 0
    assert {row["person_source_value"]: row["year_of_birth"] for row in persons} == {
        one["id"]: int(one["birthDate"][:4]) for one in patients
    }


def test_deaths_are_those_of_the_patients(source: Loaded) -> None:
    names = {row["person_id"]: row["person_source_value"] for row in source.rows("person")}
    days = {names[row["person_id"]]: str(row["death_date"]) for row in source.rows("death")}
    assert days == {
        one["id"]: one["deceasedDateTime"][:10] for one in source.of("Patient") if "deceasedDateTime" in one
    }


def test_visits_by_class(source: Loaded) -> None:
    expected = Counter(one["class"]["code"] for one in source.of("Encounter"))
    assert Counter(row["visit_source_value"] for row in source.rows("visit_occurrence")) == expected
    assert all(row["visit_concept_id"] == CLASSES[row["visit_source_value"]] for row in source.rows("visit_occurrence"))


def test_every_value_of_an_observation_is_there(source: Loaded) -> None:
    """Numbers by LOINC code, from observations and their components; and every other answer."""
    numbers: Counter[tuple[str, float]] = Counter()
    answers: Counter[tuple[str, str]] = Counter()
    for one in source.of("Observation"):
        for item in (one, *one.get("component", ())):
            code = item["code"]["coding"][0]["code"]
            if "valueQuantity" in item:
                numbers[code, float(item["valueQuantity"]["value"])] += 1
            elif "valueCodeableConcept" in item:
                answers[code, item["valueCodeableConcept"]["coding"][0]["code"]] += 1
            elif "valueString" in item:
                answers[code, item["valueString"]] += 1
    places = {(row["part_id"], row["place"]) for row in source.rows("record") if row["kind"] == "Observation"}
    assert places
    found_numbers: Counter[tuple[str, float]] = Counter()
    found_answers: Counter[tuple[str, str]] = Counter()
    for table in ("measurement", "observation"):
        for row in source.rows(table):
            if (row["part_id"], row["place"]) not in places or row["value_source_value"] is None:
                continue
            code = row[f"{table}_source_value"]
            if row["value_as_number"] is not None:
                found_numbers[code, row["value_as_number"]] += 1
            else:
                found_answers[code, row["value_source_value"]] += 1
    assert found_numbers == numbers
    assert found_answers == answers


def test_every_event_leads_to_a_person_and_a_visit_that_are_there(source: Loaded) -> None:
    """Whatever the reference looked like: `urn:uuid:`, `Patient/`, or a search by identifier."""
    if source.name == "aehrc+pathling":
        pytest.skip("its NDJSON files are excerpts, which name patients and visits that are not among them")
    persons = {row["person_id"] for row in source.rows("person")}
    visits = {row["visit_occurrence_id"] for row in source.rows("visit_occurrence")}
    for table in TABLES:
        assert {row["person_id"] for row in source.rows(table)} <= persons, table
        assert {row["visit_occurrence_id"] for row in source.rows(table)} - {None} <= visits, table
    sites = {row["care_site_id"] for row in source.rows("care_site")}
    providers = {row["provider_id"] for row in source.rows("provider")}
    named = [row for row in source.rows("visit_occurrence") if row["provider_id"] is not None]
    assert {row["care_site_id"] for row in source.rows("visit_occurrence")} <= sites
    assert {row["provider_id"] for row in named} <= providers
    assert len(named) == sum(bool(one.get("participant")) for one in source.of("Encounter"))


def test_diagnoses_procedures_and_medicines_are_all_there(source: Loaded) -> None:
    """Each coded event is one row, whatever table its domain sends it to."""
    kinds = {(row["part_id"], row["place"]): row["kind"] for row in source.rows("record")}
    expected: Counter[tuple[str, str]] = Counter()
    fields = {
        "Condition": "code", "Procedure": "code", "MedicationRequest": "medicationCodeableConcept",
        "MedicationAdministration": "medicationCodeableConcept", "Immunization": "vaccineCode",
    }  # fmt: skip
    for kind, field in fields.items():
        expected.update((kind, one[field]["coding"][0]["code"]) for one in source.of(kind))
    found: Counter[tuple[str, str]] = Counter()
    for table, column in TABLES.items():
        for row in source.rows(table):
            kind = kinds[row["part_id"], row["place"]]
            if kind in fields:
                found[kind, row[f"{column}_source_value"]] += 1
    assert found == expected


def test_notes_are_the_texts_once_each(source: Loaded) -> None:
    """Synthea writes each text as DiagnosticReport and as DocumentReference."""
    texts = [one for one in source.of("DiagnosticReport") if one.get("presentedForm")]
    assert len(source.rows("note")) == len(texts)


def test_the_share_of_standard_concepts_is_printed(source: Loaded) -> None:
    for table, column in {"visit_occurrence": "visit", **TABLES, "note": "note_class"}.items():
        known = sum(row[f"{column}_concept_id"] > 0 for row in source.rows(table))
        sys.stdout.write(f"{source.name} {table}: {len(source.rows(table))} rows, {known} with a standard concept\n")
    if source.name == "smart-on-fhir+generated-sample-data":  # the starter vocabulary was made for such data
        for table in ("condition_occurrence", "measurement", "drug_exposure", "observation"):
            known = sum(row[f"{TABLES[table]}_concept_id"] > 0 for row in source.rows(table))
            assert known >= 0.95 * len(source.rows(table)), table


def test_the_same_bundles_again_add_nothing(source: Loaded) -> None:
    """Other bytes, the same resources: a bundle is packed anew under another name."""
    before = {name: len(rows(source.workspace, name)) for name in ("person", "visit_occurrence", *TABLES)}
    again = sorted(source.folder.glob("*.json.gz"))[:5]
    for path in again:
        # A blank at the end makes another delivery of it.
        (source.folder / f"again_{path.name}").write_bytes(gzip.compress(gzip.decompress(path.read_bytes()) + b"\n"))
    report = ingest(source.workspace)
    counts: Counter[str] = Counter()
    for parts in report.accounts.values():
        for part in parts:
            for outcomes in part.values():
                counts.update(outcomes)
    assert counts == {"duplicate": sum(len(resources_of(path)) for path in again)}
    assert {name: len(rows(source.workspace, name)) for name in before} == before
