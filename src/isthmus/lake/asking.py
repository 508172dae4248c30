"""Answering a question over the files of one edition. Only the gate calls this, after it has looked at the question."""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import ibis
import ibis.expr.types as ir
import pyarrow as pa
from ibis.backends.duckdb import Backend
from sqlglot import exp

from isthmus.base.errors import IntegrityError
from isthmus.lake.edition import Edition
from isthmus.lake.engine import DIALECT, EXHAUSTED, exhausted, limited
from isthmus.lake.lake import Lake


@dataclass(frozen=True, slots=True)
class Reading:
    """What questions read of an edition: by the name that they read, the table of the edition and its columns, or a
    statement over those."""

    tables: Mapping[str, tuple[str, pa.Schema]]
    views: Mapping[str, exp.Query]

    def renamed(self, prefix: str, names: Mapping[str, object]) -> "Reading":
        """The same, with a prefix before those of the names that questions read."""
        return Reading(
            {f"{prefix}{name}" if name in names else name: one for name, one in self.tables.items()},
            {f"{prefix}{name}" if name in names else name: one for name, one in self.views.items()},
        )


@contextmanager
def opened(
    lake: Lake, edition: Edition, reading: Reading, kept: Mapping[str, ir.Table] | None = None
) -> Iterator[Backend]:
    """A connection that has what is read of an edition, for the length of a block; a table without rows is empty.

    `kept` are expressions over those, whose rows are taken apart first, each under a name of its own.
    """
    scratch = lake.scratch / f"{os.getpid()}.{uuid4().hex}"
    scratch.mkdir(parents=True)
    connection = ibis.duckdb.connect(
        threads=2, memory_limit=lake.memory, temp_directory=str(scratch), autoinstall_known_extensions=False,
        autoload_known_extensions=False,
    )  # fmt: skip
    try:
        for name, (table, schema) in reading.tables.items():
            files = paths(lake, edition, table)
            if files:
                connection.raw_sql(f'CREATE TEMP VIEW "{name}" AS SELECT * FROM {_scan(files)}')
            else:
                connection.create_table(name, schema=ibis.Schema.from_pyarrow(schema), temp=True)
        for name, view in reading.views.items():
            connection.raw_sql(f'CREATE TEMP VIEW "{name}" AS {view.sql(DIALECT)}')
        for name, rows in (kept or {}).items():
            connection.raw_sql(f'CREATE TEMP TABLE "{name}" AS {connection.compile(rows)}')
        yield connection
    except EXHAUSTED as error:
        raise exhausted(error) from None  # its text may hold the statement
    finally:
        connection.disconnect()
        shutil.rmtree(scratch, ignore_errors=True)


def paths(lake: Lake, edition: Edition, table: str) -> Sequence[str]:
    """The files of a table. Raises IntegrityError when one is missing."""
    files = [str(lake.root / one.path) for one in edition.files(table)]
    for path in map(Path, files):
        if not path.is_file():
            raise IntegrityError(f"{path.name} is missing from the lake. `isthmus verify` tells what else is.")
    return files


def _scan(files: Sequence[str]) -> str:
    listed = ", ".join("'" + path.replace("'", "''") + "'" for path in files)
    return f"read_parquet([{listed}], hive_partitioning = true, hive_types_autocast = false)"


def answer(
    lake: Lake,
    edition: Edition,
    question: ir.Table,
    reading: Reading,
    *,
    kept: Mapping[str, ir.Table] | None = None,
    seconds: float | None = None,
) -> pa.Table:
    """The rows of an unbound expression over what is read of an edition.

    Raises RefusedError when it takes longer than `seconds`.
    """
    with opened(lake, edition, reading, kept) as connection, limited(connection.con, seconds):
        return connection.to_pyarrow(question)
