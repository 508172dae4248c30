"""An assessment as values for JSON: what pages and cards are made of too."""

from collections.abc import Iterable
from typing import Any

from isthmus.apps.contract.knowledge import Outcome
from isthmus.apps.contract.research import find_score
from isthmus.apps.vte.evidence.chart import Judged, Row, Told
from isthmus.apps.vte.evidence.definition import OWN, shipped
from isthmus.apps.vte.matrix import Barred
from isthmus.apps.vte.patient import Assessed, Due
from isthmus.apps.vte.words import of, words

Value = dict[str, Any]
NEWEST = 5  # rows of a fact that are told; how many there are is told too


def told(one: Assessed, language: str) -> Value:
    """An assessment with everything that made it."""
    moment = one.judged.moment
    return {
        "person": one.person,
        "visit": one.visit,
        "admitted": moment.began.isoformat(timespec="minutes"),
        "at": moment.seen.isoformat(timespec="minutes"),
        "scale": one.scale,
        "risk": {"group": one.risk, **_score(one.outcome, one.judged, language)},
        "bleeding": _score(one.bleeding, one.judged, language),
        "action": {
            "text": of(one.todo.words, language),
            "means": list(one.todo.means),
            "contraindications": [_barred(each, one.judged, language) for each in one.todo.barred],
        },
        "due": [_due(each, language) for each in one.due],
    }


def missing_words(outcome: Outcome, language: str) -> str:
    """The names of what a score waits for."""
    rule = find_score(outcome.rule)
    named = [rule.inputs[name].title_zh if language == "zh" else rule.inputs[name].title for name in outcome.missing]
    return ("、" if language == "zh" else ", ").join(named)


def _score(outcome: Outcome, judged: Judged, language: str) -> Value:
    rule = find_score(outcome.rule)
    chinese = language == "zh"
    return {
        "score": outcome.rule,
        "title": rule.title_zh if chinese else rule.title,
        "version": outcome.version,
        "points": outcome.value,
        "grade": outcome.grade,
        "words": outcome.title_zh if chinese else outcome.title,
        "missing": list(outcome.missing),
        "items": [
            {
                "item": name,
                "title": one.title_zh if chinese else one.title,
                "value": judged.items.get(name),
                "unit": one.unit,
                "evidence": evidence(judged, shipped().items[name].names, language),
            }
            for name, one in rule.inputs.items()
        ],
    }


def evidence(judged: Judged, names: Iterable[str], language: str) -> list[Value]:
    """The facts behind an item, each with its rows or with the reason why there is none."""
    return [_fact(judged.facts[name], language) for name in names if name not in OWN]


def _fact(one: Told, language: str) -> Value:
    why = words(language)[f"why_{one.why}"].format(table=one.fact.source.table) if one.why else ""
    return {
        "fact": one.fact.name,
        "title": of(one.fact.words, language),
        "value": one.value,
        "rows": [_row(each) for each in one.rows[:NEWEST]],
        "count": len(one.rows),
        "why": why,
    }


def _row(one: Row) -> Value:
    return {"table": one.table, "id": one.id, "day": one.day.isoformat(), "number": one.number}


def _barred(one: Barred, judged: Judged, language: str) -> Value:
    return {
        "means": one.means,
        "name": one.name,
        "title": of(one.words, language),
        "holds": one.holds,
        "evidence": evidence(judged, one.facts, language),
    }


def _due(one: Due, language: str) -> Value:
    return {
        "what": one.what,
        "title": words(language)[f"due_{one.what}"],
        "by": one.by.isoformat(timespec="minutes") if one.by else None,
        "done": one.done,
        "late": one.late,
    }
