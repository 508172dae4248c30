"""The verb about the map of the data: what there is, how fresh, where a column comes from, and what is where."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from shlex import quote
from typing import Annotated, Any

import orjson
import typer

from isthmus.base.durable import replaced
from isthmus.base.errors import UsageError
from isthmus.cdm.names import name_of
from isthmus.flow.columns import shortened
from isthmus.flow.datamap.events import events
from isthmus.flow.datamap.find import Found, find
from isthmus.flow.datamap.held import DataMap, TableHeld, held
from isthmus.flow.datamap.lineage import Edge, Lineage, lineage
from isthmus.flow.workspace import Workspace
from isthmus.gate.grade.column import graded
from isthmus.serving.cli.options import Json, Where
from isthmus.serving.cli.output import document, say, table
from isthmus.serving.map import write as page
from isthmus.serving.page.words import LANGUAGES


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command("map")(map_data)


def map_data(  # noqa: PLR0917 each parameter is an option of the command line
    workspace: Where,
    what: Annotated[
        str | None, typer.Argument(metavar="WHAT", help="TABLE, TABLE.COLUMN, SITE/FEED or SITE/FEED.COLUMN.")
    ] = None,
    text: Annotated[str | None, typer.Option("--find", metavar="TEXT", help="English, Chinese or pinyin.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the map as a page (.html).")] = None,
    language: Annotated[str, typer.Option(help="Of the page: en or zh.")] = "en",
    openlineage: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the runs as events of OpenLineage, one a line.")
    ] = None,
    edition: Annotated[int | None, typer.Option(help="An older edition.")] = None,
    json: Json = False,
) -> None:
    """Show what data there is, how full and how fresh, where each column comes from and what it goes into."""
    opened = Workspace(workspace)
    if language not in LANGUAGES:
        raise UsageError(f"there is no map in '{language}'. Known: {', '.join(LANGUAGES)}.")
    if what is not None and text is not None:
        raise UsageError("name WHAT, or look for a name with --find; not both.")
    known = held(opened, edition=edition)
    if openlineage is not None:
        told = list(events(opened, known))
        _write(openlineage, b"".join(orjson.dumps(one) + b"\n" for one in told))
        _say(f"{len(told)} events of OpenLineage are in {openlineage}.", json)
    if out is not None:
        page.write(opened, known, out, language)
        _say(f"The map of {known.edition.name} is in {out}.", json)
    if text is not None:
        _found(find(opened, known, text), opened, json)
    elif what is not None:
        _lineage(lineage(opened, known, what), known, json)
    elif json:
        document(_plainly(known))
    elif out is None and openlineage is None:
        _print(known, opened)


def _say(text: str, json: bool) -> None:
    """Tell of a file; a program reads its document and nothing else."""
    if not json:
        say(text)


def _write(path: Path, content: bytes) -> None:
    try:
        with replaced(path) as stream:
            stream.write(content)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}. Name another file.") from None


def _print(known: DataMap, opened: Workspace) -> None:
    feeds = [
        (f"{one.site}/{one.name}", one.pack, one.files, f"{one.received:%Y-%m-%d}" if one.received else "", one.records,
         one.outcomes["quarantined"], str(one.last or ""), len(one.tables))
        for one in known.feeds
    ]  # fmt: skip
    columns = ("feed", "pack", "files", "last delivery", "records", "in quarantine", "last day in data", "tables")
    table(f"Feeds of {known.edition.name}", columns, feeds)
    rows = [
        (one.name, name_of(one.name)["zh"], one.extent.rows, len([site for site in one.sites if site]),
         str(one.extent.last or ""), _highest(one), _full(one))
        for one in known.tables
    ]  # fmt: skip
    names = ("table", "", "rows", "sites", "last day", "highest grade", "columns with values")
    table("Tables", names, rows)
    where = quote(str(opened.root))
    say(f"One of them, and where it comes from: isthmus map {where} measurement.value_as_number")
    say(f"Look for a name: isthmus map {where} --find 肌酐      As a page: isthmus map {where} --out map.html")


def _highest(one: TableHeld) -> int:
    return max(graded(one.name, column.name).grade for column in one.columns)


def _full(one: TableHeld) -> str:
    filled = sum(bool(one.share(column)) for column in one.columns)
    return f"{filled} of {len(one.columns)}"


def _lineage(found: Lineage, known: DataMap, json: bool) -> None:
    name = found.asked.partition(".")
    whole = known.table(name[0]) if "/" not in found.asked else None
    if json:
        told = asdict(found) | {"edges": [{**asdict(one), "columns": list(one.columns)} for one in found.edges]}
        document(told | {"table": _table(whole) if whole else None, "edition": known.edition.number})
        return
    if whole is not None:
        _columns(whole, name[2])
    rows = _merged(found.edges, known)
    table(f"How it comes from the exports: {found.asked}" if "/" not in found.asked else f"What {found.asked} fills",
          ("table.column", "feeds", "pack, record, rule", "columns of the export", "how", "when", "rows of the table"),
          rows)  # fmt: skip
    if found.vocabulary:
        say("It comes from loaded vocabularies, and from no feed.")
    if found.made_from:
        say(f"It is also made from: {', '.join(found.made_from)}.")
    if found.into:
        say(f"From it is made: {', '.join(found.into)}.")
    if not rows and not found.made_from and not found.vocabulary:
        say("No rule of any pack fills it.")


def _columns(whole: TableHeld, column: str) -> None:
    sites = [site for site in whole.sites if site]
    rows = [
        (one.name, name_of(whole.name, one.name)["zh"], one.type, graded(whole.name, one.name).grade,
         _share(whole.share(one)), *(_share(whole.share(one, site)) for site in sites))
        for one in whole.columns if column in ("", one.name)
    ]  # fmt: skip
    title = f"{whole.name}: {whole.extent.rows:,} rows, the last of {whole.extent.last or 'no day'}; per cent filled"
    table(title, ("column", "", "type", "grade", "all", *sites), rows)


def _share(share: float | None) -> str:
    """Per cent; what is neither nothing nor all never looks as if it were."""
    if share is None:
        return "?"
    told = f"{100 * share:.1f}"
    return {("100.0", False): "99.9", ("0.0", False): "0.1"}.get((told, share in (0.0, 1.0)), told)


def _merged(edges: Sequence[Edge], known: DataMap) -> list[tuple[Any, ...]]:
    """Ways that several feeds share told once, those of most rows first."""
    rows = {(fed.site, fed.name): {name: one.rows for name, one in fed.tables.items()} for fed in known.feeds}
    merged: dict[tuple[str, ...], list[tuple[str, int]]] = {}
    for one in edges:
        way = (f"{one.table}.{one.column}", f"{one.pack}, {one.record}, {one.rule}",
               ", ".join(shortened(one.columns)), one.sql, one.when)  # fmt: skip
        count = rows.get((one.site, one.feed), {}).get(one.table, 0)
        merged.setdefault(way, []).append((f"{one.site}/{one.feed}", count))
    listed = sorted(merged.items(), key=lambda one: -sum(count for _, count in one[1]))
    return [
        (way[0], ", ".join(feed for feed, _ in feeds), *way[1:], sum(count for _, count in feeds))
        for way, feeds in listed
    ]


def _found(found: Found, opened: Workspace, json: bool) -> None:
    if json:
        concepts = [
            {**asdict(one), "rows": one.rows, "uses": [
                {"site": site, "table": name, "rows": rows} for (site, name), rows in sorted(one.uses.items())]}
            for one in found.concepts
        ]  # fmt: skip
        document({"text": found.text, "named": [asdict(one) for one in found.named], "concepts": concepts})
        return
    if found.named:
        table(f"Named like '{found.text}'", ("sort", "place", "name"),
              [(one.sort, one.place, one.name) for one in found.named])  # fmt: skip
        say(f"Where one comes from or goes to: isthmus map {quote(str(opened.root))} {quote(found.named[0].place)}")
    used = [one for one in found.concepts if one.rows]
    if used:
        rows = [
            (str(one.concept_id), one.name, one.found, f"{one.vocabulary} {one.code}", one.rows,
             ", ".join(f"{site}/{name} {count:,}" for (site, name), count in sorted(one.uses.items())))
            for one in used
        ]  # fmt: skip
        table("Concepts that have rows", ("concept", "name", "found as", "code", "rows", "where"), rows)
    if not found.named and not used:
        more = f" {len(found.concepts)} concepts are called so, and no row has one." if found.concepts else ""
        say(f"Nothing in the map is called '{found.text}'.{more}")


def _plainly(known: DataMap) -> dict[str, Any]:
    return {
        "edition": known.edition.number, "published_at": known.edition.body["published_at"],
        "sites": [{"name": name, "title": title} for name, title in known.titles.items()],
        "feeds": [{**asdict(one), "records": one.records, "last": one.last} for one in known.feeds],
        "tables": [_table(one) for one in known.tables],
    }  # fmt: skip


def _table(one: TableHeld) -> dict[str, Any]:
    return {
        "name": one.name, "group": one.group, "names": name_of(one.name), "rows": one.extent.rows,
        "last": one.extent.last, "sites": {site: asdict(extent) for site, extent in one.sites.items()},
        "columns": [
            {"name": column.name, "names": name_of(one.name, column.name), "type": column.type,
             "required": column.required, "grade": graded(one.name, column.name).grade, "filled": one.share(column),
             "filled_by_site": {site: one.share(column, site) for site in one.sites}}
            for column in one.columns
        ],
    }  # fmt: skip
