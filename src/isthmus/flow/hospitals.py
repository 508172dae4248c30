"""A workspace of several hospitals whose rows somebody made up as tables: many rows, without any export."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import pyarrow as pa

from isthmus.base.clock import now
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

BATCH = "invented"
PROVENANCE = {"part_id": 0, "place": 0, "mapping_id": 0}


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
                    whole = _whole(name, rows, site)
                    files.setdefault(name, []).append(_written(made.lake, engine, name, whole, site))
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
    file = file_of(name, site, path, count)
    (lake.root / file.path).parent.mkdir(parents=True, exist_ok=True)
    path.replace(lake.root / file.path)
    return file


def _whole(name: str, rows: pa.Table, site: str) -> pa.Table:
    """The rows with every column of the table."""
    needed = {column.name for column in TABLES[name].columns if column.required and column.name.endswith("concept_id")}
    columns = []
    for field in schema_of(name):
        if field.name in rows.column_names:
            columns.append(rows[field.name].cast(field.type))
        elif field.name == "site":
            columns.append(pa.array([site] * rows.num_rows, field.type))
        else:
            value = 0 if field.name in needed or field.name in PROVENANCE else None
            columns.append(pa.array([value], field.type).take(pa.array([0] * rows.num_rows)))
    return pa.table(columns, schema=schema_of(name))
