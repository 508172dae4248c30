"""Tables drawn as text, for tests that show what happens as before and after.

    patient | result | when
    --------+--------+-----------
    A       | < 5    | 2024-03-05
    B       |        | ''

A bar between blanks parts the cells, so that `a || b` and an HL7 segment stay whole. An empty cell is null, `''` is the
empty text.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import pyarrow as pa

BAR = re.compile(r"(?:(?<=\s)|^)\|(?=\s|$)")
RULE = re.compile(r"\s*-[-+\s]*$")

Row = dict[str, str | None]


def drawn(text: str) -> list[Row]:
    """The rows of a drawn table, every value as text or None."""
    lines = [line for line in text.splitlines() if line.strip()]
    header = [cell.strip() for cell in BAR.split(lines[0])]
    body = [line for line in lines[1:] if not RULE.match(line)]
    rows = [[_read(cell.strip()) for cell in BAR.split(line)] for line in body]
    for line, row in zip(body, rows, strict=True):
        assert len(row) == len(header), f"this line has {len(row)} cells, the header {len(header)}: {line}"
    return [dict(zip(header, row, strict=True)) for row in rows]


def said(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> list[Row]:
    """Some columns of real rows in the same spelling, in the order of their text."""
    found = [{name: written(row[name]) for name in columns} for row in rows]
    return sorted(found, key=lambda row: [value or "" for value in row.values()])


def written(value: Any) -> str | None:
    """One value as a drawn table writes it."""
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        return f"{value:.10g}"
    return str(value)


def arrow(rows: Sequence[Row], *, places: Sequence[int] | None = None) -> pa.Table:
    """Rows as a reader would give them: `_place`, then text columns."""
    names = list(rows[0]) if rows else []
    columns = {name: pa.array([row[name] for row in rows], pa.string()) for name in names}
    return pa.table({"_place": pa.array(places or range(len(rows)), pa.int64()), **columns})


def as_csv(text: str) -> str:
    """A drawn table as the CSV file that a hospital might send; null and the empty text are both nothing."""
    rows = drawn(text)
    lines = [list(rows[0]), *([value or "" for value in row.values()] for row in rows)]
    return "".join(",".join(_quoted(cell) for cell in line) + "\n" for line in lines)


def _read(cell: str) -> str | None:
    if not cell:
        return None
    return "" if cell == "''" else cell.replace("\\n", "\n")


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if set(cell) & set(',"\n') else cell
