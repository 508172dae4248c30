"""Rules of a pack: a condition over facts, and the card that is shown where it holds."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from isthmus.apps.advice.pack.fact import BUILT_IN, Facts, days
from isthmus.apps.advice.pack.graph import Graph, Relation
from isthmus.apps.advice.pack.sheets import INDICATORS, STRENGTHS, ties
from isthmus.apps.contract import PackError
from isthmus.apps.contract.documents import (
    Faults,
    Section,
    check_keys,
    choice_of,
    fault,
    section_of,
    sections_of,
    text_of,
)
from isthmus.apps.contract.knowledge import Expression, Kind, Scalar

KEYS = (
    "version", "title", "hooks", "when", "each", "where", "indicator", "summary", "detail", "do", "source", "strength",
    "valid", "silence", "over", "reasons", "examples", "tells", "about",
)  # fmt: skip
HOOKS = ("patient-view", "order-select", "order-sign", "encounter-discharge")
ACTS = {"avoid": False, "stop": False, "order": True, "give": True}
"""What a rule may want done with a concept, and whether it is for it."""
TELLS = ("differential",)
"""What a card may tell beside its texts: what the patient's findings point to."""
LONGEST = 140
ROOM = 12
"""Characters that a value is reckoned to take in a summary."""
SILENCE = 1
"""Days for which a rule that was shown for a patient is not shown again, where it does not say otherwise."""
NAME = re.compile(r"[a-z][a-z0-9_]*")
PLACE = re.compile(r"\{(\w+)\}")
FIRES = {"yes": True, "no": False, "open": None}


@dataclass(frozen=True, slots=True)
class Act:
    """What a rule wants done with a concept: avoid, stop, order, give."""

    do: str
    concept: str


@dataclass(frozen=True, slots=True)
class Example:
    """Facts, and whether the rule fires on them; None where that cannot be told."""

    given: Mapping[str, Scalar]
    fires: bool | None
    place: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of one version. `silence` in days; `over` names rules that give way where this one fires.

    `valid` are the first day and the last on which it holds, None for open. Texts are by language, with `{fact}` for
    values.
    """

    name: str
    version: str
    pack: str
    title: Mapping[str, str]
    hooks: tuple[str, ...]
    when: Expression
    indicator: str
    summary: Mapping[str, str]
    detail: Mapping[str, str]
    acts: tuple[Act, ...]
    source: str
    strength: str
    valid: tuple[date | None, date | None]
    silence: int
    over: tuple[str, ...]
    reasons: tuple[str, ...]
    examples: tuple[Example, ...]
    place: str
    relation: Relation | None = None
    tells: str = ""

    def holds_on(self, day: date) -> bool:
        """Whether it is valid on a day."""
        begin, end = self.valid
        return (begin is None or begin <= day) and (end is None or day <= end)


class Reading:
    """Reads the rules of one pack over the base as it stands."""

    def __init__(
        self, pack: str, graph: Graph, facts: Facts, sources: Mapping[str, object], reasons: Mapping[str, object],
        faults: Faults,
    ) -> None:  # fmt: skip
        self.pack, self.graph, self.facts = pack, graph, facts
        self.sources, self.reasons, self.faults = sources, reasons, faults

    def rules(self, head: Section) -> Iterator[Rule]:
        """The rules of a document. What is wrong is noted, rule by rule."""
        for name in section_of(head, "rules", "the file"):
            try:
                body = section_of(head["rules"], name, f"rule {name}")
                if not NAME.fullmatch(name):
                    raise fault(head["rules"].place(name), f"rule {name}", "that is no name", "Use a-z, 0-9 and _")
                yield from self._each(name, body) if "each" in body else [self._rule(name, body, None)]
            except PackError as error:
                self.faults.note(str(error))

    def _each(self, name: str, body: Section) -> Iterator[Rule]:
        """One rule for each relation of a kind, with its concepts in the place of `{one}` and `{other}`."""
        item = f"rule {name}"
        relation = choice_of(body, "each", item, list(ties()), "")
        meant = [one for one in self.graph.of(relation) if one.indicator]  # one that is not meant for cards has none
        if not meant:
            cause = f"no relation `{relation}` has an indicator, so that it makes no rule"
            raise fault(body.place("each"), item, cause, "Give such rows of relations.csv an indicator")
        for one in meant:
            yield self._rule(f"{name}.{one.one}.{one.other}", body, one)

    def _rule(self, name: str, body: Section, relation: Relation | None) -> Rule:
        item = f"rule {name}"
        check_keys(body, item, KEYS, ("version", "title", "hooks", "when", "summary"))
        when = self.facts.parsed(_named(body["when"], relation), f"{body.place('when')}: {item}, `when`")
        if when.kind not in (Kind.TRUTH, None):
            raise fault(body.place("when"), item, f"`when` gives {when.kind}", "Write a condition: creatinine > 100")
        source = relation.source if relation else text_of(body, "source", item)
        if source not in self.sources:
            raise fault(
                body.place("source"), item, f"there is no source '{source}'", "Add it under `sources` of pack.yaml"
            )
        summary, detail = self._texts(body, "summary", item, relation), self._texts(body, "detail", item, relation)
        self._check_length(body, item, summary)
        return Rule(
            name, text_of(body, "version", item), self.pack, self._texts(body, "title", item, relation),
            self._hooks(body, item), when,
            (relation.indicator if relation else "") or choice_of(body, "indicator", item, INDICATORS, "info"),
            summary, detail, self._acts(body, item, relation), source,
            (relation.strength if relation else "") or choice_of(body, "strength", item, STRENGTHS, "consensus"),
            self._valid(body, item), self._silence(body, item), self._listed(body, "over", item, None),
            self._listed(body, "reasons", item, list(self.reasons)), self._examples(body, item) if not relation else (),
            relation.place if relation else body.place(), relation,
            choice_of(body, "tells", item, TELLS, "") if "tells" in body else "",
        )  # fmt: skip

    def _texts(self, body: Section, key: str, item: str, relation: Relation | None) -> Mapping[str, str]:
        section = section_of(body, key, item)
        if not section:
            return {}
        check_keys(section, item, ("en", "zh"), ("en", "zh"))
        known = self.facts.kinds()
        found = {}
        for language in ("en", "zh"):
            text = text_of(section, language, item)
            if relation:
                text = self._spoken(text, relation, language)
            for name in PLACE.findall(text):
                self.facts.parsed(name, f"{section.place(language)}: {item}, `{key}`") if name not in known else None
            found[language] = text
        return found

    def _spoken(self, text: str, relation: Relation, language: str) -> str:
        one, other = self.graph.concepts[relation.one], self.graph.concepts[relation.other]
        names = (one.en, other.en) if language == "en" else (one.zh, other.zh)
        advice = relation.en if language == "en" else relation.zh
        return text.replace("{one}", names[0]).replace("{other}", names[1]).replace("{advice}", advice)

    def _check_length(self, body: Section, item: str, summary: Mapping[str, str]) -> None:
        for language, text in summary.items():
            length = len(PLACE.sub("x" * ROOM, text))
            if length > LONGEST:
                cause = f"`summary` in {language} takes {length} characters with its values"
                raise fault(body.place("summary"), item, cause, f"Cut it to {LONGEST}, and put the rest under `detail`")

    def _hooks(self, body: Section, item: str) -> tuple[str, ...]:
        found = self._listed(body, "hooks", item, HOOKS)
        if not found:
            raise fault(
                body.place("hooks"), item, "it has no hook, and is never judged", f"Name some of {', '.join(HOOKS)}"
            )
        return found

    def _listed(self, body: Section, key: str, item: str, known: Sequence[str] | None) -> tuple[str, ...]:
        told = body.get(key) or []
        if not isinstance(told, list) or not all(isinstance(one, str) for one in told):
            raise fault(body.place(key), item, f"`{key}` is a list of names", f"Write {key}: [one, other]")
        strange = [one for one in told if known is not None and one not in known]
        if strange:
            raise fault(body.place(key), item, f"'{strange[0]}' is not known", f"Known: {', '.join(known or ())}")
        twice = next((one for one in told if told.count(one) > 1), None)
        if twice is not None:
            raise fault(body.place(key), item, f"'{twice}' stands twice", "Keep one of the two")
        return tuple(told)

    def _acts(self, body: Section, item: str, relation: Relation | None) -> tuple[Act, ...]:
        section = section_of(body, "do", item)
        check_keys(section, item, tuple(ACTS))
        found = []
        for do in section:
            name = str(_named(section[do], relation))
            if name not in self.graph.concepts:
                raise fault(section.place(do), item, f"there is no concept '{name}'", "Write one of concepts.csv")
            found.append(Act(do, name))
        return tuple(found)

    def _valid(self, body: Section, item: str) -> tuple[date | None, date | None]:
        section = section_of(body, "valid", item)
        check_keys(section, item, ("from", "until"))
        found = []
        for key in ("from", "until"):
            text = text_of(section, key, item)
            try:
                found.append(date.fromisoformat(text) if text else None)
            except ValueError:
                raise fault(section.place(key), item, f"'{text}' is no day", "Write it as 2024-03-31") from None
        begin, end = found
        if begin and end and end < begin:
            raise fault(
                section.place(), item, f"it ends on {end}, before it begins on {begin}", "Turn the two days round"
            )
        return begin, end

    def _silence(self, body: Section, item: str) -> int:
        if "silence" not in body:
            return SILENCE
        found = days(str(body["silence"]))
        if found is None:
            raise fault(body.place("silence"), item, f"'{body['silence']}' is no span", "Write 0 days, 30 days, 1 year")
        return found

    def _examples(self, body: Section, item: str) -> tuple[Example, ...]:
        found = []
        for one in sections_of(body, "examples", item):
            check_keys(one, item, ("with", "fires", "about"), ("fires",))
            given = section_of(one, "with", item)
            kinds = self.facts.kinds()
            for name in given:
                if name not in kinds:
                    self.facts.parsed(name, f"{given.place(name)}: {item}, `with`")
            told = one["fires"]
            word = {True: "yes", False: "no"}.get(told, told) if isinstance(told, bool) else str(told)
            if word not in FIRES:
                raise fault(
                    one.place("fires"), item, f"'{word}' is not known", "Write yes, no, or open (cannot be told)"
                )
            kinds = self.facts.kinds()
            found.append(Example({name: _value(given[name], kinds[name]) for name in given}, FIRES[word], one.place()))
        return tuple(found)


def _named(text: object, relation: Relation | None) -> object:
    """A text with the concepts of a relation in it."""
    if relation is None or not isinstance(text, str):
        return text
    return text.replace("{one}", relation.one).replace("{other}", relation.other)


def _value(told: object, kind: Kind | None) -> Scalar:
    """A value of an example as expressions take it."""
    if kind is Kind.DATE and isinstance(told, str):
        return date.fromisoformat(told)
    if isinstance(told, bool) or told is None:
        return told
    return float(told) if isinstance(told, int | float) else str(told)


def names_of(rule: Rule) -> tuple[str, ...]:
    """The facts that a rule needs: for its condition, and for what it says."""
    said = [name for text in (*rule.summary.values(), *rule.detail.values()) for name in PLACE.findall(text)]
    return tuple(one for one in dict.fromkeys((*rule.when.names, *said)) if one not in BUILT_IN)
