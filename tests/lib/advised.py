"""Decision support over invented patients: requests, rows, and packs that are changed in one place."""

import shutil
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import isthmus.apps.advice
from isthmus.apps.advice.pack.base import HERE

FOLDER = Path(isthmus.apps.advice.__file__).parent
PACKAGE = "isthmus.apps.advice"
DAY = date(2024, 3, 31)
BORN = {"gender_concept_id": 8507, "year_of_birth": 1960, "month_of_birth": 1, "day_of_birth": 1}
CREATININE, POTASSIUM, MG, UMOL, MMOL = 3016723, 3023103, 8840, 8749, 8753
METFORMIN, WARFARIN, IBUPROFEN, CIRRHOSIS, HEPATITIS_B, DIABETES = (
    2000001303,
    1310149,
    1177480,
    4064161,
    4281232,
    201826,
)


def person(number: int = 1, **given: Any) -> dict[str, Any]:
    """A man of 64, or what is given."""
    return {"person_id": number, **BORN, **given}


def result(number: int, concept: int, value: float, unit: int, day: str = "2024-03-31", who: int = 1) -> dict[str, Any]:
    """A result."""
    return {
        "measurement_id": number, "person_id": who, "measurement_concept_id": concept, "measurement_date": day,
        "value_as_number": value, "unit_concept_id": unit,
    }  # fmt: skip


def condition(number: int, concept: int, day: str = "2020-01-01", who: int = 1) -> dict[str, Any]:
    """A condition."""
    return {
        "condition_occurrence_id": number, "person_id": who, "condition_concept_id": concept,
        "condition_start_date": day,
    }  # fmt: skip


def drug(number: int, concept: int, day: str = "2024-03-25", end: str = "2024-04-01", who: int = 1) -> dict[str, Any]:
    """A drug."""
    return {
        "drug_exposure_id": number, "person_id": who, "drug_concept_id": concept, "drug_exposure_start_date": day,
        "drug_exposure_end_date": end,
    }  # fmt: skip


def request(hook: str = "patient-view", patient: str = "1", **context: Any) -> dict[str, Any]:
    """A call of a hook."""
    return {
        "hook": hook, "hookInstance": str(uuid4()),
        "context": {"userId": "Practitioner/1", "patientId": patient, **context},
    }  # fmt: skip


def order(system: str, code: str, name: str = "draft-1", **more: Any) -> dict[str, Any]:
    """A Bundle with one draft order of a drug."""
    resource = {
        "resourceType": "MedicationRequest", "id": name, "status": "draft", "intent": "order",
        "subject": {"reference": "Patient/1"},
        "medicationCodeableConcept": {"coding": [{"system": system, "code": code}]}, **more,
    }  # fmt: skip
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": resource}]}


def changed(folder: Path, files: Mapping[str, tuple[str, str]], name: str = "drugs") -> list[Path]:
    """The shipped packs, one of them copied with texts replaced: by file what stood there and what stands there now."""
    copy = folder / name
    shutil.copytree(HERE / name, copy)
    for file, (was, becomes) in files.items():
        text = (copy / file).read_text(encoding="utf-8") if (copy / file).exists() else ""
        assert was in text, (file, was)
        (copy / file).write_text(text.replace(was, becomes, 1) if was else text + becomes, encoding="utf-8")
    return [copy if one.name == name else one for one in sorted(HERE.iterdir()) if one.is_dir()]
