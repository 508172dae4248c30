"""The functions of the language, each with what it takes, gives and means.

Every function is null where one of its operands is not known or where it has no value (the logarithm of 0), except
`coalesce`, `earliest`, `latest`, `lowest` and `highest`, which look at what is known.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any

from sqlglot import exp

from isthmus.research.expression.node import Kind

MANY = 99
OVERFLOW = 700.0
"""Above this the exponential function has no value here: e^709 is the largest number that engines keep."""
SEPARATOR = "|"
"""Between the codes of an item that takes several: `hbv|alcohol`."""


@dataclass(frozen=True, slots=True)
class Function:
    """`form`: how it is written; kinds of what it takes (the last one repeats) and gives, None for any one kind.

    `sql` makes the tree and `python` the value, both of operands that are known; `strict` is false where the function
    looks at nulls itself. `domain`: the condition under which it has a value.
    """

    form: str
    fewest: int
    most: int
    takes: tuple[Kind | None, ...]
    gives: Kind | None
    sql: Callable[..., exp.Expr]
    python: Callable[..., Any]
    strict: bool = True
    domain: Callable[..., exp.Expr] | None = None


def number(value: float) -> exp.Expr:
    """A number as a double: without the exponent engines would take it for a decimal of its own digits."""
    text = repr(float(value))
    literal = exp.Literal.number((text if "e" in text else f"{text}e0").lstrip("-"))
    return exp.paren(exp.Neg(this=literal), copy=False) if value < 0 else literal


def _named(name: str) -> Callable[..., exp.Expr]:
    def build(*operands: exp.Expr) -> exp.Expr:
        return exp.func(name, *operands)

    return build


def _round(value: exp.Expr, places: exp.Expr | None = None) -> exp.Expr:
    digits = exp.cast(places, "int") if places is not None else exp.Literal.number(0)
    return exp.Round(this=value, decimals=digits)


def _rounded(value: float, places: float = 0) -> float:
    """Half away from zero, as engines do it; Python's own goes to the even neighbour."""
    scale = 10.0 ** int(places)
    scaled = abs(value) * scale
    if not math.isfinite(scaled):
        return value
    whole = math.floor(scaled)
    return math.copysign((whole + (scaled - whole >= 0.5)) / scale, value) + 0.0


def _whole(compute: Callable[[float], int]) -> Callable[[float], float]:
    return lambda value: float(compute(value)) if math.isfinite(value) else value


def _logarithm(compute: Callable[[float], float]) -> Callable[[float], float | None]:
    return lambda value: compute(value) if value > 0 else None


def _log10(value: exp.Expr) -> exp.Expr:
    return exp.Log(this=exp.Literal.number(10), expression=value)


def _positive(value: exp.Expr) -> exp.Expr:
    return exp.GT(this=value, expression=number(0))


def _day(value: exp.Expr) -> exp.Expr:
    return exp.cast(value, "date")


def _days(first: exp.Expr, second: exp.Expr) -> exp.Expr:
    days = exp.DateDiff(this=_day(second), expression=_day(first), unit=exp.var("DAY"))
    return exp.cast(days, "double")


def _part(name: type[exp.Func]) -> Callable[..., exp.Expr]:
    return lambda value: exp.cast(name(this=_day(value)), "double")


def _completed(first: exp.Expr, second: exp.Expr, *, months: bool) -> exp.Expr:
    """Whole months or years from one date to another, the last one only when its day has come."""

    def count(value: exp.Expr) -> exp.Expr:
        year, month = exp.Year(this=_day(value)), exp.Month(this=_day(value))
        whole = exp.Add(this=exp.Mul(this=year, expression=exp.Literal.number(12)), expression=month)
        return exp.paren(whole if months else year)

    def rest(value: exp.Expr) -> exp.Expr:
        day = exp.Day(this=_day(value))
        if months:
            return day
        month = exp.Mul(this=exp.Month(this=_day(value)), expression=exp.Literal.number(100))
        return exp.paren(exp.Add(this=month, expression=day))

    short = exp.case().when(exp.LT(this=rest(second), expression=rest(first)), exp.Literal.number(1))
    gone = exp.Sub(this=count(second), expression=count(first))
    return exp.cast(exp.Sub(this=gone, expression=short.else_(exp.Literal.number(0))), "double")


def _years(first: exp.Expr, second: exp.Expr) -> exp.Expr:
    return _completed(first, second, months=False)


def _months(first: exp.Expr, second: exp.Expr) -> exp.Expr:
    return _completed(first, second, months=True)


def _years_of(first: date, second: date) -> float:
    return float(second.year - first.year - ((second.month, second.day) < (first.month, first.day)))


def _months_of(first: date, second: date) -> float:
    return float((second.year - first.year) * 12 + second.month - first.month - (second.day < first.day))


def _add_days(value: exp.Expr, days: exp.Expr) -> exp.Expr:
    whole = exp.cast(exp.Floor(this=days), "int")
    return exp.paren(exp.Add(this=_day(value), expression=whole), copy=False)


def _later(value: date, days: float) -> date | None:
    try:
        return value + timedelta(days=math.floor(days))
    except OverflowError:
        return None


def _bounded(_: exp.Expr, days: exp.Expr) -> exp.Expr:
    return exp.LTE(this=exp.Abs(this=days), expression=number(100_000))


def _has(codes: exp.Expr, code: exp.Expr) -> exp.Expr:
    mark = exp.Literal.string(SEPARATOR)

    def fenced(value: exp.Expr) -> exp.Expr:
        return exp.paren(exp.DPipe(this=exp.DPipe(this=mark, expression=value), expression=mark))

    return _found(fenced(codes), fenced(code))


def _found(text: exp.Expr, part: exp.Expr) -> exp.Expr:
    found = exp.StrPosition(this=text, substr=part)
    return exp.paren(exp.GT(this=found, expression=exp.Literal.number(0)), copy=False)


def _first_known(*values: Any) -> Any:
    return next((one for one in values if one is not None), None)


def _of_known(choose: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *values: choose(known) if (known := [one for one in values if one is not None]) else None


N, T, D, YES = Kind.NUMBER, Kind.TEXT, Kind.DATE, Kind.TRUTH
FUNCTIONS: Mapping[str, Function] = MappingProxyType(
    {
        "abs": Function("abs(x)", 1, 1, (N,), N, _named("abs"), abs),
        "ceil": Function("ceil(x)", 1, 1, (N,), N, lambda x: exp.Ceil(this=x), _whole(math.ceil)),
        "floor": Function("floor(x)", 1, 1, (N,), N, lambda x: exp.Floor(this=x), _whole(math.floor)),
        "round": Function("round(x) or round(x, places)", 1, 2, (N,), N, _round, _rounded),
        "sqrt": Function(
            "sqrt(x)", 1, 1, (N,), N, lambda x: exp.Sqrt(this=x), lambda x: math.sqrt(x) if x >= 0 else None,
            domain=lambda x: exp.GTE(this=x, expression=number(0)),
        ),
        "ln": Function(
            "ln(x)", 1, 1, (N,), N, lambda x: exp.Ln(this=x), _logarithm(math.log), domain=_positive
        ),
        "log10": Function("log10(x)", 1, 1, (N,), N, _log10, _logarithm(math.log10), domain=_positive),
        "exp": Function(
            "exp(x)", 1, 1, (N,), N, lambda x: exp.Exp(this=x), lambda x: math.exp(x) if x <= OVERFLOW else None,
            domain=lambda x: exp.LTE(this=x, expression=number(OVERFLOW)),
        ),
        "least": Function("least(a, b, …)", 2, MANY, (None,), None, _named("least"), min),
        "greatest": Function("greatest(a, b, …)", 2, MANY, (None,), None, _named("greatest"), max),
        "lowest": Function("lowest(a, b, …)", 2, MANY, (N,), N, _named("least"), _of_known(min), strict=False),
        "highest": Function("highest(a, b, …)", 2, MANY, (N,), N, _named("greatest"), _of_known(max), strict=False),
        "earliest": Function("earliest(a, b, …)", 2, MANY, (D,), D, _named("least"), _of_known(min), strict=False),
        "latest": Function("latest(a, b, …)", 2, MANY, (D,), D, _named("greatest"), _of_known(max), strict=False),
        "coalesce": Function(
            "coalesce(a, b, …)", 2, MANY, (None,), None, _named("coalesce"), _first_known, strict=False
        ),
        "days": Function("days(from, to)", 2, 2, (D,), N, _days, lambda a, b: float((b - a).days)),
        "months": Function("months(from, to)", 2, 2, (D,), N, _months, _months_of),
        "years": Function("years(from, to)", 2, 2, (D,), N, _years, _years_of),
        "year": Function("year(date)", 1, 1, (D,), N, _part(exp.Year), lambda day: float(day.year)),
        "month": Function("month(date)", 1, 1, (D,), N, _part(exp.Month), lambda day: float(day.month)),
        "add_days": Function("add_days(date, days)", 2, 2, (D, N), D, _add_days, _later, domain=_bounded),
        "lower": Function("lower(text)", 1, 1, (T,), T, lambda x: exp.Lower(this=x), str.lower),
        "contains": Function("contains(text, 'part')", 2, 2, (T,), YES, _found, lambda text, part: part in text),
        "has": Function(
            "has(codes, 'code')", 2, 2, (T,), YES, _has,
            lambda codes, code: f"{SEPARATOR}{code}{SEPARATOR}" in f"{SEPARATOR}{codes}{SEPARATOR}",
        ),
    }
)  # fmt: skip
