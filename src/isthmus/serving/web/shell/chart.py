"""A chart as a value: a picture of the rows of one table of its page, which leaves as SVG, PNG, PDF or Vega-Lite.

It is drawn of the columns of the table, as they are shown: what is hidden there is in no form of the chart. Nothing is
left out, and what cannot be drawn whole is refused.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import vl_convert

from isthmus.base.errors import InputError
from isthmus.serving.page.charts import SCHEMA, Spec, config
from isthmus.serving.page.tokens import LIGHT
from isthmus.serving.page.words import Speech
from isthmus.serving.web.shell.files import described
from isthmus.serving.web.shell.table import Row, Table

SUFFIXES: Mapping[str, str] = {
    "vl.json": "application/vnd.vegalite.v6+json",
    "svg": "image/svg+xml",
    "png": "image/png",
    "pdf": "application/pdf",
}
MOST = 20_000  # rows of a picture; a specification has them all
SHARPNESS = 2.0  # pixels of a PNG for each of the specification
LONG = 110  # letters of a line of the subtitle


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart of a page's table. `spec` makes a Vega-Lite specification of rows that may be shown."""

    name: str
    table: str
    title: str
    spec: Callable[[Sequence[Row]], Spec]


def written(chart: Chart, table: Table, suffix: str, w: Speech) -> tuple[bytes, dict[str, str]]:
    """The file, and headers that say what is in it. `table` is masked already.

    Raises InputError where there are more rows than a picture holds.
    """
    rows = table.rows
    if suffix != "vl.json" and len(rows) > MOST:
        raise InputError(f"a picture shows at most {MOST:,} rows and this would have {len(rows):,}. Take .vl.json, "
                         "which has all of them, or the table as .csv.")  # fmt: skip
    spec = whole(chart, table, w)
    if suffix == "vl.json":
        content = orjson.dumps(spec, default=str)
    elif suffix == "svg":
        content = vl_convert.vegalite_to_svg(spec, allowed_base_urls=[]).encode()
    elif suffix == "png":
        content = bytes(vl_convert.vegalite_to_png(spec, scale=SHARPNESS, allowed_base_urls=[]))
    else:
        content = bytes(vl_convert.vegalite_to_pdf(spec, allowed_base_urls=[]))
    return content, described(table, content)


def whole(chart: Chart, table: Table, w: Speech) -> Spec:
    """The specification with its title, where its numbers come from, and how it looks."""
    source = table.source
    told: dict[str, Any] = {
        "chart": chart.name, "table": table.name, "rows_here": len(table.rows),
        "rows_of": table.whole or len(table.rows), "edition": source.edition if source else None,
        "rule": source.rule if source else "",
    }  # fmt: skip
    lines = _lines(source.says if source else "")
    if source and source.edition:
        lines.append(f"{w('edition')} e{source.edition:06d}" + (f" · {source.rule}" if source.rule else ""))
    title = {"text": chart.title, "subtitle": lines, "anchor": "start", "fontSize": 16, "subtitleFontSize": 12,
             "subtitleColor": LIGHT["ink2"], "color": LIGHT["ink"], "offset": 14}  # fmt: skip
    return {
        "$schema": SCHEMA, "background": LIGHT["surface"], "padding": 16, "title": title,
        "config": config(w.language), "usermeta": {"isthmus": told}, **chart.spec(table.plain()),
    }  # fmt: skip


def _lines(text: str) -> list[str]:
    """A text in lines that fit under a title; signs of Chinese are twice as broad."""
    lines, here, room = [], "", LONG
    for word in text.split(" "):
        wide = sum(2 if ord(sign) > 0x2E80 else 1 for sign in word) + 1
        if here and wide > room:
            lines.append(here)
            here, room = "", LONG
        here, room = f"{here} {word}".strip(), room - wide
    return [*lines, here] if here else lines
