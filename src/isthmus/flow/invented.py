"""A workspace of rows that somebody made up: for trying out what reads one, without any export."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from isthmus.base.clock import now
from isthmus.base.errors import UsageError
from isthmus.cdm.tables import TABLES
from isthmus.cdm.version import CDM_VERSION
from isthmus.flow import workspace
from isthmus.flow.schema import columns_of, schema_of
from isthmus.flow.stage import file_of
from isthmus.flow.statement import listed, query
from isthmus.flow.workspace import Site, Workspace
from isthmus.lake.delta import DataFile
from isthmus.lake.engine import Engine
from isthmus.lake.lake import Lake

SITE = "invented"
BATCH = "invented"
PROVENANCE = ("part_id", "place", "mapping_id")
TIMES = {pa.types.is_date: date.fromisoformat, pa.types.is_timestamp: datetime.fromisoformat}


def invented(root: Path, tables: Mapping[str, Sequence[Mapping[str, Any]]], *, site: str = SITE) -> Workspace:
    """A new workspace of invented patients with one edition, which has these rows of the CDM and no others.

    Columns that a row does not give are as `invented_hospitals` fills them; dates may be ISO texts. Raises UsageError
    for a table or a column that the model does not have, or a value that a column cannot hold.
    """
    return invented_hospitals(root, [(site, {name: _table(name, rows) for name, rows in tables.items() if rows})])


def invented_hospitals(root: Path, hospitals: Iterable[tuple[str, Mapping[str, pa.Table]]]) -> Workspace:
    """A new workspace of invented patients with one edition: of each hospital its tables of the CDM.

    A column that a table does not give is null, or 0 where the model demands a concept. One hospital is in memory at a
    time.
    """
    made = workspace.create(root, synthetic=True)
    files: dict[str, list[DataFile]] = {}
    with made.lake.writing():
        with made.lake.engine() as engine:
            for site, tables in hospitals:
                made.keep_site(Site(site, site, ()))
                for name, rows in tables.items():
                    files.setdefault(name, []).append(_written(made.lake, engine, name, _whole(name, rows, site), site))
        for name, added in files.items():
            made.lake.deltas.commit(name, schema_of(name), add=added, remove=[], batch=BATCH)
        found = {}
        for name in made.lake.deltas.names():
            version = made.lake.deltas.version(name)
            assert version is not None  # it was committed above
            found[name] = (version, made.lake.deltas.files(name, version=version))
        notes = {"published_at": now().isoformat(timespec="seconds") + "Z", "cdm": CDM_VERSION}
        made.lake.editions.publish(found, batches=[BATCH], notes=notes)
    return made


def _written(lake: Lake, engine: Engine, name: str, rows: pa.Table, site: str) -> DataFile:
    engine.load("made", rows)
    path, count = engine.write(query(f"SELECT {listed(columns_of(name))} FROM made ORDER BY 1"), lake.staging / name)
    shared = "site" not in schema_of(name).names
    file = file_of(name, None if shared else site, path, count)
    (lake.root / file.path).parent.mkdir(parents=True, exist_ok=True)
    path.replace(lake.root / file.path)
    return file


def _whole(name: str, rows: pa.Table, site: str) -> pa.Table:
    """The rows with every column of the table."""
    usual = {"site": site, **_usual(name)}
    columns = [
        rows[field.name].cast(field.type)
        if field.name in rows.column_names
        else pa.repeat(pa.scalar(usual.get(field.name), field.type), len(rows))
        for field in schema_of(name)
    ]
    return pa.table(columns, schema=schema_of(name))


def _usual(name: str) -> dict[str, int]:
    """What stands in a column of numbers that is not given and may not be null."""
    needed = (column.name for column in TABLES[name].columns if column.required and column.name.endswith("concept_id"))
    return dict.fromkeys((*PROVENANCE, *needed), 0)


def _table(name: str, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """The rows with the columns that any of them gives."""
    if name not in TABLES:
        raise UsageError(f"there is no table '{name}' in the OMOP CDM 5.4. Name a table of the model.")
    schema = schema_of(name)
    given = {column for row in rows for column in row}
    if unknown := sorted(given - set(schema.names)):
        raise UsageError(f"{name} has no column '{unknown[0]}'. Its columns: {', '.join(schema.names)}.")
    usual, fields = _usual(name), [field for field in schema if field.name in given]
    try:
        return pa.table(
            [pa.array([_value(usual | dict(row), field) for row in rows], field.type) for field in fields],
            schema=pa.schema(fields),
        )
    except (pa.ArrowException, ValueError, TypeError) as error:
        raise UsageError(f"a row does not fit {name}: {error}. Correct its value.") from None


def _value(row: Mapping[str, Any], field: pa.Field) -> Any:
    value = row.get(field.name)
    if isinstance(value, str):
        for fits, read in TIMES.items():
            if fits(field.type):
                return read(value)
    return value
