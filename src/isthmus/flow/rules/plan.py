"""The two statements that judge a lot of records: every rule as two columns of each record, and their sums by file."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from isthmus.flow.statement import query
from isthmus.mapping.expression import DIALECT, Scope, columns_of, compile_scalar, parse_scalar
from isthmus.mapping.pack import Pack
from isthmus.quality.rules.catalogue import Rule, RuleSet

OUTER = ("_part", "_place")
JUDGED = "judged"
NO_COLUMN, NO_LIST = "no column", "no list"
NOTHING = ("", "NULL", "null", "\\N")  # what files have where they have nothing
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
    lists = [pattern.format(n=number) for one in rules.lists.values() for number, pattern in _patterns(one)]
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
        values[f"a{number}"] = _count(compile_scalar(one.asked, scope))
        values[f"w{number}"] = _count(compile_scalar(one.wrong, scope))
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
    """Every column that the rules name, directly or through `let`."""
    texts = [text for one in rules.rules for text in (one.asked, one.wrong)]
    texts += [one for one in rules.let.values() if isinstance(one, str)]
    found = {name for text in texts for name in columns_of(parse_scalar(text, rules.name))}
    found |= {name for one in rules.let.values() if not isinstance(one, str) for name in one}
    found |= {one.field for one in rules.rules} | set(rules.needs)
    return sorted(found - set(rules.let) - set(rules.lists))


def _lacking(rule: Rule, rules: RuleSet, held: Mapping[str, str], known: Sequence[str]) -> tuple[str, str] | None:
    """Why a rule cannot be asked of a file: a column that it names is not exported, or a list is not loaded."""
    trees = [parse_scalar(text, rule.rule_id) for text in (rule.asked, rule.wrong)]
    direct = {name for tree in trees for name in columns_of(tree)} - set(rules.let) - set(rules.lists) | {rule.field}
    missing = sorted(direct - set(held))
    if missing:
        return NO_COLUMN, ", ".join(missing)
    looked = {
        one.expressions[1].name for tree in trees for one in tree.find_all(exp.Anonymous) if one.name == "concept"
    }
    unknown = sorted(looked - set(known))
    return (NO_LIST, ", ".join(unknown)) if unknown else None


def _layered(rules: RuleSet, held: Mapping[str, str], scope: Scope) -> exp.Select:
    """The records under the rules' names, with lists and named expressions, each over what stands before it."""
    listed = {pattern.format(n=number) for one in rules.lists.values() for number, pattern in _patterns(one)}
    plain = [name for name in _mentioned(rules) if name not in listed]
    select = exp.select(*(exp.column(name) for name in OUTER)).from_("raw", copy=False)
    for name in plain:
        value = _text(held[name]) if name in held else exp.cast(exp.null(), "text")
        select = select.select(exp.alias_(value, name, quoted=True, copy=False), copy=False)
    for name, one in rules.lists.items():
        select = select.select(exp.alias_(_list(one, held), name, quoted=True, copy=False), copy=False)
    for name, told in rules.let.items():
        value = (
            compile_scalar(told, scope) if isinstance(told, str)
            else exp.Literal.number(sum(column in held for column in told))
        )  # fmt: skip
        inner = select.subquery("l", copy=False)
        select = exp.select("*", exp.alias_(value, name, quoted=True, copy=False)).from_(inner, copy=False)
    return select


def _text(column: str, nothing: Sequence[str] = NOTHING) -> exp.Expr:
    trimmed = exp.func("trim", exp.cast(exp.column(column, quoted=True), "text"))
    empty = exp.In(this=trimmed, expressions=[exp.Literal.string(one) for one in nothing])
    return exp.Case(ifs=[exp.If(this=exp.Not(this=empty), true=trimmed.copy())])


def _patterns(one: Mapping[str, str]) -> Iterator[tuple[int, str]]:
    parts = [str(pattern) for name, pattern in one.items() if name != "count"]
    return ((number, pattern) for number in range(1, int(one["count"]) + 1) for pattern in parts)


def _list(one: Mapping[str, str], held: Mapping[str, str]) -> exp.Expr:
    """Numbered columns as a list of what stands beside each other, without numbers that the file has no column of."""
    parts = {name: str(pattern) for name, pattern in one.items() if name != "count"}
    structs = []
    for number in range(1, int(one["count"]) + 1):
        names = {part: held.get(pattern.format(n=number)) for part, pattern in parts.items()}
        if number == 1 or any(names.values()):
            values = {
                part: _text(column, (*NOTHING, *DASHES)).sql(DIALECT) if column else "NULL::TEXT"
                for part, column in names.items()
            }
            told = [f"'{part}': {value}" for part, value in values.items()]
            structs.append(f"{{{', '.join(told)}}}")
    first = next(iter(parts))
    return parse_scalar(f"list_filter([{', '.join(structs)}], x -> x.{first} IS NOT NULL OR x.name IS NOT NULL)", "")


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
