"""The events of one person over time as SVG: a lane for each kind, and for each result that was measured a line.

Rows have `kind, day, until, called, value, unit`. What is too much for a lane of its own stands in one lane together,
which says how many it is; the table beside the picture has every event.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from html import escape
from typing import Any

from markupsafe import Markup

from isthmus.serving.page.tokens import LIGHT
from isthmus.serving.page.words import Speech
from isthmus.serving.web.shell.table import Row

OWN = {"condition": 8, "drug": 8, "procedure": 6, "measurement": 6, "device": 3}
"""Lanes that a kind has at most for what is of one name; a kind that is not here has one for all."""
ORDER = ("visit", "line", "condition", "drug", "procedure", "device", "measurement", "observation")
COLOURS = {"visit": "c6", "line": "c2", "condition": "c3", "drug": "c1", "procedure": "c5", "device": "c4",
           "measurement": "c1", "observation": "c6"}  # fmt: skip
FEWEST = 3  # results of which a line is drawn
HEAD, LANE, GRAPH, AXIS, LABEL = 22, 20, 46, 20, 15


@dataclass(slots=True)
class Lane:
    """What is drawn in one row. `rows` are its events; `graph` says that their values are drawn."""

    name: str
    rows: list[Row] = field(default_factory=list)
    graph: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class Size:
    """How broad the picture is, and how much of it names take; where they take none, they stand over the lanes."""

    name: str
    width: int
    left: int

    @property
    def above(self) -> int:
        """What a name over its lane takes."""
        return 0 if self.left else LABEL


SIZES = (Size("wide", 1060, 250), Size("narrow", 350, 0))


def drawn(rows: Sequence[Row], w: Speech, label: str) -> Markup:
    """The picture, for wide pages and for phones; nothing where no event has a day."""
    dated = [row for row in rows if row.get("day") is not None]
    if not dated:
        return Markup("")
    groups = {kind: list(lanes(kind, [row for row in dated if row["kind"] == kind], w)) for kind in ORDER}
    return Markup("").join(_picture(dated, groups, w, label, size) for size in SIZES)


def lanes(kind: str, rows: Sequence[Row], w: Speech) -> Iterator[Lane]:
    """The lanes of a kind of event: those of the most frequent names, then one for all others together."""
    if not rows:
        return
    if kind not in OWN:
        yield Lane(w(f"kind.{kind}"), list(rows))
        return
    named: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        named[str(row["called"]), str(row.get("unit") or "")].append(row)
    graphs = {key: sum(row.get("value") is not None for row in own) >= FEWEST for key, own in named.items()}
    order = sorted(named, key=lambda key: (not graphs[key], -len(named[key]), key))
    first = [key for key in order if kind != "measurement" or graphs[key]][: OWN[kind]]
    if len(order) == len(first) + 1:  # one more has room in the lane of all others
        first = order
    for key in first:
        yield Lane(key[0], named[key], graphs[key], key[1])
    others = [row for key in order if key not in first for row in named[key]]
    if others:
        yield Lane(w("lane.others", len(order) - len(first)), others)


def _picture(dated: Sequence[Row], groups: Mapping[str, Sequence[Lane]], w: Speech, label: str, size: Size) -> Markup:
    start: date = min(row["day"] for row in dated)
    end: date = max(max(row["day"], row.get("until") or row["day"]) for row in dated)
    days = max(1, (end - start).days)

    def across(day: date) -> float:
        return size.left + 6 + (day - start).days / days * (size.width - size.left - 12)

    body, y = [], AXIS
    for kind, held in groups.items():
        if not held:
            continue
        body.append(_text(0, y + 15, w(f"kind.{kind}"), LIGHT["ink"], 'font-weight="650"'))
        y += HEAD
        for lane in held:
            high = (GRAPH if lane.graph else LANE) + size.above
            body.append(_lane(lane, kind, across, y, high, size))
            y += high
        body.append(f'<path d="M0,{y + 2}H{size.width}" stroke="{LIGHT["line"]}"/>')
    deaths = [row for row in dated if row["kind"] == "death"]
    below = [_tick(across(at), said, y) for at, said in ticks(start, end, size)]
    below += [_death(across(row["day"]), y, w("kind.death"), size) for row in deaths]
    box = f'viewBox="0 0 {size.width} {y + 8}"'
    head = f'<svg class="chart timeline {size.name}" role="img" aria-label="{escape(label)}" {box}>'
    return Markup(head + "".join(below) + "".join(body) + "</svg>")


def ticks(start: date, end: date, size: Size) -> Iterator[tuple[date, str]]:
    """First days of years or months, as many as have room."""
    most = 10 if size.left else 4
    months = (end.year - start.year) * 12 + end.month - start.month
    step = next((one for one in (1, 2, 3, 6, 12, 24, 60, 120) if months / one <= most), 240)
    for month in range(start.year * 12, end.year * 12 + 12, step):
        at = date(month // 12, month % 12 + 1, 1)
        if start <= at <= end:
            yield at, f"{at:%Y}" if step >= 12 else f"{at:%Y-%m}"


def _lane(lane: Lane, kind: str, across: Any, y: float, high: int, size: Size) -> str:
    colour, top = LIGHT[COLOURS[kind]], y + size.above
    said = f"{lane.name}: {len(lane.rows):,}"
    parts = _graph(lane, across, top, high - size.above, colour) if lane.graph else _marks(lane, across, top, colour)
    label = _text(8, y + (14 if size.left else 12), _short(lane.name, 34 if size.left else 44), LIGHT["ink2"])
    values = [row["value"] for row in lane.rows if row.get("value") is not None] if lane.graph else []
    if values:
        low, most = f"{min(values):.4g}", f"{max(values):.4g}"
        span = (low if low == most else f"{low}–{most}") + (f" {lane.note}" if lane.note else "")
        place = (8, y + 30) if size.left else (size.width - 2, y + 12)
        label += _text(*place, span, LIGHT["ink3"], "" if size.left else 'text-anchor="end"')
    return f"<g><title>{escape(said)}</title>{label}{parts}</g>"


def _marks(lane: Lane, across: Any, y: float, colour: str) -> str:
    """Bars for what lasts longer than a day, strokes for what does not."""
    bars, strokes = [], []
    for row in lane.rows:
        x, until = across(row["day"]), row.get("until")
        if until is not None and until > row["day"]:
            bars.append(f"M{x:.1f},{y + 10:.0f}h{max(2.0, across(until) - x):.1f}")
        else:
            strokes.append(f"M{x:.1f},{y + 4:.0f}v12")
    drawn = ((bars, 'stroke-width="9" stroke-opacity=".55"'), (strokes, 'stroke-width="2"'))
    return "".join(
        f'<path d="{"".join(dict.fromkeys(marks))}" stroke="{colour}" {how}/>' for marks, how in drawn if marks
    )


def _graph(lane: Lane, across: Any, y: float, high: int, colour: str) -> str:
    """The values of a result over time, from their least to their greatest."""
    found = sorted((row["day"], float(row["value"])) for row in lane.rows if row.get("value") is not None)
    low, most = min(value for _, value in found), max(value for _, value in found)
    span = (most - low) or 1.0
    points = [f"{across(day):.1f},{y + high - 8 - (value - low) / span * (high - 16):.1f}" for day, value in found]
    dots = "".join(f"M{one}h0" for one in dict.fromkeys(points))
    return (f'<path d="M{"L".join(points)}" fill="none" stroke="{colour}" stroke-width="1.2" stroke-opacity=".6"/>'
            f'<path d="{dots}" stroke="{colour}" stroke-width="4.5" stroke-linecap="round"/>')  # fmt: skip


def _tick(x: float, said: str, low: float) -> str:
    line = f'<path d="M{x:.1f},{AXIS - 2}V{low}" stroke="{LIGHT["line"]}"/>'
    return line + _text(x, 13, said, LIGHT["ink3"], 'text-anchor="middle"')


def _death(x: float, low: float, said: str, size: Size) -> str:
    side = 'text-anchor="end"' if x > size.width - 60 else 'text-anchor="start"'
    line = f'<path d="M{x:.1f},{AXIS - 2}V{low}" stroke="{LIGHT["ink"]}" stroke-width="1.5" stroke-dasharray="4 3"/>'
    return line + _text(x + (-5 if "end" in side else 5), AXIS + 12, said, LIGHT["ink"], f'{side} font-weight="650"')


def _text(x: float, y: float, text: str, colour: str, more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" {more}>{escape(text)}</text>'


def _short(text: str, room: int) -> str:
    """A name that fits: signs of Chinese take twice the room."""
    kept = ""
    for sign in text:
        room -= 2 if ord(sign) > 0x2E80 else 1
        if room < 0:
            return kept.rstrip() + "…"
        kept += sign
    return kept


def counted(rows: Sequence[Row]) -> Mapping[str, int]:
    """How many events there are of each kind."""
    return Counter(str(row["kind"]) for row in rows)
