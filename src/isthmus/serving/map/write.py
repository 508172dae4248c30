"""The map as HTML: the picture, the feeds, the tables, and by table its columns with grade, share filled and origin."""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from isthmus import __version__
from isthmus.base.durable import replaced
from isthmus.base.errors import UsageError
from isthmus.cdm.names import name_of
from isthmus.flow.columns import shortened
from isthmus.flow.datamap.held import OWN, DataMap, TableHeld
from isthmus.flow.datamap.lineage import Edge, edges
from isthmus.flow.workspace import Workspace
from isthmus.gate.grade.column import graded
from isthmus.serving.map.picture import drawn
from isthmus.serving.page.sheet import style
from isthmus.serving.page.words import Language, Speech, Texts

HERE = Path(__file__).parent
STEPS = 5  # shades of how full a column is


def write(workspace: Workspace, known: DataMap, path: Path, language: Language) -> None:
    """Write the page. Raises UsageError for a name that does not end in .html, or a place that cannot be written."""
    if path.suffix.lower() != ".html":
        raise UsageError(f"{path.name} does not say .html. Name the page map.html.")
    content = html(workspace, known, language)
    try:
        with replaced(path) as stream:
            stream.write(content)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}. Name another file.") from None


def html(workspace: Workspace, known: DataMap, language: Language) -> bytes:
    """The page."""
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    speech = Speech(language, texts())
    environment.globals |= {"w": speech, "style": style(language, HERE / "map.css")}
    shown = [one for one in known.tables if one.group not in (OWN, "vocabulary")]
    names = {one.name: _name(one.name, language) for one in shown}
    ways = _ways(edges(workspace))
    told = {
        "title": workspace.root.resolve().name, "synthetic": workspace.synthetic,
        "edition": speech("edition", number=known.edition.number, day=str(known.edition.body["published_at"])[:10]),
        "picture": drawn(known, names, speech), "sites": list(known.titles), "feeds": list(_feeds(known)),
        "tables": [_table(one, known, ways, language) for one in shown],
        "others": [
            {"name": one.name, "called": _name(one.name, language), "rows": f"{one.extent.rows:,}"}
            for one in known.tables if one not in shown
        ],
        "source": speech("source", number=known.edition.number, version=__version__),
    }  # fmt: skip
    return environment.get_template("map.html.j2").render(**told).encode()


@cache
def texts() -> Texts:
    """The words of the page."""
    return yaml.safe_load((files("isthmus.serving.map") / "words.yaml").read_text(encoding="utf-8"))  # type: ignore[no-any-return]  # keys and languages, as the file has them


def _name(table: str, language: Language) -> str:
    return name_of(table)[language]


def _feeds(known: DataMap) -> Iterator[dict[str, Any]]:
    for one in known.feeds:
        yield {
            "name": f"{one.site} / {one.name}", "title": known.titles[one.site], "pack": one.pack,
            "files": f"{one.files:,}", "received": f"{one.received:%Y-%m-%d}" if one.received else "",
            "records": f"{one.records:,}", "quarantined": f"{one.outcomes['quarantined']:,}",
            "last": str(one.last or ""),
        }  # fmt: skip


def _table(
    one: TableHeld, known: DataMap, ways: Mapping[tuple[str, str], list[str]], language: Language
) -> dict[str, Any]:
    sites = list(known.titles)
    return {
        "name": one.name, "called": _name(one.name, language), "rows": f"{one.extent.rows:,}",
        "last": str(one.extent.last or ""),
        "sites": [f"{one.sites[site].rows:,}" if site in one.sites else "" for site in sites],
        "columns": [
            {
                "name": column.name, "called": name_of(one.name, column.name)[language], "type": column.type,
                "grade": graded(one.name, column.name).grade, "all": _percent(one.share(column)),
                "sites": [
                    {"told": _percent(share), "shade": round(STEPS * (share or 0.0))}
                    for share in (one.share(column, site) if site in one.sites else None for site in sites)
                ],
                "ways": ways.get((one.name, column.name), []),
            }
            for column in one.columns if one.share(column) or column.required
        ],
    }  # fmt: skip


def _percent(share: float | None) -> str:
    if share is None:
        return ""
    return f"{100 * share:.0f}" if share in (0.0, 1.0) else f"{min(99.9, max(0.1, 100 * share)):.1f}"


def _ways(every: list[Edge]) -> dict[tuple[str, str], list[str]]:
    """By table and column the columns of exports that fill it, each with its pack."""
    found: dict[tuple[str, str], dict[str, None]] = {}
    for one in every:
        if one.columns:
            told = f"{one.pack.split()[0]}: {', '.join(shortened(one.columns))}"
            found.setdefault((one.table, one.column), {})[told] = None
    return {key: list(told) for key, told in found.items()}
