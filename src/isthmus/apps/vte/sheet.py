"""Tables as CSV in UTF-8 with a byte order mark, so that spreadsheets show Chinese as it is."""

import csv
from io import StringIO

import pyarrow as pa

RISKY = ("=", "+", "-", "@", "\t", "\r")


def as_csv(table: pa.Table) -> str:
    """The rows of a table. A text that a spreadsheet would take for a formula is put behind a quote."""
    out = StringIO()
    out.write("\ufeff")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(table.column_names)
    columns = [column.to_pylist() for column in table.columns]
    writer.writerows([_cell(value) for value in row] for row in zip(*columns, strict=True))
    return out.getvalue()


def _cell(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(RISKY) else text
