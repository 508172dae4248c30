"""The catalogue: every table and column, how full, of which grade, and where each comes from; and the search."""

from collections.abc import Iterator, Mapping
from typing import Any

from isthmus.base.errors import InputError
from isthmus.cdm.names import name_of
from isthmus.cdm.tables import TABLES
from isthmus.flow.datamap.find import find
from isthmus.flow.datamap.held import DataMap
from isthmus.flow.datamap.lineage import edges
from isthmus.gate.grade.column import graded
from isthmus.serving.web import built, counted
from isthmus.serving.web.pages.listed_names import places
from isthmus.serving.web.shell.page import Asked, Missing, Page, View
from isthmus.serving.web.shell.table import Column, Source, Table
from isthmus.serving.web.waiting import short

LONGEST = 80  # characters of a search


def view(told: Asked) -> View:
    """All tables that have rows, of the model and ours."""
    w, known, language = told.w, counted.map_of(told.house, told.edition), told.visitor.language
    if known is None:
        return View(w("title"), w("none"))
    rows = [
        {"table": one.name, "called": name_of(one.name)[language], "address": f"/catalogue/{one.name}",
         "rows": one.extent.rows, "last": one.extent.last, "sites": len([site for site in one.sites if site]),
         "columns": len(one.columns), "group": w.name("tables", one.group)}
        for one in known.tables
    ]  # fmt: skip
    table = Table("tables", (
        Column("called", note="table", link="address"), Column("group"), Column("rows", "count"), Column("columns",
        "tally"),
        Column("sites", "tally"), Column("last", "latest"),
    ), rows, Source(w("says"), known.edition.number, lineage="/lineage"))  # fmt: skip
    return View(w("title"), w("lead", len(rows)), (table,))


def held(told: Asked) -> View:
    """One table: its columns, how full each is at each site, its grade, and the columns of exports that fill it."""
    w, known, language, name = (
        told.w,
        counted.map_of(told.house, told.edition),
        told.visitor.language,
        told.path["table"],
    )
    found = known.table(name) if known else None
    if known is None or found is None:
        near = {one.name: f"/catalogue/{one.name}" for one in known.tables if name[:4] in one.name} if known else {}
        raise Missing(w("missing", name=name), near)
    ways = _ways(told)
    rows = []
    for one in found.columns:
        parts = [(one.filled.get(site), extent.rows) for site, extent in found.sites.items()]
        whole = sum(count for _, count in parts)
        filled = None if any(part is None for part, _ in parts) else sum(part or 0 for part, _ in parts)
        rows.append({
            "called": name_of(name, one.name)[language], "column": one.name, "address": f"/catalogue/{name}/{one.name}",
            "type": one.type, "grade": graded(name, one.name).grade if name in TABLES else None,
            "share": (filled, whole) if filled is not None and whole else None,
            "from": ", ".join(ways.get((name, one.name), ()))[:90],
        })  # fmt: skip
    table = Table("columns", (
        Column("called", note="column", link="address"), Column("type", "code"), Column("grade", "tally"),
        Column("share", "share"), Column("from", "code"),
    ), rows, Source(w("columns.says"), known.edition.number,
    found.extent.rows if not told.mask.rules else None))  # fmt: skip
    crumbs = ((w("page.catalogue"), "/catalogue"), (name, ""))
    return View(name_of(name)[language], w("held.lead", name=name), (table,), {}, crumbs)


def column(told: Asked) -> View:
    """One column: how full it is at each site, and the rules of packs that fill it."""
    w, known, language = told.w, counted.map_of(told.house, told.edition), told.visitor.language
    name, item = told.path["table"], told.path["column"]
    found = known.table(name) if known else None
    one = next((each for each in found.columns if each.name == item), None) if found else None
    if known is None or found is None or one is None:
        raise Missing(w("missing.column", name=f"{name}.{item}"), {name: f"/catalogue/{name}"} if found else {})
    sites = Table("sites", (Column("site", link="address"), Column("rows", "count"), Column("share", "share")), [
        {"site": known.titles.get(site, site or "–"), "address": f"/sites/{site}" if site else "", "rows": extent.rows,
         "share": (one.filled[site], extent.rows) if one.filled.get(site) is not None and extent.rows else None}
        for site, extent in found.sites.items()
    ], Source(w("sites.says"), known.edition.number))  # fmt: skip
    rules = Table("rules", (Column("site"), Column("feed"), Column("pack", "code"), Column("columns", "list"),
                            Column("sql", "code")), [
        {"site": edge.site, "feed": edge.feed, "pack": edge.pack, "columns": list(edge.columns), "sql": edge.sql[:300]}
        for edge in _edges(told) if (edge.table, edge.column) == (name, item)
    ], Source(w("rules.says"), None), empty="rules.none")  # fmt: skip
    crumbs = ((w("page.catalogue"), "/catalogue"), (name, f"/catalogue/{name}"), (item, ""))
    values = {"grade": graded(name, item).grade if name in TABLES else None, "place": f"{name}.{item}"}
    return View(name_of(name, item)[language], w("column.lead", place=f"{name}.{item}"), (sites, rules), values, crumbs)


def _edges(told: Asked) -> list[Any]:
    return told.house.memory.once(("edges", told.house.edition), lambda: edges(told.house.workspace))


def _ways(told: Asked) -> Mapping[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], dict[str, None]] = {}
    for edge in _edges(told):
        for name in edge.columns:
            found.setdefault((edge.table, edge.column), {})[name] = None
    return {key: list(names) for key, names in found.items()}


def search(told: Asked) -> View:
    """What a text may mean: pages, sites, tables, columns, concepts, items of registries, requests."""
    w, text = told.w, told.query.get("q", "").strip()[:LONGEST]
    rows = list(_found(told, text)) if text else []
    table = Table("found", (Column("name", note="place", link="address"), Column("sort", "state"), Column("rows",
        "count")),
                  rows, Source(w("found.says"), told.edition), most=60,
                  empty="found.none" if text else "found.ask")  # fmt: skip
    return View(w("search.title", text=text) if text else w("search"), w("search.lead"), (table,))


def _found(told: Asked, text: str) -> Iterator[dict[str, Any]]:
    language, lower, known = told.visitor.language, text.lower(), counted.map_of(told.house, told.edition)
    for name, address in places(told).items():
        if lower in name.lower():
            yield {"name": name, "place": "", "address": address, "sort": "page", "rows": None}
    for case in told.house.cases():
        if lower in case.asked.summary.lower() or lower == short(case.id).lower():
            yield {"name": case.asked.summary, "place": short(case.id), "address": f"/requests/{short(case.id)}",
                   "sort": "request", "rows": None}  # fmt: skip
    if known is not None:
        yield from _mapped(told, known, text)
    for name, pack in built.packs(told.house).items():
        for key, item in pack.items.items():
            called = item.names.get(language) or key
            if lower in called.lower() or lower == key:
                yield {"name": called, "place": f"{name} {key}", "address": f"/registries/{name}", "sort": "item",
                       "rows": None}  # fmt: skip


def _mapped(told: Asked, known: DataMap, text: str) -> Iterator[dict[str, Any]]:
    """Names of the map, and concepts with their rows."""
    try:
        found = told.house.memory.once(
            ("find", known.edition.number, text), lambda: find(told.house.workspace, known, text)
        )
    except InputError:
        return
    for one in found.named:
        yield {"name": one.name, "place": one.place, "address": _address(one.sort, one.place), "sort": one.sort,
               "rows": None}  # fmt: skip
    for concept in found.concepts:
        yield {"name": concept.name, "place": f"{concept.vocabulary} {concept.code}", "address": "", "sort": "concept",
               "rows": concept.rows}  # fmt: skip


def _address(sort: str, place: str) -> str:
    """Where a thing of the map stands in the workbench."""
    if sort in ("site", "feed", "source"):
        return f"/sites/{place.partition('/')[0]}"
    return "/catalogue/" + place.replace(".", "/", 1)


PAGES = (
    Page("catalogue", "/catalogue", view, group="data", icon="map", key="c", steady=True, pinned=True),
    Page("catalogue_table", "/catalogue/{table}", held, under="catalogue", steady=True, pinned=True),
    Page("catalogue_column", "/catalogue/{table}/{column}", column, under="catalogue", steady=True, pinned=True),
    Page("search", "/search", search, under="search", steady=True, pinned=True),
)
