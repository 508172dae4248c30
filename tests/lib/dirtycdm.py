"""A small invented CDM in which everything happens that a profile must bear.

Persons who are not in their table, or in no period; periods that overlap, touch, or end before they start; missing
concepts, units and values; visits without a care site; whole years and months; ages below zero.
"""

import random
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

import pyarrow as pa

from isthmus.cdm.tables import ARROW, TABLES, Column

PEOPLE, VISITS = 40, 30
ROWS: Mapping[str, int] = {
    "person": PEOPLE, "observation_period": 70, "visit_occurrence": VISITS * 3, "visit_detail": 60,
    "condition_occurrence": 300, "drug_exposure": 260, "procedure_occurrence": 200, "device_exposure": 80,
    "measurement": 400, "observation": 260, "death": 15, "note": 40, "specimen": 20, "location": 8, "care_site": 6,
    "provider": 12, "payer_plan_period": 60, "drug_era": 120, "condition_era": 120,
}  # fmt: skip
Draw = Callable[[random.Random, int], Any]


def made(seed: int) -> Mapping[str, pa.Table]:
    """The tables of one such CDM, in the columns and types of the CDM 5.4."""
    draw = random.Random(seed)
    return {name: _table(name, rows, draw) for name, rows in ROWS.items()}


def _table(name: str, rows: int, draw: random.Random) -> pa.Table:
    columns = {column.name: [_value(name, column, draw, row) for row in range(rows)] for column in TABLES[name].columns}
    for first in [key for key in columns if key.endswith("start_date")]:
        last = first.replace("start_date", "end_date")
        if last in columns:
            columns[last] = [start + timedelta(draw.choice(LENGTHS)) for start in columns[first]]
    if name == "observation_period":
        _whole(columns, draw)
    schema = pa.schema([(column.name, ARROW[column.type]) for column in TABLES[name].columns])
    return pa.table(columns, schema=schema)


LENGTHS = (-40, -29, -1, 0, 0, 1, 3, 30, 31, 59, 364, 365, 366, 800, 4000)


def _whole(columns: dict[str, list[Any]], draw: random.Random) -> None:
    """Some periods begin on the first and end on the last day of a month or year."""
    for row in range(0, len(columns["person_id"]), 3):
        year = draw.randrange(1990, 2005)
        columns["observation_period_start_date"][row] = date(year, draw.choice((1, 1, 2, 12)), 1)
        columns["observation_period_end_date"][row] = draw.choice((date(year + 2, 12, 31), date(year + 1, 3, 1)))


def _value(table: str, column: Column, draw: random.Random, row: int) -> Any:
    if column.key:
        return row + 1
    if column.name == "person_id":
        return draw.randrange(1, PEOPLE + 4)
    if not column.required and draw.random() < 0.3:
        return None
    if column.name.endswith("concept_id"):
        return draw.choice((0, 8507, 8532, 11, 12, 13))
    return OTHER.get(column.name, TYPED[column.type])(draw, row)


OTHER: Mapping[str, Draw] = {
    "visit_occurrence_id": lambda draw, row: draw.randrange(1, VISITS + 5),
    "care_site_id": lambda draw, row: draw.randrange(1, 9),
    "location_id": lambda draw, row: draw.randrange(1, 10),
    "provider_id": lambda draw, row: draw.randrange(1, 15),
    "year_of_birth": lambda draw, row: draw.randrange(1940, 2004),
}
TYPED: Mapping[str, Draw] = {
    "integer": lambda draw, row: draw.randrange(0, 9),
    "bigint": lambda draw, row: draw.randrange(1, 9),
    "float": lambda draw, row: draw.choice((0.0, 0.1, 2.5, 2.5, 7.0, 1e6)),
    "date": lambda draw, row: date(1988, 1, 1) + timedelta(draw.randrange(0, 6000)),
    "datetime": lambda draw, row: None,
    "text": lambda draw, row: draw.choice(("", "a", "O'Neil", "10115", "女")),
}
