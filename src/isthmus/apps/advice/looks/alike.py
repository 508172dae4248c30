"""The section of a patient's page about who is alike, and what became of them."""

from html import escape
from typing import Any

from isthmus.apps.advice.firing.card import words as said
from isthmus.apps.advice.hooks.service import day_of, known_of
from isthmus.apps.advice.looks.parts import section as titled
from isthmus.apps.advice.looks.parts import table, word
from isthmus.apps.advice.pack.base import Base
from isthmus.apps.advice.similar.features import Features, features
from isthmus.apps.advice.similar.nearest import Became, Neighbour, similar
from isthmus.apps.contract import Asked, Context

NEAR = 0.9
"""From here on two values are told as shared."""
HEADS = ("number", "like", "known", "shared", "differs")


def section(person: str, base: Base, at: Context, asked: Asked) -> str:
    """The nearest patients, what they share with this one, and what became of them."""
    language = asked.language
    declared = features(base)
    found = similar(at.session, base, known_of(base, at.session).concepts, declared, person, day_of(at))
    rows = [_row(one, declared, language) for one in found.neighbours]
    heads = [word(one, language) for one in HEADS]
    if not found.neighbours:
        return titled("alike", f"<p>{word('too_little', language)}</p>", language)
    of_all = f"<p>{word('of_all', language).format(found.patients)}</p>"
    return titled("alike", f"{of_all}{table(heads, rows)}{_became(found.became, declared, base, language)}", language)


def _row(one: Neighbour, declared: Features, language: str) -> list[str]:
    shared = [name for name, how in one.alike.items() if how is not None and how >= NEAR]
    differs = [name for name, how in one.alike.items() if how is not None and how < NEAR]
    between = word("comma", language)
    told = [
        between.join(_said(name, one.values[name], declared, language) for name in some) for some in (shared, differs)
    ]
    link = f'<a href="patient?person={escape(str(one.person))}">{escape(str(one.person))}</a>'
    return [link, f"{one.similarity:.0%}", f"{one.known:.0%}", *map(escape, told)]


def _said(name: str, value: Any, declared: Features, language: str) -> str:
    feature = declared.features[name]
    title = (feature.en if language == "en" else feature.zh) or word(name, language)
    if isinstance(value, bool):
        text = word("yes" if value else "no", language)
    elif isinstance(value, float):
        text = f"{value:.4g}"
    else:
        text = said()[value][language] if value in said() else str(value)
    return f"{title} {text}"


def _became(one: Became, declared: Features, base: Base, language: str) -> str:
    lines = []
    for year, told in one.survival.items():
        if told is None:
            lines.append(word("alive_hidden", language).format(year=year))
        else:
            share, low, high = (f"{value:.0%}" for value in told)
            lines.append(word("alive", language).format(year=year, share=share, low=low, high=high))
    lines.append(word("deaths", language).format(_count(one.deaths, language)))
    for name, count in one.treated.items():
        concept = base.graph.concepts[name]
        title = concept.en if language == "en" else concept.zh
        lines.append(f"{escape(title)}: {_count(count, language)}")
    head = word("became", language).format(followed=one.followed)
    listed = "".join(f"<li>{line}</li>" for line in lines)
    crude = word("crude", language).format(after=declared.after)
    return f"<h4>{head}</h4><ul>{listed}</ul><p><small>{crude}</small></p>"


def _count(count: int | None, language: str) -> str:
    return word("hidden", language) if count is None else str(count)
