"""Writes the report of a registry: what `report.yaml` names, between who the patients are and what is missing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from isthmus import __version__
from isthmus.base.durable import replaced
from isthmus.research.registries.figures import Figure
from isthmus.serving.page.sheet import style
from isthmus.serving.page.words import LANGUAGES, Language, Speech, Texts
from isthmus.serving.registries.kept import Kept
from isthmus.serving.registries.report import curves, flow
from isthmus.serving.registries.report.tables import Table, Tables

HERE = Path(__file__).parent
NAME = "report.html"
DIGITS = 12  # of a digest


@dataclass(frozen=True, slots=True)
class Part:
    """One section: title, a picture or none, tables with their headings, and where the numbers come from."""

    title: str
    tables: Sequence[tuple[str, Table]]
    source: str
    picture: Markup | None = None
    none: str = ""


def write(kept: Kept, path: Path | None = None) -> Path:
    """Write the report, as `report.html` beside the registry's tables if nowhere else; the path."""
    path = kept.folder / NAME if path is None else path
    with replaced(path) as stream:
        stream.write(html(kept))
    return path


def html(kept: Kept) -> bytes:
    """The page, complete in itself; the Chinese half comes first, so that the style sheet can show one of the two."""
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    views = [_view(kept, language) for language in reversed(LANGUAGES)]
    page = environment.get_template("report.html.j2").render(views=views, style=style("en", HERE / "report.css"))
    return page.encode()


@cache
def texts() -> Texts:
    """The words of the report."""
    text = (files("isthmus.serving.registries.report") / "words.yaml").read_text(encoding="utf-8")
    return yaml.safe_load(text)  # type: ignore[no-any-return]  # keys and languages, as the file has them


def _view(kept: Kept, language: Language) -> dict[str, Any]:
    w = Speech(language, texts())
    about = dict(kept.about) | {key: str(kept.about[key])[:DIGITS] for key in ("digest", "edition_digest")}
    patients = kept.patients.num_rows
    lead = w("lead.none")
    if patients:
        days = pc.min_max(kept.patients.column("index_date")).as_py()
        sites = len(kept.patients.column("site").unique())
        lead = w("lead", sites, patients=f"{patients:,}", items=f"{len(kept.pack.items):,}",
                 first=days["min"], last=days["max"])  # fmt: skip
    return {
        "id": language, "lang": w("lang"), "other": w("other"), "lead": lead, "small": w("small"),
        "title": w("title", name=kept.pack.titles.get(language) or kept.pack.name),
        "invented": w("invented") if kept.synthetic else "", "edition": w("edition", **about),
        "parts": list(_parts(kept, w)) if patients else [], "made": w("made", isthmus=__version__),
    }  # fmt: skip


def _parts(kept: Kept, w: Speech) -> Iterator[Part]:
    tables = Tables(kept, w)
    figures = list(kept.pack.figures)
    first = [one for one in figures if one.kind == "baseline"]
    walk = flow.steps(kept, w, first[0].by if first else "")
    yield Part(w("flow"), [("", flow.told(walk, w))], _source(kept, w, "candidate", "enrolment", "endpoint"),
               picture=flow.drawn(walk, w("flow")))  # fmt: skip
    yield Part(w("patients"), [("", tables.patients())], _source(kept, w, "endpoint"))
    stages = list(dict.fromkeys(one.by for one in figures if one.by))
    for one in first:
        yield _part(kept, tables, w, one)
    if stages:
        yield Part(w("stages"), [("", tables.stages(stages))], _source(kept, w, *map(kept.place, stages)))
    for one in sorted(figures, key=lambda one: one.kind == "completeness"):  # what is told of patients goes before
        if one not in first:
            yield _part(kept, tables, w, one)
    yield Part(w("work"), [("", tables.work())], _source(kept, w, "worklist"))
    yield Part(w("findings"), [("", tables.findings())], _source(kept, w, "rule", "finding"))


def _part(kept: Kept, tables: Tables, w: Speech, one: Figure) -> Part:
    title = one.names[w.language]
    if one.kind == "survival":
        return _survival(kept, tables, w, one)
    if one.kind == "lines":
        return Part(title, [("", tables.lines())] if kept.pack.lines else [], _source(kept, w, "line"))
    if one.kind == "response":
        place = kept.pack.items[one.rows[0]].group
        return Part(title, [("", tables.responses(one.rows[0]))], _source(kept, w, place))
    if one.kind == "completeness":
        first, second = tables.completeness(one.need)
        return Part(title, [("", first), (w("by.period"), second)], _source(kept, w, "completeness"))
    places = _source(kept, w, *map(kept.place, (*one.rows, *filter(None, [one.by]))))
    return Part(title, [("", tables.baseline(one.rows, one.by))], places)


def _survival(kept: Kept, tables: Tables, w: Speech, one: Figure) -> Part:
    parts = tables.divided(one.by)
    found = curves.curves(kept, one.endpoint, parts[1:] if one.by else parts)
    title = one.names[w.language]
    source = _source(kept, w, "endpoint", *map(kept.place, filter(None, [one.by])))
    if not found:
        return Part(title, [], source, none=w("survival.none"))
    label = kept.label(one.by, w.language) if one.by else ""
    table = curves.told(curves.curves(kept, one.endpoint, parts), w, label)
    said = kept.pack.endpoints[one.endpoint].about[w.language]
    return Part(title, [("", replace(table, notes=[*filter(None, [said]), *table.notes]))], source,
                picture=curves.drawn(found, w, title))  # fmt: skip


def _source(kept: Kept, w: Speech, *tables: str) -> str:
    about = {key: kept.about[key] for key in ("edition", "registry", "version")}
    return w("source", tables=", ".join(dict.fromkeys(tables)), **about)
