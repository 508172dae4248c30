"""A score as one SELECT over a table of inputs, for any number of rows.

kept columns …   as they are, by their names
value            number, rounded as the score says; null where it cannot be told
grade            text; null where it cannot be told
missing          names of inputs that are not known and for which value or grade wait, `albumin, inr`; else null
outside          names of inputs that were told and are not admitted (range, codes); else null
score, version   which rule this is
"""

from collections.abc import Iterable, Mapping, Sequence

from sqlglot import exp

from isthmus.base.errors import UsageError
from isthmus.research.expression.function import number
from isthmus.research.expression.node import Kind
from isthmus.research.expression.spelling import spell
from isthmus.research.scores.plan import GRADE, VALUE, Plan, plan
from isthmus.research.scores.rule import Input, Score
from isthmus.research.scores.units import conversion

BETWEEN = ", "
YES, NO = ("yes", "true", "1", "t", "y"), ("no", "false", "0", "f", "n")
"""How a column of texts says yes and no; one of truth values says it itself."""


def select(
    score: Score,
    table: str | exp.Query,
    columns: Mapping[str, str | exp.Expr] | None = None,
    *,
    units: Mapping[str, str] | None = None,
    keep: Sequence[str] = (),
    ranges: bool = True,
) -> exp.Select:
    """The statement.

    :param table: name of a table, or a query.
    :param columns: what stands for an input, the name of a column or an expression over the table. One that is not in
        it is the column of its own name, unless any are given: then it is not told.
    :param units: the unit in which the numbers of an input stand, where it is not the score's own.
    :param keep: columns that go through.
    :param ranges: whether numbers outside the admitted range are left out.
    :raises UsageError: `columns` or `units` name what is no input, or a unit is not converted into the score's own.
    """
    made = plan(score, ranges=ranges)
    _check_names(score, {**(columns or {}), **(units or {})})
    rows = _told(score, table, columns, units or {}, keep)
    for layer in made.layers():
        added = [exp.alias_(spell(node, {}), name, quoted=True) for name, node in layer.items()]
        rows = exp.select(exp.Star(), *added, copy=False).from_(rows.subquery("t", copy=False), copy=False)
    kept = [exp.alias_(_column(f"keep {name}"), name, quoted=True) for name in keep]
    return exp.select(*kept, *_results(made), copy=False).from_(rows.subquery("t", copy=False), copy=False)


def _column(name: str) -> exp.Column:
    return exp.column(exp.to_identifier(name, quoted=True))


def _check_names(score: Score, named: Iterable[str]) -> None:
    strange = sorted(set(named) - set(score.inputs))
    if strange:
        raise UsageError(
            f"{score.name} has no input '{strange[0]}'. Its inputs: {', '.join(score.inputs)}. Bind one of them."
        )


def _told(
    score: Score,
    table: str | exp.Query,
    columns: Mapping[str, str | exp.Expr] | None,
    units: Mapping[str, str],
    keep: Sequence[str],
) -> exp.Select:
    source = exp.to_table(table) if isinstance(table, str) else table.subquery("s")
    told = [exp.alias_(_column(name), f"keep {name}", quoted=True) for name in keep]
    for one in score.inputs.values():
        bound: str | exp.Expr = one.name if columns is None else columns.get(one.name, exp.Null())
        value: exp.Expr = _column(bound) if isinstance(bound, str) else exp.paren(bound)
        value = _converted(_as_kind(value, one), one, units.get(one.name))
        told.append(exp.alias_(value, f"told {one.name}", quoted=True))
    return exp.select(*told, copy=False).from_(source, copy=False)


def _converted(value: exp.Expr, one: Input, unit: str | None) -> exp.Expr:
    """The number in the input's own unit."""
    if unit is None or unit == one.unit:
        return value
    found = conversion(one, unit)
    if found is None:
        raise UsageError(
            f"{one.name} is needed in {one.unit or 'a number without unit'}, and {unit} is not converted into it. "
            "Bind a column in a unit that is."
        )
    scaled = exp.Mul(this=value, expression=number(found.factor))
    return exp.Add(this=scaled, expression=number(found.offset)) if found.offset else scaled


def _as_kind(value: exp.Expr, one: Input) -> exp.Expr:
    """The value as what the input is; null when it cannot be."""
    if one.kind is Kind.NUMBER:
        return exp.TryCast(this=value, to=exp.DataType.build("double"))
    text = exp.cast(value, "text")
    if one.kind is Kind.TRUTH:
        lowered = exp.Lower(this=text)
        choice = exp.case().when(exp.In(this=lowered, expressions=_texts(YES)), exp.true(), copy=False)
        return choice.when(exp.In(this=lowered.copy(), expressions=_texts(NO)), exp.false(), copy=False)
    return text


def _texts(words: Sequence[str]) -> list[exp.Expr]:
    return [exp.Literal.string(word) for word in words]


def _results(made: Plan) -> list[exp.Expr]:
    score = made.score
    value: exp.Expr = exp.cast(exp.Null(), "double")
    if score.has_value:
        value = _column(VALUE)
        if score.round is not None:
            value = exp.Round(this=value, decimals=exp.Literal.number(score.round))
    grade = _column(GRADE) if score.grades else exp.cast(exp.Null(), "text")
    return [
        exp.alias_(value, "value"),
        exp.alias_(grade, "grade"),
        exp.alias_(_listed(made, "missing"), "missing"),
        exp.alias_(_listed(made, "outside"), "outside"),
        exp.alias_(exp.Literal.string(score.name), "score"),
        exp.alias_(exp.Literal.string(score.version), "version"),
    ]


def _listed(made: Plan, what: str) -> exp.Expr:
    """The names of the inputs for which a step holds, in one text; null when there is none."""
    named: exp.Expr = exp.Literal.string("")
    for name in made.score.inputs:
        if f"{what} {name}" in made.steps:
            part = exp.case().when(_column(f"{what} {name}"), exp.Literal.string(f"{BETWEEN}{name}"), copy=False)
            named = exp.DPipe(this=named, expression=part.else_(exp.Literal.string(""), copy=False))
    first = exp.Substring(this=exp.paren(named, copy=False), start=exp.Literal.number(len(BETWEEN) + 1))
    return exp.Nullif(this=first, expression=exp.Literal.string(""))
