"""Charts as Vega-Lite specifications (plain dicts), drawn as SVG; nothing is fetched and no script is left in them.

Each is drawn twice, for wide pages and for phones, and in the light colours; the style sheet chooses and recolours.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import Any

import vl_convert
from markupsafe import Markup

from isthmus.research.studies.resection import Effect
from isthmus.serving.page.tokens import LIGHT, fonts
from isthmus.serving.page.view import Stage
from isthmus.serving.page.words import Language, Speech

Spec = dict[str, Any]

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
WIDE, NARROW = "wide", "narrow"
KM_SIZE = {WIDE: (560, 330), NARROW: (236, 250)}
FOREST_SIZE = {WIDE: (400, 132), NARROW: (150, 132)}
ROW = 21  # height of a line of the table of patients at risk
COLOURS: Mapping[str, str] = {"0": "c3", "A": "c1", "B": "c2", "C": "c5", "D": "c6"}
DASHES: Mapping[str, list[int]] = {"0": [2, 3], "A": [1, 0], "B": [9, 3], "C": [9, 3, 2, 3], "D": [4, 3]}
TICK = "M0,-1L0,1"
LABEL_GAP = 15.0
LABEL_REACH = 60.0
RATIOS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)

_ACCESSIBLE = re.compile(r' (?:role|aria-[a-z]+|class|xmlns(?::xlink)?|version|pointer-events|opacity)="(?:[^"]*)"')
_HIDDEN = re.compile(r'<path[^>]*(?:display="none"|d="M0,0h[\d.]+v[\d.]+h-?[\d.]+Z")/>')
_ROOT = re.compile(r"<svg([^>]*)>")


def survival(stages: Sequence[Stage], ticks: Sequence[int], speech: Speech, *, label: str) -> Markup:
    """Kaplan–Meier curves with intervals, censoring ticks, a name at each curve and the patients at risk below."""
    return _both("km", lambda size: _survival(stages, ticks, speech, size), speech, label)


def forest(effect: Effect, truth: float, speech: Speech, *, label: str) -> Markup:
    """Hazard ratios with their intervals, and the true one as a line through all."""
    return _both("forest", lambda size: _forest(effect, truth, speech, size), speech, label)


def _both(name: str, spec: Callable[[str], Spec], speech: Speech, label: str) -> Markup:
    return Markup("").join(draw(spec(size), speech, name=f"{name}-{size}", label=label) for size in (WIDE, NARROW))


def draw(spec: Spec, speech: Speech, *, name: str, label: str) -> Markup:
    """The SVG of a specification: scalable, named for those who listen, its ids its own."""
    whole = {"$schema": SCHEMA, "background": None, "config": config(speech.language), **spec}
    svg = vl_convert.vegalite_to_svg(whole, allowed_base_urls=[])
    root = _ROOT.search(svg)
    assert root is not None
    box = re.search(r'viewBox="([^"]+)"', root[1])
    assert box is not None
    body = _HIDDEN.sub("", _ACCESSIBLE.sub("", svg[root.end() :]))
    body = re.sub(r'(id="|url\(#)', rf"\g<1>{name}-", body)
    size = name.rpartition("-")[2]
    head = f'<svg class="chart {size}" role="img" aria-label="{escape(label)}" viewBox="{box[1]}">'
    return Markup(head + body)  # drawn by us from our own words and numbers; text in it was escaped by the drawer


def config(language: Language) -> Spec:
    """How charts look: typefaces and colours of text, axes and grid."""
    font = fonts(language)
    plain = {"labelFont": font, "titleFont": font, "labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": 500,
             "labelColor": LIGHT["ink2"], "titleColor": LIGHT["ink2"], "titlePadding": 8}  # fmt: skip
    lines = {"domainColor": LIGHT["line2"], "tickColor": LIGHT["line2"], "gridColor": LIGHT["line"]}
    return {
        "aria": False,
        "font": font,
        "view": {"stroke": None},
        "axis": {**plain, **lines},
        "legend": plain,
        "text": {"font": font, "fontSize": 12, "fill": LIGHT["ink2"]},
        "concat": {"spacing": 8},
    }


@dataclass(slots=True)
class _Place:
    """Where the name of a curve stands, in pixels."""

    name: str
    x: float
    y: float


def _colour(stage: str) -> str:
    return LIGHT[COLOURS.get(stage, "c6")]


def _survival(stages: Sequence[Stage], ticks: Sequence[int], speech: Speech, size: str) -> Spec:
    width, height = KM_SIZE[size]
    shown = ticks if size == WIDE else ticks[:: max(1, len(ticks) // 4)]
    scale = {"domain": [0, ticks[-1]], "nice": False}
    time: Spec = {"field": "t", "type": "quantitative", "scale": scale, "title": speech("axis.months"),
                  "axis": {"values": list(shown), "grid": False}}  # fmt: skip
    percent: Spec = {"type": "quantitative", "scale": {"domain": [0, 1]}, "title": speech("axis.survival"),
                     "axis": {"format": ".0%", "tickCount": 5, "domain": False, "ticks": False}}  # fmt: skip
    names = [one.name for one in stages]
    hue = _choice(names, [_colour(name) for name in names])
    dash = _choice(names, [DASHES.get(name, [1, 0]) for name in names])
    layers: list[Spec] = [
        {"data": {"values": list(_steps(stages, ticks[-1]))}, "layer": [
            {"mark": {"type": "area", "interpolate": "step-after", "fillOpacity": 0.1, "clip": True},
             "encoding": {"x": time, "y": {**percent, "field": "l"}, "y2": {"field": "u"}, "fill": hue}},
            {"mark": {"type": "line", "interpolate": "step-after", "strokeWidth": 2, "clip": True, "strokeCap": "butt"},
             "encoding": {"x": time, "y": {**percent, "field": "s"}, "stroke": hue, "strokeDash": dash}},
        ]},
        {"data": {"values": [{"t": t, "s": s, "g": one.name} for one in stages for t, s in one.censored]},
         "mark": {"type": "point", "shape": TICK, "size": 30, "strokeWidth": 1, "clip": True},
         "encoding": {"x": time, "y": {**percent, "field": "s"}, "stroke": hue}},
        *_names(stages, ticks[-1], speech, size),
    ]  # fmt: skip
    risk = _at_risk(stages, shown, speech, size, scale)
    return {
        "bounds": "flush", "padding": {"left": 6, "right": 8, "top": 8, "bottom": 6},
        "vconcat": [{"width": width, "height": height, "layer": layers}, risk], "spacing": 66,
    }  # fmt: skip


def _steps(stages: Sequence[Stage], end: float) -> Iterator[Spec]:
    for one in stages:
        for t, s, low, high in zip(one.months, one.survival, one.lower, one.upper, strict=True):
            if t <= end:
                yield {"g": one.name, "t": t, "s": s, "l": low, "u": high}


def _names(stages: Sequence[Stage], end: float, speech: Speech, size: str) -> Iterator[Spec]:
    """The name of each stage where its curve ends; names that would lie on one another move apart."""
    width, height = KM_SIZE[size]
    places = []
    for one in stages:
        last = max(at for at, month in enumerate(one.months) if month <= end)
        places.append(_Place(one.name, one.months[last] / end * width + 6, (1 - one.survival[last]) * height))
    places.sort(key=lambda place: place.y)
    for _ in places:
        for upper, lower in pairwise(places):
            if lower.y - upper.y < LABEL_GAP and abs(lower.x - upper.x) < LABEL_REACH:
                middle = (upper.y + lower.y) / 2
                upper.y, lower.y = middle - LABEL_GAP / 2, middle + LABEL_GAP / 2
    for place in places:
        text = speech("stage" if size == WIDE else "stage.short", stage=place.name)
        yield {
            "data": {"values": [{}]},
            "mark": {
                "type": "text",
                "align": "left",
                "baseline": "middle",
                "fontWeight": 650,
                "fill": _colour(place.name),
            },
            "encoding": {"x": {"value": place.x}, "y": {"value": min(place.y, height - 6)}, "text": {"value": text}},
        }


def _at_risk(stages: Sequence[Stage], shown: Sequence[int], speech: Speech, size: str, scale: Spec) -> Spec:
    names = [one.name for one in stages]
    labels = {name: speech("stage" if size == WIDE else "stage.short", stage=name) for name in names}
    rows = [{"t": tick, "n": f"{one.at_risk[tick]:,}", "g": labels[one.name]} for one in stages for tick in shown]
    place = {
        "x": {"field": "t", "type": "quantitative", "scale": scale, "axis": None},
        "y": {"field": "g", "type": "nominal", "sort": list(labels.values()), "title": None,
              "axis": {"domain": False, "ticks": False, "labelPadding": 22, "labelFontWeight": 600}},
    }  # fmt: skip
    return {
        "width": KM_SIZE[size][0], "height": ROW * len(names),
        "title": {"text": speech("axis.risk"), "anchor": "start", "fontSize": 12, "fontWeight": 600, "offset": 2,
                  "color": LIGHT["ink2"], "font": fonts(speech.language)},
        "data": {"values": rows}, "mark": {"type": "text"},
        "encoding": {**place, "text": {"field": "n", "type": "nominal"}},
    }  # fmt: skip


def _forest(effect: Effect, truth: float, speech: Speech, size: str) -> Spec:
    width, height = FOREST_SIZE[size]
    lines = {"naive": effect.naive, "adjusted": effect.adjusted, "true": (truth, truth, truth)}
    names = {key: speech(f"effect.{key}") for key in lines}
    rows = [
        {
            "g": names[key],
            "v": value,
            "l": low,
            "u": high,
            "t": f"{value:.2f}" + (f" ({low:.2f}–{high:.2f})" if low < high else ""),
        }
        for key, (value, low, high) in lines.items()
    ]
    ends = [each for line in lines.values() for each in line] + [1.0]
    domain = [min(ends) / 1.15, max(ends) * 1.15]
    values = [ratio for ratio in RATIOS if domain[0] <= ratio <= domain[1]]
    x: Spec = {"field": "v", "type": "quantitative", "scale": {"type": "log", "domain": domain, "nice": False},
               "title": speech("axis.ratio"),
               "axis": {"values": values, "grid": True, "labelOverlap": "greedy", "format": "~g"}}  # fmt: skip
    plain = {"domain": False, "ticks": False, "labelPadding": 10, "labelFontWeight": 600, "labelLimit": 300}
    y: Spec = {"field": "g", "type": "nominal", "sort": list(names.values()), "title": None, "axis": plain}
    rule = {"type": "rule", "strokeWidth": 1.5, "stroke": LIGHT["ink3"]}
    true = {**rule, "stroke": LIGHT["c1"], "strokeDash": [5, 4]}
    layers: list[Spec] = [
        {"data": {"values": [{"v": 1}]}, "mark": rule, "encoding": {"x": x}},
        {"data": {"values": [{"v": truth}]}, "mark": true, "encoding": {"x": x}},
        {"mark": {"type": "rule", "strokeWidth": 2.5, "stroke": LIGHT["ink2"]},
         "encoding": {"x": {**x, "field": "l"}, "x2": {"field": "u"}, "y": y}},
        {"mark": {"type": "point", "filled": True, "size": 150, "fillOpacity": 1, "strokeWidth": 2}, "encoding": {
            "x": x, "y": y, "shape": _choice([*names.values()], ("circle", "square", "diamond")),
            "fill": _choice([*names.values()], (LIGHT["surface"], LIGHT["ink"], LIGHT["c1"])),
            "stroke": _choice([*names.values()], (LIGHT["ink2"], LIGHT["ink"], LIGHT["c1"]))}},
        {"mark": {"type": "text", "align": "left", "fontWeight": 600, "fill": LIGHT["ink"]},
         "encoding": {"x": {"value": width + 12}, "y": y, "text": {"field": "t", "type": "nominal"}}},
        *_sides(speech, size),
    ]  # fmt: skip
    return {"width": width, "height": height, "data": {"values": rows}, "layer": layers, "padding": 6}


def _choice(names: Sequence[str], values: Sequence[object]) -> Spec:
    scale = {"domain": list(names), "range": list(values)}
    return {"field": "g", "type": "nominal", "legend": None, "scale": scale}


def _sides(speech: Speech, size: str) -> Iterator[Spec]:
    width, _ = FOREST_SIZE[size]
    sides = (("axis.better", 0, "left"), ("axis.worse", width, "right"))
    for key, x, align in sides if size == WIDE else ():
        yield {
            "data": {"values": [{}]},
            "mark": {"type": "text", "align": align, "baseline": "bottom", "fill": LIGHT["ink3"]},
            "encoding": {"x": {"value": x}, "y": {"value": -6}, "text": {"value": speech(key)}},
        }
