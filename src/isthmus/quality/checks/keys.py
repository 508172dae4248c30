"""Keys that rows share, found by sorting: it costs a third of what grouping by the key costs an engine."""

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from sqlglot import exp

from isthmus.quality.checks.sources import stated

ROWS = 16_000_000  # of a column that are sorted at once: 128 MB
SLICE = """SELECT "{field}" FROM "{table}"
    WHERE "{field}" IS NOT NULL AND abs("{field}") % CAST('{count}' AS BIGINT) = CAST('{number}' AS BIGINT)"""
WHOLE = 'SELECT "{field}" FROM "{table}" WHERE "{field}" IS NOT NULL'


def slices(table: str, field: str, rows: int) -> Iterator[exp.Select]:
    """Statements that give a column of whole numbers in slices: the same numbers are in the same slice."""
    count = -(-rows // ROWS)
    for number in range(count):
        yield stated(SLICE if count > 1 else WHOLE, table=table, field=field, count=count, number=number)


def repeated(columns: Iterable[pa.ChunkedArray]) -> int:
    """How many values are there more than once, each time counted, in slices of a column without nulls."""
    return sum(_repeated(np.concatenate([chunk.to_numpy() for chunk in one.chunks])) for one in columns if len(one))


def _repeated(values: npt.NDArray[np.int64]) -> int:
    values.sort()
    same = values[1:] == values[:-1]
    # A run of n equal values has n - 1 pairs, and begins where a pair follows none.
    begins = int(same[:1].sum()) + int((same[1:] & ~same[:-1]).sum())
    return int(same.sum()) + begins
