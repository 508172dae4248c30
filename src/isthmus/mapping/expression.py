"""The SQL scalars of a pack, checked and turned into expressions that an engine can run.

A pack's author writes ordinary SQL plus a few functions (`concept`, `date`, `number` …). Each fragment becomes a
sqlglot tree in which those functions are replaced by plain SQL and by columns of look-up tables, joined once per rule.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from isthmus.base.errors import PackError
from isthmus.base.identity import SEPARATOR
from isthmus.cdm.tables import TABLES
from isthmus.mapping.grammar import place_of

DIALECT = "duckdb"  # the spelling in which packs are written; engines translate from it

# Scalar functions beside those that sqlglot knows by class. Nothing here reads a file, a setting or a clock.
PLAIN = frozenset(
    {
        "abs", "array_extract", "array_length", "array_to_string", "ascii", "bar", "cardinality", "ceil",
        "ceiling", "chr", "coalesce", "concat", "concat_ws", "contains", "date_add", "date_diff", "date_part",
        "date_trunc", "datediff", "datetrunc", "day", "element_at", "ends_with", "epoch", "epoch_ms", "error",
        "exp", "flatten", "floor", "format", "from_json", "generate_series", "greatest", "hour", "if", "ifnull",
        "instr", "isfinite", "isnan", "json_array_length", "json_extract", "json_extract_string",
        "json_transform", "json_type", "json_valid", "last_day", "least", "left", "len", "length",
        "levenshtein", "list_aggregate", "list_concat", "list_contains", "list_distinct", "list_extract",
        "list_filter", "list_first", "list_last", "list_max", "list_min", "list_position", "list_reverse",
        "list_reverse_sort", "list_slice", "list_sort", "list_sum", "list_transform", "list_value", "list_zip",
        "ln", "log", "lower", "lpad", "ltrim", "make_date", "make_timestamp", "map_extract", "md5", "minute",
        "mod", "month", "nfc_normalize", "nullif", "position", "power", "prefix", "printf", "range",
        "regexp_extract", "regexp_extract_all", "regexp_full_match", "regexp_matches", "regexp_replace",
        "regexp_split_to_array", "repeat", "replace", "reverse", "right", "round", "rpad", "rtrim", "second",
        "sign", "split_part", "sqrt", "starts_with", "str_split", "strftime", "string_split",
        "string_split_regex", "strip_accents", "strlen", "strpos", "struct_extract", "struct_pack", "substr",
        "substring", "suffix", "to_days", "to_hours", "to_minutes", "to_months", "to_seconds", "to_timestamp",
        "to_years", "translate", "trim", "try", "try_strptime", "unicode", "upper", "year",
    }
)  # fmt: skip
FORBIDDEN = (
    exp.Query, exp.Table, exp.Star, exp.Window, exp.AggFunc, exp.UDTF, exp.Explode, exp.Command, exp.Placeholder,
    exp.Parameter, exp.SessionParameter, exp.CurrentDate, exp.CurrentTimestamp, exp.CurrentTime, exp.Localtime,
    exp.Localtimestamp, exp.CurrentUser, exp.SessionUser, exp.CurrentSchema, exp.CurrentCatalog, exp.CurrentVersion,
    exp.Rand, exp.Uuid, exp.DDL, exp.ReadCSV, exp.ReadParquet,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Join:
    """A look-up table joined to the source rows: alias, table, and its condition."""

    alias: str
    table: str
    on: exp.Expr


CODES = "code"  # the table of all codes, with every concept of each


@dataclass(frozen=True, slots=True)
class Use:
    """A code that a fragment looks up: the alias of its join, and system, code and name as the record has them."""

    alias: str
    system: exp.Expr
    code: exp.Expr
    name: exp.Expr | None


@dataclass(slots=True)
class Scope:
    """Where a fragment stands: its key space, the pack's systems, the joins and uses of codes so far.

    `several`: a code that has several concepts gives a row for each here; elsewhere its first one counts.
    """

    keyspace: str
    systems: Mapping[str, str]
    dates: Sequence[str]
    place: str
    joins: dict[str, Join] = field(default_factory=dict)
    uses: list[Use] = field(default_factory=list)
    several: bool = False

    def join(self, table: str, on: Mapping[str, exp.Expr]) -> str:
        """The alias under which `table` is joined on these columns; equal joins share one."""
        identity = table + "|" + "|".join(f"{column}={value.sql(DIALECT)}" for column, value in on.items())
        if identity not in self.joins:
            alias = f"_j{len(self.joins)}"
            conditions = [
                exp.EQ(this=exp.column(column, alias, quoted=True), expression=text_of(value))
                for column, value in on.items()
            ]
            self.joins[identity] = Join(alias, table, exp.and_(*conditions, copy=False))
        return self.joins[identity].alias


def compile_scalar(sql: str, scope: Scope) -> exp.Expr:
    """Turn one fragment into an expression over the source's columns and the scope's joins.

    Raises PackError with the place of the fragment for what is not a plain scalar.
    """
    tree = parse_scalar(sql, scope.place)
    scope = replace(scope, place=place_of(sql, scope.place))
    holder = exp.Paren(this=tree)
    for node in reversed(list(holder.walk(bfs=True))):
        name = _function_name(node)
        build = FUNCTIONS.get(name) if name else None
        if build is not None:
            arguments = _arguments(node)
            try:
                node.replace(build(scope, *arguments))
            except TypeError:
                raise PackError(
                    f"{scope.place}: {name}() does not take {len(arguments)} argument(s) in `{sql}`. See the table of "
                    "functions in docs/reference/pack.md."
                ) from None
    compiled: exp.Expr = holder.this
    return compiled


def parse_scalar(sql: str, place: str) -> exp.Expr:
    """Parse a fragment and refuse whatever is more than a scalar over the record's own columns."""
    return _parsed(str(sql), place_of(sql, place)).copy()


@lru_cache(4096)
def _parsed(sql: str, place: str) -> exp.Expr:
    try:
        tree = sqlglot.parse_one(sql, dialect=DIALECT)
    except (SqlglotError, RecursionError):
        raise PackError(f"{place}: `{sql}` is not a SQL expression. Try it alone in a SQL prompt.") from None
    for node in tree.walk():
        if isinstance(node, exp.Identifier):
            node.set("quoted", True)  # a column may be called `group`
        if isinstance(node, FORBIDDEN):
            raise PackError(
                f"{place}: `{sql}` uses {type(node).__name__.lower()}; only scalar expressions over the record's own "
                "columns are allowed in a pack. Use look() for another record's columns."
            )
        name = _function_name(node)
        if name and isinstance(node, exp.Anonymous) and name not in PLAIN and name not in FUNCTIONS:
            raise PackError(
                f"{place}: there is no function {name}() in packs. Beside plain SQL there are: "
                f"{', '.join(sorted(FUNCTIONS))}."
            )
    return tree


@lru_cache(4096)
def columns_in(sql: str, place: str) -> frozenset[str]:
    """Names of the record's columns that a fragment reads; refuses what `parse_scalar` refuses."""
    return frozenset(columns_of(_parsed(str(sql), place_of(sql, place))))


def columns_of(tree: exp.Expr) -> set[str]:
    """Names of the record's columns that a fragment reads (the first word of `a.b.c`), lambda variables left out."""
    bound = {word.name for function in tree.find_all(exp.Lambda) for word in function.expressions}
    return {column.parts[0].name for column in tree.find_all(exp.Column)} - bound


def text_of(value: exp.Expr) -> exp.Expr:
    """The value as text."""
    return value.copy() if value.is_string else exp.cast(value.copy(), "text")


SITE, MAPPING = "isthmus_site", "isthmus_mapping"
"""Functions without arguments that say for which site, and under which mapping, a statement runs."""


def digest_of(prefix: Sequence[str], parts: Iterable[exp.Expr], *, of_site: bool = False) -> exp.Expr:
    """The 63-bit id of a fixed prefix and some texts: `isthmus.base.identity.digest63`, said as an expression.

    `isthmus_digest` is what every engine provides. A null part makes the id null. With `of_site` the site comes first.
    """
    text: exp.Expr = exp.Literal.string(SEPARATOR.join(["", *prefix] if of_site else prefix))
    if of_site:
        text = exp.DPipe(this=exp.func(SITE), expression=text)
    for part in parts:
        text = exp.DPipe(this=exp.DPipe(this=text, expression=exp.Literal.string(SEPARATOR)), expression=text_of(part))
    return exp.func("isthmus_digest", text)


def _function_name(node: exp.Expr) -> str:
    if isinstance(node, exp.Anonymous):
        return str(node.name).lower()
    return SPELLED.get(type(node), "")


def _arguments(node: exp.Expr) -> list[exp.Expr]:
    if isinstance(node, exp.Anonymous):
        return list(node.expressions)
    return [value for value in (node.args.get("this"), *node.args.get("expressions", [])) if value is not None]


def template(sql: str, **values: exp.Expr) -> exp.Expr:
    """A template in pack spelling whose :words are replaced by expressions."""
    return exp.replace_placeholders(_template(sql), **values)


@cache
def _template(sql: str) -> exp.Expr:
    return sqlglot.parse_one(sql, dialect=DIALECT)


def _named(name: str, *, of_dates: bool = False) -> Callable[..., exp.Expr]:
    """A function of `mapping.functions`, over one value as text (and the pack's own date formats)."""

    def build(scope: Scope, value: exp.Expr) -> exp.Expr:
        formats = [exp.array(*(exp.Literal.string(one) for one in scope.dates))] if of_dates else []
        return exp.func(name, text_of(value), *formats)

    return build


def _coded(column: str) -> Callable[..., exp.Expr]:
    def build(scope: Scope, code: exp.Expr, system: exp.Expr, written: exp.Expr | None = None) -> exp.Expr:
        if system.is_string:
            name = scope.systems.get(system.name)
            if name is None:
                raise PackError(
                    f"{scope.place}: there is no code system '{system.name}'. "
                    f"Known: {', '.join(sorted(scope.systems))}. "
                    f"Add codes/{system.name}.csv, or name the vocabulary in pack.yaml."
                )
            system = exp.Literal.string(name)
        trimmed = exp.func("trim", text_of(code))
        alias = scope.join(CODES if scope.several else "code_first", {"_system": system, "_code": trimmed})
        found = exp.column(column, alias, quoted=True)
        if column == "_domain":
            return found
        if column == "_concept":
            scope.uses.append(Use(alias, text_of(system), trimmed, written))
        return template("CASE WHEN NOT :code IS NULL THEN COALESCE(:found, 0) END", code=code.copy(), found=found)

    return build


def _id(scope: Scope, table: exp.Expr, key: exp.Expr, *more: exp.Expr) -> exp.Expr:
    if not table.is_string or table.name not in TABLES:
        raise PackError(f"{scope.place}: id() names a table of the CDM in quotes: id('visit_occurrence', key).")
    return digest_of((scope.keyspace, table.name), (key, *more), of_site=True)


def _look(scope: Scope, record: exp.Expr, key: exp.Expr, name: exp.Expr) -> exp.Expr:
    if not (record.is_string and name.is_string):
        raise PackError(f"{scope.place}: look() names record and column in quotes: look('item', key, 'unit').")
    alias = scope.join("reference", {"_record": record, "_key": key})
    # In brackets, for the arrow that this prints as binds more weakly than a comparison.
    return exp.paren(
        template(
            "JSON_EXTRACT_STRING(:fields, :path)",
            fields=exp.column("_fields", alias, quoted=True),
            path=exp.Literal.string(f'$."{name.name}"'),
        ),
        copy=False,
    )


def _hl7(scope: Scope, segment: exp.Expr, *place: exp.Expr) -> exp.Expr:
    """A field, or one component of one of its repetitions, without its escapes; null when empty or `""`."""
    counts = [int(one.to_py()) if one.is_int else -1 for one in place]
    if not 1 <= len(counts) <= 4 or counts[0] < 1 or min([0, *counts]) < 0:
        raise PackError(
            f"{scope.place}: hl7() takes a segment and the numbers of field, component, repetition and sub-component, "
            "from 1 (component 0: the whole field). Write hl7(segment, 3, 1)."
        )
    number, component, repetition, part = [*counts, 1, 1, 1][:4]
    header = isinstance(segment, exp.Column) and segment.name.lower() == "msh"
    # MSH-1 is the field separator itself, so that MSH counts one lower than every other segment.
    steps = [(r"[^|]*\|", number - (1 if header else 0))]
    if component:
        steps += [(r"[^~|]*~", repetition - 1), (r"[^\^~|]*\^", component - 1), (r"[^&\^~|]*&", part - 1)]
    pattern = "^" + "".join(f"(?:{step}){{{count}}}" for step, count in steps if count)
    pattern += r"([^&\^~|]*)" if component else r"([^|]*)"
    return exp.func("isthmus_hl7", text_of(segment), exp.Literal.string(pattern))


FUNCTIONS: Mapping[str, Callable[..., exp.Expr]] = {
    "date": _named("isthmus_date", of_dates=True),
    "datetime": _named("isthmus_datetime", of_dates=True),
    "number": _named("isthmus_number"),
    "comparator": _named("isthmus_comparator"),
    "concept": _coded("_concept"),
    "source_concept": _coded("_source"),
    "domain": _coded("_domain"),
    "id": _id,
    "look": _look,
    "reference": _named("isthmus_reference"),
    "hl7": _hl7,
}
# sqlglot reads these of our names as classes of its own.
SPELLED: Mapping[type[exp.Expr], str] = {exp.Date: "date", exp.Datetime: "datetime"}
