"""What a desk has of the tables of a grant: statements that hold keys, each made when a step reads its table."""

from collections.abc import Collection, Mapping
from functools import partial

import ibis
import pyarrow as pa

from isthmus.cdm.questions import QUESTIONS
from isthmus.gate.desk import Lent
from isthmus.gate.grade.column import Measure
from isthmus.gate.grade.decision import PUBLIC, Allowed
from isthmus.gate.grade.keys import Keys
from isthmus.gate.grade.rewrite import RAW, Use, numbered, padded, unmasked

BESIDE = frozenset({"site", "part_id", "place", "mapping_id"})
"""Columns that say where a row came from, and nothing of a patient."""


def on_desk(allowed: Allowed, use: Use, *, sparse: bool) -> dict[str, Lent]:
    """What a desk has of each table of the grant; where it is `sparse`, of each table of the model."""
    held = {name: frozenset(unmasked(name, allowed)) for name in allowed.columns}
    if not sparse:
        return {
            name: Lent(
                there | BESIDE.intersection(QUESTIONS[name].columns), partial(_statement, name, allowed, use, BESIDE)
            )
            for name, there in held.items()
        }
    return {
        name: Lent(
            frozenset(table.columns), partial(_statement, name, allowed, use),
            frozenset(table.columns) - held.get(name, frozenset()) - BESIDE, held=name in held,
        )
        for name, table in QUESTIONS.items()
    }  # fmt: skip


def of_one(rows: Mapping[str, pa.Table], measures: Mapping[str, Mapping[str, Measure]]) -> dict[str, Lent]:
    """What a desk has where the rows of one person are read already: those, with numbers for identities, and the
    vocabulary as it lies; of each table every column of the model, null where there is none."""
    found = {name: _read(name, table, measures[name]) for name, table in rows.items()}
    for name in PUBLIC:
        found[name] = Lent(frozenset(QUESTIONS[name].columns), str, copied=False)
    return found


def _read(name: str, rows: pa.Table, measures: Mapping[str, Measure]) -> Lent:
    schema = QUESTIONS[name].schema().to_pyarrow()
    whole = {}
    for field in schema:
        if field.name not in rows.column_names or measures.get(field.name) == "mask":
            whole[field.name] = pa.nulls(len(rows), field.type)
        elif measures.get(field.name) == "pseudonymise":
            numbers = [None if one is None else Keys.number(one) for one in rows[field.name].to_pylist()]
            whole[field.name] = pa.array(numbers, pa.int64())
        else:
            whole[field.name] = rows[field.name]
    lacking = frozenset(schema.names) - frozenset(rows.column_names) - BESIDE
    return Lent(frozenset(schema.names), str, lacking, rows=pa.table(whole))


def _statement(name: str, allowed: Allowed, use: Use, columns: Collection[str] | None = None) -> str:
    """The statement over RAW + a table that gives what is held of it, with these columns (None: all) null where none
    is; no row of a table that is not held."""
    if name in allowed.columns:
        view = numbered(name, allowed, use)
    else:
        table = QUESTIONS[name]
        view = ibis.table(table.schema(), name=f"{RAW}{name}").select(table.columns[0]).filter(ibis.literal(False))
    return str(ibis.to_sql(padded(view, name, columns), dialect="duckdb"))
