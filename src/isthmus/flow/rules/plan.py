"""The two statements that judge a lot of records: every rule as two columns of each record, and their sums by file."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlglot import exp, parse_one

from isthmus.base.errors import PackError
from isthmus.base.identity import digest63
from isthmus.flow.statement import query
from isthmus.mapping.expression import DIALECT, Scope, columns_of, compile_scalar
from isthmus.mapping.pack import Pack
from isthmus.quality.rules.catalogue import Rule, RuleSet

OUTER = ("_part", "_place")
JUDGED = "judged"
NO_COLUMN, NO_LIST = "no column", "no list"
# What files have where they have nothing. Few words: an engine makes a join of a long list, and there are 500 columns.
NOTHING = ("", "NULL", "null", "\\N")
SOME = re.compile(r"\bsome\(\s*(?P<list>\w+)\s*,\s*(?P<name>\w+)\s*->")
PLANS = 32  # that are held
UNUSED = ("", "NULL", "-", "—")  # and in numbered columns that are not used


@dataclass(frozen=True, slots=True)
class Judging:
    """What judges the rows of `raw`: `judged` gives a row for each record, `sums` reads these under the name JUDGED.

    `asked` are the rules in the order of their columns; `lacking` why each other rule cannot be asked, and of what.
    `points` are the places of the points that can be judged.
    """

    judged: exp.Query
    sums: exp.Query
    asked: Sequence[Rule]
    lacking: Mapping[str, tuple[str, str]]
    points: Sequence[int]


_PLANS: dict[tuple[str, str, tuple[str, ...], tuple[str, ...]], Judging] = {}


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


def planned(rules: RuleSet, pack: Pack, columns: tuple[str, ...], known: tuple[str, ...]) -> Judging:
    """What `plan` makes, compiled once for the lots of a file and for files with its columns."""
    identity = (rules.name, pack.digest, columns, known)
    if identity not in _PLANS:
        if len(_PLANS) >= PLANS:
            _PLANS.clear()
        _PLANS[identity] = plan(rules, pack, columns, known)
    return _PLANS[identity]


def plan(rules: RuleSet, pack: Pack, columns: Sequence[str], known: Sequence[str]) -> Judging:
    """Compile a rule set for files of a pack that have these columns. `known` are the look-ups that there are."""
    held = named(rules, columns)
    scope = Scope(pack.keyspace, {name: name for name in rules.known}, pack.dates, f"rules {rules.name}")
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
        values[f"a{number}"] = _count(_compiled(one.asked, scope))
        values[f"w{number}"] = _count(_compiled(one.wrong, scope))
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
    """The records under the rules' names, with named expressions, one layer for each step of dependence.

    What is asked of elements of lists is answered after the first of them, and their columns are left behind: an engine
    keeps room for every column in every layer. So `some` may use what the file has and the first named expressions.
    """
    plain, depths = _mentioned(rules), _depths(rules.let)
    select = exp.select(*(exp.column(name) for name in OUTER)).from_("raw", copy=False)
    for name in plain:
        value = _text(held[name]) if name in held else exp.cast(exp.null(), "text")
        select = select.select(_named(value, name), copy=False)
    for name, one in rules.lists.items():
        for number, element in enumerate(_elements(one)):
            for part, column in element.items():
                if column in held:
                    value = _text(held[column], UNUSED)
                    select = select.select(_named(value, _part(name, number, part)), copy=False)
    for depth in range(max(depths.values(), default=-1) + 1):
        names = [name for name in rules.let if depths[name] == depth]
        values = [_named(_let(rules.let[name], held, scope), name) for name in names]
        select = exp.select("*", *values).from_(select.subquery("l", copy=False), copy=False)
        if depth == 0 and rules.lists:
            kept = [exp.column(name, quoted=True) for name in (*OUTER, *plain, *names)]
            told = [_named(compile_scalar(text, scope), name) for name, text in _calls(rules, held).items()]
            select = exp.select(*kept, *told).from_(select.subquery("l", copy=False), copy=False)
    return select


def _named(value: exp.Expr, name: str) -> exp.Expr:
    return exp.alias_(value, name, quoted=True, copy=False)


def _let(told: str | Sequence[str], held: Mapping[str, str], scope: Scope) -> exp.Expr:
    if isinstance(told, str):
        return compile_scalar(told, scope)
    return exp.Literal.number(sum(column in held for column in told))


def _depths(lets: Mapping[str, str | Sequence[str]]) -> Mapping[str, int]:
    """How many steps of dependence stand before each named expression."""
    found: dict[str, int] = {}
    for name, told in lets.items():
        used = columns_of(_parsed(told)) if isinstance(told, str) else set()
        found[name] = max([found[other] + 1 for other in used if other in found], default=0)
    return found


def _text(column: str, nothing: Sequence[str] = NOTHING) -> exp.Expr:
    """A column's text without blanks around it, null where it says nothing."""
    trimmed = exp.func("trim", exp.cast(exp.column(column, quoted=True), "text"))
    listed = exp.In(this=trimmed, expressions=[exp.Literal.string(one) for one in nothing])
    return exp.Case(ifs=[exp.If(this=exp.Not(this=listed), true=trimmed.copy())])


def _elements(one: Mapping[str, Any]) -> list[Mapping[str, str]]:
    """The elements of a list: by part the column, first those of `main`, then the numbered ones."""
    parts = {name: str(pattern) for name, pattern in one.items() if name not in ("count", "main")}
    numbers = range(1, int(one["count"]) + 1)
    return [one.get("main", {}), *({part: pattern.format(n=n) for part, pattern in parts.items()} for n in numbers)]


def _compiled(text: str, scope: Scope) -> exp.Expr:
    """An expression of a rule; `some(list, x -> condition)` is a column by then."""
    for call in reversed(list(SOME.finditer(text))):
        text = f'{text[: call.start()]}"{_asking(text, call)}"{text[_closing(text, call.end()) + 1 :]}'
    return compile_scalar(text, scope)


def _asking(text: str, call: re.Match[str]) -> str:
    """The name of the column that answers a call of `some`."""
    return f"some.{digest63(text[call.start() : _closing(text, call.end())])}"


def _calls(rules: RuleSet, held: Mapping[str, str]) -> dict[str, str]:
    """Every call of `some` by the name of its column, written out over the elements that a file has."""
    found = {}
    for text in (text for one in rules.rules for text in (one.asked, one.wrong)):
        for call in SOME.finditer(text):
            condition = text[call.end() : _closing(text, call.end())]
            each = [
                _of_element(condition, call, number, {part for part, column in one.items() if column in held})
                for number, one in enumerate(_elements(rules.lists[call["list"]]))
                if any(column in held for column in one.values())
            ]
            found[_asking(text, call)] = " OR ".join(each) or "FALSE"
    return found


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


def _of_element(condition: str, call: re.Match[str], number: int, parts: Collection[str]) -> str:
    """The condition on one element, which has a code or a name; parts that the file has no column of are null."""

    def part(name: str) -> str:
        return f'"{_part(call["list"], number, name)}"' if name in parts else "CAST(NULL AS TEXT)"

    own = re.sub(rf"\b{call['name']}\.(\w+)", lambda found: part(found[1]), condition)
    return f"(coalesce({part('code')}, {part('name')}) IS NOT NULL AND ({own}))"


def _part(name: str, number: int, part: str) -> str:
    """The column of a part of an element of a list, beside the columns of the file."""
    return f"{name}.{number}.{part}"


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
