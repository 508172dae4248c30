"""Lineage and runs: the way from each feed to the tables it fills, editions, and work that runs now."""

from collections.abc import Iterator
from html import escape
from typing import Any

from markupsafe import Markup

from isthmus.cdm.names import name_of
from isthmus.cdm.tables import TABLES
from isthmus.flow.datamap.held import DataMap
from isthmus.serving.web import counted
from isthmus.serving.web.shell import specs
from isthmus.serving.web.shell.chart import Chart
from isthmus.serving.web.shell.page import Asked, Page, View
from isthmus.serving.web.shell.table import Column, Source, Table

FIRST, ROW, BOX, WIDE = 26, 34, 24, 1080
LANES = (0, 250, 480, 760)


def view(told: Asked) -> View:
    """The picture of the lineage, its table, and the editions."""
    w, known = told.w, counted.map_of(told.house, told.edition)
    run = told.house.run
    running = None if run is None else run.told(w)
    if known is None:
        return View(w("title"), w("none"), (), {"picture": "", "running": running})
    number = known.edition.number
    edges = Table("lineage", (Column("site"), Column("feed"), Column("pack", "code"), Column("table", note="called",
        link="address"),
                              Column("rows", "count"), Column("last", "latest")), list(_edges(told, known)),
                  Source(w("edges.says"), number), most=60)  # fmt: skip
    editions = Table("editions", (Column("edition", link="address"), Column("at", "moment"), Column("cdm"),
                                  Column("rows", "count"),
                                  Column("people", "count"), Column("digest", "code")), [
        {"edition": one.name, "address": f"/?edition={one.number}", "at": one.published_at, "cdm": one.cdm,
         "digest": one.digest[:16],
         "rows": sum(rows for name, rows in one.tables.items() if name in TABLES and name not in ("concept",)),
         "people": one.tables.get("person", 0)}
        for one in counted.past(told.house)[::-1]
    ], Source(w("editions.says"), None))  # fmt: skip
    batches = told.house.workspace.records.batches()[::-1]
    runs = Table("runs", (Column("opened", "moment"), Column("site"), Column("what"), Column("state", "state"),
        Column("edition")), [
        {"opened": one.opened_at, "site": one.site, "what": w("run.again") if one.replays else w("run.new"),
         "state": "held" if one.state == "committed" else one.state,
         "edition": f"e{one.edition:06d}" if one.edition else ""}
        for one in batches
    ], Source(w("runs.says"), None, len(batches)), most=30)  # fmt: skip
    lanes = ((("site",), w("lane.sites")), (("site", "feed"), w("lane.feeds")), (("called",), w("lane.tables")))
    drawn = Chart("lineage", "lineage", w("picture"), specs.network(lanes, "rows"))
    return View(w("title"), w("lead", edition=f"e{number:06d}"), (edges, editions, runs),
                {"picture": _picture(told, known), "running": running}, charts=(drawn,))  # fmt: skip


def now(told: Asked) -> View:
    """The run that is under way, or was last."""
    run, w = told.house.run, told.w
    running = None if run is None else run.told(w)
    return View(w("now"), w("now.lead"), (), {"running": running}, ((w("page.lineage"), "/lineage"), (w("now"), "")))


def _edges(told: Asked, known: DataMap) -> Iterator[dict[str, Any]]:
    for fed in known.feeds:
        for table, extent in sorted(fed.tables.items()):
            if table in TABLES:
                yield {"site": fed.site, "feed": fed.name, "pack": fed.pack, "table": table, "rows": extent.rows,
                       "called": name_of(table)[told.visitor.language], "last": extent.last,
                       "address": f"/catalogue/{table}"}  # fmt: skip


def _picture(told: Asked, known: DataMap) -> Markup:
    """Sites, feeds with their packs, and tables, in three columns; lines as broad as their rows are many."""
    language = told.visitor.language
    feeds = [fed for fed in known.feeds if fed.tables]
    tables = [one for one in known.tables if one.name in TABLES and any(one.name in fed.tables for fed in feeds)]
    places = {fed.site: FIRST + ROW * (2 * at + sum(1 for other in feeds if other.site == fed.site) - 1) / 2
              for at, fed in reversed(list(enumerate(feeds)))}  # fmt: skip
    rows = {
        (fed.site, fed.name, name): _broad(told, extent.rows) for fed in feeds for name, extent in fed.tables.items()
    }
    most = max([1, *rows.values()])
    height = FIRST + ROW * max(len(feeds), len(tables)) + 10
    spread = (height - FIRST - 10) / max(1, len(tables))
    at_table = {one.name: FIRST + spread * at for at, one in enumerate(tables)}
    lines, boxes = [], []
    for at, fed in enumerate(feeds):
        y = FIRST + ROW * at
        lines.append(_line(160, places[fed.site], LANES[1], y, 2.0))
        boxes.append(_box(LANES[1], y, 190, f"{fed.name} · {fed.pack}", "b2", f"/sites/{fed.site}"))
        for name in fed.tables:
            if name in at_table:
                broad = 1 + 9 * (rows[fed.site, fed.name, name] / most) ** 0.5
                lines.append(_line(LANES[1] + 190, y, LANES[3], at_table[name], broad))
    boxes += [_box(0, y, 160, known.titles[site], "b1", f"/sites/{site}") for site, y in places.items()]
    boxes += [_box(LANES[3], at_table[one.name], 300, name_of(one.name)[language], "b3", f"/catalogue/{one.name}")
              for one in tables]  # fmt: skip
    heads = "".join(f'<text x="{x}" y="14">{escape(told.w(key))}</text>'
                    for x, key in ((0, "lane.sites"), (LANES[1], "lane.feeds"), (LANES[3], "lane.tables")))  # fmt: skip
    label = escape(told.w("picture"))
    return Markup(f'<svg class="chart lineage" role="group" aria-label="{label}" viewBox="0 0 {WIDE} {height:.0f}">'
                  + heads + "".join(lines) + "".join(boxes) + "</svg>")  # fmt: skip


def _broad(told: Asked, rows: int) -> int:
    """Rows as a line shows them: what is hidden as a number is not to be measured on a picture."""
    shown = told.mask.count(rows)
    return shown if isinstance(shown, int) else 0


def _line(x: float, y: float, to_x: float, to_y: float, width: float) -> str:
    middle = (x + to_x) / 2
    y, to_y = y + BOX / 2, to_y + BOX / 2
    path = f"M{x:.0f},{y:.1f}C{middle:.0f},{y:.1f} {middle:.0f},{to_y:.1f} {to_x:.0f},{to_y:.1f}"
    return (f'<path class="wire" d="{path}" '
            f'stroke-width="{width:.1f}"/>')  # fmt: skip


def _box(x: float, y: float, wide: int, text: str, kind: str, address: str) -> str:
    place = f'x="{x}" y="{y:.1f}" width="{wide}" height="{BOX}"'
    return (f'<a href="{escape(address)}"><rect class="{kind}" {place} rx="5"/>'
            f'<text x="{x + 9}" y="{y + 16:.1f}">{escape(text)}</text></a>')  # fmt: skip


PAGES = (
    Page("lineage", "/lineage", view, group="data", icon="flow", key="w", steady=True, pinned=True),
    Page("runs_now", "/runs/now", now, under="lineage"),
)
