"""Pages as fragments of HTML: a patient's assessment, the indicators, the report."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from isthmus.apps.contract import Asked, Context, Told
from isthmus.apps.contract.session import named
from isthmus.apps.vte import indicator
from isthmus.apps.vte.patient import assess
from isthmus.apps.vte.report import report as made_report
from isthmus.apps.vte.stay import period
from isthmus.apps.vte.told import told
from isthmus.apps.vte.words import of, words

SHOWN = 200  # rows of a table on a page; the CSV has all
Cells = Sequence[str]


def patient(asked: Asked, at: Context) -> Told:
    """A patient's assessment with the evidence of every item; `person` and `at` are of the request."""
    said = words(asked.language)
    number = asked.query.get("person", "")
    form = _form([("person", said["person"], number), ("at", said["day"], asked.query.get("at", ""))], said["show"])
    if not number:
        return _page(form, f"<p>{said['give_person']}</p>")
    one = assess(named(number), at, asked.query.get("at", ""))
    if one is None:
        return _page(form, f"<p>{said['nobody']}</p>")
    value = told(one, asked.language)
    parts = [_score(value["risk"], said["risk"], asked.language), _score(value["bleeding"], said["bleeding"],
             asked.language)]  # fmt: skip
    return _page(form, _todo(value, asked.language), *parts)


def indicators(asked: Asked, at: Context) -> Told:
    """The indicators by hospital and period."""
    said, language = words(asked.language), asked.language
    found = indicator.indicators(asked, at)
    heads = [said["site"], said["period"], *(of(row, language) for row in indicator.listed())]
    rows = [
        [
            escape(row["site"]),
            row["period"].isoformat(),
            *(_share(row[f"{one['indicator']}_share"], row[one["numerator"]], row[one["denominator"]]) for one in
              indicator.listed()),
        ]
        for row in found.slice(0, SHOWN).to_pylist()
    ]  # fmt: skip
    return _page(_during(asked, at), _table(said["indicators"], heads, rows, said), _source(at, said))


def report(asked: Asked, at: Context) -> Told:
    """The single-disease report: how full each item is."""
    said = words(asked.language)
    found = made_report(asked, at)
    rows = [
        [
            one["group"], escape(one["item"]), escape(one["title"]),
            f"{one['filled']} / {one['cases']}" if one["given"] else said["not_assessable"],
        ]
        for one in found.items
    ]  # fmt: skip
    heads = ["", "", said["item"], said["filled"]]
    return _page(_during(asked, at), _table(said["report"], heads, rows, said), _source(at, said))


def _page(*parts: str) -> Told:
    return Told(body="\n".join(parts), media="text/html")


def _form(fields: Iterable[tuple[str, str, str]], button: str) -> str:
    inputs = "".join(
        f'<label>{escape(title)} <input name="{name}" value="{escape(value)}"></label> '
        for name, title, value in fields
    )
    return f'<form method="get">{inputs}<button>{escape(button)}</button></form>'


def _during(asked: Asked, at: Context) -> str:
    said = words(asked.language)
    within = period(asked.query, at.now.date())
    return f"<p>{escape(said['until'].format(since=within.since, until=within.until))}</p>"


def _source(at: Context, said: Any) -> str:
    return f"<p><small>{escape(said['crude'].format(edition=at.session.edition))}</small></p>"


def _table(caption: str, heads: Cells, rows: Sequence[Cells], said: Any) -> str:
    """A table; heads are texts, cells are HTML."""
    if not rows:
        return f"<p>{escape(said['no_rows'])}</p>"
    head = "".join(f'<th scope="col">{escape(one)}</th>' for one in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _share(share: float | None, above: int, below: int) -> str:
    return "–" if share is None else f"{share:.1%} <small>({above} / {below})</small>"


def _todo(value: dict[str, Any], language: str) -> str:
    said = words(language)
    action = value["action"]
    lines = [f"<p><strong>{escape(said['action'])}</strong>: {escape(action['text'] or said['not_assessable'])}</p>"]
    due = []
    for one in value["due"]:
        state = {True: said["done"], False: said["not_done"], None: said["unknown_done"]}[one["done"]]
        when = f"; {said['by'].format(time=one['by'])}" if one["by"] else ""
        late = f"; <strong>{escape(said['late'])}</strong>" if one["late"] else ""
        due.append(f"<li>{escape(one['title'])}: {escape(state + when)}{late}</li>")
    lines.append(f"<h3>{escape(said['due'])}</h3><ul>{''.join(due)}</ul>")
    barred = [
        [escape(said[one["means"]]), escape(one["title"]), escape(said["holds" if one["holds"] else "may_hold"]),
         _evidence(one["evidence"])]
        for one in action["contraindications"]
    ]  # fmt: skip
    if barred:
        lines.append(_table(said["barred"], ["", said["item"], said["value"], said["rows"]], barred, said))
    return "\n".join(lines)


def _score(value: dict[str, Any], title: str, language: str) -> str:
    said = words(language)
    told_grade = value["words"] or said["not_assessable"]
    points = "" if value["points"] is None else f" ({value['points']:g})"
    missing = set(value["missing"])
    rows = [
        [escape(one["title"]), _said(one, said, missing=one["item"] in missing), _evidence(one["evidence"])]
        for one in value["items"]
    ]
    head = f"<h3>{escape(title)}: {escape(told_grade)}{points}</h3>"
    named = f"<p>{escape(value['title'])} · {escape(value['score'])} {escape(value['version'])}</p>"
    return head + named + _table(said["items"], [said["item"], said["value"], said["rows"]], rows, said)


def _said(one: dict[str, Any], said: Any, *, missing: bool) -> str:
    value = one["value"]
    if value is None:
        text = escape(said["not_assessable"])
        return f"<strong>{text}</strong>" if missing else text
    if isinstance(value, bool):
        return escape(said["yes" if value else "no"])
    return escape(f"{value:.5g} {one['unit']}".strip() if isinstance(value, int | float) else str(value))


def _evidence(facts: Sequence[dict[str, Any]]) -> str:
    """The rows of each fact, or the reason why there is none."""
    found = []
    for one in facts:
        rows = ", ".join(f"{row['table']} {row['id']} ({row['day']})" for row in one["rows"])
        more = f" … {one['count']}" if one["count"] > len(one["rows"]) else ""
        if rows or one["why"]:
            found.append(f"{escape(one['title'])}: {escape(rows + more or one['why'])}")
    return "<br>".join(found)
