"""An expression worked out for one row: the slow, obvious reading of the language, and the oracle of `spelling`."""

import operator
from collections.abc import Callable, Mapping
from typing import Any

from isthmus.research.expression.function import FUNCTIONS
from isthmus.research.expression.node import Case, Literal, Name, Node, Scalar

PLAIN: Mapping[str, Callable[..., Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "=": operator.eq, "<>": operator.ne, "<": operator.lt,
    "<=": operator.le, ">": operator.gt, ">=": operator.ge, "neg": operator.neg, "not": operator.not_,
    "/": lambda one, other: one / other if other else None,
}  # fmt: skip
JOINING = frozenset({"and", "or"})


def evaluate(node: Node, values: Mapping[str, Scalar]) -> Scalar:
    """The value of a node; null (None) where it is not known."""
    if isinstance(node, Name):
        return values.get(node.name)
    if isinstance(node, Literal):
        return node.value
    if isinstance(node, Case):
        return _case(node, values)
    name, operands = node.name, [evaluate(one, values) for one in node.operands]
    if name in JOINING:
        return _joined(operands, decides=name == "or")
    return _within(operands) if name == "in" else _called(name, operands)


def _case(node: Case, values: Mapping[str, Scalar]) -> Scalar:
    for condition, value in node.branches:
        holds = evaluate(condition, values)
        if holds is None:
            return None
        if holds:
            return evaluate(value, values)
    return evaluate(node.otherwise, values)


def _joined(operands: list[Scalar], *, decides: bool) -> Scalar:
    """What decides (true for `or`, false for `and`) decides also beside what is not known."""
    if decides in operands:
        return decides
    return None if None in operands else not decides


def _within(operands: list[Scalar]) -> Scalar:
    sought, *listed = operands
    if not listed:
        return False
    return None if sought is None else _joined([None if one is None else one == sought for one in listed], decides=True)


def _called(name: str, operands: list[Scalar]) -> Scalar:
    if name == "is null":
        return operands[0] is None
    if name == "is not null":
        return operands[0] is not None
    known = FUNCTIONS.get(name)
    if None in operands and (known is None or known.strict):
        return None
    worked: Scalar = (known.python if known else PLAIN[name])(*operands)
    return worked
