"""Writes the demo's page: `index.html` in English and `index.zh.html` in Chinese, each complete in itself."""

import shlex
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from isthmus.base.durable import replaced
from isthmus.serving.demonstration import Demo
from isthmus.serving.page import charts, tokens
from isthmus.serving.page.view import GOOD, OUTCOMES, FeedRow, Reason, Stage, View, view
from isthmus.serving.page.words import LANGUAGES, Language, Speech, percent

HERE = Path(__file__).parent
UNEVEN = 14  # items shown
FILES: Mapping[Language, str] = {"en": "index.html", "zh": "index.zh.html"}


class Command(NamedTuple):
    """Something to try next: why, the command, and a hint ('' when none is needed)."""

    what: str
    command: str
    hint: str


class Group(NamedTuple):
    """A group of a registry: its name, what a row of it is, how many items and rows it has."""

    name: str
    row: str
    items: int
    rows: int


def write(shown: Demo, folder: Path) -> Path:
    """Write the page in both languages into the folder; returns the path of the English one."""
    counted = view(shown)
    folder.mkdir(parents=True, exist_ok=True)
    for language in LANGUAGES:
        with replaced(folder / FILES[language]) as stream:
            stream.write(render(shown, counted, Speech(language)).encode())
    return folder / FILES["en"]


def render(shown: Demo, counted: View, speech: Speech) -> str:
    """The page in one language, as HTML."""
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"number": number, "percent": percent, "ratio": ratio}
    environment.globals |= {"w": speech, "name": speech.name, "outcomes": OUTCOMES, "good": GOOD}
    return environment.get_template("demo.html.j2").render(
        shown=shown, view=counted, effect=shown.study.effect,
        style=_style(speech),
        commands=list(_commands(shown, speech)), held=sum(not one.faults for one in shown.checks),
        months=partial(_months, speech), reason=partial(_reason, speech), bar=partial(_bar, speech),
        source=partial(_source, shown, speech), seconds=_seconds(shown, speech),
        **_registry(shown, speech), **_charts(shown, counted, speech),
    )  # fmt: skip


def _style(speech: Speech) -> Markup:
    font = f":root{{--font:{tokens.fonts(speech.language)}}}"
    return Markup("\n".join([font, tokens.css(), (HERE / "demo.css").read_text("utf-8")]))  # ours, nothing from outside


def number(value: float) -> str:
    """A number with its thousands set apart."""
    return f"{value:,}"


def ratio(value: float) -> str:
    """A hazard ratio."""
    return f"{value:.2f}"


def _months(speech: Speech, value: float | None, *, short: bool = False) -> str:
    if value is None:
        return speech("not.reached")
    return speech("months.short" if short else "months", value=f"{value:.1f}")


def _reason(speech: Speech, one: Reason) -> str:
    return speech.name("reason", one.slug, column=one.column)


def _bar(speech: Speech, row: FeedRow) -> str:
    parts = [
        speech("bar.part", count=number(row.counts[name]), outcome=speech(f"outcome.{name}"))
        for name in OUTCOMES if row.counts[name]
    ]  # fmt: skip
    joint = "、" if speech.language == "zh" else ", "
    site, records = row.site or speech("col.all"), number(row.records)
    return speech("bar.label", site=site, feed=row.feed, parts=joint.join(parts), records=records)


def _source(shown: Demo, speech: Speech, *tables: str) -> str:
    """The source mark of a result: the edition, the tables it was read from, and their rows."""
    rows = sum(shown.edition.tables.get(name, 0) for name in tables)
    return speech("mark.rows", rows, edition=shown.edition.name, tables=", ".join(tables))


def _seconds(shown: Demo, speech: Speech) -> str:
    return " · ".join(
        speech("foot.second", step=speech.name("step", step), seconds=f"{value:.1f}")
        for step, value in shown.seconds.items()
    )


def _commands(shown: Demo, speech: Speech) -> Iterator[Command]:
    place = shlex.quote(str(shown.workspace))
    if shown.example is not None:
        table, row = shown.example
        yield Command(speech("next.trace"), f"isthmus trace {place} {table} {row}", speech("next.trace.text"))
    told = f"isthmus registry {place} liver --out ./liver"
    yield Command(speech("next.registry"), told, speech("next.registry.text"))
    for verb in ("quarantine", "unmapped", "verify"):
        yield Command(speech(f"next.{verb}"), f"isthmus {verb} {place}", "")
    own = "isthmus init ./harbour\nisthmus site add ./harbour east --from /path/to/exports"
    yield Command(speech("next.own"), own, speech("next.own.text"))


def _registry(shown: Demo, speech: Speech) -> dict[str, Any]:
    """The registry's groups, and the items that hospitals know most unevenly."""
    kept = shown.registry
    items = Counter(one.group for one in kept.pack.items.values())
    groups = [
        Group(one.names[speech.language], one.row, items[name], kept.built.rows[name])
        for name, one in kept.pack.groups.items()
    ]
    sites = [str(row["site"]) for row in kept.sums.by_site()]
    uneven = []
    for item in kept.uneven(UNEVEN):
        shares = kept.sums.shares(item)
        named = kept.pack.items[item].names[speech.language]
        uneven.append({"name": named, "shares": [shares.get(site) for site in sites]})
    return {"groups": groups, "sites": sites, "uneven": uneven}


def _charts(shown: Demo, counted: View, speech: Speech) -> dict[str, Any]:
    drawn: dict[str, Any] = {"survival": None, "forest": None}
    if counted.stages:
        joint = "；" if speech.language == "zh" else "; "
        label = speech("survival.label", stages=joint.join(_told(speech, one) for one in counted.stages))
        drawn["survival"] = charts.survival(counted.stages, counted.ticks, speech, label=label)
    effect = shown.study.effect
    if effect is not None:
        naive, adjusted, true = (ratio(one) for one in (effect.naive[0], effect.adjusted[0], shown.true_ratio))
        label = speech("effect.label", naive=naive, adjusted=adjusted, true=true)
        drawn["forest"] = charts.forest(effect, shown.true_ratio, speech, label=label)
    return drawn


def _told(speech: Speech, one: Stage) -> str:
    return speech("survival.stage", stage=one.name, patients=number(one.patients), median=_months(speech, one.median))
