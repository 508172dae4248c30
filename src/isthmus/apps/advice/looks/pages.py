"""Pages of decision support: fragments of HTML without styles or scripts of their own."""

from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from math import cos, pi, sin
from pathlib import Path
from typing import Any

from isthmus.apps.advice.firing.history import History
from isthmus.apps.advice.looks.patient import patient_page
from isthmus.apps.advice.looks.routes import rules, span
from isthmus.apps.advice.pack.base import Base, base_of
from isthmus.apps.advice.pack.graph import Relation
from isthmus.apps.advice.pack.sheets import ties
from isthmus.apps.advice.search.finding import Hit, find
from isthmus.apps.contract import Asked, Context, Page, Told
from isthmus.apps.contract import documents as document

HTML = "text/html"
RULES = (
    "rule", "title", "pack", "version", "hooks", "indicator", "strength", "source", "textChecked", "mode"
)  # fmt: skip
RATES = (
    "rule", "fired", "shown", "silenced", "capped", "silent", "accepted", "overridden", "ignored", "override",
    "reasons", "days_off", "days_silent",
)  # fmt: skip
SWITCHES = ("at", "site", "rule", "mode", "why", "by")
WIDTH, HEIGHT, MOST = 900, 560, 24


@cache
def words() -> Mapping[str, Mapping[str, str]]:
    """What pages say, by key and language."""
    return document.read(Path(__file__).parent / "words.yaml")


def pages() -> Sequence[Page]:
    """All pages."""
    handles = {
        "patient": patient_page,
        "search": search_page,
        "rules": rules_page,
        "rates": rates_page,
        "graph": graph_page,
    }
    return [Page(path=path, title=words()[path], handle=handle) for path, handle in handles.items()]


def search_page(asked: Asked, at: Context) -> Told:
    """A field for words, and what fits them: title, text around what was found, source, version and licence."""
    text = asked.query.get("q", "").strip()
    form = (
        f'<form action="search" method="get"><label>{_word("q", asked)} '
        f'<input type="search" name="q" value="{escape(text)}" maxlength="400" required></label> '
        f'<button type="submit">{_word("search", asked)}</button></form>'
    )
    if not text:
        return _page("about_search", form, asked.language)
    found = find(text, at)
    named = ", ".join(escape(_name(base_of(at), one, asked.language)) for one in found.concepts)
    said = f"<p>{_word('meant', asked)}: {named}</p>" if named else ""
    hits = "".join(_hit(one, asked) for one in found.hits) or f"<p>{_word('none', asked)}</p>"
    return _page("about_search", f"{form}{said}{hits}", asked.language)


def _hit(one: Hit, asked: Asked) -> str:
    facts = (one.source, f"{_word('version', asked)} {one.version}", one.licence, one.name)
    return (
        f"<article><h3>{escape(one.title)}</h3><p>{escape(one.said)}</p><p><small>{_word(one.kind, asked)} · "
        f"{escape(' · '.join(each for each in facts if each))}</small></p></article>"
    )


def _word(key: str, asked: Asked) -> str:
    return escape(_text(key, asked))


def _text(key: str, asked: Asked) -> str:
    return words()[key][asked.language]


def rules_page(asked: Asked, at: Context) -> Told:
    """All rules in one table."""
    listed = rules(asked, at).body["rules"]
    return _page("about_rules", _table(RULES, listed, asked.language), asked.language)


def rates_page(asked: Asked, at: Context) -> Told:
    """How each rule did in the last year, and how rules were switched in it, and why."""
    base = base_of(at)
    history, when = History(at.records, base, at.site), span(asked, at)
    listed = [{name: getattr(one, name) for name in RATES} for one in history.rates(*when)]
    for one in listed:
        said = [(base.reasons.get(code, {}).get(asked.language) or code, n) for code, n in one["reasons"].items()]
        one["reasons"] = [f"{text or _text('no_reason', asked)} {n}" for text, n in said]
    switched = [one | {"at": f"{one['at']:%Y-%m-%d %H:%M}"} for one in history.switches(*when)]
    told = f"{_table(RATES, listed, asked.language)}<h2>{_word('switches', asked)}</h2>"
    return _page("about_rates", told + _table(SWITCHES, switched, asked.language), asked.language)


def graph_page(asked: Asked, at: Context) -> Told:
    """A concept in the middle and what stands beside it around it, with links to each."""
    base = base_of(at)
    wanted = (asked.query.get("concept", ""), str(at.settings["start"]), *base.graph.concepts)
    name = next(one for one in wanted if one in base.graph.concepts)
    return _page("about_graph", drawn(base, name, asked.language), asked.language)


def _page(about: str, whole: str, language: str) -> Told:
    return Told(body=f"<p>{escape(words()[about][language])}</p>{whole}", media=HTML)


def _table(columns: Sequence[str], rows: Sequence[Mapping[str, Any]], language: str) -> str:
    if not rows:
        return f"<p>{escape(words()['none'][language])}</p>"
    head = "".join(f'<th scope="col">{escape(words()[name][language])}</th>' for name in columns)
    body = "".join(
        f"<tr>{''.join(f'<td>{escape(_cell(row[name], language))}</td>' for name in columns)}</tr>" for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(value: Any, language: str) -> str:
    if isinstance(value, bool):
        return words()["yes" if value else "no"][language]
    if isinstance(value, float):
        return f"{value:.2f}"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    text = "" if value is None else str(value)
    return words()[text][language] if text in words() else text


def drawn(base: Base, name: str, language: str) -> str:
    """The concept and its neighbours as SVG, and the same as a list for those who do not see it."""
    near = base.graph.beside(name)[:MOST]
    middle = (WIDTH / 2, HEIGHT / 2)
    shapes, listed = [], []
    for at, one in enumerate(near):
        angle = 2 * pi * at / len(near)
        place = (middle[0] + cos(angle) * WIDTH * 0.36, middle[1] + sin(angle) * HEIGHT * 0.4)
        other = one.other if one.one == name else one.one
        shapes.append(_edge(middle, place) + _node(base, other, place, language))
        listed.append(f"<li>{escape(_said(base, one, language))}</li>")
    shapes.append(_node(base, name, middle, language))
    title = escape(_name(base, name, language))
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{title}">{"".join(shapes)}</svg>'
        f"<ul>{''.join(listed)}</ul>"
    )


def _name(base: Base, name: str, language: str) -> str:
    one = base.graph.concepts[name]
    return one.en if language == "en" else one.zh


def _said(base: Base, one: Relation, language: str) -> str:
    tie = ties()[one.relation]
    between = tie.en if language == "en" else tie.zh
    return f"{_name(base, one.one, language)} {between} {_name(base, one.other, language)} ({one.source})"


def _edge(one: tuple[float, float], other: tuple[float, float]) -> str:
    return (
        f'<line x1="{one[0]:.0f}" y1="{one[1]:.0f}" x2="{other[0]:.0f}" y2="{other[1]:.0f}" stroke="currentColor" '
        'stroke-opacity="0.35"/>'
    )


def _node(base: Base, name: str, place: tuple[float, float], language: str) -> str:
    x, y = place
    text = escape(_name(base, name, language))
    return (
        f'<a href="?concept={escape(name)}"><circle cx="{x:.0f}" cy="{y:.0f}" r="6" fill="var(--c1)"/>'
        f'<text x="{x:.0f}" y="{y - 10:.0f}" text-anchor="middle" fill="currentColor">{text}</text></a>'
    )
