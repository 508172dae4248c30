"""Step by step: how many persons are left after each condition of a definition, and how many meet each alone.

Every step is a definition of its own, with fewer conditions; they are evaluated with all others at once, by the same
statements. So a count of a step is by construction the count of what its words say.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from isthmus.gate.desk import Desk
from isthmus.research.cohorts.definition import Cohort, Definition
from isthmus.research.cohorts.evaluate import evaluate

Kind = Literal["entry", "additional", "rule", "end"]
OPEN = (None, None)


@dataclass(frozen=True, slots=True)
class Step:
    """Persons left after a step, and of those with an event that lets in (and meets the additional criteria), the
    persons who meet this step alone; None where the question has no meaning.

    `rule` is the position of an inclusion rule, from 0; -1 where the step is none.
    """

    kind: Kind
    rule: int
    subjects: int
    alone: int | None


def steps(desk: Desk, definitions: Sequence[Cohort]) -> list[list[Step]]:
    """The steps of each definition, in their order: the entry, additional criteria, rules, and what ends a stay.

    A combination of cohorts has none.
    """
    asked: list[Cohort] = list(definitions)  # steps may ask for other cohorts
    plans = []
    for one in definitions:
        parts = _parts(one) if isinstance(one, Definition) else []
        plans.append([(kind, rule, _put(asked, part), _put(asked, alone)) for kind, rule, part, alone in parts])
    counts = {row["cohort"]: int(row["subjects"]) for row in evaluate(desk, asked).counts.to_pylist()}
    return [
        [Step(kind, rule, counts.get(at, 0), counts.get(alone, 0) if alone else None) for kind, rule, at, alone in plan]
        for plan in plans
    ]


def _put(asked: list[Cohort], part: Definition | None) -> int:
    """The number under which a part is evaluated, 0 for none."""
    if part is None:
        return 0
    asked.append(replace(part, name=f"{part.name}, step {len(asked)}"))
    return len(asked)


def _parts(one: Definition) -> list[tuple[Kind, int, Definition, Definition | None]]:
    """Kind, rule, the definition as far as this step, and the definition with this step alone."""
    entry = replace(one, additional=None, rules=(), censors=(), window=OPEN)
    found: list[tuple[Kind, int, Definition, Definition | None]] = [("entry", -1, entry, None)]
    base = replace(entry, additional=one.additional)
    if one.additional is not None and not one.additional.empty:
        found.append(("additional", -1, base, None))
    for at, rule in enumerate(one.rules):
        so_far, alone = replace(base, rules=one.rules[: at + 1]), replace(base, rules=(rule,))
        found.append(("rule", at, so_far, alone))
    if one.censors or one.window != OPEN:
        found.append(("end", -1, one, None))
    return found
