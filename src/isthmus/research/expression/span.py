"""How far a number that is reckoned can lie, by what is known of what it is reckoned from."""

from collections.abc import Callable, Mapping
from math import exp, inf, isnan, sqrt

from isthmus.research.expression.function import OVERFLOW
from isthmus.research.expression.node import Call, Case, Literal, Node

Span = tuple[float, float]
"""The lowest and the highest, both included."""
ANY: Span = (-inf, inf)
DEEPEST = 40
"""Names that stand for names: what goes deeper may be anything."""


def span(node: Node, told: Callable[[Node], "Span | Node | None"], depth: int = 0) -> Span:
    """The lowest and the highest that a node can be, as far as that is known; `told` says what is known of a part."""
    known = told(node)
    if isinstance(known, tuple):
        return known
    if depth > DEEPEST:
        return ANY
    if known is not None:
        return span(known, told, depth + 1)
    if isinstance(node, Literal):
        value = node.value
        return ANY if isinstance(value, bool) or not isinstance(value, int | float) else (float(value), float(value))
    if isinstance(node, Case):
        return _around([span(one, told, depth + 1) for one in (*(value for _, value in node.branches), node.otherwise)])
    if isinstance(node, Call) and node.name in MADE:
        return MADE[node.name]([span(one, told, depth + 1) for one in node.operands])
    return ANY


def _around(spans: list[Span]) -> Span:
    return min(low for low, _ in spans), max(high for _, high in spans)


def _sum(spans: list[Span]) -> Span:
    return spans[0][0] + spans[1][0], spans[0][1] + spans[1][1]


def _difference(spans: list[Span]) -> Span:
    return spans[0][0] - spans[1][1], spans[0][1] - spans[1][0]


def _product(spans: list[Span]) -> Span:
    corners = [one * other for one in spans[0] for other in spans[1]]
    return ANY if any(isnan(one) for one in corners) else (min(corners), max(corners))


def _turned(spans: list[Span]) -> Span:
    return -spans[0][1], -spans[0][0]


def _quotient(spans: list[Span]) -> Span:
    low, high = spans[1]
    if low < 0 or high <= 0:
        return ANY
    return _product([spans[0], (1 / high, inf if low == 0 else 1 / low)])


def _whole(spans: list[Span]) -> Span:
    """Rounded up, down, or to so many places: never farther than to the next whole number."""
    return spans[0][0] - 1, spans[0][1] + 1


def _size(spans: list[Span]) -> Span:
    low, high = spans[0]
    return max(low, -high, 0.0), max(-low, high)


def _least(spans: list[Span]) -> Span:
    return min(low for low, _ in spans), min(high for _, high in spans)


def _greatest(spans: list[Span]) -> Span:
    return max(low for low, _ in spans), max(high for _, high in spans)


def _exp(spans: list[Span]) -> Span:
    low, high = spans[0]
    return exp(low) if low < OVERFLOW else 0.0, exp(high) if high < OVERFLOW else inf


def _sqrt(spans: list[Span]) -> Span:
    low, high = spans[0]
    return sqrt(max(low, 0.0)), sqrt(max(high, 0.0))


MADE: Mapping[str, Callable[[list[Span]], Span]] = {
    "+": _sum, "-": _difference, "*": _product, "/": _quotient, "neg": _turned, "abs": _size, "exp": _exp,
    "sqrt": _sqrt, **dict.fromkeys(("coalesce", "lowest", "highest"), _around), "least": _least,
    "greatest": _greatest, **dict.fromkeys(("round", "floor", "ceil"), _whole),
}  # fmt: skip
"""How far operators and functions reach, by how far their operands do; of others nothing is known."""
