"""A workspace of rows that somebody made up: for trying out what reads one, without any export."""

from collections.abc import Mapping, Sequence
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
from isthmus.lake.lake import Lake

SITE = "invented"
BATCH = "invented"
TIMES = {pa.types.is_date: date.fromisoformat, pa.types.is_timestamp: datetime.fromisoformat}


def invented(root: Path, tables: Mapping[str, Sequence[Mapping[str, Any]]], *, site: str = SITE) -> Workspace:
    """A new workspace of invented patients with one edition, which has these rows of the CDM and no others.

    Columns that a row does not give are null, or 0 where the model demands a concept; dates may be ISO texts. Raises
    UsageError for a table or a column that the model does not have, or a value that a column cannot hold.
    """
    made = workspace.create(root, synthetic=True)
    made.keep_site(Site(site, site, ()))
    with made.lake.writing():
        for name, rows in tables.items():
            if rows:
                _put(made.lake, name, _table(name, rows, site), site)
        found = {}
        for name in made.lake.deltas.names():
            version = made.lake.deltas.version(name)
            assert version is not None  # it was committed above
            found[name] = (version, made.lake.deltas.files(name, version=version))
        notes = {"published_at": now().isoformat(timespec="seconds") + "Z", "cdm": CDM_VERSION}
        made.lake.editions.publish(found, batches=[BATCH], notes=notes)
    return made


def _put(lake: Lake, name: str, rows: pa.Table, site: str) -> None:
    columns = columns_of(name)
    with lake.engine() as engine:
        engine.load("made", rows)
        path, count = engine.write(query(f"SELECT {listed(columns)} FROM made ORDER BY 1"), lake.staging / name)
    shared = "site" not in schema_of(name).names
    file = file_of(name, None if shared else site, path, count)
    (lake.root / file.path).parent.mkdir(parents=True, exist_ok=True)
    path.replace(lake.root / file.path)
    lake.deltas.commit(name, schema_of(name), add=[file], remove=[], batch=BATCH)


def _table(name: str, rows: Sequence[Mapping[str, Any]], site: str) -> pa.Table:
    if name not in TABLES:
        raise UsageError(f"there is no table '{name}' in the OMOP CDM 5.4. Name a table of the model.")
    schema = schema_of(name)
    if unknown := sorted({column for row in rows for column in row} - set(schema.names)):
        raise UsageError(f"{name} has no column '{unknown[0]}'. Its columns: {', '.join(schema.names)}.")
    needed = {column.name for column in TABLES[name].columns if column.required and column.name.endswith("concept_id")}
    usual = {"site": site, "part_id": 0, "place": 0, "mapping_id": 0, **dict.fromkeys(needed, 0)}
    filled = [{**{key: usual[key] for key in usual if key in schema.names}, **row} for row in rows]
    try:
        return pa.table(
            [pa.array([_value(row, field) for row in filled], field.type) for field in schema], schema=schema
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
