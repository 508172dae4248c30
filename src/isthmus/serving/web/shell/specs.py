"""Specifications of charts (Vega-Lite, plain dicts) of rows that may be shown; a count that is hidden is told as text.

A hidden count has no length: it is in the data as the text that the table has in its place, and as no number.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from isthmus.serving.page.charts import Spec
from isthmus.serving.page.tokens import LIGHT
from isthmus.serving.registries.report.curves import months
from isthmus.serving.web.shell.table import Row
from isthmus.serving.web.shell.timeline import FEWEST

HUES = tuple(LIGHT[f"c{at}"] for at in range(1, 7))
RAMP = ("#B4472E", "#CF7A55", "#E5AC86", "#F2D5BC", "#E9EDEA", "#C6DFDC", "#8EC3C1", "#4A9DA0", "#0A6C74")
WIDE, HIGH, LINE = 640, 300, 26
TICKS = 8
DASHES = ([1, 0], [8, 3], [2, 3])  # of lines when all hues are taken
Drawn = Callable[[Sequence[Row]], Spec]


def number(value: Any) -> int | float | None:
    """A number that may be drawn; None for what is hidden or not there."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def stacked(
    key: str, names: Mapping[str, str], *, count: str, across: bool = False, hues: Sequence[str] = HUES
) -> Drawn:
    """Stacked bars: one for each row, named by `key`, of the columns in `names`; `across` lays them down."""

    def spec(rows: Sequence[Row]) -> Spec:
        values = [
            {"at": str(row[key]), "of": said, "rank": rank, "n": number(row.get(name)), "told": _told(row.get(name))}
            for row in rows for rank, (name, said) in enumerate(names.items())
        ]  # fmt: skip
        order = list(dict.fromkeys(one["at"] for one in values))
        named: Spec = {"field": "at", "type": "ordinal", "sort": order, "title": None,
                       "axis": {"labelAngle": 0, "labelOverlap": True, "labelLimit": 260}}  # fmt: skip
        counted: Spec = {"field": "n", "type": "quantitative", "stack": "zero", "title": count,
                         "axis": {"tickCount": 5, "tickMinStep": 1, "format": ",d"}}  # fmt: skip
        colour = {"field": "of", "type": "nominal", "title": None, "sort": list(names.values()),
                  "scale": {"domain": list(names.values()), "range": list(hues[: len(names)])},
                  "legend": {"orient": "top", "symbolOpacity": 1, "labelLimit": 300}}  # fmt: skip
        x, y = (counted, named) if across else (named, counted)
        return {
            "width": WIDE, "height": {"step": LINE} if across else HIGH, "data": {"values": values}, "mark": "bar",
            "encoding": {"x": x, "y": y, "color": colour, "order": {"field": "rank", "type": "quantitative"}},
        }  # fmt: skip

    return spec


def funnel(key: str, count: str, *, title: str) -> Drawn:
    """Bars below each other, each with its name and its count."""

    def spec(rows: Sequence[Row]) -> Spec:
        values = [{"at": at, "name": str(row[key]), "n": number(row[count]), "told": _told(row[count])}
                  for at, row in enumerate(rows)]  # fmt: skip
        y: Spec = {"field": "name", "type": "nominal", "sort": {"field": "at"}, "title": None,
                   "axis": {"labelLimit": 340, "domain": False, "ticks": False}}  # fmt: skip
        x: Spec = {
            "field": "n",
            "type": "quantitative",
            "title": title,
            "axis": {"tickCount": 5, "tickMinStep": 1, "format": ",d"},
        }
        bars = {"mark": {"type": "bar", "color": HUES[0]}, "encoding": {"x": x, "y": y}}
        texts = {"mark": {"type": "text", "align": "left", "dx": 6},
                 "encoding": {"x": {**x, "field": "from"}, "y": y, "text": {"field": "told"}}}  # fmt: skip
        filled = [{"calculate": "isValid(datum.n) ? datum.n : 0", "as": "from"}]
        return {"width": WIDE - 180, "height": {"step": LINE + 6}, "data": {"values": values}, "transform": filled,
                "layer": [bars, texts]}  # fmt: skip

    return spec


def heat(names: Callable[[Row], str], sites: Mapping[str, str], *, title: str, none: str) -> Drawn:
    """A field of shares: a line for each row under its name, a column for each of `sites`; a dash where none is."""

    def spec(rows: Sequence[Row]) -> Spec:
        values = [
            {"at": at, "name": names(row), "site": said, "share": number(row.get(site)),
             "told": none if number(row.get(site)) is None else f"{100 * row[site]:.0f}"}
            for at, row in enumerate(rows) for site, said in sites.items()
        ]  # fmt: skip
        wide = max(56, min(150, WIDE // max(1, len(sites))))
        y: Spec = {"field": "name", "type": "nominal", "sort": {"field": "at"}, "title": None,
                   "axis": {"labelLimit": 280, "domain": False, "ticks": False}}  # fmt: skip
        x: Spec = {"field": "site", "type": "nominal", "sort": list(sites.values()), "title": None,
                   "axis": {"orient": "top", "labelAngle": 0, "labelLimit": wide, "domain": False,
                            "ticks": False}}  # fmt: skip
        scale = {"type": "quantize", "domain": [0, 1], "range": list(RAMP)}
        missing = {"test": "!isValid(datum.share)", "value": LIGHT["sunken"]}
        light = "isValid(datum.share) && (datum.share < 1 / 9 || datum.share > 8 / 9)"
        return {
            "width": {"step": wide}, "height": {"step": 20},
            "data": {"values": values}, "encoding": {"x": x, "y": y},
            "layer": [
                {"mark": {"type": "rect", "stroke": LIGHT["surface"], "strokeWidth": 2, "invalid": None},
                 "encoding": {"color": {"condition": missing, "field": "share", "type": "quantitative", "scale": scale,
                                        "title": title, "legend": {"format": ".0%", "orient": "bottom"}}}},
                {"mark": {"type": "text", "fontSize": 11}, "encoding": {
                    "text": {"field": "told"},
                    "color": {"condition": {"test": light, "value": "#FFFFFF"}, "value": LIGHT["ink"]}}},
            ],
        }  # fmt: skip

    return spec


def curves(*, time: str, share: str, risk: str, until: int) -> Drawn:
    """Survival of groups: steps with their intervals, a tick where somebody's follow-up ended, those at risk below.

    Rows have `group, month` with `survival, low, high` (a step), `survival, censored` or `at_risk`. The picture ends at
    the month `until`.
    """

    def spec(rows: Sequence[Row]) -> Spec:
        names = list(dict.fromkeys(str(row["group"]) for row in rows))
        scale = {"domain": [0, until], "nice": False}
        x: Spec = {"field": "month", "type": "quantitative", "scale": scale, "title": time,
                   "axis": {"values": months(until), "grid": False}}  # fmt: skip
        y: Spec = {"type": "quantitative", "scale": {"domain": [0, 1]}, "title": share,
                   "axis": {"format": ".0%", "tickCount": 5, "domain": False, "ticks": False}}  # fmt: skip
        hue = {"field": "group", "type": "nominal", "title": None,
               "scale": {"domain": names, "range": [HUES[at % len(HUES)] for at in range(len(names))]}}  # fmt: skip
        legend = {**hue, "legend": {"orient": "top", "symbolOpacity": 1, "labelLimit": 300, "columns": 2}}
        dash = {"field": "group", "type": "nominal", "title": None, "legend": legend["legend"], "scale": {
            "domain": names, "range": [DASHES[at // len(HUES) % len(DASHES)] for at in range(len(names))]}}  # fmt: skip
        steps = [{"filter": "isValid(datum.low)"}]
        ended = {"transform": [{"filter": "datum.censored > 0"}],
                 "mark": {"type": "point", "shape": "M0,-1L0,1", "size": 30, "clip": True, "opacity": 1},
                 "encoding": {"x": x, "y": {**y, "field": "survival"}, "stroke": legend}}  # fmt: skip
        layers = [
            {"transform": steps,
             "mark": {"type": "area", "interpolate": "step-after", "fillOpacity": 0.1, "clip": True},
             "encoding": {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"},
                          "fill": legend}},
            {"transform": steps, "mark": {"type": "line", "interpolate": "step-after", "strokeWidth": 2, "clip": True},
             "encoding": {"x": x, "y": {**y, "field": "survival"}, "stroke": legend, "strokeDash": dash}},
            ended,
        ]  # fmt: skip
        below = _risk(rows, names, scale, risk)
        above = {"width": WIDE, "height": HIGH, "data": {"values": [dict(row) for row in rows]}, "layer": layers}
        return {"vconcat": [above, below], "spacing": 66, "bounds": "flush"}

    return spec


def timeline() -> Drawn:
    """The events of one person: a line for each name by its kind, and each result that was measured often over time."""

    def spec(rows: Sequence[Row]) -> Spec:
        values = [
            {**row, "at": at, "day": str(row["day"]), "until": str(row["until"] or row["day"])}
            for at, row in enumerate(rows) if row["day"] is not None
        ]  # fmt: skip
        x: Spec = {"field": "day", "type": "temporal", "title": None, "axis": {"orient": "top", "tickCount": TICKS}}
        y: Spec = {"field": "called", "type": "nominal", "title": None, "sort": {"field": "at", "op": "min"},
                   "axis": {"labelLimit": 300, "domain": False, "ticks": False}}  # fmt: skip
        hue = {"field": "what", "type": "nominal", "title": None, "legend": {"orient": "top", "symbolOpacity": 1},
               "scale": {"domain": list(dict.fromkeys(row["what"] for row in values)),
                         "range": list(HUES)}}  # fmt: skip
        place = {"x": x, "x2": {"field": "until"}, "y": y, "color": hue}
        layers = [{"mark": {"type": "rule", "strokeWidth": 8, "opacity": 0.55}, "encoding": place},
                  {"mark": {"type": "tick", "thickness": 2}, "encoding": {"x": x, "y": y, "color": hue}}]  # fmt: skip
        events = {"width": WIDE, "height": {"step": 18}, "data": {"values": values}, "layer": layers}
        return {"vconcat": [events, *_measured(values, x)], "spacing": 24, "resolve": {"scale": {"x": "shared"}}}

    return spec


def _measured(values: Sequence[Spec], x: Spec) -> Iterator[Spec]:
    """A small picture of each result with numbers enough to follow."""
    named: dict[tuple[str, str], list[Spec]] = {}
    for row in values:
        if row.get("value") is not None:
            named.setdefault((row["called"], row.get("unit") or ""), []).append(row)
    for (called, unit), own in named.items():
        if len(own) >= FEWEST:
            title = {"text": f"{called}{f' ({unit})' if unit else ''}", "anchor": "start", "fontSize": 12}
            yield {
                "width": WIDE, "height": 60, "data": {"values": own}, "title": title,
                "mark": {"type": "line", "point": True, "strokeWidth": 1, "color": HUES[0]},
                "encoding": {"x": {**x, "axis": {"grid": True, "labels": False, "ticks": False}},
                             "y": {"field": "value", "type": "quantitative", "title": None,
                                   "scale": {"zero": False}, "axis": {"tickCount": 3}}},
            }  # fmt: skip


def network(columns: Sequence[tuple[Sequence[str], str]], count: str) -> Drawn:
    """What stands in neighbouring columns of a table, joined by lines as broad as their rows are many.

    `columns` are keys of the rows, of whose values a name is made, with what stands over them. Of lines that join the
    same, the numbers are added; where one of them is hidden, the line has none.
    """

    def spec(rows: Sequence[Row]) -> Spec:
        named = [[" · ".join(str(row[key]) for key in keys) for keys, _ in columns] for row in rows]
        placed = [list(dict.fromkeys(one[at] for one in named)) for at in range(len(columns))]
        high = max(map(len, placed))
        place = {(at, name): (nth + 0.5) * high / len(names)
                 for at, names in enumerate(placed) for nth, name in enumerate(names)}  # fmt: skip
        sums: dict[tuple[int, str, str], list[Any]] = {}
        for row, one in zip(rows, named, strict=True):
            for at, pair in enumerate(pairwise(one)):
                sums.setdefault((at, *pair), []).append(number(row[count]))
        lines = [
            {"x": at, "y": place[at, left], "x2": at + 1, "y2": place[at + 1, right], "from": left, "to": right,
             "n": None if None in parts else sum(parts)} for (at, left, right), parts in sums.items()
        ]  # fmt: skip
        nodes = [{"x": at, "y": y, "name": name} for (at, name), y in place.items()]
        heads = [{"x": at, "y": -0.4, "name": said} for at, (_, said) in enumerate(columns)]
        return {"width": 900, "height": max(120, 24 * high), "layer": _joined(lines, nodes, heads, high)}

    return spec


def _joined(lines: list[Spec], nodes: list[Spec], heads: list[Spec], high: int) -> list[Spec]:
    last = max(one["x"] for one in heads)
    x: Spec = {"field": "x", "type": "quantitative", "axis": None, "scale": {"domain": [-0.05, last + 0.5]}}
    y: Spec = {"field": "y", "type": "quantitative", "axis": None, "scale": {"domain": [high, -0.6], "nice": False}}
    named = {"x": x, "y": y, "text": {"field": "name"}}
    text = {"type": "text", "align": "left", "limit": 240, "dx": 8}
    size = {"field": "n", "type": "quantitative", "legend": None, "scale": {"type": "sqrt", "range": [1, 10]}}
    return [
        {"data": {"values": lines}, "mark": {"type": "rule", "opacity": 0.3, "color": HUES[0], "invalid": None},
         "encoding": {"x": x, "y": y, "x2": {"field": "x2"}, "y2": {"field": "y2"}, "size": size}},
        {"data": {"values": nodes}, "encoding": {"x": x, "y": y},
         "mark": {"type": "point", "filled": True, "size": 60, "color": HUES[0], "opacity": 1}},
        {"data": {"values": nodes}, "encoding": named,
         "mark": {**text, "stroke": LIGHT["surface"], "strokeWidth": 3, "strokeJoin": "round"}},
        {"data": {"values": nodes}, "encoding": named, "mark": text},
        {"data": {"values": heads}, "encoding": named, "mark": {**text, "dx": 0, "fontWeight": 600}},
    ]  # fmt: skip


def _risk(rows: Sequence[Row], names: Sequence[str], scale: Spec, title: str) -> Spec:
    """The numbers of those at risk, a line for each group."""
    return {
        "width": WIDE, "height": 20 * len(names), "data": {"values": list(_at_risk(rows))}, "mark": "text",
        "title": {"text": title, "anchor": "start", "fontSize": 12, "offset": 2},
        "encoding": {"x": {"field": "month", "type": "quantitative", "scale": scale, "axis": None},
                     "y": {"field": "group", "type": "nominal", "sort": names, "title": None,
                           "axis": {"domain": False, "ticks": False, "labelLimit": 150, "labelPadding": 22}},
                     "text": {"field": "at_risk"}},
    }  # fmt: skip


def _at_risk(rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    """How many of each group are looked at for so long or longer, as it is shown."""
    for row in rows:
        if row["at_risk"] is not None:
            yield {"group": row["group"], "month": row["month"], "at_risk": _told(row["at_risk"])}


def _told(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else "" if value is None else str(value)
