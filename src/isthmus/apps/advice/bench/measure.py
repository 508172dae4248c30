"""What rules would have done: how often each fires, and how right that is where the truth is known.

Everything is counted at a desk over all patients of an edition. Of a rule and a person the truth says yes or no; the
rule said yes if it fired in any of the person's calls.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import pyarrow as pa
from sqlglot import exp

from isthmus.apps.advice.bench.statement import lay_facts
from isthmus.apps.advice.chart.facts import Concepts
from isthmus.apps.advice.pack.base import Base
from isthmus.apps.advice.pack.rule import Rule
from isthmus.apps.contract.research import Desk, step

FIRING = pa.schema([("call", pa.int64()), ("person_id", pa.int64()), ("day", pa.date32()), ("rule", pa.string())])
COUNTED = """
    SELECT rule, count(*) AS fired, count(DISTINCT person_id) AS persons FROM firing GROUP BY rule
"""
# Persons by what the truth and the rule say; for a person that it does not name for a rule it says no.
TRUTH = """
    SELECT j.rule, count(CASE WHEN t.person_id IS NOT NULL AND f.person_id IS NOT NULL THEN 1 END) AS hits,
        count(CASE WHEN t.person_id IS NOT NULL AND f.person_id IS NULL THEN 1 END) AS missed,
        count(CASE WHEN t.person_id IS NULL AND f.person_id IS NOT NULL THEN 1 END) AS false_alerts,
        count(*) AS persons
    FROM (SELECT p.person_id, r.rule FROM (SELECT DISTINCT person_id FROM calls) p CROSS JOIN judged r) j
    LEFT JOIN (SELECT DISTINCT person_id, rule FROM truth) t ON t.person_id = j.person_id AND t.rule = j.rule
    LEFT JOIN (SELECT DISTINCT person_id, rule FROM firing) f ON f.person_id = j.person_id AND f.rule = j.rule
    GROUP BY j.rule
"""


@dataclass(frozen=True, slots=True)
class Did:
    """What a rule would have done: calls it was judged in, times it fired, calls in which it could not be told, persons
    for whom it fired; and `persons` in all."""

    rule: str
    calls: int
    fired: int
    open: int
    alerted: int
    persons: int

    @property
    def per_100_calls(self) -> float:
        """Times fired in a hundred calls."""
        return 100 * self.fired / self.calls if self.calls else 0.0


@dataclass(frozen=True, slots=True)
class Right:
    """How right a rule is, by persons. Shares are None where there is nobody to divide by."""

    rule: str
    hits: int
    missed: int
    false_alerts: int
    persons: int

    @property
    def sensitivity(self) -> float | None:
        """Of those for whom the truth says yes, the share for whom the rule fired."""
        true = self.hits + self.missed
        return self.hits / true if true else None

    @property
    def specificity(self) -> float | None:
        """Of those for whom the truth says no, the share for whom the rule did not fire."""
        rest = self.persons - self.hits - self.missed
        return 1 - self.false_alerts / rest if rest else None

    @property
    def false_per_100(self) -> float:
        """False alerts in a hundred patients."""
        return 100 * self.false_alerts / self.persons if self.persons else 0.0


def fire(
    desk: Desk, base: Base, hook: str, concepts: Concepts, *, rules: Iterable[str] | None = None,
    calls: exp.Query | None = None,
) -> list[Did]:  # fmt: skip
    """Judge all calls of a hook at a desk, which then has the table `firing` (call, person_id, day, rule).

    :param rules: names of those that are judged; all of the hook where none are given.
    :param calls: `person_id, day` of the calls; those that the hook would have had where none are given.
    """
    wanted = None if rules is None else set(rules)
    judged = [
        one for one in base.rules.values() if hook in one.hooks and (wanted is None or one.name in wanted)
    ]  # fmt: skip
    count = lay_facts(desk, base.needed(judged), concepts, hook, calls)
    desk.lay("firing", FIRING.empty_table())
    desk.lay("judged", pa.table({"rule": pa.array([one.name for one in judged], pa.string())}))
    for one in judged:
        desk.add("firing", _firing(one, judged))
    counted = {row["rule"]: row for row in desk.take(step(COUNTED)).to_pylist()}
    persons = desk.take(step("SELECT count(DISTINCT person_id) AS n FROM calls")).to_pylist()[0]["n"]
    unsaid = _open(desk, judged)
    return [
        Did(
            one.name, count, counted.get(one.name, {}).get("fired", 0), unsaid[one.name],
            counted.get(one.name, {}).get("persons", 0), persons,
        )
        for one in judged
    ]  # fmt: skip


def _firing(rule: Rule, judged: Sequence[Rule]) -> exp.Query:
    """The calls in which a rule fires: its condition holds on a day on which it is valid, and none goes before it."""
    conditions = [rule.when.tree()]
    conditions += [
        exp.not_(exp.func("coalesce", other.when.tree(), exp.false())) for other in judged if rule.name in other.over
    ]
    begin, end = rule.valid
    today = exp.column("today")
    conditions += [exp.GTE(this=today, expression=_day(begin))] if begin else []
    conditions += [exp.LTE(this=today, expression=_day(end))] if end else []
    told = exp.alias_(exp.Literal.string(rule.name), "rule")
    return exp.select("call", "person_id", exp.alias_(today, "day"), told).from_("facts").where(*conditions)


def _day(day: date) -> exp.Expr:
    return exp.cast(exp.Literal.string(day.isoformat()), "date")


def _open(desk: Desk, judged: Sequence[Rule]) -> dict[str, int]:
    """In how many calls each rule could not be told."""
    if not judged:
        return {}
    columns = [
        exp.alias_(
            exp.func("count", exp.case().when(exp.Is(this=exp.paren(one.when.tree()), expression=exp.Null()), "1")),
            f"n{at}",
        )
        for at, one in enumerate(judged)
    ]
    row = desk.take(exp.select(*columns).from_("facts")).to_pylist()[0]
    return {one.name: int(row[f"n{at}"]) for at, one in enumerate(judged)}


def against(desk: Desk, truth: pa.Table) -> list[Right]:
    """How right the rules of `firing` are. `truth`: `person_id, rule` of all for whom a rule should fire."""
    desk.lay("truth", truth.select(["person_id", "rule"]))
    found = desk.take(step(TRUTH)).to_pylist()
    return [
        Right(row["rule"], row["hits"], row["missed"], row["false_alerts"], row["persons"])
        for row in sorted(found, key=lambda one: str(one["rule"]))
    ]
