"""A fired rule as a card of CDS Hooks 2, which names the rule, its version and source, and all its rows."""

from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from isthmus.apps.advice.chart.chart import Chart, Order, Row
from isthmus.apps.advice.chart.facts import Concepts, Found
from isthmus.apps.advice.differential.rank import Differential
from isthmus.apps.advice.differential.told import lines, suggested
from isthmus.apps.advice.firing.judge import Fired
from isthmus.apps.advice.pack.base import Base
from isthmus.apps.advice.pack.rule import LONGEST, PLACE, Act
from isthmus.apps.advice.pack.sheets import SYSTEMS
from isthmus.apps.contract import documents as document
from isthmus.apps.contract.knowledge import Scalar

EXTENSION = "org.isthmus.advice"
OVERRIDES = "urn:isthmus:advice:override-reason"
TOPICS = "urn:isthmus:advice:rule"
NAMED = 12
"""Rows that a card's text names; its extension names all."""
DRUGS = ("drug",)


@cache
def words() -> Mapping[str, Mapping[str, str]]:
    """What cards say, by key and language."""
    return document.read(Path(__file__).parent / "words.yaml")


class Cards:
    """Makes the cards of a base in one language; `concepts` finds the orders that a card speaks of."""

    def __init__(self, base: Base, concepts: Concepts, language: str) -> None:
        self.base, self.concepts, self.language = base, concepts, language

    def card(
        self, fired: Fired, chart: Chart, key: UUID, values: Mapping[str, Found], more: Differential | None = None
    ) -> dict[str, Any]:
        """The card of a fired rule. `key` becomes its uuid; `more` is told where the rule says so."""
        rule = fired.rule
        source = self.base.sources[rule.source]
        told: dict[str, Any] = {"label": source.title}
        if source.url:
            told["url"] = source.url
        told["topic"] = {"system": TOPICS, "code": rule.name, "display": rule.title[self.language]}
        card: dict[str, Any] = {
            "uuid": str(key), "summary": self.summary(fired, values), "indicator": rule.indicator, "source": told,
            "detail": self._detail(fired, values),
        }  # fmt: skip
        suggestions = [self._suggestion(act, chart, key, at) for at, act in enumerate(rule.acts)]
        whole = [one for one in suggestions if one is not None]
        if whole:
            card["suggestions"] = whole
            card["selectionBehavior"] = "any" if len(whole) > 1 else "at-most-one"
        card["overrideReasons"] = [
            {"code": code, "system": OVERRIDES, "display": self.base.reasons[code][self.language]}
            for code in rule.reasons or self.base.reasons
        ]
        card["extension"] = {EXTENSION: self._made(fired)}
        if more is not None and rule.tells:
            card["detail"] += "\n\n" + "\n".join(lines(more, self.base, self.language))
            card["extension"][EXTENSION]["suggested"] = suggested(more, self.base, self.language)
        return card

    def summary(self, fired: Fired, values: Mapping[str, Found]) -> str:
        """One sentence of at most 140 characters."""
        text = self._filled(fired.rule.summary[self.language], values)
        return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"

    def _word(self, key: str) -> str:
        return words()[key][self.language]

    def _filled(self, text: str, values: Mapping[str, Found]) -> str:
        return PLACE.sub(lambda match: self._value(match[1], values), text)

    def _value(self, name: str, values: Mapping[str, Found]) -> str:
        found = values.get(name)
        fact = self.base.facts.get(name)
        if fact is not None and fact.way == "ago" and (found is None or found.value is None):
            return self._word("unseen")
        text = self.said(found.value if found else None, fact.decimals if fact else None)
        return f"{text} {fact.unit}" if fact and fact.unit and found and found.value is not None else text

    def said(self, value: Scalar, decimals: int | None = None) -> str:
        """A value as people read it."""
        if value is None:
            return self._word("unknown")
        if isinstance(value, bool):
            return self._word("yes" if value else "no")
        if isinstance(value, date):
            return value.isoformat()
        if isinstance(value, str):
            return self._word(value) if value in words() else value
        return f"{value:.{decimals}f}" if decimals is not None else f"{value:g}"

    def _named(self, name: str) -> str:
        fact = self.base.fact(name)
        if fact is None:
            return self._word(name)
        return fact.en if self.language == "en" else fact.zh

    def _detail(self, fired: Fired, values: Mapping[str, Found]) -> str:
        rule, source = fired.rule, self.base.sources[fired.rule.source]
        lines = [self._filled(rule.detail[self.language], values), ""] if rule.detail else []
        lines.append(f"**{self._word('because')}**")
        listed = [(name, one) for name, one in fired.facts.items() if name in rule.when.names or one.rows]
        for name, one in listed[:NAMED]:
            rows = "; ".join(_row(row) for row in one.rows[:3])
            lines.append(f"- {self._named(name)} = {self._value(name, values)}{f' ({rows})' if rows else ''}")
        if len(listed) > NAMED:
            lines.append(f"- {self._word('more').format(len(listed) - NAMED)}")
        checked = self._word("read" if source.read else "recalled")
        named = f"{self._word('rule')} `{rule.name}`, {self._word('version')} {rule.version} ({rule.pack})"
        lines += ["", f"{named}; {self._word(rule.strength)}. {self._word('source')}: {source.title} ({checked})."]
        return "\n".join(lines)

    def _suggestion(self, act: Act, chart: Chart, key: UUID, at: int) -> dict[str, Any] | None:
        """Taking out the orders that are to be avoided, or an order of what is due; None where nothing can be done."""
        concept = self.base.graph.concepts[act.concept]
        label = self._word(act.do).format(concept.en if self.language == "en" else concept.zh)
        actions: list[dict[str, Any]]
        if act.do in ("avoid", "stop"):
            ids = frozenset(self.concepts.ids(act.concept).tolist())
            named = [one for one in chart.orders if one.concepts & ids and one.resource.get("id")]
            actions = [{"type": "delete", "description": label, "resourceId": one.reference} for one in named]
        else:
            actions = [{"type": "create", "description": label, "resource": self._order(act, chart)}]
        if not actions:
            return None
        return {"label": label, "uuid": str(UUID(int=key.int ^ (at + 1))), "actions": actions}

    def _order(self, act: Act, chart: Chart) -> dict[str, Any]:
        concept = self.base.graph.concepts[act.concept]
        codes = [{"system": SYSTEMS[system], "code": code} for system, code in concept.codes if not code.endswith("*")]
        text = concept.en if self.language == "en" else concept.zh
        coded: dict[str, Any] = {"text": text} | ({"coding": codes} if codes else {})
        subject = _subject(chart.orders)
        drug = concept.kind in DRUGS
        order: dict[str, Any] = {"resourceType": "MedicationRequest" if drug else "ServiceRequest"}
        order |= {"status": "draft", "intent": "proposal", "medicationCodeableConcept" if drug else "code": coded}
        return order | ({"subject": subject} if subject else {})

    def _made(self, fired: Fired) -> dict[str, Any]:
        rule = fired.rule
        return {
            "rule": rule.name, "version": rule.version, "pack": rule.pack, "base": self.base.digest,
            "strength": rule.strength, "textChecked": self.base.sources[rule.source].read,
            "rows": [_told(row) for row in fired.rows],
        }  # fmt: skip


def _told(row: Row) -> dict[str, str]:
    told = {"table": row.table, "id": row.id, "fact": row.fact}
    return told | ({"date": row.day.isoformat()} if row.day else {})


def _row(row: Row) -> str:
    return f"{row.table} {row.id}{f', {row.day.isoformat()}' if row.day else ''}"


def _subject(orders: tuple[Order, ...]) -> Mapping[str, Any] | None:
    return next((one.resource["subject"] for one in orders if isinstance(one.resource.get("subject"), Mapping)), None)
