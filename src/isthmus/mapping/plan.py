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
from isthmus.base.identity import SEPARATOR
from isthmus.mapping import coding
from isthmus.mapping.expression import DIALECT, Scope, columns_in, compile_scalar, digest_of, parse_scalar
from isthmus.mapping.pack import Pack, Record, Rule
from isthmus.mapping.rule import RulePlan, compiled, joined, numbered_columns, scope_of

PROVENANCE = ("part_id", "place", "mapping_id")
OUTER = ("_part", "_seq", "_place", "_print")
INNER = ("_part", "_seq", "_place", "_key", "_record", "_print", "_version", "_person")
WIDE = 100  # columns of `source` from which it is held otherwise
PLANS = 1024  # kept; some 100 kB each
NULL_MARK = "\x1e"  # stands for null inside a fingerprint, where '' is a value of its own


@dataclass(frozen=True, slots=True)
class RecordPlan:
    """All statements of one record for one set of columns."""

    record: Record
    source: exp.Select
    rules: Sequence[RulePlan]
    missing: Sequence[str]
    wide: bool


def plan(pack: Pack, record: Record, columns: Sequence[str]) -> RecordPlan:
    """Compile a record for batches that have these columns (without `_place`), of any site.

    `missing` of the result lists columns that the record reads and the batch lacks; such a batch must not be mapped.
    Raises PackError, naming file and line, for a fragment that is wrong.
    """
    raw, known = _raw(record, columns)
    opened, named, uses = _opened(pack, record, raw=raw, columns=_unshadowed(record, known))
    source = _source(record, opened, named, scope_of(pack, record.place))
    available = named | set(INNER) | {"item", "n"}
    rules = tuple(compiled(pack, record, rule, columns=available, uses=uses) for rule in record.rules)
    missing = tuple(sorted(_wanted(record) - available))
    return RecordPlan(record, source, rules, missing, len(named & _read_by_rules(record, named)) > WIDE)


_PLANS: dict[tuple[str, str, tuple[str, ...]], RecordPlan] = {}


def planned(pack: Pack, record: Record, columns: Sequence[str]) -> RecordPlan:
    """The plan, compiled once in this process: hospitals of one dialect share it."""
    identity = (pack.digest, record.name, tuple(columns))
    if identity not in _PLANS:
        if len(_PLANS) >= PLANS:
            _PLANS.clear()
        _PLANS[identity] = plan(pack, record, columns)
    return _PLANS[identity]


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
    pack: Pack, record: Record, *, raw: exp.Select, columns: set[str]
) -> tuple[exp.Select, set[str], Mapping[str, Sequence[str]]]:
    """The batch with the record's named expressions as columns beside its own, and the names of all.

    One layer of statements for each step of dependence: an expression is computed once, however often it is used.
    Third, by named expression the hidden columns that tell of the codes behind it.
    """
    wanted, own, count = coding.reaching(record), dict[str, list[str]](), 0
    for names in _layers(record):
        scope = scope_of(pack, record.place)
        values = {}
        for name in names:
            before = len(scope.uses)
            values[name] = compile_scalar(record.let[name], scope)
            told = dict(coding.hidden(scope.uses[before:] if name in wanted else (), count))
            own[name], count = [*told], count + len(told)
            values |= told
        kept = [exp.column(name, quoted=True) for name in (*OUTER, *sorted(columns - set(values)))]
        added = [exp.alias_(value, name, quoted=True, copy=False) for name, value in values.items()]
        raw = joined(exp.select(*kept, *added).from_(raw.subquery("_layer", copy=False), copy=False), scope)
        columns = columns | set(values)
    return raw, columns, coding.spread(record.let, own, record.place)


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
        uses[name] = set(columns_in(sql, record.place))
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
        digest_of((scope.keyspace, "person"), [_filled(compile_scalar(record.person, scope))], of_site=True)
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
    identity = digest_of((scope.keyspace, record.name), [exp.column("_key")], of_site=True)
    return exp.select("k.*", exp.alias_(identity, "_record", copy=False)).from_(
        joined(keyed, scope).subquery("k", copy=False), copy=False
    )


def _filled(value: exp.Expr) -> exp.Expr:
    return exp.func("nullif", exp.func("trim", exp.cast(value, "text")), exp.Literal.string(""))


def _wanted(record: Record) -> set[str]:
    """Every column that the record's fragments name."""
    texts = [record.key, record.version, record.person, *record.let.values()]
    for rule in record.rules:
        texts += _texts(rule)
    return {name for text in texts if text for name in columns_in(text, record.place)}


def _read_by_rules(record: Record, columns: set[str]) -> set[str]:
    """Columns and named expressions that some rule reads, and those that it takes by number."""
    rules = [rule for rule in record.rules if isinstance(rule.each, Mapping)]
    counted = {name for rule in rules for names in numbered_columns(rule).values() for name in names.values()}
    trees = [parse_scalar(text, record.place) for rule in record.rules for text in _texts(rule) if text]
    hidden = {name for name in columns if name.startswith(coding.HIDDEN)}
    return hidden | counted | {column.parts[0].name for tree in trees for column in tree.find_all(exp.Column)}


def _texts(rule: Rule) -> list[str | None]:
    return [rule.when, rule.each if isinstance(rule.each, str) else None, *rule.set.values()]
