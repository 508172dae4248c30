"""A funnel as SVG: hospitals as points, their rows across (by tenfolds) and a share up, with the limits around it."""

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from isthmus.flow.findings.plausible import Looked
from isthmus.serving.page.tokens import LIGHT

WIDTH, HEIGHT = 340, 220
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 10, 30
LEVELS = ((0.998, "5 3"), (0.95, ""))
STEPS = 60  # points of a line
TICKS = 4


def drawn(one: Looked) -> Markup:
    """The picture of one indicator at one site; only the site itself is marked, the others have no name."""
    rows = np.array([share.asked for share in (*one.others, one.own)], float)
    shares = np.array([share.counted for share in (*one.others, one.own)], float) / rows
    across = np.geomspace(rows.min() * 0.7, rows.max() * 1.4, STEPS)
    lines = [(one.expected.limits(np.round(across), level), dash) for level, dash in LEVELS]
    low = max(0.0, min(shares.min(), *(float(pair[0][-STEPS // 2 :].min()) for pair, _ in lines)))
    high = min(1.0, max(shares.max(), *(float(pair[1][-STEPS // 2 :].max()) for pair, _ in lines)))
    room = max((high - low) * 0.08, 0.002)
    low, high = max(0.0, low - room), min(1.0, high + room)

    def at(row: float, share: float) -> tuple[float, float]:
        x = LEFT + (np.log(row / across[0]) / np.log(across[-1] / across[0])) * (WIDTH - LEFT - RIGHT)
        y = TOP + (high - min(max(share, low), high)) / (high - low) * (HEIGHT - TOP - BOTTOM)
        return float(x), float(y)

    body = [_line([at(row, one.expected.share) for row in across[[0, -1]]], LIGHT["ink3"], "")]
    for pair, dash in lines:
        body += [_line([at(*point) for point in zip(across, side, strict=True)], LIGHT["c3"], dash) for side in pair]
    for row, share in zip(rows[:-1], shares[:-1], strict=True):
        x, y = at(row, share)
        body.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{LIGHT["ink3"]}"/>')
    x, y = at(rows[-1], shares[-1])
    body.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="6" fill="{LIGHT["c2"]}" stroke="{LIGHT["surface"]}"/>')
    body += [_share(at(across[0], tick)[1], tick, high - low) for tick in np.linspace(low, high, TICKS)]
    body += [_rows(at(10.0**power, low)[0], power) for power in range(1, 12) if across[0] <= 10.0**power <= across[-1]]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" role="img" viewBox="0 0 {WIDTH} {HEIGHT}">'
    return Markup(head + "".join(body) + "</svg>")  # numbers and colours only, nothing from outside


def _line(points: Sequence[tuple[float, float]], colour: str, dash: str) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.3"{dashed}/>'


def _share(y: float, share: float, width: float) -> str:
    told = f"{100 * share:.{0 if width > 0.1 else 1}f} %"
    return f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end" font-size="11" fill="{LIGHT["ink3"]}">{told}</text>'


def _rows(x: float, power: int) -> str:
    place = f'x="{x:.1f}" y="{HEIGHT - 8}" text-anchor="middle" font-size="11"'
    return f'<text {place} fill="{LIGHT["ink3"]}">{10**power:,}</text>'
