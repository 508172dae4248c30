"""What a CDM really holds: tables, columns and numbers of rows; and what of it a check needs."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from isthmus.quality.checks.catalogue import Check

# Columns that a source reads beside the fields of a check; `table` stands for the check's own table.
NEEDS: Mapping[str, str] = {
    "people": "table.person_id person.person_id person.birth_datetime person.year_of_birth person.month_of_birth"
    " person.day_of_birth",
    "deaths": "table.person_id death.person_id death.death_date",
    "visits": "table.visit_occurrence_id visit_occurrence.visit_occurrence_id visit_occurrence.visit_start_date"
    " visit_occurrence.visit_end_date",
    "concepts": "concept.concept_id concept.domain_id concept.concept_class_id concept.standard_concept"
    " concept.invalid_reason",
    "genders": "table.person_id person.person_id person.gender_concept_id",
    "units": "table.unit_concept_id",
    "persons": "person.person_id table.person_id",
    "conditions": "condition_occurrence.person_id condition_occurrence.condition_concept_id table.person_id",
    "overlaps": "table.person_id table.observation_period_id table.observation_period_start_date"
    " table.observation_period_end_date",
}
ALSO: Mapping[str, str] = {
    "plausibleGenderUseDescendants": "concept_ancestor.ancestor_concept_id concept_ancestor.descendant_concept_id"
}


@dataclass(frozen=True, slots=True)
class Held:
    """A table that is there: its columns by name in lower case, and its number of rows.

    What is known without looking at the rows may be told too: `nulls` says how many rows have no value in a column,
    `ranges` the least and the greatest of its values (whole numbers, days or moments; never approximate).
    """

    columns: Mapping[str, pa.DataType]
    rows: int
    nulls: Mapping[str, int] = field(default_factory=dict)
    ranges: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)

    def is_blank(self, column: str) -> bool:
        """Whether it is known that no row has a value in this column."""
        return self.nulls.get(column) == self.rows

    def only(self, column: str) -> int | None:
        """The whole number that all rows are known to have in a column, or None."""
        least, greatest = self.ranges.get(column, (None, None))
        is_same = isinstance(least, int) and least == greatest and self.nulls.get(column) == 0
        return least if is_same else None

    def renamed(self, names: Mapping[str, str]) -> "Held":
        """The same table with other names for some of its columns."""
        return Held(
            {names.get(name, name): kind for name, kind in self.columns.items()},
            self.rows,
            {names.get(name, name): count for name, count in self.nulls.items()},
            {names.get(name, name): values for name, values in self.ranges.items()},
        )


Layout = Mapping[str, Held]
"""The tables that a CDM holds, by name in lower case."""


def held(schema: pa.Schema, rows: int, **known: Mapping[str, Any]) -> Held:
    """A table as its Arrow schema tells it, with what is known of its columns."""
    told = {name: {column.lower(): value for column, value in values.items()} for name, values in known.items()}
    return Held({column.name.lower(): column.type for column in schema}, rows, **told)


def is_missing(check: Check, layout: Layout) -> str:
    """Why the check has no table or no field to look at; an empty text where it has."""
    if check.table not in layout:
        return f"Table {check.table.upper()} is not there."
    if check.field and check.field not in layout[check.table].columns:
        return f"Field {check.table.upper()}.{check.field.upper()} is not there."
    return ""


def is_blocked(check: Check, layout: Layout) -> str:
    """Why the check cannot be run though its field is there: what it reads beside it is not. Empty where it can."""
    return _lacks(_reads(check), layout)


def lacks(over: str, check: Check, layout: Layout) -> bool:
    """Whether a column that a source reads for a check is not there."""
    return bool(_lacks(_needs(over, check), layout))


def _lacks(columns: Iterable[tuple[str, str]], layout: Layout) -> str:
    for table, column in columns:
        if table not in layout:
            return f"Table {table.upper()} is not there, and this check reads it."
        if column not in layout[table].columns:
            return f"Field {table.upper()}.{column.upper()} is not there, and this check reads it."
    return ""


def _needs(key: str, check: Check, needs: Mapping[str, str] = NEEDS) -> Iterator[tuple[str, str]]:
    for one in needs.get(key, "").split():
        table, _, column = one.partition(".")
        yield check.table if table == "table" else table, column


def _reads(check: Check) -> Iterator[tuple[str, str]]:
    yield from _needs(check.type.over, check)
    yield from _needs(check.type.name, check, ALSO)
    yield from ((check.table, column) for column in check.compared)
    table, column = check.target
    if column:
        yield table, column
