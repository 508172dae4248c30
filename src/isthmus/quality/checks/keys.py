"""Keys that rows share, and rows that say the same, found by sorting: a third of what grouping costs an engine."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from sqlglot import exp

from isthmus.quality.checks import sources
from isthmus.quality.checks.catalogue import Check
from isthmus.quality.checks.layout import Held

Numbers = npt.NDArray[np.int64] | npt.NDArray[np.uint64] | npt.NDArray[np.uint32]
WIDEST = (1 << 32) - 1
ROWS = 16_000_000  # of a column that are sorted at once: 128 MB
KEY = 'SELECT "{field}" AS key FROM "{table}" WHERE "{field}" IS NOT NULL'
# Known to lie within 32 bits of each other, they are read as such, each less the least of them.
NARROW = KEY.replace('"{field}" AS key', """CAST("{field}" - CAST('{least}' AS BIGINT) AS UINTEGER) AS key""")
PART = """ AND abs("{field}") % CAST('{count}' AS BIGINT) = CAST('{number}' AS BIGINT)"""
# Rows that are the same in all that is compared have one mark; so, once in a long while, have rows that are not.
MARK = 'SELECT hash(COMPARED) AS key FROM "{table}" WHERE TRUE'
MARKED = " AND hash(COMPARED) % CAST('{count}' AS UBIGINT) = CAST('{number}' AS UBIGINT)"
AGAIN = "hash(COMPARED) IN (SELECT mark FROM again)"


def slices(check: Check, held: Held) -> Iterator[exp.Select]:
    """Statements that give the keys of a check, or the marks of its rows, in slices: the same are in one slice."""
    count = -(-held.rows // ROWS)
    least = 0
    whole, part = MARK, MARKED
    if check.type.over == "keys":
        least, greatest = held.ranges.get(check.field, (0, WIDEST + 1))
        whole, part = NARROW if greatest - least <= WIDEST else KEY, PART
    form = (whole + part if count > 1 else whole).replace("COMPARED", _compared(check))
    if held.nulls.get(check.field) == 0:
        form = form.replace('WHERE "{field}" IS NOT NULL', "WHERE TRUE")
    for number in range(count):
        yield sources.stated(form, table=check.table, field=check.field, count=count, number=number, least=least)


def again(check: Check) -> exp.Select:
    """The count of a check of rows that say the same, among the rows whose marks are in the table `again`."""
    statement = sources.select_from("repeats", check).select(sources.scalar(check.type.violated).copy(), copy=False)
    inner = statement.find(exp.Subquery)
    assert inner is not None
    inner.this.where(sources.scalar(AGAIN.replace("COMPARED", _compared(check))).copy(), copy=False)
    return statement


def _compared(check: Check) -> str:
    return ", ".join(f'"{name}"' for name in ("person_id", check.field, *check.compared))


def repeated(column: pa.ChunkedArray) -> int:
    """How many values of a column without nulls are there more than once, each time counted."""
    # A run of n equal values has n - 1 pairs, and begins where a pair follows none.
    _, same = _pairs(_values(column))
    return int(same.sum()) + int(same[:1].sum()) + int((same[1:] & ~same[:-1]).sum())


def marks(column: pa.ChunkedArray) -> pa.Table:
    """The table `again`: the marks that more than one row has."""
    values, same = _pairs(_values(column))
    return pa.table({"mark": np.unique(values[1:][same])})


def _values(column: pa.ChunkedArray) -> Numbers:
    chunks = [chunk.to_numpy() for chunk in column.chunks]
    return np.concatenate([np.zeros(0, column.type.to_pandas_dtype()), *chunks])


def _pairs(values: Numbers) -> tuple[Numbers, npt.NDArray[np.bool_]]:
    """The values in their order, and where one is the same as that before it."""
    values.sort()
    return values, values[1:] == values[:-1]
