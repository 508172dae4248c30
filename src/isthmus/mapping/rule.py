"""One rule of a pack, compiled: the rows of one CDM table over the temporary table `source`.

`SQL_TYPES` spells the model's types as a pack's SQL does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from isthmus.base.errors import PackError
from isthmus.base.identity import digest63
from isthmus.cdm.tables import TABLES, Column, Table
from isthmus.mapping import coding
from isthmus.mapping.expression import CODES, DIALECT, MAPPING, Scope, compile_scalar, digest_of, parse_scalar
from isthmus.mapping.identity import IDENTITY
from isthmus.mapping.pack import Pack, Record, Rule

NOUNS = frozenset({"person", "visit_occurrence", "visit_detail", "provider", "care_site", "location"})
SQL_TYPES = {
    "integer": "int", "bigint": "bigint", "float": "double", "date": "date", "datetime": "timestamp", "text": "text",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class RulePlan:
    """One rule: its table and the statement over `source` that gives its rows (with `_why`).

    `uses` names, by concept column, the hidden columns that tell of the codes it was filled from (`mapping.coding`).
    """

    name: str
    table: str
    select: exp.Select
    uses: Mapping[str, Sequence[str]]

    @property
    def hidden(self) -> list[str]:
        """The columns of the statement that are no columns of the table."""
        return ["_why", *dict.fromkeys(name for names in self.uses.values() for name in names)]


def systems_of(pack: Pack) -> Mapping[str, str]:
    """Every name under which the pack may refer to a code system, and the system it means."""
    return {**{name: name for name in pack.codes}, **pack.vocabularies, **{v: v for v in pack.vocabularies.values()}}


def scope_of(pack: Pack, at: str) -> Scope:
    """The scope of a fragment of a pack that stands at this file and line."""
    return Scope(pack.keyspace, systems_of(pack), pack.dates, at)


def joined(select: exp.Select, scope: Scope) -> exp.Select:
    """A statement with the look-up tables that its fragments asked for."""
    for join in scope.joins.values():
        select = select.join(
            exp.to_table(join.table).as_(join.alias, table=True), on=join.on.copy(), join_type="left", copy=False
        )
    return select


def compiled(
    pack: Pack, record: Record, rule: Rule, *, columns: set[str], uses: Mapping[str, Sequence[str]]
) -> RulePlan:
    """Compile a rule of a record whose `source` has these columns; `uses` are the hidden ones by named expression."""
    scope = scope_of(pack, rule.place)
    base = _each(rule, scope, columns)
    scope.several = _may_be_several(rule)
    condition = compile_scalar(rule.when, scope) if rule.when else None
    told: dict[str, list[str]] = {}
    if rule.table == "reference":
        values, required = _reference(record, rule, scope), ["_key"]
    else:
        count = sum(name.startswith(coding.HIDDEN) for name in columns)
        values, hidden, required = _values(pack, record, rule, scope, first=count)
        told = coding.of_rule(rule, uses, {column: list(own) for column, own in hidden.items()})
        values |= {name: exp.column(name, "s") for names in told.values() for name in names}
        values |= {name: value for own in hidden.values() for name, value in own.items()}
    picked = [exp.alias_(value, name, quoted=True, copy=False) for name, value in values.items()]
    provenance = [
        exp.alias_(exp.column("_part", "s"), "part_id", copy=False),
        exp.alias_(exp.column("_place", "s"), "place", copy=False),
        exp.alias_(exp.cast(exp.func(MAPPING), "bigint"), "mapping_id", copy=False),
    ]
    filled = joined(exp.select(*picked, *provenance).from_(base, copy=False), scope)
    filled = filled.where(condition, copy=False) if condition else filled
    whole = exp.select("f.*", exp.alias_(_why(required), "_why", copy=False))
    return RulePlan(rule.name, rule.table, whole.from_(filled.subquery("f", copy=False), copy=False), told)


def _why(required: Sequence[str]) -> exp.Expr:
    """The first required column that is null, as a reason."""
    why = exp.Case()
    for name in required:
        missing = exp.Is(this=exp.column(name, "f", quoted=True), expression=exp.null())
        why = why.when(
            missing, exp.Literal.string("no-person" if name == "person_id" else f"{name}: unreadable or missing")
        )
    return why if required else exp.cast(exp.null(), "text")


def _values(
    pack: Pack, record: Record, rule: Rule, scope: Scope, *, first: int
) -> tuple[dict[str, exp.Expr], dict[str, dict[str, exp.Expr]], list[str]]:
    """Every column's value; by concept column the hidden columns of its own codes; the columns that must be filled."""
    table = IDENTITY if rule.table == IDENTITY.name else TABLES.get(rule.table)
    if table is None:
        raise PackError(f"{rule.place}: the CDM has no table '{rule.table}'. Known: {', '.join(sorted(TABLES))}.")
    _known_columns(rule, table)
    values: dict[str, exp.Expr] = {}
    hidden: dict[str, dict[str, exp.Expr]] = {}
    for one in table.columns:
        before = len(scope.uses)
        values[one.name] = _value(pack, record, rule, one, scope)
        if coding.is_concept(one.name):
            hidden[one.name] = dict(coding.hidden(scope.uses[before:], first))
            first += len(hidden[one.name])
    if scope.several:
        values[str(table.primary_key)] = _numbered_key(values[str(table.primary_key)], scope)
    return values, hidden, [one.name for one in table.columns if one.required]


def _may_be_several(rule: Rule) -> bool:
    """Whether a code with several concepts gives several rows: of events whose keys we derive, and of nothing else."""
    key = TABLES[rule.table].primary_key if rule.table in TABLES else None
    return key is not None and key not in rule.set and rule.table not in NOUNS


def _numbered_key(key: exp.Expr, scope: Scope) -> exp.Expr:
    """The key of a row of the first concepts as it is; of the others a key of their own."""
    numbers: list[exp.Expr] = [
        exp.func("coalesce", exp.column("_n", join.alias, quoted=True), exp.Literal.number(0))
        for join in scope.joins.values()
        if join.table == CODES
    ]
    if not numbers:
        return key
    highest = exp.func("greatest", *(one.copy() for one in numbers), exp.Literal.number(0))
    own = digest_of(("several",), (key.copy(), *numbers))
    return exp.case().when(exp.EQ(this=highest, expression=exp.Literal.number(0)), key).else_(own)


def _known_columns(rule: Rule, table: Table) -> None:
    names = {one.name for one in table.columns}
    for name in rule.set:
        if name not in names:
            raise PackError(
                f"{rule.place}: table {table.name} has no column '{name}'. Columns: {', '.join(sorted(names))}."
            )


def _value(pack: Pack, record: Record, rule: Rule, column: Column, scope: Scope) -> exp.Expr:
    if column.name in rule.set:
        value = compile_scalar(rule.set[column.name], scope)
    elif column.name == "person_id" and rule.table != "provider":
        value = exp.column("_person", "s")
    elif column.key:
        value = _derived(record, rule, scope)
    elif column.name.endswith("_type_concept_id") and column.required:
        value = exp.Literal.number(pack.type_concept_id)
    elif column.required and column.name.endswith("_concept_id"):
        value = exp.Literal.number(0)
    else:
        value = exp.null()
    return exp.TryCast(this=value, to=exp.DataType.build(SQL_TYPES[column.type]))


def _derived(record: Record, rule: Rule, scope: Scope) -> exp.Expr:
    """The primary key that a row gets when the rule sets none."""
    if rule.table in NOUNS:
        return digest_of((scope.keyspace, rule.table), [exp.column("_key", "s")], of_site=True)
    if rule.each:
        number = exp.column("n") if isinstance(rule.each, str) else parse_scalar("item.number", rule.place)
        return digest_of((rule.table, rule.name), [exp.column("_record", "s"), number])
    salt = exp.Literal.number(digest63(rule.table, rule.name))
    return exp.func("isthmus_mixed", exp.column("_record", "s"), salt)


def _reference(record: Record, rule: Rule, scope: Scope) -> dict[str, exp.Expr]:
    names = [name for name in rule.set if name != "key"]
    if "key" not in rule.set or not names:
        raise PackError(f"{rule.place}: a `reference` rule sets `key` and at least one other name.")
    pairs = [
        part
        for name in names
        for part in (exp.Literal.string(name), exp.cast(compile_scalar(rule.set[name], scope), "text"))
    ]
    return {
        "keyspace": exp.Literal.string(scope.keyspace),
        "_record": exp.Literal.string(record.name),
        "_key": exp.cast(compile_scalar(rule.set["key"], scope), "text"),
        "_fields": exp.cast(exp.Anonymous(this="json_object", expressions=pairs), "text"),
    }


def _each(rule: Rule, scope: Scope, columns: set[str]) -> exp.Expr:
    """What a rule reads: the source rows, or one row per element of a list (`item`, `n`)."""
    if not rule.each:
        return exp.to_table("source").as_("s", table=True)
    elements = compile_scalar(rule.each, scope) if isinstance(rule.each, str) else _numbered(rule, columns, scope)
    lists = (
        exp.select("*", exp.alias_(elements, "_items", copy=False))
        .from_("source", copy=False)
        .subquery("l", copy=False)
    )
    numbers = exp.Anonymous(
        this="range",
        expressions=[
            exp.Literal.number(1),
            exp.Add(this=exp.func("len", exp.column("_items"), dialect=DIALECT), expression=exp.Literal.number(1)),
        ],
    )
    index = exp.alias_(exp.Anonymous(this="unnest", expressions=[numbers]), "n", copy=False)
    item = exp.alias_(exp.Anonymous(this="unnest", expressions=[exp.column("_items")]), "item", copy=False)
    return exp.select("*", item, index).from_(lists, copy=False).subquery("s", copy=False)


def _numbered(rule: Rule, columns: set[str], scope: Scope) -> exp.Expr:
    """Numbered columns (`C06x01C`, `C06x02C` …) as a list of structs; elements with nothing in them are left out."""
    names = numbered_columns(rule)
    structs = []
    for number, named in names.items():
        # A file may have none of them (a page without operations); the first then stands for all, and is left out.
        if number != min(names) and not any(column in columns for column in named.values()):
            continue
        fields = ", ".join(
            f"'{name}': " + (f'"{column}"' if column in columns else "NULL::TEXT") for name, column in named.items()
        )
        structs.append(f"{{{fields}, 'number': {number}}}")
    filled = " OR ".join(f"x.{name} IS NOT NULL" for name in names[min(names)])
    return parse_scalar(f"list_filter([{', '.join(structs)}], x -> {filled})", scope.place)


def numbered_columns(rule: Rule) -> Mapping[int, Mapping[str, str]]:
    """The columns that `each: {count: …}` of a rule names: number → name in `item` → column of the file."""
    assert isinstance(rule.each, Mapping)
    patterns = {name: str(pattern) for name, pattern in rule.each.items() if name not in ("count", "from")}
    first = int(rule.each.get("from", 1))
    numbers = range(first, first + int(rule.each["count"]))
    try:
        return {n: {name: pattern.format(n=n) for name, pattern in patterns.items()} for n in numbers}
    except (KeyError, IndexError, ValueError):
        raise PackError(f"{rule.place}: `each` writes the number as {{n}} or {{n:02}}, as in C06x{{n:02}}C.") from None
