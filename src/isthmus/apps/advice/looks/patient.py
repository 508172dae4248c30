"""One patient on one page: state, risks, what the rules say, due steps, what it may be, and who is alike."""

from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from isthmus.apps.advice.chart.chart import Chart, Row
from isthmus.apps.advice.chart.facts import Found, facts_of
from isthmus.apps.advice.differential.rank import Suggestion, differential
from isthmus.apps.advice.differential.told import chance, named, reason
from isthmus.apps.advice.differential.told import listed as asked_for
from isthmus.apps.advice.differential.told import words as differing
from isthmus.apps.advice.firing.card import Cards
from isthmus.apps.advice.firing.judge import Fired, Judged
from isthmus.apps.advice.hooks.service import KNOWN, judged_of, known_of
from isthmus.apps.advice.looks.alike import section as alike_section
from isthmus.apps.advice.looks.parts import none, section, table, word
from isthmus.apps.advice.pack.base import Base
from isthmus.apps.advice.pack.fact import Fact
from isthmus.apps.contract import Asked, Context, InputError, Told
from isthmus.apps.contract import documents as document

HTML, HOOK = "text/html", "patient-view"
NAMED = 4
"""Rows that are named of one value."""


@cache
def listed_facts() -> Mapping[str, Sequence[str]]:
    """The facts of state and risks, as `patient.yaml` lists them."""
    return document.read(Path(__file__).parent / "patient.yaml")


def patient_page(asked: Asked, at: Context) -> Told:
    """The page; `person` of the query says who, `similar=yes` asks for who is alike too."""
    person = asked.query.get("person", "").strip()
    language = asked.language
    field = (
        f'<form action="patient" method="get"><label>{word("person", language)} '
        f'<input name="person" value="{escape(person)}" maxlength="40" required=""></label> '
        f"<button>{word('show', language)}</button></form>"
    )
    if not person:
        return Told(body=f"<p>{word('about', language)}</p>{field}", media=HTML)
    if not KNOWN.fullmatch(person):
        raise InputError("there is no such person in this edition. Look the number up again.")
    base, chart, judged = judged_of(at, person, HOOK)
    sections = [
        _head(person, chart, language, at), field, *_values(base, chart, at, language), _cards(base, judged, at, asked),
        _due(person, at, language), _may_be(base, chart, at, language),
        alike_section(person, base, at, asked) if asked.query.get("similar") == "yes" else _link(person, language),
    ]  # fmt: skip
    return Told(body="\n".join(sections), media=HTML)


def _head(person: str, chart: Chart, language: str, at: Context) -> str:
    told = [f"{word('patient', language)} {escape(person)}"]
    if chart.birth is not None:
        years = chart.today.year - chart.birth.year - (chart.today.timetuple()[1:3] < chart.birth.timetuple()[1:3])
        told.append(word("years", language).format(years))
    told += [word(chart.sex, language)] if chart.sex else []
    as_of = word("as_of", language).format(day=chart.today.isoformat(), edition=at.session.edition)
    return f"<h2>{' · '.join(told)}</h2><p><small>{as_of}</small></p>"


def _values(base: Base, chart: Chart, at: Context, language: str) -> list[str]:
    """A section of the patient's state and one of risks, each value with its rows, or what it lacks."""
    names = [name for some in listed_facts().values() for name in some]
    facts = facts_of(chart, base.needing(names), known_of(base, at.session).concepts)
    cards = Cards(base, known_of(base, at.session).concepts, language)
    heads = [word(one, language) for one in ("what", "value", "from")]
    found = []
    for key, some in listed_facts().items():
        rows = [_value(base.facts[one], cards, facts[one], language) for one in some if facts[one].value is not None]
        lacking = [_lacking(base.facts[one], facts[one], language) for one in some if facts[one].value is None]
        unknown = (
            f"<p>{word('unknown', language)}: {word('then', language).join(lacking)}{word('stop', language)}</p>"
            if lacking
            else ""
        )
        found.append(section(key, f"{table(heads, rows)}{unknown}", language))
    return found


def _value(fact: Fact, cards: Cards, one: Found, language: str) -> list[str]:
    text = escape(f"{cards.said(one.value, fact.decimals)} {fact.unit}".strip())
    return [_called(fact, language), f"<strong>{text}</strong>", _rows(one.rows, language)]


def _lacking(fact: Fact, one: Found, language: str) -> str:
    """A fact that is not known; of a score what it lacks."""
    inputs = fact.score.inputs if fact.score else {}
    titles = [inputs[each].title if language == "en" else inputs[each].title_zh for each in one.missing]
    said = f" ({word('missing', language)}: {escape(word('comma', language).join(titles))})" if titles else ""
    return f"{_called(fact, language)}{said}"


def _called(fact: Fact, language: str) -> str:
    return escape(fact.en if language == "en" else fact.zh)


def _rows(rows: Sequence[Row], language: str) -> str:
    """Rows by table and number, with their days; a few, the others counted."""
    told = [f"{row.table} {row.id[:12]}{f' ({row.day})' if row.day else ''}" for row in dict.fromkeys(
        Row(one.table, one.id, one.day) for one in rows)]  # fmt: skip
    more = f" … {word('more', language).format(len(told) - NAMED)}" if len(told) > NAMED else ""
    return f"<small>{escape(', '.join(told[:NAMED]) + more)}</small>"


def _cards(base: Base, judged: Judged, at: Context, asked: Asked) -> str:
    cards = Cards(base, known_of(base, at.session).concepts, asked.language)
    language = asked.language
    heads = [word(one, language) for one in ("indicator", "says", "from", "source")]
    rows = [
        [
            f'<span class="chip">{word(one.rule.indicator, language)}</span>',
            escape(cards.summary(one, judged.facts)), _rows(one.rows, language),
            _source(base, one, language),
        ]
        for one in judged.fired
        if not one.rule.tells
    ]  # fmt: skip
    return section("rules", table(heads, rows) or none(language), language)


def _source(base: Base, one: Fired, language: str) -> str:
    source = base.sources[one.rule.source]
    checked = word("read" if source.read else "recalled", language)
    return f"{escape(source.title)} <small>({escape(one.rule.name)} {one.rule.version}; {checked})</small>"


def _due(person: str, at: Context, language: str) -> str:
    """The steps of the pathways that are due, as the application of pathways tells them."""
    told = at.ask("pathways", f"patients/{person}")
    if told.status != 200:
        why = told.body.get("error", "") if isinstance(told.body, Mapping) else ""
        return section("due", f"<p>{word('no_pathways', language)} <small>{escape(str(why))}</small></p>", language)
    heads = [word(one, language) for one in ("by", "step", "pathway", "because", "source")]
    rows = [
        [
            escape(str(one["due"])) + (f" <strong>{word('late', language)}</strong>" if one["late"] else ""),
            escape(str(one.get("title", one["rule"]))), escape(str(one.get("pathway_title", one["pathway"]))),
            _evidence(one.get("evidence") or ()), f"<small>{escape(str(one.get('source', '')))}</small>",
        ]
        for one in told.body["due"]
    ]  # fmt: skip
    return section("due", table(heads, rows) or none(language), language)


def _evidence(rows: Sequence[Mapping[str, Any]]) -> str:
    told = [f"{one['step']}, {one['day']}: {one['table']} {one['id']}" for one in rows]
    return f"<small>{escape('; '.join(told))}</small>"


def _may_be(base: Base, chart: Chart, at: Context, language: str) -> str:
    found = differential(base, chart, known_of(base, at.session).concepts)
    said = differing()
    parts = []
    heads = [word(one, language) for one in ("disease", "chance", "counted", "open")]
    rows = [_suggestion(one, base, language) for one in found.suggested]
    parts.append(table(heads, rows) or f"<p>{escape(said['nothing'][language])}</p>")
    if found.known:
        names = word("comma", language).join(named(base, one, language) for one in found.known)
        parts.append(f"<p>{escape(said['known'][language].format(names))}</p>")
    parts.append(f"<p><small>{escape(said['method'][language])}</small></p>")
    return section("points", "".join(parts), language)


def _suggestion(one: Suggestion, base: Base, language: str) -> list[str]:
    why = "".join(f"<li>{escape(reason(each, language))}</li>" for each in one.evidence)
    name, told = escape(named(base, one.disease, language)), escape(chance(one.chance, language))
    return [f"<strong>{name}</strong>", told, f"<ul>{why}</ul>", escape(asked_for(one.open, language))]


def _link(person: str, language: str) -> str:
    address = f"patient?person={escape(person)}&amp;similar=yes"
    return section("alike", f'<p><a href="{address}">{word("show_alike", language)}</a></p>', language)
