"""A small registry pack and a small CDM for it: what tests change, and how a registry is built from the two."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import pyarrow as pa

from isthmus.gate.desk import Desk
from isthmus.research.registries.build import Registry, build
from isthmus.research.registries.item import COLUMNS
from isthmus.research.registries.pack import load
from lib import cdm

Rows = list[dict[str, Any]]
CANCER, ALBUMIN, BILIRUBIN, STAGE, STAGE_A, STAGE_B, RESECTION, DRUG, WOMAN, MAN = (
    11, 3024561, 3024128, 21, 22, 23, 31, 41, 8532, 8507,
)  # fmt: skip
GRAM_PER_LITRE, GRAM_PER_DECILITRE, MILLIGRAM_PER_DECILITRE = 8636, 8713, 8840
UNITS = {GRAM_PER_LITRE: "g/L", GRAM_PER_DECILITRE: "g/dL", MILLIGRAM_PER_DECILITRE: "mg/dL"}
HEAD = """
registry: tiny
version: "1"
title: {en: A tiny registry, zh: 小登记}
cases:
  concepts: {cancer: [11]}
  enter: [{condition: cancer}]
groups:
  - {group: person, en: Person, zh: 人, row: patient}
  - {group: laboratory, en: Laboratory, zh: 检验, row: patient}
"""


def item(name: str, kind: str, found: str = "", **cells: str) -> dict[str, str]:
    """A row of items/, with names."""
    return {"item": name, "en": name, "zh": name, "type": kind, "from": found, "need": "core"} | cells


def sheet(rows: Sequence[Mapping[str, str]], columns: Sequence[str] | None = None) -> str:
    """Rows as CSV, the columns those of the first row."""
    text = StringIO()
    names = list(columns or rows[0])
    writer = csv.DictWriter(text, names, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def write(folder: Path, groups: Mapping[str, Sequence[Mapping[str, str]]], head: str = HEAD, **files: str) -> Path:
    """A pack below a folder: items by group, and other files, `_` for the dot of their name."""
    (folder / "items").mkdir(parents=True, exist_ok=True)
    (folder / "registry.yaml").write_text(head, encoding="utf-8")
    for group, rows in groups.items():
        (folder / "items" / f"{group}.csv").write_text(sheet(rows, COLUMNS), encoding="utf-8")
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text, encoding="utf-8")
    return folder


def measured(person: int, concept: int, day: str, value: float | None, unit: int = 0, **more: Any) -> dict[str, Any]:
    """A row of `measurement`."""
    return {
        "measurement_id": 1, "person_id": person, "measurement_concept_id": concept, "measurement_date": day,
        "value_as_number": value, "unit_concept_id": unit, "measurement_type_concept_id": 32817, "site": "h1",
        "part_id": 1, "place": int(day.replace("-", "")),
    } | more  # fmt: skip


def observed(person: int, concept: int, day: str, **more: Any) -> dict[str, Any]:
    """A row of `observation`."""
    return {
        "observation_id": 1, "person_id": person, "observation_concept_id": concept, "observation_date": day,
        "observation_type_concept_id": 32817, "site": "h1", "part_id": 2, "place": int(day.replace("-", "")),
    } | more  # fmt: skip


def tables(people: Iterable[int] = (1,), **more: Rows) -> dict[str, Any]:
    """Persons who have cancer since 2020-03-01 and are observed from 2019 to 2021, at the site h1."""
    chosen = list(people)
    concepts = [CANCER, ALBUMIN, BILIRUBIN, STAGE, STAGE_A, STAGE_B, RESECTION, DRUG]
    found: dict[str, Any] = {
        "concept": [{"concept_id": one, "concept_name": str(one), "domain_id": "Any"} for one in concepts]
        + [{"concept_id": one, "concept_code": code, "domain_id": "Unit", "vocabulary_id": "UCUM"}
           for one, code in UNITS.items()],
        "person": [
            {"person_id": one, "gender_concept_id": WOMAN, "year_of_birth": 1950, "month_of_birth": 6,
             "day_of_birth": 15, "site": "h1", "part_id": 9, "place": one}
            for one in chosen
        ],
        "observation_period": [
            {"observation_period_id": one, "person_id": one, "observation_period_start_date": "2019-01-01",
             "observation_period_end_date": "2021-12-31", "site": "h1"}
            for one in chosen
        ],
        "condition_occurrence": [
            {"condition_occurrence_id": one, "person_id": one, "condition_concept_id": CANCER,
             "condition_start_date": "2020-03-01", "site": "h1"}
            for one in chosen
        ],
    }  # fmt: skip
    for name, rows in more.items():
        found[name] = [*found.get(name, []), *rows]
    return found


def built(
    tmp_path: Path, pack: Path, data: Mapping[str, Any], parts: int | None = None
) -> tuple[Registry, dict[str, Rows]]:
    """The registry of a pack over rows of a CDM: what was counted, and the rows of its tables."""
    with cdm.desk(tmp_path, data) as desk:
        return at(desk, pack, parts)


def at(desk: Desk, pack: Path, parts: int | None = None) -> tuple[Registry, dict[str, Rows]]:
    """The same at a desk."""
    found: dict[str, list[pa.Table]] = {}
    registry = build(desk, load(pack), lambda name, rows: found.setdefault(name, []).append(rows), parts=parts)
    return registry, {name: pa.concat_tables(pieces).to_pylist() for name, pieces in found.items()}
