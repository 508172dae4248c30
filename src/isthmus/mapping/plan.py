"""A record of a pack, compiled into set-based statements over the columns that a batch really has.

Three layers of statements, each over the temporary table that the former one filled:

    raw      what the reader gave           _part, _place, columns
    source   one row per record             + let columns, _key, _record, _print, _version, _person
    rules    rows of one CDM table per rule + _why: the column that is unreadable or missing, else null

All values are sqlglot trees; the engine spells and runs them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlglot import exp

from isthmus.base.errors import PackError
from isthmus.base.identity import SEPARATOR, digest63
from isthmus.cdm.tables import TABLES, Column, Table
from isthmus.mapping.expression import DIALECT, Scope, columns_of, compile_scalar, digest_of, parse_scalar
from isthmus.mapping.pack import Pack, Record, Rule

NOUNS = frozenset({"person", "visit_occurrence", "visit_detail", "provider", "care_site", "location"})
SQL_TYPES = {
    "integer": "int", "bigint": "bigint", "float": "double", "date": "date", "datetime": "timestamp", "text": "text",
}  # fmt: skip
PROVENANCE = ("part_id", "place", "mapping_id")
OUTER = ("_part", "_seq", "_place", "_print")
INNER = ("_part", "_seq", "_place", "_key", "_record", "_print", "_version", "_person")
NULL_MARK = "\x1e"  # stands for null inside a fingerprint, where '' is a value of its own


@dataclass(frozen=True, slots=True)
class RulePlan:
    """One rule: its table and the statement over `source` that gives its rows (with `_why`)."""

    name: str
    table: str
    select: exp.Select


@dataclass(frozen=True, slots=True)
class RecordPlan:
    """All statements of one record for one set of columns."""

    record: Record
    source: exp.Select
    rules: Sequence[RulePlan]
    missing: Sequence[str]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a plan is for: its site, and the id of the mapping (pack and vocabulary) it stands for."""

    site: str
    mapping_id: int


def plan(pack: Pack, record: Record, columns: Sequence[str], place: Place) -> RecordPlan:
    """Compile a record for batches that have these columns (without `_place`).

    `missing` of the result lists columns that the record reads and the batch lacks; such a batch must not be mapped.
    Raises PackError, naming file and line, for a fragment that is wrong.
    """
    raw, known = _raw(record, columns)
    opened, named = _opened(pack, record, place, raw=raw, columns=_unshadowed(record, known))
    source = _source(record, opened, named, _scope(pack, place, record.place))
    available = named | set(INNER) | {"item", "n"}
    rules = tuple(_rule(pack, record, rule, columns=available, place=place) for rule in record.rules)
    return RecordPlan(record, source, rules, tuple(sorted(_wanted(record) - available)))


def systems_of(pack: Pack) -> Mapping[str, str]:
    """Every name under which the pack may refer to a code system, and the system it means."""
    return {**{name: name for name in pack.codes}, **pack.vocabularies, **{v: v for v in pack.vocabularies.values()}}


def _scope(pack: Pack, place: Place, at: str) -> Scope:
    return Scope(place.site, pack.keyspace, systems_of(pack), pack.dates, at)


def _raw(record: Record, columns: Sequence[str]) -> tuple[exp.Select, set[str]]:
    """The batch under its canonical column names, and those names."""
    inner = [exp.column(name) for name in ("_part", "_seq", "_place")]
    fingerprint = _fingerprint(columns)
    if record.shape is not None:
        document = exp.func("from_json", exp.column(columns[0], quoted=True), exp.Literal.string(_shape(record.shape)))
        opened = exp.select(*inner, fingerprint, exp.alias_(document, "_json", copy=False)).from_("raw", copy=False)
        fields = [
            exp.alias_(
                exp.Dot(this=exp.column("_json"), expression=exp.to_identifier(name, quoted=True)),
                name,
                quoted=True,
                copy=False,
            )
            for name in record.shape
        ]
        return exp.select(*inner, exp.column("_print"), *fields).from_(
            opened.subquery("opened", copy=False), copy=False
        ), set(record.shape)
    named = {name: name for name in columns}
    for canonical, others in record.columns.items():
        found = next((other for other in (canonical, *others) if other in named.values()), None)
        if found is not None:
            named[canonical] = found
    absent = [name for name in record.optional if name not in named]
    picked = [
        exp.alias_(exp.column(there, quoted=True), name, quoted=True, copy=False) for name, there in named.items()
    ]
    nothing = [exp.alias_(exp.cast(exp.null(), "text"), name, quoted=True, copy=False) for name in absent]
    return exp.select(*inner, fingerprint, *picked, *nothing).from_("raw", copy=False), {*named, *absent}


def _fingerprint(columns: Sequence[str]) -> exp.Expr:
    parts: list[exp.Expr] = [
        exp.func("coalesce", exp.cast(exp.column(name, quoted=True), "text"), exp.Literal.string(NULL_MARK))
        for name in columns
    ]
    words = (
        parts[0] if len(parts) == 1 else exp.func("concat_ws", exp.Literal.string(SEPARATOR), *parts, dialect=DIALECT)
    )
    return exp.alias_(exp.func("isthmus_digest", words), "_print", copy=False)


def _shape(shape: Mapping[str, Any]) -> str:
    return orjson.dumps(shape, default=dict).decode()


def _opened(
    pack: Pack, record: Record, place: Place, *, raw: exp.Select, columns: set[str]
) -> tuple[exp.Select, set[str]]:
    """The batch with the record's named expressions as columns beside its own, and the names of all.

    One layer of statements for each step of dependence: an expression is computed once, however often it is used.
    """
    for names in _layers(record):
        scope = _scope(pack, place, record.place)
        values = {name: compile_scalar(record.let[name], scope) for name in names}
        kept = [exp.column(name, quoted=True) for name in (*OUTER, *sorted(columns - set(values)))]
        added = [exp.alias_(value, name, quoted=True, copy=False) for name, value in values.items()]
        raw = _joined(exp.select(*kept, *added).from_(raw.subquery("_layer", copy=False), copy=False), scope)
        columns = columns | set(values)
    return raw, columns


def _unshadowed(record: Record, columns: set[str]) -> set[str]:
    """The columns without those that a named expression hides: engines take `System` and `SYSTEM` for one name."""
    named = {name.lower(): name for name in record.let}
    hidden = {column for column in columns if named.get(column.lower(), column) != column}
    for column in sorted(hidden & _wanted(record)):
        raise PackError(
            f"{record.place}: '{named[column.lower()]}' under `let` hides the column '{column}' that the "
            "record reads: engines take names that differ in capitals only for one. Choose another name."
        )
    return columns - hidden


def _layers(record: Record) -> list[list[str]]:
    """Names of `let` in layers: each after those it uses, and not before an earlier one that uses its namesake."""
    depth: dict[str, int] = {}
    uses: dict[str, set[str]] = {}
    for name, sql in record.let.items():
        uses[name] = columns_of(parse_scalar(sql, record.place))
        above = [depth[other] + 1 for other in uses[name] if other in depth]
        beside = [depth[other] for other in depth if name in uses[other]]
        depth[name] = max([0, *above, *beside])
    return [[name for name in depth if depth[name] == layer] for layer in range(max(depth.values(), default=-1) + 1)]


def _source(record: Record, opened: exp.Select, columns: set[str], scope: Scope) -> exp.Select:
    key = compile_scalar(record.key, scope) if record.key else exp.null()
    # A record without a key of its own is known by its content: the same content again is the same record.
    content = exp.DPipe(this=exp.Literal.string("content:"), expression=exp.cast(exp.column("_print"), "text"))
    key = exp.func("coalesce", exp.cast(key, "text"), content)
    person = (
        digest_of((scope.site, scope.keyspace, "person"), [_filled(compile_scalar(record.person, scope))])
        if record.person
        else exp.cast(exp.null(), "bigint")
    )
    version = compile_scalar(record.version, scope) if record.version else exp.null()
    # What no rule reads is not carried on: a wide export would be copied for nothing.
    carried = sorted(columns & _read_by_rules(record, columns))
    keyed = exp.select(
        *[exp.column(name, quoted=True) for name in (*OUTER, *carried)],
        exp.alias_(key, "_key", copy=False),
        exp.alias_(exp.func("isthmus_version", exp.cast(version, "text")), "_version", copy=False),
        exp.alias_(person, "_person", copy=False),
    ).from_(opened.subquery("_layer", copy=False), copy=False)
    identity = digest_of((scope.site, scope.keyspace, record.name), [exp.column("_key")])
    return exp.select("k.*", exp.alias_(identity, "_record", copy=False)).from_(
        _joined(keyed, scope).subquery("k", copy=False), copy=False
    )


def _filled(value: exp.Expr) -> exp.Expr:
    return exp.func("nullif", exp.func("trim", exp.cast(value, "text")), exp.Literal.string(""))


def _joined(select: exp.Select, scope: Scope) -> exp.Select:
    for join in scope.joins.values():
        select = select.join(
            exp.to_table(join.table).as_(join.alias, table=True), on=join.on.copy(), join_type="left", copy=False
        )
    return select


def _wanted(record: Record) -> set[str]:
    """Every column that the record's fragments name."""
    texts = [record.key, record.version, record.person, *record.let.values()]
    for rule in record.rules:
        texts += _texts(rule)
    return {name for text in texts if text for name in columns_of(parse_scalar(text, record.place))}


def _read_by_rules(record: Record, columns: set[str]) -> set[str]:
    """Columns and named expressions that some rule reads; all, where a rule takes its columns by number."""
    if any(isinstance(rule.each, Mapping) for rule in record.rules):
        return columns
    trees = [parse_scalar(text, record.place) for rule in record.rules for text in _texts(rule) if text]
    return {column.parts[0].name for tree in trees for column in tree.find_all(exp.Column)}


def _texts(rule: Rule) -> list[str | None]:
    return [rule.when, rule.each if isinstance(rule.each, str) else None, *rule.set.values()]


def _rule(pack: Pack, record: Record, rule: Rule, *, columns: set[str], place: Place) -> RulePlan:
    scope = _scope(pack, place, rule.place)
    base = _each(rule, scope, columns)
    if rule.table == "reference":
        values = _reference(record, rule, scope)
        required: list[str] = ["_key"]
    else:
        table = TABLES.get(rule.table)
        if table is None:
            raise PackError(f"{rule.place}: the CDM has no table '{rule.table}'. Known: {', '.join(sorted(TABLES))}.")
        _known_columns(rule, table)
        values = {one.name: _value(pack, record, rule, one, scope) for one in table.columns}
        required = [one.name for one in table.columns if one.required]
    picked = [exp.alias_(value, name, quoted=True, copy=False) for name, value in values.items()]
    provenance = [
        exp.alias_(exp.column("_part", "s"), "part_id", copy=False),
        exp.alias_(exp.column("_place", "s"), "place", copy=False),
        exp.alias_(exp.cast(exp.Literal.number(place.mapping_id), "bigint"), "mapping_id", copy=False),
    ]
    condition = compile_scalar(rule.when, scope) if rule.when else None
    filled = _joined(exp.select(*picked, *provenance).from_(base, copy=False), scope)
    filled = filled.where(condition, copy=False) if condition else filled
    why = exp.Case()
    for name in required:
        missing = exp.Is(this=exp.column(name, "f", quoted=True), expression=exp.null())
        why = why.when(
            missing, exp.Literal.string("no-person" if name == "person_id" else f"{name}: unreadable or missing")
        )
    reason = why if required else exp.cast(exp.null(), "text")
    return RulePlan(
        rule.name,
        rule.table,
        exp.select("f.*", exp.alias_(reason, "_why", copy=False)).from_(filled.subquery("f", copy=False), copy=False),
    )


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
        return digest_of((scope.site, scope.keyspace, rule.table), [exp.column("_key", "s")])
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
