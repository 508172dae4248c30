"""The 39 tables of the OMOP CDM 5.4, as values built from `cdm54.csv`.

The file holds facts only (names, types, keys, lengths), taken from the field-level specification of the OHDSI Common
Data Model 5.4. Two departures, both about width: every integer column that is an identity (`*_id`, `*_id_1`, `*_id_2`)
is a bigint here, because our event ids are 63-bit digests; concept ids are widened with them, so that one rule holds
for all identities and nobody must remember which of two integer widths joins with which.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType
from typing import Literal, cast, get_args

import pyarrow as pa

Type = Literal["integer", "bigint", "float", "date", "datetime", "text"]
Group = Literal["clinical", "system", "economics", "derived", "vocabulary", "metadata", "results"]

ARROW: Mapping[str, pa.DataType] = MappingProxyType(
    {
        "integer": pa.int32(),
        "bigint": pa.int64(),
        "float": pa.float64(),
        "date": pa.date32(),
        "datetime": pa.timestamp("us"),
        "text": pa.string(),
    }
)
"""Each type of the model as Arrow stores it; a datetime is local time at the site, in microseconds."""


@dataclass(frozen=True)
class Column:
    """A column of a CDM table.

    `length` is the greatest number of characters the model allows (None: no limit, or not a text); `foreign` is the
    table and column that a value points to.
    """

    name: str
    type: Type
    required: bool
    key: bool = False
    foreign: tuple[str, str] | None = None
    length: int | None = None

    @property
    def arrow(self) -> pa.DataType:
        return ARROW[self.type]


@dataclass(frozen=True)
class Table:
    """A table of the CDM, its columns in the order of the specification."""

    name: str
    columns: tuple[Column, ...]
    group: Group

    def column(self, name: str) -> Column:
        """The column of that name; KeyError where the table has none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.name} has no column {name!r}; it has {', '.join(c.name for c in self.columns)}")

    @property
    def primary_key(self) -> str | None:
        """The column that identifies a row; None for tables that the model gives no key (death, cohort, …)."""
        return next((column.name for column in self.columns if column.key), None)

    @property
    def person(self) -> bool:
        """Does a row belong to a person?"""
        return any(column.name == "person_id" for column in self.columns)

    @property
    def dates(self) -> tuple[str, str] | None:
        """Start and end date columns by which a row shows that its person was under observation.

        Both are the same column where the model knows one date only. None for tables that are no evidence of
        contact: derived eras, which repeat their events, and insurance cover, which runs without anyone being seen.
        """
        return DATES.get(self.name)

    @property
    def schema(self) -> pa.Schema:
        """The table as an Arrow schema, required columns not nullable."""
        return pa.schema([pa.field(column.name, column.arrow, nullable=not column.required) for column in self.columns])


GROUPS: Mapping[Group, str] = MappingProxyType(
    {
        "clinical": "person observation_period visit_occurrence visit_detail condition_occurrence drug_exposure"
        " procedure_occurrence device_exposure measurement observation death note note_nlp specimen fact_relationship",
        "system": "location care_site provider",
        "economics": "payer_plan_period cost",
        "derived": "drug_era dose_era condition_era episode episode_event",
        "metadata": "metadata cdm_source",
        "vocabulary": "concept vocabulary domain concept_class concept_relationship relationship concept_synonym"
        " concept_ancestor source_to_concept_map drug_strength",
        "results": "cohort cohort_definition",
    }
)

DATES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "visit_occurrence": ("visit_start_date", "visit_end_date"),
        "visit_detail": ("visit_detail_start_date", "visit_detail_end_date"),
        "condition_occurrence": ("condition_start_date", "condition_end_date"),
        "drug_exposure": ("drug_exposure_start_date", "drug_exposure_end_date"),
        "procedure_occurrence": ("procedure_date", "procedure_end_date"),
        "device_exposure": ("device_exposure_start_date", "device_exposure_end_date"),
        "measurement": ("measurement_date", "measurement_date"),
        "observation": ("observation_date", "observation_date"),
        "death": ("death_date", "death_date"),
        "note": ("note_date", "note_date"),
        "specimen": ("specimen_date", "specimen_date"),
    }
)

_VISITS_53 = {
    "admitting_source_concept_id": "admitted_from_concept_id",
    "admitting_source_value": "admitted_from_source_value",
    "discharge_to_concept_id": "discharged_to_concept_id",
    "discharge_to_source_value": "discharged_to_source_value",
}

RENAMED_53: Mapping[tuple[str, str], str] = MappingProxyType(
    {("visit_occurrence", old): new for old, new in _VISITS_53.items()}
    | {("visit_detail", old): new for old, new in _VISITS_53.items()}
    | {("visit_detail", "visit_detail_parent_id"): "parent_visit_detail_id"}
)
"""(table, column of CDM 5.3) → column of CDM 5.4. Columns that are new in 5.4 have no older name and stay null."""


def _column(row: Mapping[str, str]) -> Column:
    if row["type"] not in get_args(Type):
        raise ValueError(f"cdm54.csv: {row['table']}.{row['column']} has unknown type {row['type']!r}")
    table, _, column = row["foreign"].partition(".")
    return Column(
        name=row["column"],
        type=cast(Type, row["type"]),
        required=row["required"] == "yes",
        key=row["key"] == "yes",
        foreign=(table, column) if table else None,
        length=int(row["length"]) if row["length"] else None,
    )


def _read() -> Mapping[str, Table]:
    columns: dict[str, list[Column]] = {}
    lines = (files("isthmus.cdm") / "cdm54.csv").read_text(encoding="utf-8").splitlines()
    for row in csv.DictReader(lines):
        columns.setdefault(row["table"], []).append(_column(row))
    groups = {name: group for group, names in GROUPS.items() for name in names.split()}
    return MappingProxyType({name: Table(name, tuple(found), groups[name]) for name, found in columns.items()})


TABLES: Mapping[str, Table] = _read()
"""Every table of the CDM 5.4 by name, in the order of the specification."""
