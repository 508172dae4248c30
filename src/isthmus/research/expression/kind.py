"""Whether the parts of an expression fit each other: no text is added, no number compared with a date."""

from collections.abc import Callable, Mapping, Sequence

from isthmus.research.expression.function import FUNCTIONS
from isthmus.research.expression.node import Call, Case, ExpressionError, Kind, Literal, Name, Node

Refuse = Callable[[int, str, str], ExpressionError]
ARITHMETIC = frozenset({"+", "-", "*", "/", "neg"})
LOGIC = frozenset({"and", "or", "not"})
SAID = {Kind.NUMBER: "a number", Kind.TEXT: "a text", Kind.DATE: "a date", Kind.TRUTH: "yes or no"}


def check(node: Node, kinds: Mapping[str, Kind | None], refuse: Refuse) -> Kind | None:
    """The kind of a node; None where it cannot be told. Raises what `refuse` makes for parts that do not fit."""
    if isinstance(node, Literal):
        return _of_literal(node)
    if isinstance(node, Name):
        return kinds.get(node.name)
    below = [(one, check(one, kinds, refuse)) for one in (node.operands if isinstance(node, Call) else ())]
    if isinstance(node, Case):
        return _of_case(node, kinds, refuse)
    return _of_call(node, below, refuse)


def _of_literal(node: Literal) -> Kind | None:
    if isinstance(node.value, bool):
        return Kind.TRUTH
    if node.value is None:
        return None
    return {float: Kind.NUMBER, str: Kind.TEXT}.get(type(node.value), Kind.DATE)


def _of_case(node: Case, kinds: Mapping[str, Kind | None], refuse: Refuse) -> Kind | None:
    for condition, _ in node.branches:
        _demand((condition, check(condition, kinds, refuse)), Kind.TRUTH, "the condition of `when`", refuse)
    values = [*(value for _, value in node.branches), node.otherwise]
    return _alike([(one, check(one, kinds, refuse)) for one in values], "the values of `case`", refuse)


def _of_call(node: Call, below: Sequence[tuple[Node, Kind | None]], refuse: Refuse) -> Kind | None:
    if node.name in ARITHMETIC:
        return _arithmetic(node, below, refuse)
    if node.name in LOGIC:
        for one in below:
            _demand(one, Kind.TRUTH, f"what `{node.name}` takes", refuse)
        return Kind.TRUTH
    known = FUNCTIONS.get(node.name)
    if known is None:  # a comparison, `in`, `is null`
        kind = _alike(below, f"the two sides of `{node.name}`", refuse)
        if node.name in ("<", "<=", ">", ">=") and kind is Kind.TRUTH:
            raise refuse(node.at, "yes and no have no order", "Compare them with =")
        return Kind.TRUTH
    for place, one in enumerate(below):
        taken = known.takes[min(place, len(known.takes) - 1)]
        if taken is not None:
            _demand(one, taken, f"what {node.name}() takes", refuse)
    alike = _alike(below, f"the values of {node.name}()", refuse) if known.takes == (None,) else None
    return known.gives or alike


def _arithmetic(node: Call, below: Sequence[tuple[Node, Kind | None]], refuse: Refuse) -> Kind:
    for operand, kind in below:
        if kind is Kind.DATE:
            raise refuse(operand.at, "dates are not reckoned with signs", "Use days(from, to) or add_days(date, days)")
        _demand((operand, kind), Kind.NUMBER, f"what `{'-' if node.name == 'neg' else node.name}` takes", refuse)
    return Kind.NUMBER


def _demand(one: tuple[Node, Kind | None], wanted: Kind, what: str, refuse: Refuse) -> None:
    node, kind = one
    if kind is not None and kind is not wanted:
        raise refuse(
            node.at, f"{what} is {SAID[wanted]}, and {SAID[kind]} stands here", f"Put {SAID[wanted]} in its place"
        )


def _alike(values: Sequence[tuple[Node, Kind | None]], what: str, refuse: Refuse) -> Kind | None:
    found: Kind | None = None
    for node, kind in values:
        if kind is not None and found is not None and kind is not found:
            raise refuse(node.at, f"{what} are of two kinds, {SAID[found]} and {SAID[kind]}", "Make them of one kind")
        found = found or kind
    return found
