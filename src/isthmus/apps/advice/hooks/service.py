"""The services: a call is read, the patient's chart put together, rules are judged, cards are made and remembered."""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

import pyarrow.compute as pc

from isthmus.apps.advice.chart import fhir, rows
from isthmus.apps.advice.chart.chart import Chart
from isthmus.apps.advice.chart.facts import Concepts
from isthmus.apps.advice.chart.sent import demand_one, resources
from isthmus.apps.advice.differential.rank import differential
from isthmus.apps.advice.firing.card import Cards
from isthmus.apps.advice.firing.history import Call, History
from isthmus.apps.advice.firing.judge import Judged, judge
from isthmus.apps.advice.hooks import schema
from isthmus.apps.advice.pack.base import Base, base_of
from isthmus.apps.advice.pack.beside import Beside
from isthmus.apps.contract import Asked, Context, InputError, Service, Session, Told, tables
from isthmus.apps.contract.session import named

HOOKS: Mapping[str, Mapping[str, str]] = {
    "patient-view": {"en": "Advice when a patient is opened", "zh": "打开患者时的提示"},
    "order-select": {"en": "Advice when orders are chosen", "zh": "选择医嘱时的提示"},
    "order-sign": {"en": "Advice before orders are signed", "zh": "签署医嘱前的提示"},
    "encounter-discharge": {"en": "Advice at discharge", "zh": "出院时的提示"},
}
ABOUT: Mapping[str, str] = {
    "en": "Rules with their sources over the patient's conditions, drugs, results and orders.",
    "zh": "依据带来源的规则，对患者诊断、用药、检验与医嘱进行提示。",
}
PREFIX = "advice-"
KNOWN = re.compile(r"[0-9]{1,19}|[0-9a-f]{32}")
"""How the patients of an edition are named: by a number, under a grant by a pseudonym."""
AHEAD = timedelta(days=1)
"""How far the clocks of callers may go before ours."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is made once of a base for an edition: its concepts with all below them, and codes of other systems."""

    concepts: Concepts
    codes: fhir.Codes


def services() -> list[Service]:
    """One service for each hook."""
    return [
        Service(
            id=f"{PREFIX}{hook}", hook=hook, title=title, description=ABOUT, prefetch=dict(fhir.PREFETCH),
            handle=_answering(hook), feedback=hear,
        )
        for hook, title in HOOKS.items()
    ]  # fmt: skip


def _answering(hook: str) -> Any:
    def handle(asked: Asked, at: Context) -> Any:
        return answer(asked, at, hook)

    return handle


def answer(asked: Asked, at: Context, hook: str) -> Mapping[str, Any] | Told:
    """The cards of a call; status 412 where nothing is known of the patient.

    Raises InputError for a request that is none of this hook, or has resources of two patients.
    """
    call = schema.request(asked.body, hook)
    demand_one(call.prefetch, call.context)
    base = base_of(at)
    known = known_of(base, at.session)
    today = day_of(at)
    person = str(call.context["patientId"])
    chart = _chart(call, known, at.session, person, today)
    if chart is None:
        return Told(
            status=412,
            body={"error": f"nothing is known of this patient here. Send {', '.join(fhir.PREFETCH)} as prefetch."},
        )
    history = History(at.records, base, at.site)
    modes = history.modes()
    off = [rule for rule, mode in modes.items() if mode == "off"]
    judged = judge(base, chart, hook, known.concepts, off=off)
    found = history.sort(judged.fired, person, modes, at.now, cap=int(at.settings["cap"]))
    made = Call(call.hook_instance, f"{PREFIX}{hook}", hook, person, str(call.context.get("userId", "")), today)
    history.keep(made, len(judged.fired), len(judged.open), found, at.now)
    cards = Cards(base, known.concepts, asked.language)
    telling = any(one.rule.tells for _, one in found.shown)
    more = differential(base, chart, known.concepts) if telling else None
    return {"cards": [cards.card(one, chart, key, judged.facts, more) for key, one in found.shown]}


def day_of(at: Context) -> date:
    """The day that counts as today: the clock's, or that of the setting `day`, for patients who lived in the past."""
    told = str(at.settings.get("day") or "")
    return date.fromisoformat(told) if told else at.now.date()


def hear(asked: Asked, at: Context) -> None:
    """Remember feedback. Raises InputError for a document that is none."""
    heard = schema.feedback(asked.body)
    rows_of = []
    for one in heard:
        override = one.override_reason
        reason = override.reason.code if override and override.reason else ""
        comment = (override.user_comment or "") if override else ""
        suggestion = one.accepted_suggestions[0].id if one.accepted_suggestions else ""
        done = _moment(one.outcome_timestamp, at.now)
        rows_of.append((one.card, one.outcome, reason, comment, suggestion, done))
    History(at.records, base_of(at), at.site).answered(rows_of, at.now)


def _moment(told: datetime, now: datetime) -> datetime:
    """A moment of feedback in UTC; one that is not yet would stand before all that is told later. Raises InputError."""
    with suppress(OverflowError):
        done = told.astimezone(UTC).replace(tzinfo=None)
        if done <= now.replace(tzinfo=None) + AHEAD:
            return done
    raise InputError("`outcomeTimestamp` is not yet. Send the moment at which it was done, in UTC.")


def judged_of(at: Context, person: str, hook: str) -> tuple[Base, Chart, Judged]:
    """What a hook's rules say of a person of the edition; nothing is remembered. Raises InputError for no such."""
    base = base_of(at)
    known = known_of(base, at.session)
    chart = lake_chart(at.session, person, day_of(at))
    if chart is None:
        raise InputError("there is no such person in this edition. Look the number up again.")
    return base, chart, judge(base, chart, hook, known.concepts)


def _chart(call: schema.Request, known: Known, session: Session, person: str, today: date) -> Chart | None:
    """What was sent along and what the edition has; None where neither says anything of the patient."""
    also = lake_chart(session, person, today)
    sent = any(True for one in call.prefetch.values() for _ in resources(one))
    if also is None and not sent:
        return None
    return fhir.chart_of(call.prefetch, call.context, known.codes, today, also=also)


def lake_chart(session: Session, person: str, today: date) -> Chart | None:
    """The chart of the edition's person whose number a caller gives as the patient's id, under a grant the pseudonym;
    None where there is none. Raises RefusedError, as the gate does."""
    if not KNOWN.fullmatch(person):
        return None
    try:
        found = session.patient(named(person))
    except InputError:
        return None
    if not len(found.get("person", ())):
        return None
    return rows.chart_of(found, today)


def known_of(base: Base, session: Session) -> Known:
    """What is made of a base for the edition of a session; kept, for it is the same for all patients."""
    return _known(base.digest, session.edition, Beside((base, session)))


@lru_cache(maxsize=4)
def _known(digest: str, edition: int, beside: Beside[tuple[Base, Session]]) -> Known:
    base, session = beside.made_from
    return Known(Concepts(base.graph, below(base, session)), fhir.Codes(base.graph))


def below(base: Base, session: Session) -> dict[int, list[int]]:
    """By concept of the base the concepts that the edition's vocabulary puts below it."""
    ids = sorted({one for concept in base.graph.concepts.values() for one in concept.ids})
    ancestor = tables["concept_ancestor"]
    question = ancestor.filter(ancestor.ancestor_concept_id.isin(ids)).select(
        "ancestor_concept_id", "descendant_concept_id"
    )
    found: dict[int, list[int]] = {}
    answer = session.ask(question)
    for one, other in zip(*(pc.cast(answer[name], "int64").to_pylist() for name in answer.column_names), strict=True):
        found.setdefault(one, []).append(other)
    return found
