"""CSV files of a pack: rows that know file and line, and one pack's rows laid over those of another."""

import csv
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from isthmus.base.errors import PackError

EMPTIED = "-"
"""A cell of an extending pack that takes away what the pack below says."""


class Row(dict[str, str]):
    """The cells of a row by column, and where each was written."""

    def __init__(self, cells: Mapping[str, str], *, file: str, line: int, places: Mapping[str, str] = {}) -> None:
        super().__init__(cells)
        self.file = file
        self.line = line
        self.places = dict(places)

    def place(self, column: str = "") -> str:
        """`file:line` of a cell, or of the row."""
        return self.places.get(column, f"{self.file}:{self.line}")

    def over(self, below: "Row") -> "Row":
        """This row laid over one that it replaces where it says something."""
        cells, places = dict(below), dict(below.places)
        for column in below:
            places.setdefault(column, below.place())
        for column, value in self.items():
            if value:
                cells[column] = "" if value == EMPTIED else value
                places[column] = self.place()
        return Row(cells, file=self.file, line=self.line, places=places)

    def changed(self, below: "Row") -> list[str]:
        """The columns in which this row says something else than the one below."""
        return [name for name, value in self.items() if value and value.replace(EMPTIED, "", value == EMPTIED)
                != below.get(name, "")]  # fmt: skip


def read(path: Path, *, file: str, columns: Sequence[str], needed: Collection[str]) -> list[Row]:
    """The rows of a CSV file in UTF-8. Raises PackError for a header or a row that does not fit."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise PackError(f"{file}:1: the file is not UTF-8. Save it as CSV in UTF-8 and try again.") from None
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise PackError(f"{file}:{line}: there is a NUL character here. Save the file as CSV in UTF-8 and try again.")
    reader = csv.reader(text.splitlines(keepends=True), strict=True)
    rows: list[Row] = []
    try:
        header = [name.strip() for name in next(reader, [])]
        _check_header(header, file, columns, needed)
        for cells in reader:
            if not any(cell.strip() for cell in cells) or cells[0].startswith("#"):
                continue
            if len(cells) != len(header):
                raise PackError(
                    f"{file}:{reader.line_num}: {cells[0] or 'this row'} has {len(cells)} fields, the header "
                    f"{len(header)}. Put a text that holds a comma between double quotes."
                )
            named = {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
            rows.append(Row(named, file=file, line=reader.line_num))
    except csv.Error as error:
        raise PackError(f"{file}:{reader.line_num}: this is no CSV ({error}). Look for a missing quote.") from None
    return rows


def _check_header(header: Sequence[str], file: str, columns: Sequence[str], needed: Collection[str]) -> None:
    missing = [name for name in needed if name not in header]
    strange = [name for name in header if name not in columns]
    twice = {name for name in header if header.count(name) > 1}
    if missing or strange or twice:
        said = [
            *(f"'{name}' is missing" for name in missing), *(f"'{name}' is not known" for name in strange),
            *(f"'{name}' stands twice" for name in sorted(twice)),
        ]  # fmt: skip
        raise PackError(f"{file}:1: of the columns {', '.join(said)}. Known: {', '.join(columns)}.")


def keyed(rows: Sequence[Row], *keys: str) -> dict[str, Row]:
    """Rows by what the key columns say. Raises PackError where one is empty or stands twice in one file."""
    found: dict[str, Row] = {}
    for row in rows:
        key = " ".join(row.get(name, "") for name in keys)
        if not all(row.get(name) for name in keys):
            lacking = next(name for name in keys if not row.get(name))
            raise PackError(f"{row.place()}: the column '{lacking}' is empty. Give the row a name.")
        if key in found:
            raise PackError(f"{row.place()}: '{key}' stands already at {found[key].place()}. Keep one of the two.")
        found[key] = row
    return found
