"""Answering a question over the files of one edition. Only the gate calls this, after it has looked at the question."""

from collections.abc import Mapping, Sequence

import ibis
import ibis.expr.types as ir
import pyarrow as pa
from sqlglot import exp

from isthmus.lake.edition import Edition
from isthmus.lake.engine import DIALECT
from isthmus.lake.lake import Lake


def answer(
    lake: Lake,
    edition: Edition,
    question: ir.Table,
    *,
    schemas: Mapping[str, tuple[str, pa.Schema]],
    views: Mapping[str, exp.Query],
) -> pa.Table:
    """The rows of an unbound expression over named tables of an edition; a table without rows is empty.

    `schemas` has, by the name that is read, the table of the edition and its columns; `views` are statements over them.
    """
    connection = ibis.duckdb.connect(
        threads=2, memory_limit=lake.memory, autoinstall_known_extensions=False, autoload_known_extensions=False
    )
    try:
        for name, (table, schema) in schemas.items():
            files: Sequence[str] = [str(lake.root / one.path) for one in edition.files(table)]
            if files:
                connection.read_parquet(files, table_name=name, hive_partitioning=True, hive_types_autocast=False)
            else:
                connection.create_table(name, schema=ibis.Schema.from_pyarrow(schema), temp=True)
        for name, view in views.items():
            connection.raw_sql(f'CREATE TEMP VIEW "{name}" AS {view.sql(DIALECT)}')
        return connection.to_pyarrow(question)
    finally:
        connection.disconnect()
