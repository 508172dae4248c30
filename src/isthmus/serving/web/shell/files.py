"""A table as a file: CSV, JSON or Parquet, with edition, rule, rows and hash, and never cut in silence."""

import csv
import hashlib
import io
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from isthmus.serving.web.shell.table import Table

SUFFIXES: Mapping[str, str] = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "parquet": "application/vnd.apache.parquet",
}
HARMFUL = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would take a cell that begins so for a formula


def written(table: Table, suffix: str, *, marked: bool = False) -> tuple[bytes, dict[str, str]]:
    """The file, and headers that say what is in it. `marked` puts a byte order mark before CSV, for spreadsheets."""
    rows = table.plain()
    content = _json(table, rows) if suffix == "json" else _parquet(table, rows) if suffix == "parquet" else _csv(rows)
    if suffix == "csv" and marked:
        content = b"\xef\xbb\xbf" + content
    return content, described(table, content)


def described(table: Table, content: bytes) -> dict[str, str]:
    """Headers that say what of a table is in a file: its rows, edition and rule, and the hash of the file."""
    here = len(table.rows)
    said = {"X-Rows": str(here), "X-Rows-Of": str(table.whole or here), **_said(table)}
    return said | {"X-Content-SHA256": hashlib.sha256(content).hexdigest()}


def _said(table: Table) -> dict[str, str]:
    source = table.source
    if source is None:
        return {}
    said = {"X-Edition": "" if source.edition is None else str(source.edition), "X-Rule": source.rule}
    return {name: text for name, text in said.items() if text and text.isascii()}


def _json(table: Table, rows: list[dict[str, Any]]) -> bytes:
    source = table.source
    body = {
        "table": table.name, "edition": source.edition if source else None, "rule": source.rule if source else "",
        "rows_here": len(rows), "rows_of": table.whole or len(rows), "rows": rows,
    }  # fmt: skip
    return orjson.dumps(body, default=str)


def _csv(rows: list[dict[str, Any]]) -> bytes:
    text = io.StringIO()
    if rows:
        writer = csv.writer(text, lineterminator="\r\n")
        writer.writerow(rows[0])
        writer.writerows([_cell(value) for value in row.values()] for row in rows)
    return text.getvalue().encode()


def _cell(value: Any) -> str:
    """A cell that no spreadsheet takes for a formula."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    text = _text(value)
    return f"'{text}" if text.startswith(HARMFUL) else text


def _text(value: Any) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return " ".join(str(one) for one in value) if isinstance(value, list | tuple | set | frozenset) else str(value)


def _parquet(table: Table, rows: list[dict[str, Any]]) -> bytes:
    names = list(rows[0]) if rows else [one.key for one in table.columns]
    columns = {name: _column([row[name] for row in rows]) for name in names}
    told = pa.table(columns).replace_schema_metadata(
        {"isthmus.table": table.name, "isthmus.rows_of": str(table.whole or len(rows)), **_said(table)}
    )
    sink = io.BytesIO()
    pq.write_table(told, sink)
    return sink.getvalue()


def _column(values: list[Any]) -> pa.Array:
    """The values as one Arrow column: numbers and times as they are, the rest as text."""
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int} or kinds <= {int, float} or kinds <= {bool} or kinds <= {datetime} or kinds <= {date}:
        return pa.array(values) if kinds else pa.array(values, pa.string())
    return pa.array([None if value is None else _text(value) for value in values], pa.string())
