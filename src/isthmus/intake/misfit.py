"""Rows of a table with types of which a value is not of its column's type: kept beside the others, and not read."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from isthmus.intake.record import PLACE, Batch, Reading, Reject

MISFIT = "_misfit"  # of a row that is not read: the values, by column, as JSON; null of all others


def told(rows: int, bad: Mapping[int, Mapping[str, Any]]) -> pa.Array:
    """The column `MISFIT` of so many rows; `bad` are the values that do not fit, by row and column."""
    texts: Sequence[str | None] = [_text(bad[row]) if row in bad else None for row in range(rows)]
    return pa.array(texts, pa.string())


def parted(kind: str, rows: pa.Table, place: int) -> Reading:
    """Rows with a column `MISFIT`: those that can be read, without it, and rejects. `place` is that of the first."""
    held = rows.drop_columns([MISFIT]).add_column(0, PLACE, pa.array(np.arange(place, place + rows.num_rows)))
    if rows[MISFIT].null_count < rows.num_rows:
        for row, text in enumerate(rows[MISFIT].to_pylist()):
            if text is not None:
                names = ", ".join(f"'{name}'" for name in json.loads(text))
                detail = f"what stands in column {names} is not of the column's type"
                yield Reject(place + row, 1, "wrong-type", detail, kind)
        held = held.filter(rows[MISFIT].is_null())
    if held.num_rows:
        yield Batch(kind, held)


def whole(row: dict[str, Any]) -> str:
    """A row as JSON, with the values that did not fit in their columns."""
    values = json.loads(row.pop(MISFIT, None) or "{}")
    return json.dumps(row | values, ensure_ascii=False, default=str)


def _text(values: Mapping[str, Any]) -> str:
    return json.dumps({name: _visible(value) for name, value in values.items()}, ensure_ascii=False, default=str)


def _visible(value: object) -> object:
    """A text with the bytes that are none, which came as surrogates, written as `\\xNN`."""
    return (
        value.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        if isinstance(value, str)
        else value
    )
