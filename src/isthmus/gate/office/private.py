"""Tables with noise: counts, sums and means that leave with differential privacy, out of a grant's budget.

A person counts once: what is known of them is brought to one value and one group before anything is counted, by a
statement that is put together here. Nobody's own SQL is taken: in it one person could change the values of others. The
groups are named by who asks, so that which groups there are tells nothing. Persons are in one group each, so what
a group costs is what the table costs.

What was asked for is spent when its table is shown to who asked, whether it leaves or not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from isthmus.base.errors import InputError, RefusedError
from isthmus.cdm.questions import QUESTIONS
from isthmus.gate.committee.application import Budget, Grant
from isthmus.gate.office import releases
from isthmus.gate.office.releases import Table
from isthmus.gate.office.session import Granted
from isthmus.gate.office.unit import Office
from isthmus.gate.release.noise import MOST, noisy
from isthmus.gate.release.rules import Verdict
from isthmus.records.models import Account

Give = Literal["count", "sum", "mean"]
EACH: Mapping[str, str] = {"min": "min({})", "max": "max({})", "mean": "avg({})", "rows": "count(*)"}
"""How the rows of a person become one value."""
EVERYBODY = "all"
PERSON = "person_id"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A table that is wanted: of which table's persons, in which `groups` of the column `by` (none: all together).

    `give` says what of them: their count, or sum or mean of one value each, that is made of their rows of the column
    `of` by `each`, lies from `low` to `high`, and is counted in steps of 10 to the power -`places`. `only` are columns
    with the values that a row has to have. Raises InputError for what makes no sense.
    """

    table: str
    budget: Budget
    by: str = ""
    groups: tuple[str, ...] = ()
    give: Give = "count"
    of: str = ""
    each: str = "mean"
    low: Decimal = Decimal(0)
    high: Decimal = Decimal(0)
    places: int = 0
    only: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        there = QUESTIONS[self.table].columns if self.table in QUESTIONS else ()
        if PERSON not in there:
            raise InputError(f"'{self.table}' is no table of persons. Name one, as person or measurement.")
        for name in (*([self.by] if self.by else []), *([self.of] if self.of else []), *self.only):
            if name not in there:
                raise InputError(f"{self.table} has no column '{name}'. Name one of the model.")
        if self.budget.epsilon <= 0 or not 0 <= self.budget.delta < 1:
            raise InputError("an epsilon is above 0, and a delta from 0 up to 1. Correct them.")
        if bool(self.by) != bool(self.groups) or len(set(self.groups)) != len(self.groups):
            raise InputError("a column to group by is given with its groups, each once, and they with it.")
        if self.give != "count":
            self._demand_bounds()

    def _demand_bounds(self) -> None:
        if self.each not in EACH or (self.each != "rows" and not self._is_number()):
            raise InputError(f"a value is made of a column of numbers, as one of {', '.join(EACH)}. Name both.")
        if not self.low < self.high or not 0 <= self.places <= 6 or self.reach > MOST:
            raise InputError("a sum and a mean need bounds, the lower before the upper, and from 0 to 6 places.")

    def _is_number(self) -> bool:
        return bool(self.of) and not self.of.endswith("_id") and QUESTIONS[self.table].schema()[self.of].is_numeric()

    @property
    def scale(self) -> int:
        """Steps in one."""
        return int(10**self.places)

    @property
    def reach(self) -> int:
        """By how many steps one person changes a sum at most."""
        return int(max(abs(self.low), abs(self.high)) * self.scale) + 1


def left(office: Office, grant: Grant) -> Budget:
    """What is left of the budget of a grant."""
    spent = [
        act.body["private"] for act in office.acts.under(grant.id) if act.act == "request" and _is_private(act.body)
    ]
    return Budget(
        grant.budget.epsilon - sum((Decimal(one["epsilon"]) for one in spent), Decimal(0)),
        grant.budget.delta - sum((Decimal(one["delta"]) for one in spent), Decimal(0)),
    )


def request(
    office: Office, session: Granted, person: Account, grant: str, asked: Asked, context: str
) -> tuple[str, Verdict, Table]:
    """Ask that a table with noise leaves: its release, what the machine says of it, and the table.

    Raises RefusedError where the budget does not suffice.
    """
    with office.open():
        _demand(office, person, releases.rules_of(office, grant)[0], asked.budget)
    rows = session.sql(statement(asked)).to_pylist()
    found = {str(row["g"]): (int(row["n"]), int(row["s"] or 0)) for row in rows}
    with office.open():
        held, _ = releases.rules_of(office, grant)
        rest = _demand(office, person, held, asked.budget)  # once more: others may have spent meanwhile
        table = _table(asked, found, context, session.edition.number, held.budget, rest)
        name, verdict = releases.request(office, person, grant, table)
    return name, verdict, table


def statement(asked: Asked) -> str:
    """The question: of each person one group and one value, and of each group persons and the sum of values."""
    of = f'"{asked.of}"' if asked.of else ""
    tests = [f'"{name}" IS NOT NULL' for name in (PERSON, *([asked.of] if asked.of else []))]
    tests += [f'CAST("{name}" AS VARCHAR) IN ({_listed(values)})' for name, values in sorted(asked.only.items())]
    group = f'CAST(min("{asked.by}") AS VARCHAR)' if asked.by else f"'{EVERYBODY}'"
    value = EACH[asked.each].format(of) if asked.give != "count" else "0"
    clamped = f"least(greatest(CAST(v AS DOUBLE), {asked.low}), {asked.high})" if asked.give != "count" else "0"
    return (
        f'WITH each_one AS (SELECT "{PERSON}", {group} AS g, {value} AS v FROM "{asked.table}" '
        f'WHERE {" AND ".join(tests)} GROUP BY "{PERSON}") '
        f"SELECT g, count(*) AS n, sum(CAST(round({clamped} * {asked.scale}) AS BIGINT)) AS s FROM each_one "
        f"WHERE g IN ({_listed(asked.groups or (EVERYBODY,))}) GROUP BY g"
    )


def _table(
    asked: Asked, found: Mapping[str, tuple[int, int]], context: str, edition: int, whole: Budget, rest: Budget
) -> Table:
    groups = asked.groups or (EVERYBODY,)
    parts = 2 if asked.give == "mean" else 1
    epsilon, delta = asked.budget.epsilon / parts, asked.budget.delta / parts
    counts = sums = list[int]()
    if asked.give != "sum":
        counts = noisy([found.get(one, (0, 0))[0] for one in groups], 1, epsilon, delta)
    if asked.give != "count":
        sums = noisy([found.get(one, (0, 0))[1] for one in groups], asked.reach, epsilon, delta)
    columns: dict[str, Sequence[str]] = {_called(asked.by): list(groups)}
    columns |= {"persons": [str(one) for one in counts]} if counts else {}
    if asked.give == "sum":
        columns["sum"] = [str(Decimal(one) / asked.scale) for one in sums]
    if asked.give == "mean":
        columns["mean"] = [_mean(asked, total, count) for total, count in zip(sums, counts, strict=True)]
    private = {
        "epsilon": str(asked.budget.epsilon), "delta": str(asked.budget.delta), "give": asked.give, "unit": "person",
        "mechanism": "discrete Gaussian" if asked.budget.delta else "discrete Laplace", "library": "OpenDP",
        "low": str(asked.low), "high": str(asked.high), "places": asked.places, "table": asked.table, "by": asked.by,
        "groups": list(groups), "of": asked.of, "each": asked.each if asked.give != "count" else "",
        "only": {name: list(values) for name, values in asked.only.items()},
        "budget": {"epsilon": str(whole.epsilon), "delta": str(whole.delta)},
        "left": {"epsilon": str(rest.epsilon), "delta": str(rest.delta)},
    }  # fmt: skip
    return Table(columns=columns, counts="", context=context, edition=edition, query=statement(asked), private=private)


def _mean(asked: Asked, total: int, count: int) -> str:
    found = Decimal(total) / asked.scale / max(count, 1)
    step = Decimal(1).scaleb(-asked.places - 1)
    return str(min(max(found, asked.low), asked.high).quantize(step))


def _demand(office: Office, person: Account, grant: Grant, wanted: Budget) -> Budget:
    """What would be left of the budget. Raises RefusedError, which is in the log, where it does not suffice."""
    rest = left(office, grant)
    after = Budget(rest.epsilon - wanted.epsilon, rest.delta - wanted.delta)
    if after.epsilon < 0 or after.delta < 0:
        body = {"private": {"epsilon": str(wanted.epsilon), "delta": str(wanted.delta)}}
        releases.refused(office, person, grant.id, body, "quota")
        raise RefusedError(
            f"of the grant's budget epsilon {rest.epsilon:f} and delta {rest.delta:f} are left, and epsilon "
            f"{wanted.epsilon:f} and delta {wanted.delta:f} were asked for. What next: ask for less, or apply for "
            "other terms with `privacy`."
        )
    return after


def _is_private(body: Mapping[str, Any]) -> bool:
    return bool(body.get("private"))


def _called(by: str) -> str:
    """What the column of groups is called: a name that ends like an identity's does not leave."""
    return by.removesuffix("_id").removesuffix("_concept") or "group"


def _listed(values: Sequence[str]) -> str:
    return ", ".join("'" + one.replace("'", "''") + "'" for one in values)
