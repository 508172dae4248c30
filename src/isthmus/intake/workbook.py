"""Spreadsheets (xlsx, xlsm, xlsb, xls, ods): one kind per sheet, every cell as the text a person would read."""

import datetime as dt
import zipfile
from collections.abc import Iterator
from itertools import chain
from typing import BinaryIO

import pyarrow as pa
import python_calamine as calamine

from isthmus.base.errors import Unreadable
from isthmus.intake import guard
from isthmus.intake.header import NO_HEADER, header_lines, numbered, unique
from isthmus.intake.record import PLACE, Batch, Format, Part, Passage, Reading, Reject
from isthmus.intake.stream import seekable

_ROWS = 16_384
# A workbook is unpacked in memory by its reader; the format itself allows a million rows a sheet.
_LARGEST = 512 << 20

Row = list[str | None]


def read(part: Part, fmt: Format) -> Reading:
    """The rows of every sheet, all columns as strings; the kind is the sheet's name.

    `_place` counts the rows that are neither blank nor header, from 0, on through all sheets. Numbers come without a
    needless '.0', dates in ISO form. Options: `header` (row index from 0; default: first row that is not blank; 'none':
    columns are called 1, 2, …), `skip_after_header` (rows), `nulls` (texts that mean null besides '').
    """
    place = 0
    for name, columns, rows in _sheets(part, fmt):
        held: list[tuple[int, Row]] = []
        for _, row in rows:
            if len(row) > len(columns) and any(row[len(columns) :]):
                detail = f"the row has {len(row)} cells, the header of the sheet has {len(columns)}"
                yield Reject(place, 1, "wrong-width", detail, name)
            else:
                held.append((place, row))
            place += 1
            if len(held) == _ROWS:
                yield _batch(name, columns, held)
                held = []
        if held:
            yield _batch(name, columns, held)


def locate(part: Part, fmt: Format, place: int) -> Passage:
    """The cells of the row, tab between them; `line` is its number in the sheet.

    Raises `Unreadable` when there is no such row.
    """
    number = 0
    for _, _, rows in _sheets(part, fmt):
        for line, row in rows:
            if number == place:
                return Passage(place, place + 1, line, "\t".join(cell or "" for cell in row))
            number += 1
    raise Unreadable("truncated", f"the workbook has {number} rows, none of them at place {place}")


def _batch(kind: str, columns: tuple[str, ...], held: list[tuple[int, Row]]) -> Batch:
    cells = [
        pa.array([row[index] if index < len(row) else None for _, row in held], pa.string())
        for index in range(len(columns))
    ]
    places = pa.array([place for place, _ in held], pa.int64())
    return Batch(kind, pa.Table.from_arrays([places, *cells], names=[PLACE, *columns]))


def _sheets(part: Part, fmt: Format) -> Iterator[tuple[str, tuple[str, ...], Iterator[tuple[int, Row]]]]:
    """Name, columns, and (row number in the sheet, cells) of the data rows of each sheet that has any."""
    header, after = header_lines(fmt.options)
    bare = fmt.options.get("header") == NO_HEADER
    option = fmt.options.get("nulls")
    nulls = frozenset(map(str, option if isinstance(option, list | tuple) else ()))
    with seekable(part) as stream:
        _refuse_bomb(stream)
        stream.seek(0)
        try:
            book = calamine.CalamineWorkbook.from_filelike(stream)
        except calamine.PasswordError:
            raise Unreadable("encrypted", "the workbook needs a password; deliver it without one") from None
        except (calamine.CalamineError, *guard.BROKEN) as error:
            raise Unreadable("damaged", f"the workbook cannot be opened ({type(error).__name__})") from None
        for name in book.sheet_names:
            rows = _rows(book, name, nulls)
            for number, row in rows:
                if any(row) if header is None else number == header + 1:
                    columns = numbered(row) if bare else unique(cell or "" for cell in _trimmed(row))
                    first = number + after - bare
                    held = chain([(number, row)], rows)
                    yield name, columns, ((line, cells) for line, cells in held if line > first and any(cells))
                    break


def _rows(book: calamine.CalamineWorkbook, name: str, nulls: frozenset[str]) -> Iterator[tuple[int, Row]]:
    try:
        sheet = book.get_sheet_by_name(name)
        for number, cells in enumerate(sheet.iter_rows(), 1):
            row = [_text(cell) for cell in cells]
            yield number, [None if cell in nulls else cell for cell in row] if nulls else row
    except (calamine.CalamineError, *guard.BROKEN) as error:
        raise Unreadable("damaged", f"a sheet of the workbook cannot be read ({type(error).__name__})") from None


def _trimmed(row: Row) -> Row:
    last = max((index for index, cell in enumerate(row) if cell), default=-1)
    return row[: last + 1]


def _text(cell: object) -> str | None:
    """The cell as text; an empty one is null."""
    if isinstance(cell, str):
        return cell or None
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, dt.datetime):
        return cell.isoformat(" ")
    return None if cell is None else str(cell)


def _refuse_bomb(stream: BinaryIO) -> None:
    try:
        with zipfile.ZipFile(stream) as archive:
            expanded = sum(entry.file_size for entry in archive.infolist())
            packed = sum(entry.compress_size for entry in archive.infolist())
    except guard.BROKEN:
        return  # not a zip: an old xls, or broken, which the reader itself will say
    if guard.is_bomb(expanded, packed):
        raise Unreadable("bomb", f"the workbook expands to over {guard.BOMB_RATIO} times its size; it was not opened")
    if expanded > _LARGEST:
        raise Unreadable("too-long", f"the workbook holds over {_LARGEST >> 20} MiB; deliver it as csv or Parquet")
