"""Scorecards as HTML, complete in itself, and as PDF, drawn by Typst from the same values."""

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import orjson
import typst
import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from isthmus import __version__
from isthmus.base.durable import replaced
from isthmus.base.errors import UsageError
from isthmus.flow.datamap.held import OUTCOMES
from isthmus.flow.findings.life import Lived
from isthmus.flow.findings.plausible import Looked
from isthmus.serving.card.card import Card
from isthmus.serving.card.funnel import drawn
from isthmus.serving.page.sheet import style
from isthmus.serving.page.words import Language, Speech, Texts, percent

HERE = Path(__file__).parent
PRINTED = 30  # findings of each part on the printed sheet
FACES = ("Noto Sans CJK SC", "Source Han Sans SC", "WenQuanYi Zen Hei", "Microsoft YaHei", "PingFang SC", "DejaVu Sans")


def write(card: Card, path: Path, language: Language) -> None:
    """Write a scorecard; the name says how. Raises UsageError for a name that ends in neither .html nor .pdf."""
    form = {".html": html, ".pdf": pdf}.get(path.suffix.lower())
    if form is None:
        raise UsageError(f"{path.name} says neither .html nor .pdf. Name the scorecard card.html or card.pdf.")
    content = form(card, language)
    try:
        with replaced(path) as stream:
            stream.write(content)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}. Name another file.") from None


def html(card: Card, language: Language) -> bytes:
    """The page: all findings."""
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    speech = Speech(language, texts())
    environment.globals |= {"w": speech, "style": style(language)}
    return environment.get_template("card.html.j2").render(**values(card, language)).encode()


def pdf(card: Card, language: Language) -> bytes:
    """The printed sheet: the worst findings of each part, and how many more there are."""
    told = values(card, language, most=PRINTED)
    words = {key: text[language] for key, text in texts().items()}
    inputs = {"card": orjson.dumps({**told, "w": words, "faces": FACES}).decode()}
    drawn: bytes = typst.compile(str(HERE / "card.typ"), format="pdf", sys_inputs=inputs)
    return drawn


@cache
def texts() -> Texts:
    """The words of a scorecard."""
    return yaml.safe_load((files("isthmus.serving.card") / "words.yaml").read_text(encoding="utf-8"))  # type: ignore[no-any-return]  # keys and languages, as the file has them


def values(card: Card, language: Language, *, most: int | None = None) -> dict[str, Any]:
    """What a scorecard shows, as texts; of each part at most so many findings."""
    w = Speech(language, texts())
    parts = {"own": card.own, "ours": card.ours, "closed": card.closed}
    return {
        "title": card.title, "lead": w("lead", title=card.title), "synthetic": card.synthetic,
        "edition": w("edition", number=card.edition, day=card.published),
        "share": percent(card.share),
        "checks": w("checks.of", passed=f"{card.passed:,}", asked=f"{card.asked:,}"),
        "usual": w("checks.usual", usual=percent(card.usual)) if card.usual is not None else "",
        "none": w("own.none" if card.asked else "own.nothing"),
        "patients": _patients(card, w),
        "grades": [
            {"grade": grade, "name": w(f"grade.{grade}"), "count": count} for grade, count in card.grades().items()
        ],
        "feeds": [
            {"name": one.name, "files": f"{one.files:,}", "last": f"{one.received:%Y-%m-%d}" if one.received else "",
             "records": f"{one.records:,}", "outcomes": [f"{one.outcomes[name]:,}" for name in OUTCOMES]}
            for one in card.feeds
        ],
        "outcomes": [w(f"outcome.{name}") for name in OUTCOMES],
        "trend": [{"edition": number, "count": count} for number, count in card.trend.items()],
        "funnels": [_funnel(one, w, language) for one in card.funnels],
        "highest": max([*card.trend.values(), 1]),
        **{name: [_row(one, w, language) for one in listed[:most]] for name, listed in parts.items()},
        "more": {
            name: w("more", len(listed) - most) if most and len(listed) > most else "" for name, listed in parts.items()
        },
        "source": w("source", number=card.edition, workspace=card.site, version=__version__),
    }  # fmt: skip


def _patients(card: Card, w: Speech) -> str:
    """How many people the site's patient numbers are; empty where nobody is linked."""
    one = card.patients
    if one is None:
        return ""
    return w("patients", numbers=f"{one.numbers:,}", persons=f"{one.persons:,}", elsewhere=f"{one.elsewhere:,}")


def _funnel(one: Looked, w: Speech, language: Language) -> dict[str, str]:
    own, others = percent(one.own.counted / one.own.asked), percent(one.expected.share)
    told = w("funnel.outside" if one.outside else "funnel.inside", own=own, others=others, count=one.expected.others)
    return {"title": one.indicator.says(language), "svg": drawn(one), "told": told}


def _row(one: Lived, w: Speech, language: Language) -> dict[str, Any]:
    found = one.finding
    state = "again" if one.again else one.state
    days = found.kind == "silence"
    return {
        "id": found.finding_id, "omop": found.place, "grade": found.grade, "grade_name": w(f"grade.{found.grade}"),
        "what": found.says(language) + (f" {found.value}" if days else ""), "mend": found.mend(language),
        "rows": w("days", found.rows) if days else f"{found.rows:,}",
        "percent": w("percent", percent=f"{found.percent:.2f}", of=f"{found.of:,}") if found.of and not days else "",
        "since": one.since, "state": w(f"state.{state}", owner=one.owner, reason=one.reason, until=one.until),
        "places": [_place(place, w) for place in found.places],
    }  # fmt: skip


def _place(place: Any, w: Speech) -> str:
    """Feed, file (and table in a database) and columns; how many rows there, and the line of one."""
    told = place.name
    if place.columns:
        told += f" [{', '.join(place.columns)}]"
    rows = [w("place.rows", place.rows)] if place.rows else []
    line = [w("place.row" if place.sheet else "place.line", line=place.line)] if place.line else []
    return ", ".join([told, *rows, *line])
