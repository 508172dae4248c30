"""An expression worked out for one row: the obvious reading of the language, and the oracle of `spelling`.

A node is made into a function of the values of its names, once; that is called for every row.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from isthmus.research.expression.function import FUNCTIONS
from isthmus.research.expression.node import Call, Case, Literal, Name, Node, Scalar

Values = Mapping[str, Scalar]
Work = Callable[[Values], Scalar]
"""Gives the value for one row: of values by name, of which one that is not there is not known (None)."""
PLAIN: Mapping[str, Callable[..., Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "=": operator.eq, "<>": operator.ne, "<": operator.lt,
    "<=": operator.le, ">": operator.gt, ">=": operator.ge, "neg": operator.neg, "not": operator.not_,
    "/": lambda one, other: one / other if other else None,
}  # fmt: skip


def working(node: Node) -> Work:
    """What works out a node; it gives null (None) where the value is not known."""
    if isinstance(node, Name):
        return _named(node.name)
    if isinstance(node, Literal):
        return _always(node.value)
    if isinstance(node, Case):
        return _case(node)
    made = CALLS.get(node.name)
    return made([working(one) for one in node.operands]) if made else _called(node)


def _named(name: str) -> Work:
    return lambda values: values.get(name)


def _always(value: Scalar) -> Work:
    return lambda values: value


def _case(node: Case) -> Work:
    branches = [(working(condition), working(value)) for condition, value in node.branches]
    otherwise = working(node.otherwise)

    def work(values: Values) -> Scalar:
        for condition, value in branches:
            holds = condition(values)
            if holds is None:
                return None
            if holds:
                return value(values)
        return otherwise(values)

    return work


def _joined(operands: Sequence[Work], *, decides: bool) -> Work:
    """What decides (true for `or`, false for `and`) decides also beside what is not known."""

    def work(values: Values) -> Scalar:
        known = True
        for one in operands:
            holds = one(values)
            if holds is None:
                known = False
            elif holds == decides:
                return decides
        return not decides if known else None

    return work


def _within(operands: Sequence[Work]) -> Work:
    sought, *listed = operands

    def work(values: Values) -> Scalar:
        if not listed:
            return False
        value = sought(values)
        if value is None:
            return None
        found = [one(values) for one in listed]
        return True if value in found else None if None in found else False

    return work


CALLS: Mapping[str, Callable[[Sequence[Work]], Work]] = {
    "or": lambda operands: _joined(operands, decides=True),
    "and": lambda operands: _joined(operands, decides=False),
    "in": _within,
    "is null": lambda operands: lambda values: operands[0](values) is None,
    "is not null": lambda operands: lambda values: operands[0](values) is not None,
}


def _called(node: Call) -> Work:
    """An operator or function. Most have two operands, and one of two is often a number: these cost a call less."""
    known = FUNCTIONS.get(node.name)
    compute = known.python if known else PLAIN[node.name]
    operands = [working(one) for one in node.operands]
    if known is not None and not known.strict:
        return lambda values: compute(*(one(values) for one in operands))
    if len(operands) == 2:
        other = node.operands[1]
        if isinstance(other, Literal) and other.value is not None:
            return _beside(compute, operands[0], other.value)
        return _of_two(compute, *operands)

    def work(values: Values) -> Scalar:
        told = [one(values) for one in operands]
        return None if None in told else compute(*told)

    return work


def _beside(compute: Callable[..., Any], first: Work, other: Scalar) -> Work:
    def work(values: Values) -> Scalar:
        one = first(values)
        return None if one is None else compute(one, other)

    return work


def _of_two(compute: Callable[..., Any], first: Work, second: Work) -> Work:
    def work(values: Values) -> Scalar:
        one, other = first(values), second(values)
        return None if one is None or other is None else compute(one, other)

    return work
