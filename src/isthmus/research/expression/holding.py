"""Whether conditions can hold, alone or together, as far as their text tells: so contradictory rules are found.

A condition becomes alternatives of single demands: a name in a range, among values, true or not. What is no such demand
(two names compared, arithmetic) is only held against itself. So `False` is sure, and `True` means that nothing in the
text speaks against it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import product
from math import inf

from isthmus.research.expression.node import Call, Literal, Name, Node, Scalar

MOST = 512
"""Alternatives that are looked at; a condition with more may always hold."""
ORDER = ("<", "<=", ">", ">=")
TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "<>": "<>"}
DENIED = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "=": "<>", "<>": "="}


@dataclass(frozen=True, slots=True)
class Demand:
    """A node that must hold, or must not."""

    node: Node
    holds: bool


@dataclass(slots=True)
class _Range:
    """What is left of a name's values."""

    low: float = -inf
    high: float = inf
    open_low: bool = False
    open_high: bool = False
    among: set[Scalar] | None = None
    never: set[Scalar] = field(default_factory=set)

    def empty(self) -> bool:
        if self.low > self.high or (self.low == self.high and (self.open_low or self.open_high)):
            return True
        if self.low == self.high and self.low in self.never:
            return True
        return self.among is not None and not any(self._admits(one) for one in self.among)

    def _admits(self, value: Scalar) -> bool:
        if value in self.never:
            return False
        number = _number(value)
        if number is None:
            return self.low == -inf and self.high == inf
        above = number > self.low or (number == self.low and not self.open_low)
        return above and (number < self.high or (number == self.high and not self.open_high))


def can_hold(
    *conditions: Node, formulas: Mapping[str, Node], bounds: Mapping[str, tuple[float, float]] | None = None
) -> bool:
    """Whether conditions can hold together. `formulas` are what stands for names of yes and no, `bounds` the lowest and
    the highest that a number can be.
    """
    alternatives = [_alternatives(Demand(one, True), formulas) for one in conditions]
    size = 1
    for one in alternatives:
        size *= len(one)
    if size > MOST:
        return True
    within = bounds or {}
    return any(_fits([demand for part in chosen for demand in part], within) for chosen in product(*alternatives))


def _alternatives(demand: Demand, formulas: Mapping[str, Node]) -> list[list[Demand]]:
    """The ways in which a demand is met; a list without end is cut, and then holds for any."""
    node = demand.node
    if isinstance(node, Name) and node.name in formulas:
        return _alternatives(Demand(formulas[node.name], demand.holds), formulas)
    if isinstance(node, Call) and node.name == "not":
        return _alternatives(Demand(node.operands[0], not demand.holds), formulas)
    if isinstance(node, Call) and node.name in ("and", "or"):
        parts = [_alternatives(Demand(one, demand.holds), formulas) for one in node.operands]
        if (node.name == "or") is demand.holds:
            return [one for part in parts for one in part]
        if len(parts[0]) * len(parts[1]) > MOST:
            return [[]]
        return [[*one, *other] for one, other in product(*parts)]
    return [[demand]]


def _fits(demands: list[Demand], bounds: Mapping[str, tuple[float, float]]) -> bool:
    ranges: dict[str, _Range] = {}
    said: dict[str, bool] = {}
    for one in demands:
        simple = _simple(one)
        if simple is None:
            key = _text(one.node)
            if said.setdefault(key, one.holds) is not one.holds:
                return False
            continue
        name, sign, values = simple
        _narrow(ranges.setdefault(name, _Range(*bounds.get(name, (-inf, inf)))), sign, values)
    return not any(one.empty() for one in ranges.values())


def _simple(demand: Demand) -> tuple[str, str, list[Scalar]] | None:
    """Name, sign and values of a demand on one name; None for any other."""
    node, holds = demand.node, demand.holds
    if isinstance(node, Name):
        return node.name, "=", [holds]
    if isinstance(node, Literal) and isinstance(node.value, bool):
        return "", "=", [node.value is holds] if node.value is holds else []
    if not isinstance(node, Call):
        return None
    if node.name == "in" and isinstance(node.operands[0], Name):
        values = [one.value for one in node.operands[1:] if isinstance(one, Literal)]
        if len(values) == len(node.operands) - 1:
            return node.operands[0].name, "=" if holds else "<>", values
    if node.name in TURNED:
        one, other = node.operands
        if any(isinstance(each, Literal) and each.value is None for each in (one, other)):
            return "", "=", []  # a comparison with null is never told, neither way
        sign = node.name if holds else DENIED[node.name]
        if isinstance(one, Name) and isinstance(other, Literal):
            return one.name, sign, [other.value]
        if isinstance(one, Literal) and isinstance(other, Name):
            return other.name, TURNED[sign], [one.value]
    return None


def _narrow(found: _Range, sign: str, values: list[Scalar]) -> None:
    if sign == "=":
        found.among = set(values) if found.among is None else found.among & set(values)
    elif sign == "<>":
        found.never |= set(values)
    else:
        number = _number(values[0])
        if number is None:
            return
        strict = sign in ("<", ">")
        if sign in ("<", "<=") and (number < found.high or (number == found.high and strict)):
            found.high, found.open_high = number, strict
        if sign in (">", ">=") and (number > found.low or (number == found.low and strict)):
            found.low, found.open_low = number, strict


def _number(value: Scalar) -> float | None:
    if isinstance(value, date):
        return float(value.toordinal())
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _text(node: Node) -> str:
    """A node without the places of its parts."""
    return " ".join(_parts(node))


def _parts(node: Node) -> Iterator[str]:
    if isinstance(node, Literal):
        yield repr(node.value)
    elif isinstance(node, Name):
        yield node.name
    elif isinstance(node, Call):
        yield f"({node.name}"
        for one in node.operands:
            yield from _parts(one)
        yield ")"
    else:
        yield "(case"
        for condition, value in node.branches:
            yield from _parts(condition)
            yield from _parts(value)
        yield from _parts(node.otherwise)
        yield ")"
