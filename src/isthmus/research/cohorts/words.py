"""A definition in plain words, English or Chinese: lines for a person who never saw Circe.

The words stand in `words.yaml` (sentences) and `words.csv` (events and their attributes).
"""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from math import isinf
from pathlib import Path

import yaml

from isthmus.cdm.concept_set import Item
from isthmus.cdm.starter import starter
from isthmus.research.cohorts.circe import DECIMALS
from isthmus.research.cohorts.definition import (
    Adjustment,
    Bound,
    Cohort,
    Combination,
    Control,
    Correlated,
    Criterion,
    Definition,
    EraExit,
    FixedExit,
    Group,
    Registered,
    Test,
    Window,
)

LANGUAGES = ("en", "zh")
HERE = Path(__file__).parent
EPOCH = date(1970, 1, 1)
OPERATORS = {"=": "exactly", "<=": "at_most", ">=": "at_least"}


@dataclass(frozen=True, slots=True)
class Line:
    """A line, and how deep it stands below the one that it belongs to."""

    depth: int
    text: str

    def __str__(self) -> str:
        return f"{'  ' * self.depth}{self.text}"


def told(definition: Cohort, language: str) -> list[Line]:
    """A definition in words, line by line."""
    if isinstance(definition, Combination):
        return [Line(0, _combined(definition, language))]
    if isinstance(definition, Control):
        return [Line(0, _control(definition, language))]
    if isinstance(definition, Registered):
        said = _sentences()["registered"][language]
        return [Line(0, said.format(registry=definition.registry, where=definition.where))]
    return list(_Words(definition, language).lines())


def _combined(one: Combination, language: str) -> str:
    """What a cohort is that is made of the days of others."""
    kept = [name for name, weight in one.parts.items() if weight > 0]
    taken = [name for name, weight in one.parts.items() if weight < 0]
    key = "combined_all" if one.need == len(kept) else "combined_any" if one.need == 1 else "combined_some"
    said = {name: words[language] for name, words in _sentences().items()}
    told = said["combined_one" if len(kept) == 1 else key].format(cohorts=_list(kept, said["and"]), count=one.need)
    if taken:
        told += said["combined_without"].format(cohorts=_list(taken, said["and"]))
    return told + said["stop"]


def _control(one: Control, language: str) -> str:
    """What a negative control is."""
    said = {name: words[language] for name, words in _sentences().items()}
    concept = f"{_concepts().get(one.concept_id) or one.concept_id} ({one.concept_id})"
    concept = said["below"].format(name=concept) if one.descendants else concept
    return said["control_first" if one.first else "control_all"].format(concept=concept)


def _list(names: Iterable[str], between: str) -> str:
    return between.join(f"“{name}”" for name in names)


@cache
def _sentences() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = yaml.safe_load((HERE / "words.yaml").read_text(encoding="utf-8"))
    return found


@cache
def names() -> dict[str, dict[str, str]]:
    """What events, attributes and columns that are counted are called: `en` and `zh` by their name in Circe."""
    with (HERE / "words.csv").open(encoding="utf-8", newline="") as stream:
        return {row["name"]: row for row in csv.DictReader(stream)}


@cache
def _labels() -> dict[str, dict[str, str]]:
    with (HERE / "labels.csv").open(encoding="utf-8", newline="") as stream:
        return {row["name"]: row for row in csv.DictReader(stream)}


def label(name: str, language: str, otherwise: str = "") -> str:
    """What a column, a section or a value of tables about cohorts is called; `otherwise` where that is not known."""
    found = _labels().get(name) or names().get(name)
    return found[language] if found else otherwise or name


@cache
def _concepts() -> dict[int, str]:
    found = starter()["concept"]
    return dict(zip(found["concept_id"].to_pylist(), found["concept_name"].to_pylist(), strict=True))


def _beyond(bound: float) -> bool:
    """Whether a bound is the number next to one with few places: more or less than that one was asked."""
    return not isinf(bound) and bound != round(bound, DECIMALS)


def _tidy(name: str) -> str:
    return " ".join(name.split())


class _Words:
    def __init__(self, definition: Definition, language: str) -> None:
        self._of = definition
        self._language = language

    def lines(self) -> Iterator[Line]:
        one = self._of
        yield Line(0, self._say("entry"))
        for criterion in one.primary:
            yield from self._event(criterion, 1)
        if one.prior_days or one.post_days:
            yield Line(1, self._say("observed", prior=one.prior_days, post=one.post_days))
        yield Line(0, self._say(f"limit_{one.primary_limit}"))
        if one.additional is not None and not one.additional.empty:
            yield Line(0, self._say("additional"))
            yield from self._group(one.additional, 1)
            yield Line(0, self._say(f"limit_{one.qualified_limit}"))
        for at, rule in enumerate(one.rules, start=1):
            yield Line(0, self._say("rule", at=at, name=_tidy(rule.name) or self._say("nameless")))
            yield from self._group(rule.group, 1)
        if one.rules:
            yield Line(0, self._say(f"limit_{one.expression_limit}"))
        yield from self._leaving()
        yield from self._concept_sets()

    def _say(self, key: str, **values: object) -> str:
        return _sentences()[key][self._language].format(**values)

    def _name(self, key: str) -> str:
        return names()[key][self._language]

    def _set(self, number: int) -> str:
        return _tidy(self._of.set_names.get(number, "")) or str(number)

    def _event(self, one: Criterion, depth: int) -> Iterator[Line]:
        yield Line(depth, self._name(one.domain) + self._what(one) + self._which(one))
        yield from self._nested(one, depth)

    def _nested(self, one: Criterion, depth: int) -> Iterator[Line]:
        if one.nested is not None:
            yield from self._group(one.nested, depth + 1, "that_event")

    def _which(self, one: Criterion) -> str:
        return self._say("which") if one.nested is not None else ""

    def _what(self, one: Criterion) -> str:
        """All that is asked of an event behind its name; conditions nested in it follow in lines of their own."""
        parts = [
            self._say("of", set=self._set(one.codeset)) if one.codeset is not None else "",
            " " + _list(one.cohorts, self._say("or")) if one.cohorts else "",
            self._say("sourced", set=self._set(one.source)) if one.source is not None else "",
            self._say("first") if one.first else "",
            self._moved(one.adjustment) if one.adjustment is not None else "",
            self._say("within", low=self._day(one.period[0]), high=self._day(one.period[1])) if one.period else "",
            self._say("with", tests=self._tests(one)) if one.tests else "",
        ]
        return "".join(parts)

    def _moved(self, one: Adjustment) -> str:
        ends = ((one.start_of_end, one.start_days), (one.end_of_end, one.end_days))
        start, end = (self._say("its_end" if of_end else "its_start", days=days) for of_end, days in ends)
        return self._say("moved", start=start, end=end)

    def _day(self, day: float | None) -> str:
        return self._say("open") if day is None or isinf(day) else str(EPOCH + timedelta(days=int(day)))

    def _tests(self, one: Criterion) -> str:
        return self._say("and").join(self._test(test) for test in one.tests)

    def _test(self, one: Test) -> str:
        name = self._name(one.attribute if one.attribute in names() else one.attribute.removesuffix("CS"))
        if one.pattern is not None:
            return self._say("like" if one.inside else "unlike", name=name, pattern=one.pattern)
        if one.concepts is not None:
            return self._among(one, name, self._say("or").join(map(self._concept, one.concepts)))
        if one.codeset is not None:
            return self._among(one, name, f"“{self._set(one.codeset)}”")
        if isinf(one.low) and isinf(one.high):
            return self._say("holds", name=name)
        return self._range(one, name)

    def _among(self, one: Test, name: str, concepts: str) -> str:
        return self._say("among" if one.inside else "others", name=name, concepts=concepts)

    def _range(self, one: Test, name: str) -> str:
        said = self._day if one.attribute.endswith("Date") else "{:g}".format
        low, high = said(one.low), said(one.high)
        if _beyond(one.low) or _beyond(one.high):
            return self._say("more" if _beyond(one.low) else "less", name=name, low=low, high=high)
        if one.low == one.high:
            return self._say("equal" if one.inside else "unequal", name=name, low=low)
        if not one.inside:
            return self._say("apart", name=name, low=low, high=high)
        key = "most" if isinf(one.low) else "least" if isinf(one.high) else "between"
        return self._say(key, name=name, low=low, high=high)

    def _concept(self, number: int) -> str:
        return _tidy(self._of.concept_names.get(number, "")) or _concepts().get(number) or str(number)

    def _group(self, one: Group, depth: int, of: str = "the_event") -> Iterator[Line]:
        """`of` says around which event its conditions lie."""
        if one.kind == "AT_MOST" and one.count == 0:
            yield Line(depth, self._say("NONE"))
            depth += 1
        elif one.kind.startswith("AT_") or len(one.demographics) + len(one.criteria) + len(one.groups) > 1:
            yield Line(depth, self._say(one.kind, count=one.count))
            depth += 1
        for tests in one.demographics:
            told = self._say("and").join(map(self._test, tests))
            yield Line(depth, self._say("person", tests=told))
        for criterion in one.criteria:
            yield Line(depth, self._counted(criterion, of))
            yield from self._nested(criterion.criterion, depth)
        for group in one.groups:
            yield from self._group(group, depth, of)

    def _counted(self, one: Correlated, of: str) -> str:
        occurrence = one.occurrence
        event = self._name(one.criterion.domain) + self._what(one.criterion)
        if occurrence.count == 0 and occurrence.op in ("=", "<="):
            told = self._say("never", event=event)
        else:
            single = occurrence.op == ">=" and occurrence.count == 1
            many = self._say("at_least_one" if single else OPERATORS[occurrence.op], count=occurrence.count)
            told = self._say("counted", many=many, event=event)
        if occurrence.distinct is not None:
            told += self._say("distinct", what=self._name(occurrence.distinct))
        return self._say("comma").join([told, *self._where(one, of)]) + self._which(one.criterion)

    def _where(self, one: Correlated, of: str) -> Iterable[str]:
        for window in (one.start_window, one.end_window):
            if window is not None:
                said = self._window(window, of)
                key = "ends" if window.of_event_end else "starts"
                yield self._say(key, window=said) if said else self._say("unbounded")
        if one.same_visit:
            yield self._say("same_visit")
        if one.any_period:
            yield self._say("any_period")

    def _window(self, one: Window, of: str) -> str:
        """Where the event lies; an empty text where it may lie anywhere."""
        if one.start.days is None and one.end.days is None and one.start.sign < 0 < one.end.sign:
            return ""
        anchor = self._say("end" if one.from_index_end else "start")
        if one.start.days == one.end.days == 0:
            return self._say("on_day", anchor=anchor, of=self._say(of))
        return self._say("span", low=self._bound(one.start), high=self._bound(one.end), anchor=anchor, of=self._say(of))

    def _bound(self, one: Bound) -> str:
        if one.days is None:
            return self._say("any_before" if one.sign < 0 else "any_after")
        if one.days == 0:
            return self._say("that_day")
        return self._say("before" if one.sign < 0 else "after", days=one.days)

    def _leaving(self) -> Iterator[Line]:
        one, way = self._of, self._of.exit
        yield Line(0, self._say("leave"))
        if isinstance(way, FixedExit):
            anchor = self._say("end" if way.of_end else "start")
            yield Line(1, self._say("leave_fixed", days=way.days, anchor=anchor))
        elif isinstance(way, EraExit):
            supply = self._say("supply", days=way.supply) if way.supply is not None else ""
            yield Line(
                1, self._say("leave_era", set=self._set(way.codeset), gap=way.gap, offset=way.offset, supply=supply)
            )
        else:
            yield Line(1, self._say("leave_observed"))
        if one.censors:
            yield Line(1, self._say("censor"))
            for criterion in one.censors:
                yield from self._event(criterion, 2)
        if one.era_pad:
            yield Line(0, self._say("era", days=one.era_pad))
        if one.window != (None, None):
            yield Line(0, self._say("calendar", low=self._day(one.window[0]), high=self._day(one.window[1])))

    def _concept_sets(self) -> Iterator[Line]:
        if self._of.sets:
            yield Line(0, self._say("sets"))
        for number, items in sorted(self._of.sets.items()):
            listed = sorted(items, key=lambda one: (one.excluded, one.concept_id))
            yield Line(1, self._say("set", name=self._set(number), concepts="; ".join(map(self._item, listed))))

    def _item(self, one: Item) -> str:
        name = f"{self._concept(one.concept_id)} ({one.concept_id})"
        name = self._say("below", name=name) if one.descendants else name
        name = self._say("mapped", name=name) if one.mapped else name
        return self._say("without", name=name) if one.excluded else name
