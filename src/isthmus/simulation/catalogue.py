"""What hospitals can write: conditions, tests, drugs, operations, with local codes and the concepts they truly mean.

The tables lie beside this module in `catalogue/*.csv`. `covered` says whether the shipped packs know the code.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa

from isthmus.simulation.column import Floats, Ints, Mask

FOLDER = Path(__file__).parent / "catalogue"


def _read(name: str) -> list[dict[str, str]]:
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@dataclass(frozen=True, slots=True)
class Codes:
    """One code system of the simulated hospitals, one entry per row of its table.

    `code` is what HIS and LIS write, `vendor` what the vendor's system writes, `open_code` SNOMED, LOINC or RxNorm
    (empty where none is known). `role` groups entries that the course of a disease asks for.
    """

    code: pa.StringArray
    name: pa.StringArray
    vendor: pa.StringArray
    open_code: pa.StringArray
    concept: Ints
    covered: Mask
    role: Sequence[str]

    def find(self, role: str) -> int:
        """Row of the first entry with this role."""
        return self.role.index(role)

    def having(self, *roles: str) -> Ints:
        """Rows of all entries with one of these roles."""
        return np.array([row for row, role in enumerate(self.role) if role in roles], dtype=np.int64)


def _codes(rows: list[dict[str, str]], open_code: str, role: str = "role") -> Codes:
    return Codes(
        code=pa.array([row["code"] for row in rows]),
        name=pa.array([row["name"] for row in rows]),
        vendor=pa.array([row["vendor"] for row in rows]),
        open_code=pa.array([row[open_code] for row in rows]),
        concept=np.array([int(row["concept_id"]) for row in rows], dtype=np.int64),
        covered=np.array([row["covered"] == "1" for row in rows]),
        role=tuple(row[role] for row in rows),
    )


@dataclass(frozen=True, slots=True)
class Conditions:
    """Diagnoses; `weight` is how often each is met in ordinary care, for men (row 0) and women (row 1)."""

    codes: Codes
    weight: Floats
    treated_by: Sequence[str]


# First letters of an ICD-10 code → the group of drugs given for it; the longest match counts.
TREATED = {
    "I10": "bp", "I2": "cv", "I4": "cv", "I5": "bp", "I6": "cv", "E11": "dm", "E10": "dm", "E78": "lip", "J0": "pain",
    "J1": "abx", "J2": "resp", "J3": "all", "J4": "resp", "K2": "gi", "K3": "abx", "K8": "abx", "K5": "gi",
    "B18": "hbv",    "K74": "portal", "K76": "local", "M1": "gout", "M": "pain", "E0": "thy", "F": "psy", "G4": "psy",
    "R5": "pain",
    "L": "all", "N3": "abx", "A": "abx", "S": "pain", "C": "pain", "R0": "resp", "N": "asc", "H": "pain",
}  # fmt: skip


@cache
def conditions() -> Conditions:
    """The diagnoses."""
    rows = _read("conditions")
    weight = np.array([float(row["weight"]) for row in rows])
    man = np.where([row["sex"] == "F" for row in rows], 0.0, weight)
    woman = np.where([row["sex"] == "M" for row in rows], 0.0, weight)
    treated = tuple(
        next((TREATED[row["code"][:size]] for size in (3, 2, 1) if row["code"][:size] in TREATED), "inf")
        for row in rows
    )
    return Conditions(_codes(rows, "snomed"), np.stack([man / man.sum(), woman / woman.sum()]), treated)


@dataclass(frozen=True, slots=True)
class Tests:
    """Laboratory tests, measured in `unit`; some laboratories write `other_unit` = value × `factor`.

    `mean` is NaN for tests that answer negative or positive. Units are rows of `units()`, -1 for none.
    """

    codes: Codes
    key: Sequence[str]
    mean: Floats
    sd: Floats
    low: Floats
    high: Floats
    decimals: Ints
    unit: Ints
    other_unit: Ints
    factor: Floats
    other_decimals: Ints
    panels: Sequence[Ints]

    def row(self, key: str) -> int:
        """Row of a test by our own short name."""
        return self.key.index(key)


PANELS = ("cbc", "liver", "renal", "coag", "lipid", "dm", "virus", "marker", "inf", "misc")


def _number(text: str) -> float:
    return float(text) if text else float("nan")


@cache
def tests() -> Tests:
    """The laboratory tests."""
    rows = _read("labs")
    position = {ucum: row for row, ucum in enumerate(units().ucum)}
    return Tests(
        codes=_codes(rows, "loinc", "panel"),
        key=tuple(row["key"] for row in rows),
        mean=np.array([_number(row["mean"]) for row in rows]),
        sd=np.array([_number(row["sd"]) for row in rows]),
        low=np.array([_number(row["low"]) for row in rows]),
        high=np.array([_number(row["high"]) for row in rows]),
        decimals=np.array([int(row["decimals"] or 0) for row in rows], dtype=np.int64),
        unit=np.array([position.get(row["unit"], -1) for row in rows], dtype=np.int64),
        other_unit=np.array([position.get(row["other_unit"], -1) for row in rows], dtype=np.int64),
        factor=np.array([_number(row["factor"]) for row in rows]),
        other_decimals=np.array([int(row["other_decimals"] or 0) for row in rows], dtype=np.int64),
        panels=tuple(np.array([i for i, row in enumerate(rows) if row["panel"] == name]) for name in PANELS),
    )


@dataclass(frozen=True, slots=True)
class Units:
    """Units with their UCUM code, concept, and two ways in which laboratories spell them."""

    ucum: Sequence[str]
    concept: Ints
    spelling: pa.StringArray
    other_spelling: pa.StringArray


@cache
def units() -> Units:
    """The units of measurement."""
    rows = _read("units")
    return Units(
        ucum=tuple(row["ucum"] for row in rows),
        concept=np.array([int(row["concept_id"]) for row in rows], dtype=np.int64),
        spelling=pa.array([row["spelling"] for row in rows]),
        other_spelling=pa.array([row["other_spelling"] for row in rows]),
    )


@dataclass(frozen=True, slots=True)
class Drugs:
    """Drugs with their strength and the form that is counted."""

    codes: Codes
    strength: pa.StringArray
    form: pa.StringArray


@cache
def drugs() -> Drugs:
    """The drugs."""
    rows = _read("drugs")
    return Drugs(
        _codes(rows, "rxnorm"),
        pa.array([row["strength"] for row in rows]),
        pa.array([row["form"] for row in rows]),
    )


@cache
def procedures() -> Codes:
    """Operations, interventions and imaging."""
    return _codes(_read("procedures"), "snomed")


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the liver tumour form: a number, or one of `answers` (code written → concept id)."""

    key: str
    name: str
    concept: int
    table: str
    answers: Sequence[str]
    answer_concepts: Ints


@cache
def items() -> dict[str, Item]:
    """What the liver tumour form asks, by our own short name."""
    answers = _read("values")
    return {
        row["key"]: Item(
            key=row["key"],
            name=row["name"],
            concept=int(row["concept_id"]),
            table=row["domain"].lower(),
            answers=tuple(one["code"] for one in answers if one["item"] == row["key"]),
            answer_concepts=np.array(
                [int(one["concept_id"]) for one in answers if one["item"] == row["key"]], dtype=np.int64
            ),
        )
        for row in _read("items")
    }


@cache
def note_kinds() -> tuple[pa.StringArray, Ints]:
    """Names and concepts of the kinds of free text: admission, imaging, pathology, operation, chemoembolisation."""
    rows = _read("notes")
    return pa.array([row["name"] for row in rows]), np.array([int(row["concept_id"]) for row in rows], dtype=np.int64)
