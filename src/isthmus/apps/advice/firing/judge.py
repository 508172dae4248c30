"""Judging: which rules of a hook fire over a chart, with the facts and rows that made them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from isthmus.apps.advice.chart.chart import Chart, Row
from isthmus.apps.advice.chart.facts import Concepts, Found, facts_of
from isthmus.apps.advice.pack.base import Base
from isthmus.apps.advice.pack.beside import Beside
from isthmus.apps.advice.pack.fact import Fact
from isthmus.apps.advice.pack.rule import Rule
from isthmus.apps.advice.pack.sheets import INDICATORS, STRENGTHS


@dataclass(frozen=True, slots=True)
class Fired:
    """A rule that fired. `facts` are those it looked at, by name; `rows` all rows they were read from."""

    rule: Rule
    facts: Mapping[str, Found]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """What judging a chart gave: rules that fired, first those that matter most; those that could not be told."""

    fired: tuple[Fired, ...]
    open: tuple[Rule, ...]
    facts: Mapping[str, Found]


def judge(base: Base, chart: Chart, hook: str, concepts: Concepts, *, off: Iterable[str] = ()) -> Judged:
    """The rules of a hook that are valid on the chart's day and not switched off, judged over it."""
    without = frozenset(off)
    whole, needed = _of_hook(base.digest, hook, Beside(base))
    rules = [one for one in whole if one.name not in without and one.holds_on(chart.today)]
    facts = facts_of(chart, needed, concepts)
    values = {name: one.value for name, one in facts.items()}
    verdicts = {one.name: one.when.value(values) for one in rules}
    firing = {name for name, verdict in verdicts.items() if verdict is True}
    giving_way = {name for one in rules if one.name in firing for name in one.over}
    fired = [_fired(one, base, facts) for one in rules if one.name in firing - giving_way]
    return Judged(tuple(sorted(fired, key=_weight)), tuple(one for one in rules if verdicts[one.name] is None), facts)


@lru_cache(maxsize=16)
def _of_hook(digest: str, hook: str, beside: Beside[Base]) -> tuple[tuple[Rule, ...], tuple[Fact, ...]]:
    """The rules of a hook and the facts that they need, of the base with a digest."""
    assert digest == beside.made_from.digest
    rules = tuple(one for one in beside.made_from.rules.values() if hook in one.hooks)
    return rules, tuple(beside.made_from.needed(rules))


def _fired(rule: Rule, base: Base, facts: Mapping[str, Found]) -> Fired:
    looked = {name: facts[name] for name in base.names_of(rule.when.names) if name in facts}
    rows = tuple(dict.fromkeys(row for one in looked.values() for row in one.rows))
    return Fired(rule, looked, rows)


def _weight(one: Fired) -> tuple[int, int, str]:
    """Critical before warning before info, firm before less firm."""
    return -INDICATORS.index(one.rule.indicator), STRENGTHS.index(one.rule.strength), one.rule.name
