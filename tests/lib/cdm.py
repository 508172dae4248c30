"""A small CDM of rows given as dictionaries, and a desk over it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from isthmus.cdm.questions import QUESTIONS
from isthmus.gate.desk import Desk
from isthmus.lake.engine import Engine

Rows = Sequence[Mapping[str, Any]]


def table(name: str, rows: Rows) -> pa.Table:
    """Rows of a table of the CDM; columns that are not given are null, those that it has not are left out."""
    schema = QUESTIONS[name].schema().to_pyarrow()
    return pa.table([pa.array([_value(row, field) for row in rows], field.type) for field in schema], schema=schema)


@contextmanager
def desk(folder: Path, tables: Mapping[str, Rows | pa.Table]) -> Iterator[Desk]:
    """A desk over tables, which are written below a folder."""
    files = {}
    for name, rows in tables.items():
        path = folder / f"{name}.parquet"
        pq.write_table(rows if isinstance(rows, pa.Table) else table(name, rows), path)
        files[name] = [path]
    engine = Engine(folder / "scratch", threads=2)
    try:
        yield Desk(engine, files, {})
    finally:
        engine.close()


def stays(rows: Sequence[tuple[int, int, int, int]]) -> pa.Table:
    """Stays in cohorts as an evaluation leaves them on a desk: cohort, person, first and last day since 1970."""
    kinds = {"cohort": pa.int32(), "person_id": pa.int64(), "start_day": pa.int32(), "end_day": pa.int32()}
    schema = pa.schema(list(kinds.items()))
    return pa.Table.from_pylist([dict(zip(kinds, row, strict=True)) for row in rows], schema=schema)


def _value(row: Mapping[str, Any], field: pa.Field) -> Any:
    value = row.get(field.name)
    if isinstance(value, str) and pa.types.is_date(field.type):
        return date.fromisoformat(value)
    if isinstance(value, str) and pa.types.is_timestamp(field.type):
        return datetime.fromisoformat(value)
    return value
