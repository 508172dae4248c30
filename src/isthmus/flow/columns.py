"""From a column of OMOP back to the columns of the export that fill it, as the feed's pack says."""

import re
from collections.abc import Iterator, Mapping, Sequence

from sqlglot import exp

from isthmus.mapping.expression import columns_of, parse_scalar
from isthmus.mapping.pack import Pack, Record, Rule
from isthmus.mapping.rule import numbered_columns

NUMBERS = re.compile(r"\d+")
SEGMENTS, OWN = "hl7", "segment"  # the function that reads segments, and the column of a record's own
MANY = 4  # columns that differ in numbers only, of which the first and the last are told


def source_columns(pack: Pack, table: str, field: str, file: str = "", sheet: str = "") -> list[str]:
    """The columns of the source that a field is filled from, by the names that they have in the files, in order.

    `file`: those of the records alone that may stand in it; `sheet`: in a table of this name in it.
    """
    found: dict[str, None] = {}
    for record in pack.records:
        if file and (record.files or sheet) and not record.reads(file, sheet or record.kind):
            continue
        for rule in record.rules:
            if rule.table == table and field in rule.set:
                found.update(dict.fromkeys(_named(record, rule, field)))
    return list(found)


def record_columns(pack: Pack, kind: str, field: str) -> list[str]:
    """The same for a field that a kind of record (by its name in the pack) fills."""
    found: dict[str, None] = {}
    for record in pack.records:
        if record.name == kind:
            for rule in record.rules:
                if field in rule.set:
                    found.update(dict.fromkeys(_named(record, rule, field)))
    return list(found)


def columns_read(record: Record, rule: Rule, sql: str) -> list[str]:
    """The columns that an expression of a rule reads, by the names that the record's files have for them, in order.

    Where a rule makes a row of each element of a list, the columns of all elements.
    """
    found: dict[str, None] = {}
    for name in sorted(_read(record, sql, frozenset())):
        if rule.each and name == "item":
            found.update(dict.fromkeys(_elements(record, rule, sql)))
        elif not (rule.each and name == "n"):
            found[_written(record, name)] = None
    return list(found)


def shortened(columns: Sequence[str]) -> list[str]:
    """Columns as they are told: of a long row of numbered ones the first and the last."""
    found: list[str] = []
    runs: dict[str, list[str]] = {}
    for name in columns:
        runs.setdefault(NUMBERS.sub("#", name), []).append(name)
    for run in runs.values():
        found += run if len(run) < MANY else [f"{run[0]} … {run[-1]}"]
    return found


def _named(record: Record, rule: Rule, field: str) -> Iterator[str]:
    yield from shortened(columns_read(record, rule, rule.set[field]))


def _elements(record: Record, rule: Rule, sql: str) -> Iterator[str]:
    """The columns that the elements of a rule's list are made of: those of the parts that are read."""
    if isinstance(rule.each, Mapping):
        parts = [column.parts for column in parse_scalar(sql, record.place).find_all(exp.Column)]
        read = {own[1].name for own in parts if own[0].name == "item" and len(own) > 1}
        for numbered in numbered_columns(rule).values():
            yield from (column for part, column in numbered.items() if part in read)
    elif rule.each:
        yield from (_written(record, name) for name in sorted(_read(record, rule.each, frozenset())))


def _written(record: Record, name: str) -> str:
    """A column's name in the files."""
    written = record.columns.get(name)
    return written[0] if written else name


def _fields(record: Record, tree: exp.Expr) -> Iterator[str]:
    """The fields of HL7 segments that an expression reads, as hospitals call them (OBX-5); they are taken out of it."""
    for call in list(tree.find_all(exp.Anonymous, exp.SplitPart)):
        is_split = isinstance(call, exp.SplitPart) and call.this.name == OWN and call.args["delimiter"].name == "|"
        if is_split:
            segment, number = OWN, int(call.args["part_index"].name) - 1  # before the first is the segment's name
        elif call.name == SEGMENTS and isinstance(call.expressions[0], exp.Column):
            segment, number = (one.name for one in call.expressions[:2])
        else:
            continue
        yield f"{record.kind if segment == OWN else segment.upper()}-{number}"
        for column in list(call.find_all(exp.Column)):
            column.replace(exp.null())


def _read(record: Record, sql: str, seen: frozenset[str]) -> set[str]:
    """The columns that an expression reads, those of the record's `let:` looked through."""
    tree = parse_scalar(sql, record.place)
    found = set(_fields(record, tree))
    for name in columns_of(tree):
        if name in record.let and name not in seen:
            found |= _read(record, record.let[name], seen | {name})
        else:
            found.add(name)
    return found
