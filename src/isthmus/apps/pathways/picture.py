"""Pictures as SVG, laid out by us: flows of patients through treatments, arcs from step to step, funnels, bars.

Colours are attributes in the light theme's tones; the style sheet of the page turns them into the reader's theme.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from html import escape

import numpy as np
from markupsafe import Markup

from isthmus.apps.pathways.report import Followed
from isthmus.apps.pathways.speech import Speech

COLOURS: Mapping[str, str] = {
    "ink": "#12222D", "ink2": "#435663", "ink3": "#5F717D", "line": "#DCE3E7", "line2": "#C3CED5", "surface": "#FFFFFF",
    "c1": "#0A7C86", "c2": "#C9603A", "c3": "#4A60A8", "c4": "#B8890F", "c5": "#86497D", "c6": "#5E7280",
}  # fmt: skip
"""Those of the house's pages (a test holds them together)."""
TONES = ("c1", "c3", "c4", "c5", "c2", "c6")
FLOW, GAP, NODE, COLUMN, MARGIN = 330, 20, 14, 190, 24
NAMED = 250  # beside a step, for its name
LEAST_COLUMNS = 5  # few columns are not blown up
ROOM = 30  # above each column, for what it is called
FUNNEL = (340, 200)
LEFT, RIGHT, TOP, BOTTOM = 48, 12, 8, 28
STEPS = 60  # points of a line
Step = int
Place = tuple[int, Step]


def flows(paths: Mapping[tuple[int, ...], int], names: Mapping[int, str], speech: Speech) -> Markup:
    """Patients by the order of their treatments (a Sankey diagram): `paths` with how many had each."""
    paths = {(0, *path): n for path, n in paths.items() if n}
    nodes: Counter[Place] = Counter()
    links: Counter[tuple[Place, Place]] = Counter()
    for path, n in paths.items():
        for at, one in enumerate(path):
            nodes[at, one] += n
            if at:
                links[(at - 1, path[at - 1]), (at, one)] += n
    if not nodes:
        return Markup("")
    columns = 1 + max(at for at, _ in nodes)
    widest = max(sum(at == column for at, _ in nodes) for column in range(columns))
    scale = (FLOW - GAP * (widest - 1)) / nodes[0, 0]
    tops = dict(_stacked(nodes, columns, scale))
    body = [*_bands(links, tops, scale, nodes)]
    for (at, one), y in tops.items():
        x, n = MARGIN + at * COLUMN, nodes[at, one]
        name = speech("start") if at == 0 else names[one]
        body.append(_rect(x, y, NODE, max(n * scale, 1.0), COLOURS[_tone(one)]))
        body.append(_text(x, y - 5, f"{name} · {n:,}", "ink2"))
    return _svg(MARGIN * 2 + max(columns, LEAST_COLUMNS) * COLUMN, FLOW + 2 * ROOM, body, speech("variants"))


def _stacked(nodes: Mapping[Place, int], columns: int, scale: float) -> Iterator[tuple[Place, float]]:
    """The upper edge of every node, the largest of each column on top."""
    for column in range(columns):
        y = float(ROOM)
        here = sorted((-n, one) for (at, one), n in nodes.items() if at == column)
        for n, one in here:
            yield (column, one), y
            y += max(-n * scale, 1.0) + GAP


def _bands(
    links: Mapping[tuple[Place, Place], int], tops: Mapping[Place, float], scale: float, nodes: Mapping[Place, int]
) -> Iterator[str]:
    """Curved bands between nodes; at each side they lie in the order of the nodes at the other."""
    leaving, coming = dict(tops), dict(tops)
    for (start, end), n in sorted(links.items(), key=lambda link: (tops[link[0][0]], tops[link[0][1]])):
        width = n * scale
        x0, x1 = MARGIN + start[0] * COLUMN + NODE, MARGIN + end[0] * COLUMN
        y0, y1 = leaving[start], coming[end]
        leaving[start], coming[end] = y0 + width, y1 + width
        middle = (x0 + x1) / 2
        path = (
            f"M{x0},{y0:.1f}C{middle},{y0:.1f} {middle},{y1:.1f} {x1},{y1:.1f}V{y1 + width:.1f}"
            f"C{middle},{y1 + width:.1f} {middle},{y0 + width:.1f} {x0},{y0 + width:.1f}Z"
        )
        yield f'<path d="{path}" fill="{COLOURS[_tone(end[1])]}" fill-opacity="0.35"/>'


def arcs(
    reached: Sequence[Mapping[str, float]], following: Sequence[Mapping[str, float]], names: Mapping[int, str],
    speech: Speech, *, least: float = 0.03,
) -> Markup:  # fmt: skip
    """Which step came next: steps from top to bottom, arcs to the right forwards, to the left back.

    An arc of fewer than `least` of all patients is left out.
    """
    order = sorted(reached, key=lambda row: (row["days"], row["step"]))
    place = {0: 0} | {int(row["step"]): at for at, row in enumerate(order, start=1)}
    whole = max((row["n"] for row in following), default=1)
    height, row_height, middle = 54 + 58 * len(place), 58, 320
    shown = [row for row in following if row["n"] >= least * whole and int(row["before"]) in place]
    body: list[str] = []
    taken: list[tuple[float, float]] = []
    for row in sorted(shown, key=lambda row: -row["n"]):
        start, end = (36 + row_height * place[int(row[key])] for key in ("before", "step"))
        body += _arc((start, end, middle), row, taken, whole=whole, speech=speech)
    for number, at in place.items():
        y = 36 + row_height * at
        body.append(f'<circle cx="{middle}" cy="{y}" r="7" fill="{COLOURS["c3"] if number else COLOURS["ink3"]}"/>')
        body.append(_text(middle + 14, y - 3, names[number] if number else speech("begin"), "ink"))
        for row in order[at - 1 : at] if number else []:
            said = speech("map.step", n=f"{row['n']:,.0f}", days=f"{row['days']:.0f}")
            body.append(_text(middle + 14, y + 12, said, "ink3", size=11))
    return _svg(960, height, body, speech("map"))


def _arc(
    at: tuple[float, float, float], row: Mapping[str, float], taken: list[tuple[float, float]], *, whole: float,
    speech: Speech,
) -> list[str]:  # fmt: skip
    """A curve from height to height beside the middle, with its number; `taken` are the places of numbers so far."""
    start, end, middle = at
    side = 1 if end > start else -1
    reach = (NAMED + 10 if side > 0 else 40) + 34 * min(abs(end - start) / 58, 6)
    far = middle + side * reach
    begin = middle + (NAMED if side > 0 else -10)
    width = max(0.8, 9 * row["n"] / whole)
    colour = COLOURS["c1" if side > 0 else "c2"]
    path = f"M{begin},{start}C{far},{start} {far},{end} {begin},{end}"
    line = f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{width:.1f}" stroke-opacity="0.55"/>'
    x = begin + 0.75 * (far - begin) + 4 * side
    y = _clear(x, (start + end) / 2 + 4, taken)
    said = speech("map.arc", n=f"{row['n']:,.0f}", days=f"{row['days']:.0f}")
    return [line, _text(x, y, said, "ink2", size=10, end=side < 0)]


def _clear(x: float, y: float, taken: list[tuple[float, float]]) -> float:
    """The nearest height at which a number covers no other; it is taken then."""
    tried = sorted((step * sign for step in range(0, 120, 4) for sign in (1, -1)), key=abs)
    free = (y + far for far in tried if all(abs(y + far - at) >= 11 or abs(x - place) >= 84 for place, at in taken))
    chosen = next(free, y)
    taken.append((x, chosen))
    return chosen


def funnel(one: Followed, speech: Speech) -> Markup:
    """Hospitals by how many could be judged and the share met, with the limits around the share of all."""
    expected = one.expected
    if expected is None:
        return Markup("")
    width, height = FUNNEL
    rows = np.array([hospital.judged for hospital in one.hospitals], float)
    shares = np.array([hospital.met for hospital in one.hospitals], float) / rows
    across = np.geomspace(max(rows.min() * 0.7, 1), rows.max() * 1.4, STEPS)
    lines = [(expected.limits(np.round(across), level), dash) for level, dash in ((0.998, "5 3"), (0.95, ""))]
    low = max(0.0, min(shares.min(), *(float(pair[0][-STEPS // 2 :].min()) for pair, _ in lines)) - 0.02)
    high = min(1.0, max(shares.max(), *(float(pair[1][-STEPS // 2 :].max()) for pair, _ in lines)) + 0.02)

    def at(row: float, share: float) -> tuple[float, float]:
        x = LEFT + np.log(row / across[0]) / np.log(across[-1] / across[0]) * (width - LEFT - RIGHT)
        return float(x), TOP + (high - min(max(share, low), high)) / (high - low) * (height - TOP - BOTTOM)

    body = [_line([at(row, expected.share) for row in across[[0, -1]]], "ink3", "")]
    for pair, dash in lines:
        body += [_line([at(*point) for point in zip(across, side, strict=True)], "c3", dash) for side in pair]
    for hospital, row, share in zip(one.hospitals, rows, shares, strict=True):
        x, y = at(row, share)
        fill = COLOURS["c2" if hospital.outside else "ink3"]
        title = f"<title>{escape(hospital.name)}: {hospital.met:,}/{hospital.judged:,}</title>"
        body.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{5 if hospital.outside else 4}" fill="{fill}">{title}</circle>'
        )
    for tick in np.linspace(low, high, 4):
        body.append(_text(LEFT - 6, at(across[0], tick)[1] + 4, f"{100 * tick:.0f} %", "ink3", size=11, end=True))
    for power in range(6):
        if across[0] <= 10**power <= across[-1]:
            body.append(_text(at(10.0**power, low)[0], height - 8, f"{10**power:,}", "ink3", size=11))
    return _svg(width, height, body, speech.name(one.rule.names))


def bar(states: Mapping[str, int], speech: Speech) -> Markup:
    """One rule's patients: met, violated, not assessable, in one bar as long as all to whom it applies."""
    shown = (("met", "c1"), ("violated", "c2"), ("not assessable", "line2"))
    whole = sum(states[name] for name, _ in shown) or 1
    body, x = [], 0.0
    for name, tone in shown:
        width = 180 * states[name] / whole
        title = f"<title>{escape(speech(f'state.{name}'))}: {states[name]:,}</title>"
        body.append(f'<rect x="{x:.1f}" y="0" width="{width:.1f}" height="12" fill="{COLOURS[tone]}">{title}</rect>')
        x += width
    return _svg(180, 12, body, "")


def _tone(step: int) -> str:
    return "ink3" if step == 0 else TONES[step % len(TONES)]


def _line(points: Sequence[tuple[float, float]], tone: str, dash: str) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<polyline points="{path}" fill="none" stroke="{COLOURS[tone]}" stroke-width="1.3"{dashed}/>'


def _rect(x: float, y: float, width: float, height: float, fill: str) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="2" fill="{fill}"/>'


def _text(x: float, y: float, said: str, tone: str, *, size: int = 12, end: bool = False) -> str:
    anchor = ' text-anchor="end"' if end else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{COLOURS[tone]}"{anchor}>{escape(said)}</text>'


def _svg(width: float, height: float, body: Sequence[str], label: str) -> Markup:
    role = f'role="img" aria-label="{escape(label)}"' if label else 'aria-hidden="true"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" {role} viewBox="0 0 {width} {height}">'
    return Markup(f"{head}{''.join(body)}</svg>")  # numbers, and names that were escaped
