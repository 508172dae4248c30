"""Texts as the gate masks them, in an engine of their own."""

from collections.abc import Mapping

import ibis
import pyarrow as pa

from isthmus.gate.text.mask import masked as masking
from isthmus.gate.text.own import FIELDS, IDENTITY, KNOWN, PERSON, PERSONS, SCHEMA, known


def masked(*texts: str | None) -> list[str | None]:
    """Texts without their identifiers, in order."""
    connection = ibis.duckdb.connect(threads=2)
    rows = pa.table({"at": range(len(texts)), "text": pa.array(texts, pa.string())})
    given = connection.create_table("given", rows, temp=True)
    found = connection.to_pyarrow(given.select("at", said=masking(given.text)).order_by("at"))
    return list(found["said"].to_pylist())


def masked_with(said: Mapping[str, str], text: str, *, person: int = 1) -> str:
    """The text of a person, where the record `said` is of the person 1."""
    connection = ibis.duckdb.connect(threads=1)
    row = {"person_id": 1, **dict.fromkeys(FIELDS), **said}
    connection.create_table(IDENTITY, pa.Table.from_pylist([row], schema=SCHEMA), temp=True)
    connection.create_table(PERSON, pa.Table.from_pylist([], schema=PERSONS), temp=True)
    connection.raw_sql(f"CREATE TEMP VIEW {KNOWN.get_name()} AS {known().sql('duckdb')}")
    given = connection.create_table("given", pa.table({"person": [person], "text": [text]}), temp=True)
    joined = given.left_join(KNOWN, given.person == KNOWN["_known_of"])
    return str(connection.to_pyarrow(joined.select(said=masking(joined.text, joined["_known"])))["said"][0])
