"""What a search asks, read from its parameters: conditions of SQL over the columns that a grant holds.

A parameter that is not known, or whose column the grant does not hold, is refused and never passed over: an answer to
another question than the one asked is wrong. Values become numbers, days, pseudonyms or quoted texts, nothing else.
"""

import calendar
import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from isthmus.gate.grade.keys import FORM
from isthmus.serving.api.fhir.mapping import OMOP, Parameter, Resource, codes, vocabulary_of
from isthmus.serving.api.problem import Problem

PREFIXED = re.compile(r"(eq|ne|gt|lt|ge|le)?(.+)", re.DOTALL)
DAY = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2})(?:T.*)?)?)?")
SIGNS = {"gt": ">", "lt": "<", "ge": ">=", "le": "<=", "eq": "=", "ne": "<>"}
NOBODY = "1 = 0"
LONGEST = 200  # characters of a value, and values of a parameter
FORMATS = frozenset({"json", "application/json", "application/fhir+json", "application/fhir json"})
CONTROL = frozenset({"_count", "_sort", "_page", "_summary", "_total", "_format", "_lastUpdated"})


@dataclass(frozen=True, slots=True)
class Search:
    """A search as it was read: conditions that all hold, rows of a page (0: only the count), and the order."""

    conditions: Sequence[str]
    count: int
    sort: str
    down: bool
    page: str
    since: str


def read(resource: Resource, asked: Sequence[tuple[str, str]], held: Collection[str], most: int) -> Search:
    """A search over a resource. `held` are its columns that the grant holds, `most` the rows of a page at most.

    Raises Problem for a parameter or a value that cannot be compared.
    """
    told = {name: value for name, value in asked if name in CONTROL}
    conditions = [
        _condition(resource, name, value, held) for name, value in asked if name not in CONTROL
    ]  # fmt: skip
    count = _number(told.get("_count", "50"), "_count")
    if told.get("_summary", "false") not in {"count", "false"} or told.get("_total", "accurate") not in {
        "accurate",
        "none",
    }:
        raise Problem("wrong", "`_summary` is count or false here, `_total` is accurate.")
    if told.get("_format", "json") not in FORMATS:
        raise Problem("unacceptable", "resources are given as JSON here; leave `_format` out.")
    sort = told.get("_sort", "")
    return Search(
        conditions, 0 if told.get("_summary") == "count" else min(count, most), _sorted(resource, sort, held),
        sort.startswith("-"), told.get("_page", ""), told.get("_lastUpdated", ""),
    )  # fmt: skip


def alias(resource: Resource, column: str) -> str:
    """A column of the mapping as statements name it."""
    table, name = resource.place(column)
    return f"{'t' if table == resource.table else table}.{name}"


def _sorted(resource: Resource, sort: str, held: Collection[str]) -> str:
    """The column by which the rows are ordered before their id; '' for the id alone."""
    name = sort.removeprefix("-")
    if name in {"", "_id"}:
        return ""
    found = resource.search.get(name)
    if found is None or found.how not in {"date", "year", "number"} or found.column not in held:
        able = [one.name for one in resource.search.values() if one.how in {"date", "year", "number"}]
        raise Problem("wrong", f"`_sort` takes one of {', '.join(['_id', *able])} here, with - before it to go down.")
    return found.column


def _condition(resource: Resource, name: str, value: str, held: Collection[str]) -> str:
    values = value.split(",")
    if len(value) > LONGEST * LONGEST or len(values) > LONGEST or any(len(one) > LONGEST for one in values):
        raise Problem("wrong", f"a parameter has at most {LONGEST} values of {LONGEST} characters.")
    if name == "_id":
        return _identities(alias(resource, resource.id), values)
    found = resource.search.get(name)
    if found is None:
        known = ", ".join(["_id", *resource.search, *sorted(CONTROL)])
        raise Problem("wrong", f"{resource.type} is not searched by '{name[:60]}'. Known: {known}.")
    if found.column and found.column not in held:
        raise Problem(
            "refused", f"the grant does not hold what '{name}' compares. Leave it out, or ask for other terms."
        )
    compared = [_BY[found.how](found, alias(resource, found.column) if found.column else "", one) for one in values]
    return f"({' OR '.join(compared)})"


def _identities(column: str, values: Sequence[str]) -> str:
    known = [f"'{one}'" for one in values if FORM.fullmatch(one)]
    return f"{column} IN ({', '.join(known)})" if known else NOBODY


def _reference(one: Parameter, column: str, value: str) -> str:
    kind, slash, name = value.rpartition("/")
    if slash and kind.rpartition("/")[2] != one.to:
        return NOBODY
    return _identities(column, [name])


def _concept(one: Parameter, column: str, value: str) -> str:
    system, bar, code = value.rpartition("|")
    concept = joined(column)
    if bar and system == OMOP:
        return f"{column} = {_number(code, one.name)}"
    conditions = [f"{concept}.concept_code = {_quoted(code)}"] if code else []
    if bar and system:
        conditions.append(f"{concept}.vocabulary_id = {_quoted(vocabulary_of(system))}")
    return f"({' AND '.join(conditions)})" if conditions else NOBODY


def _code(one: Parameter, column: str, value: str) -> str:
    named = codes()[one.codes]
    system, bar, code = value.rpartition("|")
    fitting = [
        number for number, (each, url) in named.items() if each == code and (not bar or not system or url == system)
    ]
    numbers = ", ".join(str(number) for number in fitting if number is not None)
    tests = [f"{column} IN ({numbers})"] if numbers else []
    if None in fitting:
        others = ", ".join(str(number) for number in named if number is not None)
        tests.append(f"({column} IS NULL OR {column} NOT IN ({others}))")
    return f"({' OR '.join(tests)})" if tests else NOBODY


def _date(one: Parameter, column: str, value: str) -> str:
    sign, first, last = _days(value, one.name)
    low, high = f"DATE '{first.isoformat()}'", f"DATE '{last.isoformat()}'"
    match sign:
        case "gt":
            return f"{column} > {high}"
        case "lt":
            return f"{column} < {low}"
        case "ge":
            return f"{column} >= {low}"
        case "le":
            return f"{column} <= {high}"
        case "ne":
            return f"({column} < {low} OR {column} > {high})"
        case _:
            return f"({column} >= {low} AND {column} <= {high})"


def _year(one: Parameter, column: str, value: str) -> str:
    sign, first, last = _days(value, one.name)
    if sign in {"eq", "ne"} and first.year == last.year and first.month == 1 and last.month == 12:
        return f"{column} {SIGNS[sign]} {first.year}"
    if sign in {"eq", "ne"}:
        raise Problem("wrong", f"'{one.name}' is compared by year here, as 1950.")
    return f"{column} {SIGNS[sign]} {first.year}"


def _quantity(one: Parameter, column: str, value: str) -> str:
    found = PREFIXED.fullmatch(value.partition("|")[0])
    try:
        number = float(found[2]) if found else math.nan
    except ValueError:
        number = math.nan
    if found is None or not math.isfinite(number):
        raise Problem("wrong", f"'{one.name}' takes a number, with ge, gt, le, lt, ne before it, as ge5.")
    return f"{column} {SIGNS[found[1] or 'eq']} {number!r}"


def _fixed(one: Parameter, column: str, value: str) -> str:
    return "1 = 1" if value.rpartition("|")[2] == one.value else NOBODY


def joined(column: str) -> str:
    """The name under which the concept of a column is joined."""
    return column.replace(".", "_") + "_c"


def _days(value: str, name: str) -> tuple[str, date, date]:
    """The prefix of a date, and the first and the last day that it stands for."""
    found = PREFIXED.fullmatch(value)
    parts = DAY.fullmatch(found[2]) if found else None
    try:
        if found is None or parts is None:
            raise ValueError
        year, month, day = (int(one) if one else None for one in parts.groups())
        assert year is not None  # the pattern has it
        first = date(year, month or 1, day or 1)
        last = date(year, month or 12, day or calendar.monthrange(year, month or 12)[1])
    except ValueError:
        raise Problem("wrong", f"'{name}' takes a day, a month or a year, as 2024-06-30 or ge2024.") from None
    return found[1] or "eq", first, last


def _number(value: str, name: str) -> int:
    if not re.fullmatch(r"[0-9]{1,18}", value):
        raise Problem("wrong", f"'{name}' takes a whole number.")
    return int(value)


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''").replace("\0", "") + "'"


_BY: Mapping[str, Callable[[Parameter, str, str], str]] = {
    "reference": _reference, "concept": _concept, "code": _code, "date": _date, "year": _year, "number": _quantity,
    "fixed": _fixed,
}  # fmt: skip
