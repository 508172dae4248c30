"""Answering a question over the files of one edition. Only the gate calls this, after it has looked at the question."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import ibis
import ibis.expr.types as ir
import pyarrow as pa
from ibis.backends.duckdb import Backend
from sqlglot import exp

from isthmus.base.errors import IntegrityError
from isthmus.lake.edition import Edition
from isthmus.lake.engine import DIALECT, EXHAUSTED, exhausted
from isthmus.lake.lake import Lake


@dataclass(frozen=True, slots=True)
class Reading:
    """What questions read of an edition: by the name that they read, the table of the edition and its columns, or a
    statement over those."""

    tables: Mapping[str, tuple[str, pa.Schema]]
    views: Mapping[str, exp.Query]


@contextmanager
def opened(lake: Lake, edition: Edition, reading: Reading) -> Iterator[Backend]:
    """A connection that has what is read of an edition, for the length of a block; a table without rows is empty."""
    connection = ibis.duckdb.connect(
        threads=2, memory_limit=lake.memory, autoinstall_known_extensions=False, autoload_known_extensions=False
    )
    try:
        for name, (table, schema) in reading.tables.items():
            files: Sequence[str] = [str(lake.root / one.path) for one in edition.files(table)]
            for path in map(Path, files):
                if not path.is_file():
                    raise IntegrityError(f"{path.name} is missing from the lake. `isthmus verify` tells what else is.")
            if files:
                connection.read_parquet(files, table_name=name, hive_partitioning=True, hive_types_autocast=False)
            else:
                connection.create_table(name, schema=ibis.Schema.from_pyarrow(schema), temp=True)
        for name, view in reading.views.items():
            connection.raw_sql(f'CREATE TEMP VIEW "{name}" AS {view.sql(DIALECT)}')
        yield connection
    except EXHAUSTED as error:
        raise exhausted(error) from None  # its text may hold the statement
    finally:
        connection.disconnect()


def answer(lake: Lake, edition: Edition, question: ir.Table, reading: Reading) -> pa.Table:
    """The rows of an unbound expression over what is read of an edition."""
    with opened(lake, edition, reading) as connection:
        return connection.to_pyarrow(question)
