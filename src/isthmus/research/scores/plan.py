"""A score as named expressions, each over those before it. What can be told and what is missing are expressions too.

Names of our own have a blank in them, so that no input or step can have the same:

    told X        the input as it was given             points X    what X gives; null when it is not known
    value         exact, null when it is not known      least, most    bounds of the sum of points
    grade N       whether condition N holds             hit         the first that does
    blocked X     X is not known, and value or grade wait for it
    missing X     an input that is not known, and for which something waits
    outside X     an input that was told and is not admitted
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, reduce

from isthmus.research.expression.node import Call, Case, Kind, Literal, Name, Node, both, call, either, names_in
from isthmus.research.expression.value import Work, working
from isthmus.research.scores.rule import Cut, Input, Points, Score

NOISE = 9
"""Decimals to which inputs and values are rounded before they are compared: 3.5 g/dL times 10 is 35 g/L, not more."""
NULL = Literal(None)
VALUE, GRADE, HIT, LEAST, MOST = "value", "grade", "hit", "least", "most"


@dataclass(frozen=True)
class Plan:
    """`steps` in an order in which each needs only what stands before it, and the inputs as told."""

    score: Score
    steps: Mapping[str, Node]

    @cached_property
    def works(self) -> Mapping[str, Work]:
        """By step what works it out of the values of those before it, for one patient."""
        return {name: working(node) for name, node in self.steps.items()}

    def layers(self) -> list[dict[str, Node]]:
        """The steps in as few layers as there can be: a layer needs only those below it."""
        depth: dict[str, int] = {}
        layers: list[dict[str, Node]] = []
        for name, node in self.steps.items():
            depth[name] = max((depth.get(one.name, -1) for one in names_in(node)), default=-1) + 1
            while len(layers) <= depth[name]:
                layers.append({})
            layers[depth[name]][name] = node
        return layers


class _Same:
    """A score as the key of a cache: the very object, for two of one name may differ."""

    def __init__(self, score: Score) -> None:
        self.score = score

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.score is self.score

    def __hash__(self) -> int:
        return id(self.score)


def plan(score: Score, *, ranges: bool = True) -> Plan:
    """The steps of a score. `ranges`: whether what lies outside an input's range is left out (codes always are)."""
    return _plan(_Same(score), ranges)


@lru_cache(maxsize=256)
def _plan(same: _Same, ranges: bool) -> Plan:
    score = same.score
    steps: dict[str, Node] = {}
    for one in score.inputs.values():
        steps[one.name] = _admitted(one, ranges)
        steps[f"outside {one.name}"] = both(_known(f"told {one.name}"), _unknown(one.name))
    steps |= {name: step.node for name, step in score.let.items()}
    steps |= {f"points {one.item}": _points(one) for one in score.points}
    if score.points:
        steps |= _sums(score)
    if score.has_value:
        exact = score.value.node if score.value else _total(score)
        steps[VALUE] = call("round", exact, Literal(float(NOISE)))
    steps |= _graded(score)
    steps |= _missing(score, steps)
    return Plan(score, steps)


def _known(name: str) -> Node:
    return call("is not null", Name(name))


def _unknown(name: str) -> Node:
    return call("is null", Name(name))


def _admitted(one: Input, ranges: bool) -> Node:
    """The input without the noise of conversions, null when not admitted; what is assumed where nothing is told."""
    told = Name(f"told {one.name}")
    value: Node = call("round", told, Literal(float(NOISE))) if one.kind is Kind.NUMBER else told
    conditions: list[Node] = []
    if one.codes:
        conditions.append(call("in", value, *(Literal(code) for code in one.codes)))
    if one.whole and not one.codes:
        conditions.append(call("=", told, call("floor", told)))
    if ranges and one.low is not None and one.high is not None:
        conditions += [call(">=", value, Literal(one.low)), call("<=", value, Literal(one.high))]
    assumed = Literal(float(one.otherwise)) if type(one.otherwise) is int else Literal(one.otherwise)
    return Case(((call("is null", told), assumed), (both(*conditions), value)), NULL)


def _points(one: Points) -> Node:
    item = Name(one.item)
    if one.codes:
        return Case(tuple((call("=", item, Literal(code)), Literal(points)) for code, points in one.codes), NULL)
    *cuts, (_, rest) = one.cuts
    left = Case(((call("is not null", item), Literal(rest)),), NULL)
    return Case(tuple((_below(item, cut), Literal(points)) for cut, points in cuts), left)


def _below(value: Node, cut: Cut) -> Node:
    return call("<" if cut.strict else "<=", value, Literal(cut.limit))


def _sum(parts: Iterable[Node]) -> Node:
    return reduce(lambda one, other: Call("+", (one, other)), parts)


def _total(score: Score) -> Node:
    return _sum(Name(f"points {one.item}") for one in score.points)


def _sums(score: Score) -> dict[str, Node]:
    """The least and the most that the points can come to."""
    return {
        name: _sum(
            call("coalesce", Name(f"points {one.item}"), Literal(float(choose(one.possible)))) for one in score.points
        )
        for name, choose in ((LEAST, min), (MOST, max))
    }


def _graded(score: Score) -> dict[str, Node]:
    """Whether each condition holds, the first that does, and the grade: the first, if none above it may hold."""
    if not score.grades:
        return {}
    steps: dict[str, Node] = {}
    for number, grade in enumerate(score.grades, start=1):
        if grade.when is not None:
            condition = grade.when.node
        elif grade.cut is not None and grade.cut.limit is not None:
            condition = _reached(score, grade.cut)
        else:
            condition = Literal(True)
        steps[f"grade {number}"] = condition
    numbers = range(1, len(score.grades) + 1)
    holds = [(call("coalesce", Name(f"grade {at}"), Literal(False)), Literal(float(at))) for at in numbers]
    steps[HIT] = Case(tuple(holds), Literal(float(len(holds) + 1)))
    named = tuple((Name(f"grade {at}"), Literal(one.grade)) for at, one in zip(numbers, score.grades, strict=True))
    steps[GRADE] = Case(named, NULL)
    return steps


def _reached(score: Score, cut: Cut) -> Node:
    """Whether the value is up to a cut; of points also when only their bounds are known."""
    if score.value is not None:
        return _below(Name(VALUE), cut)
    surely, never = _below(Name(MOST), cut), call("not", _below(Name(LEAST), cut))
    return Case(((surely, Literal(True)), (never, Literal(False))), NULL)


def _missing(score: Score, steps: Mapping[str, Node]) -> dict[str, Node]:
    """From value and grade down to the inputs: what is not known although something waits for it."""
    waiting: dict[str, Node] = {}
    if score.has_value:
        waiting[VALUE] = _unknown(VALUE)
    for number in range(1, len(score.grades) + 1):
        condition = f"grade {number}"
        waiting[condition] = both(_unknown(condition), call("<", Literal(float(number)), Name(HIT)))
    found = {f"blocked {name}": node for name, node in waiting.items()}
    between = [*(f"points {one.item}" for one in score.points), *reversed(list(score.let))]
    users = _users(steps, [*waiting, *between])
    for name in between:
        found[f"blocked {name}"] = both(_unknown(name), _awaited(users.get(name, ())))
    for one in score.inputs.values():
        if not one.optional:
            found[f"missing {one.name}"] = both(_unknown(one.name), _awaited(users.get(one.name, ())))
    return found


def _awaited(users: Sequence[str]) -> Node:
    return either(*(Name(f"blocked {user}") for user in users))


def _users(steps: Mapping[str, Node], able: Iterable[str]) -> dict[str, list[str]]:
    """Which of the steps that can wait need a name; bounds of a sum stand for the points in them."""
    users: dict[str, list[str]] = {}
    for step in able:
        needed = dict.fromkeys(one.name for one in names_in(steps[step]))
        if LEAST in needed:
            needed |= dict.fromkeys(one.name for one in names_in(steps[LEAST]))
        for name in needed:
            users.setdefault(name, []).append(step)
    return users
