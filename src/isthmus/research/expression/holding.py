"""Whether conditions can hold, alone or together, as far as their text tells: so what is wrong with them is found.

A condition becomes alternatives of single demands: a value in a range, among values, true or not. A value is a name, or
what is reckoned from names; how far it can lie is taken from what is known of its names. What is no such demand is only
held against itself. So `False` is sure, and `True` means that nothing in the text speaks against it.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import product
from math import inf

from isthmus.research.expression.node import Call, Case, Literal, Name, Node, Scalar, both, call, children
from isthmus.research.expression.span import Span, span

MOST = 512
"""Alternatives that are looked at; a condition with more may always hold."""
ORDER = ("<", "<=", ">", ">=")
EMPTY = Name("")
"""Stands for what is not asked of any name."""
TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "<>": "<>"}
DENIED = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "=": "<>", "<>": "="}
CONDITIONS = frozenset({"and", "or", "not", "in", *TURNED})


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


@dataclass(frozen=True, slots=True)
class Limits:
    """What is known of names beforehand.

    `formulas` are what a name stands for, `spans` the lowest and the highest that a number can be, by its name or its
    text (`text`); `among` all values that a name can have; `implied` what holds whenever a name of yes and no does.
    """

    formulas: Mapping[str, Node] = field(default_factory=dict)
    spans: Mapping[str, Span] = field(default_factory=dict)
    among: Mapping[str, Collection[Scalar]] = field(default_factory=dict)
    implied: Mapping[str, Collection[str]] = field(default_factory=dict)

    def span(self, node: Node) -> Span:
        """The lowest and the highest that a number can be."""
        return span(node, self._told)

    def _told(self, node: Node) -> Span | Node | None:
        """What is known of a node: its span, or another node that it stands for."""
        known = self.spans.get(text(node))
        return self.formulas.get(node.name) if known is None and isinstance(node, Name) else known


NOTHING = Limits()


def can_hold(*conditions: Node, limits: Limits = NOTHING) -> bool:
    """Whether conditions can hold together."""
    alternatives = [_alternatives(Demand(one, True), limits.formulas) for one in conditions]
    size = 1
    for one in alternatives:
        size *= len(one)
    if size > MOST:
        return True
    return any(_fits([demand for part in chosen for demand in part], limits) for chosen in product(*alternatives))


def idle(node: Node, limits: Limits = NOTHING) -> Iterator[Node]:
    """The parts of a condition or value that can never come to bear: conditions of `or`, `case` and `coalesce` that
    cannot hold."""
    parts: list[Node] = []
    if isinstance(node, Call) and node.name == "or":
        parts = list(node.operands)
    elif isinstance(node, Call) and node.name == "coalesce":
        parts = [one for one in node.operands if isinstance(one, Call) and one.name in CONDITIONS]
    elif isinstance(node, Case):
        parts = [condition for condition, _ in node.branches]
    for one in parts:
        if not can_hold(one, limits=limits):
            yield one
    for child in children(node):
        if child not in parts or can_hold(child, limits=limits):
            yield from idle(child, limits)


def outcomes(node: Node, limits: Limits = NOTHING) -> frozenset[Scalar] | None:
    """All values that an expression can have, where its text lists them; None where it does not."""
    if isinstance(node, Literal):
        return frozenset() if node.value is None else frozenset([node.value])
    if isinstance(node, Name):
        known = limits.among.get(node.name)
        return None if known is None else frozenset(known)
    if isinstance(node, Call) and node.name != "coalesce":
        return None
    told = node.operands if isinstance(node, Call) else (*(value for _, value in node.branches), node.otherwise)
    found = [outcomes(one, limits) for one in told]
    return None if None in found else frozenset(value for one in found for value in one or ())


def _alternatives(demand: Demand, formulas: Mapping[str, Node]) -> list[list[Demand]]:
    """The ways in which a demand is met; a list without end is cut, and then holds for any."""
    node = demand.node
    if isinstance(node, Name) and node.name in formulas:
        return _alternatives(Demand(formulas[node.name], demand.holds), formulas)
    if isinstance(node, Call) and node.name == "not":
        return _alternatives(Demand(node.operands[0], not demand.holds), formulas)
    if isinstance(node, Call) and node.name == "is not null":
        return [[Demand(Call("is null", node.operands), not demand.holds)]]
    ways = list(_ways(node, holds=demand.holds))
    if ways:
        return [one for way in ways for one in _alternatives(Demand(way, True), formulas)]
    if isinstance(node, Call) and node.name in ("and", "or"):
        parts = [_alternatives(Demand(one, demand.holds), formulas) for one in node.operands]
        if (node.name == "or") is demand.holds:
            return [one for part in parts for one in part]
        if len(parts[0]) * len(parts[1]) > MOST:
            return [[]]
        return [[*one, *other] for one, other in product(*parts)]
    return [[demand]]


def _ways(node: Node, *, holds: bool) -> Iterator[Node]:
    """The ways in which a node that chooses comes to hold, or not to: what it chooses by, and what it chooses then."""
    if isinstance(node, Call) and node.name == "coalesce":
        yield from (one if holds else call("not", one) for one in node.operands)
    elif isinstance(node, Case):
        passed: list[Node] = []
        for condition, value in node.branches:
            yield both(*passed, condition, value if holds else call("not", value))
            passed.append(call("not", condition))
        yield both(*passed, node.otherwise if holds else call("not", node.otherwise))


def _fits(demands: list[Demand], limits: Limits) -> bool:
    ranges: dict[str, _Range] = {}
    said: dict[str, bool] = {}
    for one in [*demands, *_implied(demands, limits)]:
        simple = _simple(one)
        if simple is None:
            if said.setdefault(text(one.node), one.holds) is not one.holds:
                return False
            continue
        value, sign, values = simple
        key = text(value)
        if key not in ranges:
            known = limits.among.get(key)
            ranges[key] = _Range(*limits.span(value), among=None if known is None else set(known))
        _narrow(ranges[key], sign, values)
    if any(said.get(text(Call("is null", (Name(key),)))) for key in ranges):
        return False  # what is compared is known
    return not any(one.empty() for one in ranges.values())


def _implied(demands: list[Demand], limits: Limits) -> list[Demand]:
    held = [one.node.name for one in demands if one.holds and isinstance(one.node, Name)]
    return [Demand(Name(other), True) for one in held for other in limits.implied.get(one, ())]


def _simple(demand: Demand) -> tuple[Node, str, list[Scalar]] | None:
    """A value, and sign and values of a demand on it; None for any other demand."""
    node, holds = demand.node, demand.holds
    if isinstance(node, Name):
        return node, "=", [holds]
    if isinstance(node, Literal) and isinstance(node.value, bool):
        return EMPTY, "=", [node.value is holds] if node.value is holds else []
    if not isinstance(node, Call):
        return None
    if node.name == "in":
        values = [one.value for one in node.operands[1:] if isinstance(one, Literal)]
        if len(values) == len(node.operands) - 1:
            return node.operands[0], "=" if holds else "<>", values
    if node.name not in TURNED:
        return None
    one, other = map(_folded, node.operands)
    if any(isinstance(each, Literal) and each.value is None for each in (one, other)):
        return EMPTY, "=", []  # a comparison with null is never told, neither way
    sign = node.name if holds else DENIED[node.name]
    if isinstance(other, Literal) and not isinstance(one, Literal):
        return one, sign, [other.value]
    if isinstance(one, Literal) and not isinstance(other, Literal):
        return other, TURNED[sign], [one.value]
    return _difference(one, other, sign)


def _folded(node: Node) -> Node:
    """A number behind a sign as the number that it is."""
    if isinstance(node, Call) and node.name == "neg" and isinstance(node.operands[0], Literal):
        number = _number(node.operands[0].value)
        return node if number is None else Literal(-number)
    return node


def _difference(one: Node, other: Node, sign: str) -> tuple[Node, str, list[Scalar]]:
    """How far two values lie apart, written one way."""
    turned = text(other) < text(one)
    first, second = (other, one) if turned else (one, other)
    return Call("-", (first, second)), TURNED[sign] if turned else sign, [0.0]


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


def text(node: Node) -> str:
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
