"""Texts as the gate masks them, in an engine of their own."""

from collections.abc import Mapping

import duckdb
import ibis
import ibis.expr.types as ir
import pyarrow as pa

from isthmus.gate.text.mask import masked as masking
from isthmus.gate.text.own import FIELDS, IDENTITY, KNOWN, PERSON, PERSONS, SCHEMA, known


def masked(*texts: str | None) -> list[str | None]:
    """Texts without their identifiers, in order."""
    given = ibis.table({"at": "int64", "text": "string"}, name="given")
    rows = pa.table({"at": range(len(texts)), "text": pa.array(texts, pa.string())})
    found = _asked(given.select("at", said=masking(given.text)).order_by("at"), given=rows)
    return list(found["said"].to_pylist())


def masked_with(said: Mapping[str, str], text: str, *, person: int = 1) -> str:
    """The text of a person, where the record `said` is of the person 1."""
    row = {"person_id": 1, **dict.fromkeys(FIELDS), **said}
    tables = {IDENTITY: pa.Table.from_pylist([row], schema=SCHEMA), PERSON: PERSONS.empty_table()}
    given = ibis.table({"person": "int64", "text": "string"}, name="given")
    joined = given.left_join(KNOWN, given.person == KNOWN["_known_of"])
    asked = joined.select(said=masking(joined.text, joined["_known"]))
    return str(_asked(asked, **tables, given=pa.table({"person": [person], "text": [text]}))["said"][0])


def _asked(question: ir.Table, **tables: pa.Table) -> pa.Table:
    with duckdb.connect(config={"threads": 2}) as connection:
        for name, rows in tables.items():
            connection.register(name, rows)
        if IDENTITY in tables:
            connection.execute(f"CREATE TEMP VIEW {KNOWN.get_name()} AS {known().sql('duckdb')}")
        return connection.execute(str(ibis.to_sql(question, dialect="duckdb"))).to_arrow_table()
