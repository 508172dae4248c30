"""Small charts as SVG, drawn from numbers that may be shown; without style or script (colours are classes)."""

from collections.abc import Mapping, Sequence
from html import escape

from markupsafe import Markup

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 720, 260, 46, 24, 8
HUES = 6
STEP, LONGEST = 42, 84  # of a bar with its name: height, and letters of the name


def spark(values: Sequence[float], label: str) -> Markup:
    """A line of a few values, for the eye; nothing where there are fewer than two."""
    if len(values) < 2:
        return Markup("")
    low, high = min(values), max(values)
    span = (high - low) or 1
    points = [(100 * at / (len(values) - 1), 26 - 22 * (one - low) / span) for at, one in enumerate(values)]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return Markup(
        f'<svg class="spark" viewBox="0 0 100 30" preserveAspectRatio="none" role="img" aria-label="{escape(label)}">'
        f'<polygon class="area" points="0,30 {line} 100,30"/><polyline class="line" points="{line}"/></svg>'
    )


def stacked(rows: Sequence[Mapping[str, int]], key: str, names: Mapping[str, str], label: str) -> Markup:
    """Stacked bars: one for each row, named by `key`, made of the columns in `names`, from below."""
    if not rows:
        return Markup("")
    most = max((sum(int(row[name] or 0) for name in names) for row in rows), default=0) or 1
    ticks, top = _ticks(most)
    wide = (WIDTH - LEFT) / len(rows)
    body = []
    for tick in ticks:
        y = _down(tick, top)
        body.append(f'<path class="grid" d="M{LEFT},{y:.1f}H{WIDTH}"/>')
        body.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{_short(tick)}</text>')
    every = -(-len(rows) // 12)
    for at, row in enumerate(rows):
        x, below = LEFT + at * wide, 0
        for hue, (name, said) in enumerate(names.items()):
            count = int(row[name] or 0)
            y, height = _down(below + count, top), count / top * (HEIGHT - TOP - BOTTOM)
            title = f"{row[key]} {said}: {count:,}"
            if count:
                place = f'x="{x + wide * 0.1:.1f}" y="{y:.1f}" width="{wide * 0.8:.1f}"'
                body.append(f'<rect class="k{hue % HUES + 1}" {place} '
                            f'height="{height:.1f}"><title>{escape(title)}</title></rect>')  # fmt: skip
            below += count
        if at % every == 0:
            body.append(
                f'<text x="{x + wide / 2:.1f}" y="{HEIGHT - 6}" text-anchor="middle">{escape(str(row[key]))}</text>'
            )
    head = f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label)}">'
    return Markup(head + "".join(body) + "</svg>")


def _down(value: float, top: float) -> float:
    return TOP + (1 - value / top) * (HEIGHT - TOP - BOTTOM)


def _ticks(most: float) -> tuple[list[float], float]:
    """Three to six round numbers up to the largest value, and where the axis ends."""
    size = 10 ** (len(str(int(most))) - 1)
    step = next(one * size for one in (0.2, 0.25, 0.5, 1, 2) if most / (one * size) <= 5)
    count = -(-most // step)
    return [step * at for at in range(int(count) + 1)], step * count


def _short(value: float) -> str:
    for size, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{name}"
    return f"{value:g}"


def funnel(rows: Sequence[tuple[str, int | str | None]], label: str) -> Markup:
    """Bars below each other with their names over them; a count that is told as text (hidden) has no bar."""
    most = max((count for _, count in rows if isinstance(count, int)), default=0)
    if not most:
        return Markup("")
    body = []
    for at, (name, count) in enumerate(rows):
        y, long = at * STEP, (WIDTH * count / most if isinstance(count, int) else 0.0)
        said = f"{count:,}" if isinstance(count, int) else str(count or "")
        short = name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
        body.append(f'<text x="0" y="{y + 14}"><title>{escape(name)}</title>{escape(short)}</text>'
                    f'<text x="{WIDTH}" y="{y + 14}" text-anchor="end">{escape(said)}</text>'
                    f'<rect class="k1" x="0" y="{y + 20}" width="{long:.1f}" height="12"/>')  # fmt: skip
    head = f'<svg class="chart" viewBox="0 0 {WIDTH} {len(rows) * STEP}" role="img" aria-label="{escape(label)}">'
    return Markup(head + "".join(body) + "</svg>")
