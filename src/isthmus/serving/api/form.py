"""The forms of an answer: JSON, CSV, Parquet, Arrow. Each says how many rows it has and what they hash to.

An answer is composed whole before its first byte is sent, so that its count and its hash stand in its headers, and in
JSON and Parquet in the document itself: a stream that was cut cannot be taken for a whole one.
"""

import base64
import hashlib
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from fastapi import Response

from isthmus.serving.api.problem import Problem

JSON, CSV = "application/json", "text/csv"
PARQUET, ARROW = "application/vnd.apache.parquet", "application/vnd.apache.arrow.stream"
SUFFIXES: Mapping[str, str] = {"json": JSON, "csv": CSV, "parquet": PARQUET, "arrow": ARROW}
"""What a table's address may end in, and the media type that it stands for."""
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet runs
BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows with what has to be told beside them: `told` are values of JSON, `headers` go with every form."""

    rows: pa.Table
    told: Mapping[str, Any]
    headers: Mapping[str, str]


def wanted(accept: str) -> str:
    """The media type for an `Accept` header. Raises Problem (406) when there is none among ours."""
    offered = [_weighed(one) for one in accept.split(",") if one.strip()] or [("*/*", 1.0)]
    best, found = 0.0, ""
    for media in SUFFIXES.values():
        for name, weight in offered:
            if weight > best and name in {media, "*/*", f"{media.partition('/')[0]}/*"}:
                best, found = weight, media
    if not found:
        raise Problem("unacceptable", f"'{accept[:80]}' names no form of an answer.")
    return found


def written(answer: Answer, media: str, *, sheet: bool = False) -> Response:
    """An answer in one of the forms; `sheet` makes a CSV safe and readable for spreadsheets."""
    content = _WRITERS[media](answer) if not sheet else BOM + _csv(_tame(answer))
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    headers = {
        **answer.headers, "X-Row-Count": str(answer.rows.num_rows), "Content-Digest": f"sha-256=:{digest}:",
    }  # fmt: skip
    charset = "; charset=utf-8" if media == CSV else ""
    return Response(content, media_type=f"{media}{charset}", headers=headers)


def columns(schema: pa.Schema) -> list[dict[str, str]]:
    """Names and types of columns, as JSON tells them."""
    return [{"name": field.name, "type": str(field.type)} for field in schema]


def plain(value: Any) -> Any:
    """A value of an answer as JSON has it."""
    match value:
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case bytes():
            return base64.b64encode(value).decode()
        case _:
            return str(value)


def _json(answer: Answer) -> bytes:
    # The rows first, what is known only after them at the end: count and hash of the array as it stands.
    rows = orjson.dumps(answer.rows.to_pylist(), default=plain, option=orjson.OPT_NON_STR_KEYS)
    told = {"columns": columns(answer.rows.schema), **answer.told}
    last = {"count": answer.rows.num_rows, "sha256": hashlib.sha256(rows).hexdigest()}
    return orjson.dumps(told)[:-1] + b',"rows":' + rows + b"," + orjson.dumps(last)[1:]


def _csv(answer: Answer) -> bytes:
    sink = io.BytesIO()
    flat = answer.rows
    for place, field in enumerate(flat.schema):
        if pa.types.is_nested(field.type) or pa.types.is_binary(field.type):
            texts = [
                None if one is None else orjson.dumps(one, default=plain).decode() for one in flat[place].to_pylist()
            ]
            flat = flat.set_column(place, field.name, pa.array(texts, pa.string()))
    pa_csv.write_csv(flat, sink)
    return sink.getvalue()


def _tame(answer: Answer) -> Answer:
    """The same with an apostrophe before each text that a spreadsheet would run."""
    rows = answer.rows
    for place, field in enumerate(rows.schema):
        if pa.types.is_string(field.type):
            texts = [f"'{one}" if one and one.startswith(FORMULA) else one for one in rows[place].to_pylist()]
            rows = rows.set_column(place, field.name, pa.array(texts, pa.string()))
    return Answer(rows, answer.told, answer.headers)


def _marked(answer: Answer) -> pa.Table:
    """The rows with what is told in the metadata of their schema."""
    told = {f"isthmus.{name}": orjson.dumps(value).decode() for name, value in answer.told.items()}
    return answer.rows.replace_schema_metadata({**told, "isthmus.count": str(answer.rows.num_rows)})


def _parquet(answer: Answer) -> bytes:
    sink = io.BytesIO()
    pq.write_table(_marked(answer), sink, compression="zstd")
    return sink.getvalue()


def _arrow(answer: Answer) -> bytes:
    sink = io.BytesIO()
    rows = _marked(answer)
    with pa.ipc.new_stream(sink, rows.schema) as stream:
        stream.write_table(rows)
    return sink.getvalue()


def _weighed(one: str) -> tuple[str, float]:
    name, *parts = (part.strip() for part in one.split(";"))
    weight = next((part[2:] for part in parts if part.startswith("q=")), "1")
    try:
        return name.lower(), float(weight)
    except ValueError:
        return name.lower(), 0.0


_WRITERS: Mapping[str, Callable[[Answer], bytes]] = {JSON: _json, CSV: _csv, PARQUET: _parquet, ARROW: _arrow}
