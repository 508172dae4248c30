"""The picture of a map: feeds on the left, tables on the right, and between them bands as wide as their rows (root)."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from markupsafe import Markup

from isthmus.flow.datamap.held import DataMap, Fed
from isthmus.serving.page.tokens import LIGHT
from isthmus.serving.page.words import Speech

WIDTH, LEFT, RIGHT = 1120, 210, 800  # pixels; where bands begin and end
LEAST, GAP, TOP = 15.0, 7.0, 22.0  # of an end: its least height, what is between two, and above the first
TALL = 620.0  # that all bands of the fuller side share
HUES = ("c1", "c2", "c3", "c4", "c5", "c6")


@dataclass(slots=True)
class _End:
    """A feed or a table: where it stands, how high it is, and how much of it bands have taken."""

    name: str
    note: str
    top: float
    height: float
    taken: float = 0.0

    def take(self, share: float) -> tuple[float, float]:
        """The next piece of it, as a share of its height."""
        begin = self.top + self.taken * self.height
        self.taken += share
        return begin, begin + share * self.height


def drawn(known: DataMap, names: dict[str, str], speech: Speech) -> Markup:
    """The picture as SVG. `names` has what tables are called; tables that no feed fills are left out."""
    feeds = [one for one in known.feeds if one.tables]
    tables = [one.name for one in known.tables if one.name in names and any(one.name in fed.tables for fed in feeds)]
    bands = {(fed.site, fed.name, name): fed.tables[name].rows ** 0.5
             for fed in feeds for name in tables if name in fed.tables}  # fmt: skip
    by_feed = [sum(width for key, width in bands.items() if key[:2] == (fed.site, fed.name)) for fed in feeds]
    by_table = [sum(width for key, width in bands.items() if key[2] == name) for name in tables]
    if not bands:
        return Markup("")
    rows = {name: sum(fed.tables[name].rows for fed in feeds if name in fed.tables) for name in tables}
    left = _ends([(f"{fed.site} / {fed.name}", _note(fed, speech)) for fed in feeds], by_feed)
    right = _ends([(names[name], f"{rows[name]:,}") for name in tables], by_table)
    height = max(left[-1].top + left[-1].height, right[-1].top + right[-1].height) + 10
    sites = sorted({fed.site for fed in feeds})
    paths = []
    for fed, end, whole in zip(feeds, left, by_feed, strict=True):
        hue = LIGHT[HUES[sites.index(fed.site) % len(HUES)]]
        for name, other, total in zip(tables, right, by_table, strict=True):
            width = bands.get((fed.site, fed.name, name))
            if width:
                told = f"{fed.site}/{fed.name} → {names[name]}: {fed.tables[name].rows:,}"
                paths.append(_band(end.take(width / whole), other.take(width / total), hue, told))
    labels = [_label(one, LEFT - 8, "end") for one in left] + [_label(one, RIGHT + 18, "start") for one in right]
    bars = [_bar(one, LEFT) for one in left] + [_bar(one, RIGHT) for one in right]
    head = f'<svg class="chart" role="img" aria-label="{escape(speech("picture"))}" viewBox="0 0 {WIDTH} {height:.0f}">'
    return Markup(head + "".join([*paths, *labels, *bars]) + "</svg>")  # texts in it are escaped where they are put in


def _note(fed: Fed, speech: Speech) -> str:
    return speech("records", fed.records)


def _ends(named: Sequence[tuple[str, str]], widths: Sequence[float]) -> list[_End]:
    whole, top, found = sum(widths), TOP, []
    for (name, note), width in zip(named, widths, strict=True):
        height = max(LEAST, TALL * width / whole)
        found.append(_End(name, note, top, height))
        top += height + GAP
    return found


def _band(left: tuple[float, float], right: tuple[float, float], hue: str, told: str) -> str:
    middle = (LEFT + RIGHT) / 2
    path = (
        f"M{LEFT + 10},{left[0]:.1f}C{middle},{left[0]:.1f} {middle},{right[0]:.1f} {RIGHT},{right[0]:.1f}"
        f"L{RIGHT},{right[1]:.1f}C{middle},{right[1]:.1f} {middle},{left[1]:.1f} {LEFT + 10},{left[1]:.1f}Z"
    )
    return f'<path d="{path}" fill="{hue}" fill-opacity=".36"><title>{escape(told)}</title></path>'


def _bar(one: _End, x: float) -> str:
    return f'<rect x="{x}" y="{one.top:.1f}" width="10" height="{one.height:.1f}" fill="{LIGHT["ink3"]}"/>'


def _label(one: _End, x: float, anchor: str) -> str:
    middle = one.top + one.height / 2 + 4.5
    note = f'<tspan fill="{LIGHT["ink3"]}" font-size="11.5"> {escape(one.note)}</tspan>'
    return (
        f'<text x="{x}" y="{middle:.1f}" text-anchor="{anchor}" font-size="12.5" fill="{LIGHT["ink"]}">'
        f"{escape(one.name)}{note}</text>"
    )
