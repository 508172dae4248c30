"""A small world for pathways, the pack that is judged in it, and a slow, obvious reading of what its rules mean."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import yaml

from isthmus.apps.pathways.pack import Pack
from isthmus.apps.pathways.reader import read

Rows = list[dict[str, Any]]
Way = tuple[Any, str, Any, tuple[int, int], tuple[int, int]]
"""Around which steps, which of their days, for what, in which days, how often."""
EPOCH = date(1970, 1, 1)
START = (date(2020, 1, 1) - EPOCH).days
ILL, A, B, C, STAGE, EARLY, LATE, SIZE = 11, 31, 32, 33, 21, 22, 23, 41
STEPS = {"a": (A,), "b": (B,), "c": (C,), "b or c": (B, C)}
EVER = 10**9
NAMES = {"en": "something", "zh": "某事"}
HEAD: dict[str, Any] = {
    "pathway": "small", "title": NAMES,
    "population": {"concepts": {"ill": [ILL]}, "enter": [{"condition": "ill"}], "take": "first"},
    "looks": "60 before to 200 after",
    "concepts": {"a": [A], "b": [B], "c": [C], "stage": [STAGE], "size": [SIZE]},
    "records": {"of b": NAMES | {"procedure": "b", "at least": 2}},
    "steps": {
        "a": NAMES | {"procedure": "a"}, "b": NAMES | {"procedure": "b", "records": "of b"},
        "c": NAMES | {"procedure": "c"}, "b or c": NAMES | {"any of": ["b", "c"]},
    },
    "facts": {
        "stage": NAMES | {
            "from": [{"observation": "stage", "codes": {"early": [EARLY], "late": [LATE]}}],
            "window": "30 before to 30 after",
        },
        "size": NAMES | {"numeric": True, "take": "last", "from": [{"measurement": "size"}]},
    },
    "sources": {"us": {"title": "a text of ours", "checked": "by us"}},
    "reasons": {"declined": NAMES},
}  # fmt: skip
RULE = NAMES | {"source": "us", "strength": "strong"}


def document(rules: Mapping[str, Mapping[str, Any]], **head: Any) -> bytes:
    """The text of the small pack with these rules; keys of its head may be replaced."""
    whole = HEAD | head | {"rules": {name: RULE | dict(rule) for name, rule in rules.items()}}
    return yaml.dump(whole, Dumper=_Plain, allow_unicode=True, sort_keys=False).encode()


def pack(rules: Mapping[str, Mapping[str, Any]], **head: Any) -> Pack:
    """The small pack with these rules, read."""
    return read(document(rules, **head), file="small.yaml")


class _Plain(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def day(number: int) -> str:
    """A day of the small world: 0 is the first day of 2020."""
    return (EPOCH + timedelta(days=START + number)).isoformat()


@dataclass
class Patient:
    """One person: days of procedures with their site, facts, what is seen, and the day of death."""

    person: int
    ill: int = 0
    seen: tuple[int, int] = (-100, 300)
    death: int | None = None
    home: str = "h1"
    done: list[tuple[int, int, str]] = field(default_factory=list)
    told: list[tuple[int, int, float | None]] = field(default_factory=list)


def tables(patients: Sequence[Patient]) -> dict[str, Rows]:
    """The rows of OMOP that say the same."""
    found: dict[str, Rows] = {name: [] for name in (
        "person", "observation_period", "condition_occurrence", "procedure_occurrence", "observation", "measurement",
        "death",
    )}  # fmt: skip
    found["concept"] = [{"concept_id": one, "concept_name": str(one)} for one in (ILL, A, B, C, STAGE, SIZE)]
    for one in patients:
        key = {"person_id": one.person}
        _add(found, "person", key | {"site": one.home})
        begin, end = (day(at) for at in one.seen)
        dates = {"observation_period_start_date": begin, "observation_period_end_date": end}
        _add(found, "observation_period", key | dates)
        ill = {"condition_concept_id": ILL, "condition_start_date": day(one.ill), "site": one.home}
        _add(found, "condition_occurrence", key | ill)
        if one.death is not None:
            _add(found, "death", key | {"death_date": day(one.death)})
        for at, concept, site in one.done:
            done = {"procedure_concept_id": concept, "procedure_date": day(at), "site": site}
            _add(found, "procedure_occurrence", key | done)
        for at, value, number in one.told:
            name, concept = ("observation", STAGE) if number is None else ("measurement", SIZE)
            told: dict[str, Any] = {"value_as_concept_id": value} if number is None else {"value_as_number": number}
            where = {f"{name}_concept_id": concept, f"{name}_date": day(at), "site": one.home}
            _add(found, name, key | told | where)
    return found


def _add(found: dict[str, Rows], table: str, row: dict[str, Any]) -> None:
    found[table].append({f"{table}_id": len(found[table]) + 1} | row)


class Oracle:
    """Reads rules one patient, one rule, one day at a time, straight from what the pack's text says."""

    def __init__(self, patients: Sequence[Patient]) -> None:
        self.patients = patients

    def judged(self, one: Patient, rule: Mapping[str, Any]) -> tuple[str, str]:
        """State and cause of a rule for a patient."""
        meant = [self._holds(one, key, value, wanted=True) for key, value in (rule.get("when") or {}).items()]
        meant += [self._holds(one, key, value, wanted=False) for key, value in (rule.get("unless") or {}).items()]
        if False in meant:
            return "not applicable", "conditions"
        parts = [found for way in self._ways(rule) for found in self._way(one, rule, way)]
        order = ("not applicable", "met", "not assessable", "violated")
        causes = (
            "", "conditions", "does not arise", "not in force", "ended before due", "not delivered", "not followed",
            "not seen", "not known",
        )  # fmt: skip
        state, cause = max(parts, key=lambda found: (order.index(found[0]), causes.index(found[1])))
        if state != "not applicable" and None in meant:
            return "not assessable", "not known"
        return state, cause

    def _ways(self, rule: Mapping[str, Any]) -> Iterator[Way]:
        """What a rule asks: around which steps, which of their days, for what, in which days, how often."""
        family = next(key for key in FAMILIES if key in rule)
        to, of = rule[family], rule.get("of")
        window = _window(rule["window"]) if "window" in rule else None
        each = rule.get("each", "every")
        times = [int(one) for one in str(rule.get("times", "1")).split(" to ")]
        always, least, most = (-EVER, EVER), times[0], times[-1]
        if family == "exists":
            yield of, each, to, window or always, (1, EVER)
        elif family == "absent":
            yield of, each, to, window or always, (0, 0)
        elif family in ("exactly", "between"):
            yield of, each, to, window or always, (least, most)
        elif family in ("first", "last"):
            yield None, "every", to, always, (1, EVER)
            others = [name for name in ("a", "b", "c") if not set(STEPS[name]) & set(STEPS[to])]
            yield to, family, others, (-EVER, -1) if family == "first" else (1, EVER), (0, 0)
        elif family == "responded":
            yield of, "first", to, window or always, (1, EVER)
        else:
            usual = {"response": (0, EVER), "precedence": (-EVER, 0), "succession": (0, EVER)}
            low, high = window or usual.get(family, always)
            yield of, each, to, (low, high), (least, most) if "times" in rule else (1, EVER)
            if family == "succession":
                yield to, each, of, (-high, -low), (1, EVER)

    def _way(self, one: Patient, rule: Mapping[str, Any], way: Way) -> Iterator[tuple[str, str]]:
        of, each, *_ = way
        around = [(one.ill, one.home)] if of is None else self._days(one, of)
        if not around:
            lacks = any(self._delivery(name, one.home) is None for name in _alone(of))
            yield ("not assessable", "not delivered") if lacks else ("not applicable", "does not arise")
        if each != "every":
            around = around[:1] if each == "first" else around[-1:]
        for at, site in around:
            yield self._day(one, rule, (at, site), way)

    def _day(
        self, one: Patient, rule: Mapping[str, Any], around: tuple[int, str], way: Way
    ) -> tuple[str, str]:  # fmt: skip
        (at, site), (_, _, to, (low, high), (least, most)) = around, way
        first, last = (
            _dated(one) if one != "open" else far
            for one, far in zip(rule.get("valid", "open to open").split(" to "), (-EVER, EVER), strict=True)
        )
        if not first <= at <= last:
            return "not applicable", "not in force"
        found = len([when for when, _ in self._days(one, to) if at + low <= when <= at + high])
        if found > most:
            return "violated", ""
        if found >= least and most == EVER:
            return "met", ""
        delivered = [self._delivery(name, site) for name in _alone(to)]
        if None in delivered:
            return "not assessable", "not delivered"
        followed = rule.get("followed", max(high, 0) if high < EVER else 0)
        before = rule.get("seen before", max(-low, 0) if low > -EVER else 0)
        begin, end = self._seen(one)
        due = at + (high if high < EVER else followed)
        if found < least and high > 0 and one.death is not None and one.death <= due:
            return "not applicable", "ended before due"
        if one.death is None and end < at + followed:
            return "not assessable", "not followed"
        if begin > at - before:
            return "not assessable", "not seen"
        if any(told and (at + high < told[0] or at + low > told[1]) for told in delivered):
            return "not assessable", "not delivered"
        return ("violated", "") if found < least else ("met", "")

    def _days(self, one: Patient, names: Any) -> list[tuple[int, str]]:
        """The days on which a step was done, each once, with the first of the sites by name."""
        concepts = {concept for name in _listed(names) for concept in STEPS[name]}
        days: dict[int, str] = {}
        for at, concept, site in one.done:
            if concept in concepts and one.ill - 60 <= at <= one.ill + 200:
                days[at] = min(days.get(at, site), site)
        return sorted(days.items())

    def _seen(self, one: Patient) -> tuple[int, int]:
        days = [*one.seen, one.ill, *(at for at, *_ in one.done), *(at for at, *_ in one.told)]
        days += [] if one.death is None else [one.death]
        return min(days), max(days)

    def _delivery(self, name: str, site: str) -> tuple[int, int] | None:
        """From when to when a hospital delivers what a step needs; None if not, no limits if nothing is needed."""
        if name != "b":
            return -EVER, EVER
        days = [at for one in self.patients for at, concept, where in one.done if concept == B and where == site]
        return (min(days), max(days)) if len(days) >= 2 else None

    def _holds(self, one: Patient, key: str, value: Any, *, wanted: bool) -> bool | None:
        if key in ("done", "not done"):
            wanted = wanted == (key == "done")
            if self._days(one, value):
                return wanted
            lacks = any(self._delivery(name, one.home) is None for name in _alone(value))
            return None if lacks else not wanted
        if key == "stage":
            near = [told for told in one.told if told[2] is None and abs(told[0] - one.ill) <= 30]
            near.sort(key=lambda told: (2 * abs(told[0] - one.ill) + (told[0] > one.ill), told[1]))
            return (("early" if near[0][1] == EARLY else "late") in _listed(value)) == wanted if near else None
        sizes = sorted((-at, number) for at, _, number in one.told if number is not None)
        if not sizes:
            return None
        limit = float(value.removeprefix("at least "))
        return (sizes[0][1] >= limit) == wanted


FAMILIES = (
    "exists", "absent", "exactly", "between", "first", "last", "response", "precedence", "succession", "responded",
    "within",
)  # fmt: skip


def _listed(names: Any) -> list[str]:
    return [names] if isinstance(names, str) else list(names)


def _alone(names: Any) -> list[str]:
    """Steps with events of their own."""
    return [part for name in _listed(names) for part in (("b", "c") if name == "b or c" else (name,))]


def _window(text: str) -> tuple[int, int]:
    ends = []
    for part in text.split(" to "):
        if part == "that day":
            ends.append(0)
            continue
        days, way = part.rsplit(" ", 1)
        number = EVER if days == "any time" else int(days)
        ends.append(-number if way == "before" else number)
    return ends[0], ends[1]


def _dated(text: str) -> int:
    return (date.fromisoformat(text) - EPOCH).days - START
