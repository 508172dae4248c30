"""Synthea's CSV export, old and new columns, against counts made from the same files with plain Python.

Sources: `ohdsi/dbt-synthea/seeds/synthea` (27 patients, 18 files, Apache-2.0) and `fhir/NACHC-CAD+fhir-to-omop` (April
2020, 1,171 patients, the 7 files that its archive holds, Apache-2.0).
"""

import csv
import io
import shutil
import sys
import tarfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from isthmus.flow.ingest import Report
from isthmus.flow.workspace import Workspace
from lib.workspace import loaded, rows

pytestmark = pytest.mark.acceptance

VISITS = {
    "ambulatory": 9202,
    "outpatient": 9202,
    "wellness": 9202,
    "urgentcare": 8782,
    "emergency": 9203,
    "inpatient": 9201,
}
ARCHIVE = "NACHC-CAD+fhir-to-omop"


class Loaded:
    """One source: the rows as its files have them, and the workspace they were loaded into."""

    def __init__(self, outside: Path, folder: Path, source: str) -> None:
        self.name = source
        export = folder / "export"
        self.files: dict[str, list[dict[str, str]]] = {}
        if source == ARCHIVE:
            export.mkdir(parents=True)
            (archive,) = (outside / "fhir" / ARCHIVE).glob("*.tar.gz")
            shutil.copy(archive, export)  # as it was delivered: it is opened by the intake
            with tarfile.open(archive) as members:
                for member in members:
                    content = members.extractfile(member)
                    if content is not None:
                        self._read(Path(member.name).stem, content.read())
        else:
            shutil.copytree(outside / "ohdsi" / source / "seeds" / "synthea", export)
            for path in export.glob("*.csv"):
                self._read(path.stem, path.read_bytes())
        self.workspace: Workspace
        self.report: Report
        self.workspace, self.report = loaded(folder, {"csv": (export, "synthea-csv")})

    def _read(self, name: str, content: bytes) -> None:
        self.files[name] = list(csv.DictReader(io.StringIO(content.decode("utf-8"), newline="")))

    def rows(self, table: str) -> list[dict[str, Any]]:
        return rows(self.workspace, table)

    def accounts(self) -> dict[str, Counter[str]]:
        found: dict[str, Counter[str]] = {}
        for parts in self.report.accounts.values():
            for part in parts:
                for kind, outcomes in part.items():
                    found.setdefault(kind, Counter()).update(outcomes)
        return found


@pytest.fixture(scope="module", params=["dbt-synthea", ARCHIVE])
def source(request: pytest.FixtureRequest, outside: Path, tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    return Loaded(outside, tmp_path_factory.mktemp("csv"), request.param)


def test_every_row_is_accounted_for(source: Loaded) -> None:
    """Mapped, kept with a reason, or one of several identical rows."""
    accounts = source.accounts()
    for kind, outcomes in sorted(accounts.items()):
        sys.stdout.write(f"{source.name} {kind}: {dict(outcomes)}\n")
    expected = {name: len(listed) for name, listed in source.files.items()}
    assert {kind: sum(outcomes.values()) for kind, outcomes in accounts.items()} == expected
    identical = {
        name: len(listed) - len({tuple(row.values()) for row in listed}) for name, listed in source.files.items()
    }
    assert {kind: outcomes["duplicate"] for kind, outcomes in accounts.items()} == identical
    assert not any(outcomes["quarantined"] or outcomes["superseded"] for outcomes in accounts.values())


def test_persons_are_the_patients(source: Loaded) -> None:
    patients, persons = source.files["patients"], source.rows("person")
    assert len(persons) == len(patients) == {"dbt-synthea": 27, ARCHIVE: 1171}[source.name]
    assert Counter(row["gender_concept_id"] for row in persons) == Counter(
        {"F": 8532, "M": 8507}[row["GENDER"]] for row in patients
    )
    assert {row["person_source_value"]: f"{row['birth_datetime']:%Y-%m-%d}" for row in persons} == {
        row["Id"]: row["BIRTHDATE"] for row in patients
    }


def test_deaths_are_those_of_the_patients(source: Loaded) -> None:
    names = {row["person_id"]: row["person_source_value"] for row in source.rows("person")}
    assert {names[row["person_id"]]: str(row["death_date"]) for row in source.rows("death")} == {
        row["Id"]: row["DEATHDATE"] for row in source.files["patients"] if row["DEATHDATE"]
    }


def test_visits_by_class(source: Loaded) -> None:
    expected = Counter(VISITS[row["ENCOUNTERCLASS"]] for row in source.files.get("encounters", ()))
    assert Counter(row["visit_concept_id"] for row in source.rows("visit_occurrence")) == expected


def test_numbers_by_code(source: Loaded) -> None:
    """Every numeric value of observations.csv, and none that is not."""
    expected = Counter(
        (row["CODE"], float(row["VALUE"])) for row in source.files.get("observations", ()) if row["TYPE"] == "numeric"
    )
    found = Counter(
        (row[f"{table}_source_value"], row["value_as_number"])
        for table in ("measurement", "observation")
        for row in source.rows(table)
        if row["value_as_number"] is not None
    )
    assert found == expected


def test_codes_are_all_there(source: Loaded) -> None:
    """Each coded row of a file is one row of the model, whatever table its domain sends it to."""
    kinds = {(row["part_id"], row["place"]): row["kind"] for row in source.rows("record")}
    files = ("conditions", "procedures", "medications", "immunizations", "devices", "supplies", "observations")
    expected = Counter(
        (name, *one)
        for name in files
        for one in {tuple(row.items()): row["CODE"] for row in source.files.get(name, ())}.items()
    )
    wanted = Counter((name, code) for name, _, code in expected.elements())
    found: Counter[tuple[str, str]] = Counter()
    tables = {
        "condition_occurrence": "condition", "procedure_occurrence": "procedure", "measurement": "measurement",
        "observation": "observation", "drug_exposure": "drug", "device_exposure": "device",
    }  # fmt: skip
    for table, column in tables.items():
        for row in source.rows(table):
            kind = kinds[row["part_id"], row["place"]]
            if kind in files:
                found[kind, row[f"{column}_source_value"]] += 1
    assert found == wanted


def test_insurance_periods_name_the_insurer(source: Loaded) -> None:
    names = {row["Id"]: row["NAME"] for row in source.files.get("payers", ())}
    expected = Counter(names[row["PAYER"]] for row in source.files.get("payer_transitions", ()))
    assert Counter(row["payer_source_value"] for row in source.rows("payer_plan_period")) == expected
