"""Answering a question over the files of one edition. Only the gate calls this, after it has looked at the question."""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from uuid import uuid4

import duckdb
import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir
import pyarrow as pa
from ibis.backends.duckdb.converter import DuckDBPyArrowData
from sqlglot import exp

from isthmus.base.durable import sync_file
from isthmus.base.errors import IntegrityError, IsthmusError
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


EXPRESSIONS = 512  # that are kept as SQL, in memory only: keys of uses are in it
SETTINGS = "SET TimeZone = 'UTC'; SET enable_progress_bar = false; SET python_enable_replacements = false"


class Reader:
    """A connection that answers expressions. Ibis's own takes longer to begin than a small question to be answered."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection

    def run(self, sql: str) -> duckdb.DuckDBPyConnection:
        """Run a statement."""
        return self.connection.execute(sql)

    def rows(self, question: ir.Table) -> pa.Table:
        """The rows of an expression, in its types."""
        found = self.run(compiled(question)).to_arrow_table()
        return DuckDBPyArrowData.convert_table(found, question.schema())


def compiled(question: ir.Table) -> str:
    """An expression as SQL of the engine. What is asked again and again is put into words once."""
    return _compiled(question.op())


@lru_cache(maxsize=EXPRESSIONS)
def _compiled(question: ops.Node) -> str:
    return str(ibis.to_sql(question.to_expr(), dialect=DIALECT, pretty=False))


@contextmanager
def opened(
    lake: Lake, edition: Edition, reading: Reading, kept: Mapping[str, ir.Table] | None = None
) -> Iterator[Reader]:
    """A connection that has what is read of an edition, for the length of a block; a table without rows is empty.

    `kept` are expressions over those, whose rows are taken apart first, each under a name of its own.
    """
    scratch = lake.scratch / f"{os.getpid()}.{uuid4().hex}"
    scratch.mkdir(parents=True)
    connection = duckdb.connect(
        config={
            "threads": 2, "memory_limit": lake.memory, "temp_directory": str(scratch),
            "autoinstall_known_extensions": False, "autoload_known_extensions": False,
        }
    )  # fmt: skip
    try:
        reader = Reader(connection)
        reader.run(SETTINGS)
        for name, (table, schema) in reading.tables.items():
            files = paths(lake, edition, table)
            if files:
                reader.run(f'CREATE TEMP VIEW "{name}" AS SELECT * FROM {_scan(files)}')
            else:
                connection.register(name, schema.empty_table())
        for name, view in reading.views.items():
            reader.run(f'CREATE TEMP VIEW "{name}" AS {view.sql(DIALECT)}')
        for name, rows in (kept or {}).items():
            reader.run(f'CREATE TEMP TABLE "{name}" AS {compiled(rows)}')
        yield reader
    except EXHAUSTED as error:
        raise exhausted(error) from None  # its text may hold the statement
    finally:
        connection.close()
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
    with opened(lake, edition, reading, kept) as reader, limited(reader.connection, seconds):
        return reader.rows(question)


def written(lake: Lake, edition: Edition, question: ir.Table, reading: Reading, path: Path) -> None:
    """Write the rows of an expression to a Parquet file, in the order in which they are read; whole, or not at all.

    The expression may hold secrets: no error tells its text.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = lake.scratch / f"{os.getpid()}.{uuid4().hex}.parquet"
    try:
        with opened(lake, edition, reading) as reader:
            target = str(draft).replace("'", "''")
            reader.run(f"COPY ({compiled(question)}) TO '{target}' (FORMAT parquet, COMPRESSION zstd)")
        sync_file(draft)
        draft.replace(path)
    except duckdb.Error as error:
        raise IsthmusError(
            f"rows could not be written ({type(error).__name__}). Have the operator run verify."
        ) from None
    finally:
        draft.unlink(missing_ok=True)
