"""Parquet: rows in batches, types as they are."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from isthmus.base.errors import Unreadable
from isthmus.intake.guard import is_bomb
from isthmus.intake.header import unique
from isthmus.intake.misfit import MISFIT, parted, whole
from isthmus.intake.record import PLACE, Batch, Format, Part, Passage, Reading
from isthmus.intake.stream import seekable

_ROWS = 65_536
_CELL = 8  # bytes of a value at the least, once decoded


def read(part: Part, fmt: Format) -> Reading:
    """The rows with their own types; `_place` is the row's ordinal in the file, from 0.

    Option: `table`, the kind, of a file that holds a table as `sql.rows_of` gave it.
    """
    table = str(fmt.options.get("table", ""))
    with _opened(part) as file:
        names = unique(file.schema_arrow.names)
        place = 0
        for batch in file.iter_batches(_ROWS):
            rows = pa.Table.from_batches([batch]).rename_columns(list(names))
            if table and MISFIT in names:
                yield from parted(table, rows, place)
            else:
                places = pa.array(np.arange(place, place + rows.num_rows))
                yield Batch(table, rows.add_column(0, PLACE, places))
            place += rows.num_rows


def locate(part: Part, fmt: Format, place: int) -> Passage:
    """The row as JSON, since the bytes of a row lie apart in a Parquet file."""
    with _opened(part) as file:
        first = 0
        for group in range(file.num_row_groups):
            size = file.metadata.row_group(group).num_rows
            if place < first + size:
                (row,) = file.read_row_group(group).slice(place - first, 1).to_pylist()
                text = whole(row) if fmt.options.get("table") else json.dumps(row, ensure_ascii=False, default=str)
                return Passage(place, place + 1, place + 1, text)
            first += size
    raise Unreadable("truncated", f"the file has {first} rows, none of them at place {place}")


def _refuse_bomb(file: parquet.ParquetFile, packed: int) -> None:
    """Before anything is decoded: a column of one value takes next to nothing, however many rows it claims."""
    cells = file.metadata.num_rows * file.metadata.num_columns
    groups = (file.metadata.row_group(index).total_byte_size for index in range(file.num_row_groups))
    expanded = max(cells * _CELL, sum(groups))
    if is_bomb(expanded, packed):
        raise Unreadable(
            "bomb", f"{packed} bytes claim {file.metadata.num_rows} rows; deliver the table in smaller files"
        )


@contextmanager
def _opened(part: Part) -> Iterator[parquet.ParquetFile]:
    with seekable(part) as stream:
        try:
            file = parquet.ParquetFile(stream)
            _refuse_bomb(file, stream.seek(0, 2))
            yield file
        except (pa.ArrowException, OSError) as error:
            detail = f"the Parquet file cannot be read ({type(error).__name__}); deliver it again"
            raise Unreadable("damaged", detail) from None
