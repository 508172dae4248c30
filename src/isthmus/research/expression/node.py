"""What an expression consists of, as values; and the error that tells where one is wrong."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from isthmus.base.errors import PackError

Scalar = float | str | bool | date | None


class Kind(StrEnum):
    """What sort of value a name or an expression has."""

    NUMBER = "number"
    TEXT = "text"
    DATE = "date"
    TRUTH = "yes or no"


class ExpressionError(PackError):
    """An expression is wrong. The text tells place (`file:line`, or what the caller gave), column, cause and mend."""

    def __init__(self, place: str, text: str, at: int, cause: str, mend: str) -> None:
        shown = text if len(text) <= 160 else f"{text[:157]}…"
        super().__init__(f"{place}: at column {at + 1} of `{shown}`: {cause}. {mend}.")
        self.place, self.column, self.cause, self.mend = place, at + 1, cause, mend


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, text, date, true, false or null. `at`: where it begins in the text, from 0, as in all nodes."""

    value: Scalar
    at: int = 0


@dataclass(frozen=True, slots=True)
class Name:
    """A value that the expression needs."""

    name: str
    at: int = 0


@dataclass(frozen=True, slots=True)
class Call:
    """An operator (`+`, `<=`, `and`, `not`, `in` …) or a function over its operands.

    Of `in` the first operand is what is sought, the others where. `neg` is the sign of a number.
    """

    name: str
    operands: "tuple[Node, ...]"
    at: int = 0


@dataclass(frozen=True, slots=True)
class Case:
    """The first branch whose condition holds, null as soon as a condition is not known, else `otherwise`."""

    branches: "tuple[tuple[Node, Node], ...]"
    otherwise: "Node"
    at: int = 0


Node = Literal | Name | Call | Case


def children(node: Node) -> "tuple[Node, ...]":
    """The nodes directly below one."""
    if isinstance(node, Call):
        return node.operands
    if isinstance(node, Case):
        return (*(one for branch in node.branches for one in branch), node.otherwise)
    return ()


def names_in(node: Node) -> Iterator[Name]:
    """Every name below a node, each time that it stands there, from left to right."""
    if isinstance(node, Name):
        yield node
    for child in children(node):
        yield from names_in(child)


def begin(node: Node) -> int:
    """Where the text of a node begins, from 0: that of its leftmost part."""
    return min([node.at, *map(begin, children(node))])


def is_known(node: Node) -> bool:
    """Whether a node can never be null, whatever its names are."""
    if isinstance(node, Literal):
        return node.value is not None
    if isinstance(node, Call):
        if node.name in ("is null", "is not null"):
            return True
        if node.name == "coalesce":
            return is_known(node.operands[-1])
        return node.name in ("and", "or", "not") and all(is_known(one) for one in node.operands)
    return False


# Short forms for those who build nodes themselves.


def call(name: str, *operands: Node) -> Node:
    """An operator or function over operands."""
    return Call(name, operands)


def both(*conditions: Node) -> Node:
    """All of the conditions; of none, what is true."""
    return _joined("and", conditions, empty=True)


def either(*conditions: Node) -> Node:
    """At least one of the conditions; of none, what is false."""
    return _joined("or", conditions, empty=False)


def _joined(word: str, conditions: tuple[Node, ...], *, empty: bool) -> Node:
    if not conditions:
        return Literal(empty)
    joined = conditions[0]
    for one in conditions[1:]:
        joined = Call(word, (joined, one))
    return joined
