"""An expression as a sqlglot tree. Null is carried through, and what has no value is null, no error of the engine."""

from collections.abc import Callable, Mapping
from datetime import date

from sqlglot import exp

from isthmus.research.expression.function import FUNCTIONS, number
from isthmus.research.expression.node import Call, Case, Literal, Name, Node, Scalar, is_known

BINARY: Mapping[str, type[exp.Binary]] = {
    "+": exp.Add, "-": exp.Sub, "*": exp.Mul, "=": exp.EQ, "<>": exp.NEQ, "<": exp.LT, "<=": exp.LTE, ">": exp.GT,
    ">=": exp.GTE, "and": exp.And, "or": exp.Or,
}  # fmt: skip


def spell(node: Node, columns: Mapping[str, exp.Expr]) -> exp.Expr:
    """The tree of a node; names that are not in `columns` are columns of their own name."""
    if isinstance(node, Literal):
        return literal(node.value)
    if isinstance(node, Name):
        found = columns.get(node.name)
        if found is None:
            return exp.column(exp.to_identifier(node.name, quoted=True))
        alone = isinstance(found, exp.Column | exp.Literal | exp.Null | exp.Boolean | exp.Paren)
        return found.copy() if alone else exp.paren(found)
    if isinstance(node, Case):
        return _case(node, columns)
    return _call(node, columns)


def literal(value: Scalar) -> exp.Expr:
    """A value as a tree."""
    if value is None:
        return exp.Null()
    if isinstance(value, bool):
        return exp.true() if value else exp.false()
    if isinstance(value, date):
        return exp.cast(exp.Literal.string(value.isoformat()), "date")
    return exp.Literal.string(value) if isinstance(value, str) else number(value)


def _case(node: Case, columns: Mapping[str, exp.Expr]) -> exp.Expr:
    """From the last branch to the first: where a condition is neither true nor false, nothing is said."""
    tree = spell(node.otherwise, columns)
    for condition, value in reversed(node.branches):
        asked = spell(condition, columns)
        branch = exp.case().when(asked, spell(value, columns), copy=False)
        known = is_known(condition)
        tree = branch.else_(tree, copy=False) if known else branch.when(exp.not_(asked), tree, copy=False)
    return tree


def _call(node: Call, columns: Mapping[str, exp.Expr]) -> exp.Expr:
    operands = [spell(one, columns) for one in node.operands]
    if node.name in BINARY:
        return exp.paren(BINARY[node.name](this=operands[0], expression=operands[1]), copy=False)
    if node.name in FUNCTIONS:
        return _function(node, operands)
    return exp.paren(SPECIAL[node.name](*operands), copy=False)


def _function(node: Call, operands: list[exp.Expr]) -> exp.Expr:
    known = FUNCTIONS[node.name]
    tree = known.sql(*(one.copy() for one in operands))
    conditions = []
    if known.domain is not None:  # no engine's error: it is asked first
        conditions.append(known.domain(*(one.copy() for one in operands)))
    elif known.strict and node.name in ("least", "greatest"):  # which pass over null by themselves
        conditions += [
            exp.not_(exp.Is(this=one.copy(), expression=exp.Null()))
            for one, operand in zip(operands, node.operands, strict=True)
            if not is_known(operand)
        ]
    return exp.case().when(exp.and_(*conditions), tree, copy=False) if conditions else tree


def _divided(dividend: exp.Expr, divisor: exp.Expr) -> exp.Expr:
    known = exp.Nullif(this=divisor, expression=number(0))
    return exp.Div(this=dividend, expression=known, typed=False, safe=False)


def _within(sought: exp.Expr, *listed: exp.Expr) -> exp.Expr:
    return exp.In(this=sought, expressions=list(listed)) if listed else exp.false()


def _is_null(value: exp.Expr) -> exp.Expr:
    return exp.Is(this=value, expression=exp.Null())


SPECIAL: Mapping[str, Callable[..., exp.Expr]] = {
    "/": _divided,
    "neg": lambda value: exp.Neg(this=value),
    "not": lambda value: exp.Not(this=value),
    "in": _within,
    "is null": _is_null,
    "is not null": lambda value: exp.Not(this=exp.paren(_is_null(value), copy=False)),
}
