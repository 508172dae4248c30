"""Questions answered over small tables of plain rows, in an engine of its own."""

from collections.abc import Iterable, Mapping
from typing import Any

import duckdb
import ibis
import ibis.expr.types as ir
import pyarrow as pa

from isthmus.cdm.questions import QUESTIONS

Row = Mapping[str, Any]


def asked(
    question: ir.Table, kept: Mapping[str, ir.Table] | None = None, **tables: Iterable[Row]
) -> list[dict[str, Any]]:
    """The rows of a question over the named tables; a column that a row leaves out is null. `kept` are taken first."""
    with duckdb.connect(config={"threads": 1}) as connection:
        for name, rows in tables.items():
            schema = QUESTIONS[name].schema().to_pyarrow()
            nullable = pa.schema([field.with_nullable(True) for field in schema])
            filled = [{column: row.get(column) for column in schema.names} for row in rows]
            connection.register(name, pa.Table.from_pylist(filled, schema=nullable))
        for name, rows in (kept or {}).items():
            connection.execute(f"CREATE TABLE {name} AS {ibis.to_sql(rows, dialect='duckdb')}")
        return list(connection.execute(str(ibis.to_sql(question, dialect="duckdb"))).to_arrow_table().to_pylist())
