"""Profiles of tables that are given as they are, without a workspace."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from isthmus.cdm.tables import ARROW, RENAMED_53, TABLES
from isthmus.flow.profile import compute
from isthmus.lake.engine import Engine
from isthmus.quality.profile.definition import tables

STRATA = tuple(f"stratum_{place}" for place in range(1, 6))
STATISTICS = ("count_value", *(f"{one}_value" for one in
              ("min", "max", "avg", "stdev", "median", "p10", "p25", "p75", "p90")))  # fmt: skip
Key = tuple[str | None, ...]
Counts = dict[int, Counter[Key]]


def schema_of(table: str) -> pa.Schema:
    """A table's columns in the CDM 5.4."""
    return pa.schema([(column.name, ARROW[column.type]) for column in TABLES[table].columns])


def drawn(**rows: Iterable[Mapping[str, Any]]) -> dict[str, pa.Table]:
    """Tables of the CDM from rows that name only some of their columns; the others are null."""
    return {name: pa.Table.from_pylist([dict(row) for row in given], schema_of(name)) for name, given in rows.items()}


def read(folder: Path) -> dict[str, pa.Table]:
    """The tables of a CDM 5.3 or 5.4 in Parquet, in the form of 5.4."""
    found = {}
    for name in tables():
        path = folder / f"{name}.parquet"
        if path.exists():
            given = pq.read_table(path)
            given = given.rename_columns(
                [RENAMED_53.get((name, one.lower()), one.lower()) for one in given.column_names]
            )
            columns = [
                given[field.name].cast(field.type) if field.name in given.column_names
                else pa.nulls(len(given), field.type) for field in schema_of(name)
            ]  # fmt: skip
            found[name] = pa.table(columns, schema=schema_of(name))
    return found


@contextmanager
def engine(given: Mapping[str, pa.Table], scratch: Path) -> Iterator[Engine]:
    """An engine with these tables under their names, and every other table empty."""
    opened = Engine(scratch)
    try:
        for name in tables():
            opened.load(name, given.get(name, schema_of(name).empty_table()))
        yield opened
    finally:
        opened.close()


def profile(given: Mapping[str, pa.Table], scratch: Path) -> tuple[pa.Table, pa.Table]:
    """Both tables of results."""
    present = frozenset(name for name, table in given.items() if len(table))
    with engine(given, scratch) as opened:
        return compute(opened, present, source_name="CDM", day="2026-11-28")


def counts(results: pa.Table) -> Counts:
    """Counts by strata, by analysis; a key that comes twice is a fault."""
    found: Counts = {}
    for row in results.to_pylist():
        key = tuple(row[name] for name in STRATA)
        assert key not in found.setdefault(row["analysis_id"], Counter()), (row["analysis_id"], key)
        found[row["analysis_id"]][key] = row["count_value"]
    return found


def spreads(distributions: pa.Table) -> dict[int, dict[Key, tuple[float | None, ...]]]:
    """Statistics by strata, by analysis."""
    found: dict[int, dict[Key, tuple[float | None, ...]]] = {}
    for row in distributions.to_pylist():
        key = tuple(row[name] for name in STRATA)
        found.setdefault(row["analysis_id"], {})[key] = tuple(row[name] for name in STATISTICS)
    return found
