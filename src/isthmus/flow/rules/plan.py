"""The two statements that judge a lot of records: every rule as two columns of each record, and their sums by file."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlglot import exp, parse_one

from isthmus.base.errors import PackError
from isthmus.flow.statement import query
from isthmus.mapping.expression import DIALECT, Scope, columns_of, compile_scalar
from isthmus.mapping.pack import Pack
from isthmus.quality.rules.catalogue import Rule, RuleSet

OUTER = ("_part", "_place")
JUDGED = "judged"
NO_COLUMN, NO_LIST = "no column", "no list"
NOTHING = ("", "NULL", "null", "\\N")  # what files have where they have nothing
SOME = re.compile(r"\bsome\(\s*(?P<list>\w+)\s*,\s*(?P<name>\w+)\s*->")
DASHES = ("-", "—", "－", "--")  # and in numbered columns that are not used


@dataclass(frozen=True, slots=True)
class Judging:
    """What judges the table `raw`: `judged` has a row for each record, `sums` reads the table JUDGED that it fills.

    `asked` are the rules in the order of their columns; `lacking` why each other rule cannot be asked, and of what.
    `points` are the places of the points that can be judged.
    """

    judged: exp.Query
    sums: exp.Query
    asked: Sequence[Rule]
    lacking: Mapping[str, tuple[str, str]]
    points: Sequence[int]


def named(rules: RuleSet, columns: Sequence[str]) -> Mapping[str, str]:
    """The columns of a file by the rules' names for them; capitals do not matter."""
    there = {name.lower(): name for name in reversed(columns)}
    lists = [column for one in rules.lists.values() for element in _elements(one) for column in element.values()]
    found: dict[str, str] = {}
    for name in (*_mentioned(rules), *rules.columns, *lists):
        for other in (name, *rules.columns.get(name, ())):
            if other.lower() in there:
                found.setdefault(name, there[other.lower()])
                break
    return found


def plan(rules: RuleSet, pack: Pack, columns: Sequence[str], known: Sequence[str]) -> Judging:
    """Compile a rule set for files of a pack that have these columns. `known` are the look-ups that there are."""
    held = named(rules, columns)
    scope = Scope("", pack.keyspace, {name: name for name in rules.known}, pack.dates, f"rules {rules.name}")
    base = _layered(rules, held, scope)
    asked, lacking = [], {}
    for one in rules.rules:
        why = _lacking(one, rules, held, known)
        if why is None:
            asked.append(one)
        else:
            lacking[one.rule_id] = why
    values: dict[str, exp.Expr] = {}
    for number, one in enumerate(asked):
        values[f"a{number}"] = _count(_compiled(one.asked, rules, held, scope))
        values[f"w{number}"] = _count(_compiled(one.wrong, rules, held, scope))
    picked = [exp.alias_(value, name, quoted=True, copy=False) for name, value in values.items()]
    select = exp.select(*(exp.column(name) for name in OUTER), *picked).from_(
        base.subquery("p", copy=False), copy=False
    )
    for join in scope.joins.values():
        on = join.on.copy()
        select = select.join(exp.to_table(join.table).as_(join.alias, table=True), on=on, join_type="left", copy=False)
    points = [place for place, one in enumerate(rules.points) if not set(one.rules) & set(lacking)]
    return Judging(_wrong(select, len(asked)), _sums(rules, asked, points), asked, lacking, points)


def _mentioned(rules: RuleSet) -> list[str]:
    """Every column that the rules name, directly or through `let`, but for those of lists."""
    texts = [text for one in rules.rules for text in (one.asked, one.wrong)]
    texts += [one for one in rules.let.values() if isinstance(one, str)]
    found = {name for text in texts for name in _named_in(text, rules)}
    found |= {name for one in rules.let.values() if not isinstance(one, str) for name in one}
    return sorted((found | {one.field for one in rules.rules} | set(rules.needs)) - set(rules.let))


@lru_cache(4096)
def _parsed(text: str) -> exp.Expr:
    return parse_one(text, dialect=DIALECT)


def _named_in(text: str, rules: RuleSet) -> set[str]:
    """The names that an expression reads, those of lists left out."""
    return columns_of(_parsed(text)) - set(rules.lists)


def _lacking(rule: Rule, rules: RuleSet, held: Mapping[str, str], known: Sequence[str]) -> tuple[str, str] | None:
    """Why a rule cannot be asked of a file: a column that it names is not exported, or a list is not loaded."""
    direct = {name for text in (rule.asked, rule.wrong) for name in _named_in(text, rules)} - set(rules.let)
    missing = sorted((direct | {rule.field}) - set(held))
    if missing:
        return NO_COLUMN, ", ".join(missing)
    calls = [one for text in (rule.asked, rule.wrong) for one in _parsed(text).find_all(exp.Anonymous)]
    looked = {one.expressions[1].name for one in calls if one.name == "concept"}
    unknown = sorted(looked - set(known))
    return (NO_LIST, ", ".join(unknown)) if unknown else None


def _layered(rules: RuleSet, held: Mapping[str, str], scope: Scope) -> exp.Select:
    """The records under the rules' names, with named expressions, each over what stands before it."""
    numbered = {column for one in rules.lists.values() for element in _elements(one) for column in element.values()}
    select = exp.select(*(exp.column(name) for name in OUTER)).from_("raw", copy=False)
    for name in dict.fromkeys((*_mentioned(rules), *sorted(numbered & set(held)))):
        value = _text(held[name]) if name in held else exp.cast(exp.null(), "text")
        select = select.select(exp.alias_(value, name, quoted=True, copy=False), copy=False)
    for name, told in rules.let.items():
        value = (
            _compiled(told, rules, held, scope) if isinstance(told, str)
            else exp.Literal.number(sum(column in held for column in told))
        )  # fmt: skip
        inner = select.subquery("l", copy=False)
        select = exp.select("*", exp.alias_(value, name, quoted=True, copy=False)).from_(inner, copy=False)
    return select


def _text(column: str) -> exp.Expr:
    trimmed = exp.func("trim", exp.cast(exp.column(column, quoted=True), "text"))
    return _without(trimmed, NOTHING)


def _without(value: exp.Expr, words: Sequence[str]) -> exp.Expr:
    """A text, null where it is one of some words."""
    listed = exp.In(this=value, expressions=[exp.Literal.string(one) for one in words])
    return exp.Case(ifs=[exp.If(this=exp.Not(this=listed), true=value.copy())])


def _elements(one: Mapping[str, Any]) -> list[Mapping[str, str]]:
    """The elements of a list: by part the column, first those of `main`, then the numbered ones."""
    parts = {name: str(pattern) for name, pattern in one.items() if name not in ("count", "main")}
    numbers = range(1, int(one["count"]) + 1)
    return [one.get("main", {}), *({part: pattern.format(n=n) for part, pattern in parts.items()} for n in numbers)]


def _compiled(text: str, rules: RuleSet, held: Mapping[str, str], scope: Scope) -> exp.Expr:
    """An expression of a rule set; `some(list, x -> condition)` is written out over the elements that a file has.

    Written out, for lists of 40 elements of 9 parts cost a hundred times the memory.
    """
    while (call := SOME.search(text)) is not None:
        end = _closing(text, call.end())
        elements = _elements(rules.lists[call["list"]])
        there = [one for one in elements if any(column in held for column in one.values())]
        each = [_of_element(text[call.end() : end], call["name"], one, held) for one in there]
        text = f"{text[: call.start()]}({' OR '.join(each) or 'FALSE'}){text[end + 1 :]}"
    return compile_scalar(text, scope)


def _closing(text: str, begin: int) -> int:
    """Where the bracket closes that was opened before `begin`; brackets in quotes do not count."""
    depth, quoted = 1, False
    for place in range(begin, len(text)):
        letter = text[place]
        quoted ^= letter == "'"
        depth += 0 if quoted else (letter == "(") - (letter == ")")
        if not depth:
            return place
    raise PackError(f"`{text}` has more opening brackets than closing ones. Close them.")


def _of_element(condition: str, name: str, element: Mapping[str, str], held: Mapping[str, str]) -> str:
    """The condition on one element, which has a code or a name."""
    filled = f"coalesce({_part(element, 'code', held)}, {_part(element, 'name', held)}) IS NOT NULL"
    own = re.sub(rf"\b{name}\.(\w+)", lambda part: _part(element, part[1], held), condition)
    return f"({filled} AND ({own}))"


def _part(element: Mapping[str, str], part: str, held: Mapping[str, str]) -> str:
    name = element.get(part, "")
    return _without(exp.column(name, quoted=True), DASHES).sql(DIALECT) if name in held else "CAST(NULL AS TEXT)"


def _count(value: exp.Expr) -> exp.Expr:
    """True and false as 1 and 0; what is not known as 0."""
    return exp.func("coalesce", exp.cast(value, "integer"), exp.Literal.number(0))


def _wrong(select: exp.Select, count: int) -> exp.Query:
    """Nothing is wrong of a record that is not asked, and no more than is asked."""
    columns = ", ".join(f"a{n}, least(w{n}, a{n}) AS w{n}" for n in range(count))
    inner = select.subquery("j", copy=False)
    return exp.select(*OUTER, *(parse for parse in _columns(columns))).from_(inner, copy=False)


def _columns(text: str) -> list[exp.Expr]:
    found: exp.Query = query(f"SELECT {text}")
    return [one.copy() for one in found.expressions]


def _sums(rules: RuleSet, asked: Sequence[Rule], points: Sequence[int]) -> exp.Query:
    """By file: records, and of each rule what is asked, wrong, and where the first wrong record stands; points lost."""
    numbers = {one.rule_id: number for number, one in enumerate(asked)}
    each = ", ".join(
        f"CAST(sum(a{n}) AS BIGINT) AS a{n}, CAST(sum(w{n}) AS BIGINT) AS w{n}, min(_place) FILTER (w{n} > 0) AS p{n}"
        for n in range(len(asked))
    )
    lost = {
        place: f"CASE WHEN {' OR '.join(f'w{numbers[one]} > 0' for one in rules.points[place].rules)} "
        f"THEN {rules.points[place].points} ELSE 0 END"
        for place in points
    }
    items = "".join(f", CAST(sum({sql}) AS DOUBLE) AS l{place}" for place, sql in lost.items())
    groups: dict[str, list[str]] = {}
    for place, sql in lost.items():
        groups.setdefault(rules.points[place].group, []).append(sql)
    capped = [
        f"least({rules.caps[group]}, {' + '.join(one)})" if group in rules.caps else f"({' + '.join(one)})"
        for group, one in groups.items()
    ]
    whole = " + ".join(capped) or "0"
    return query(
        f"SELECT _part, count(*) AS records, {each}{items}, CAST(sum({whole}) AS DOUBLE) AS lost "
        f"FROM {JUDGED} GROUP BY _part"
    )
