"""From a column of OMOP back to the columns of the export that fill it, as the feed's pack says."""

from collections.abc import Iterator

from isthmus.mapping.expression import columns_of, parse_scalar
from isthmus.mapping.pack import Pack, Record, Rule


def source_columns(pack: Pack, table: str, field: str, file: str = "") -> list[str]:
    """The columns of the source that a field is filled from, by the names that they have in the files, in order.

    `file`: those of the records alone that may stand in it.
    """
    found: dict[str, None] = {}
    for record in pack.records:
        if file and record.files and not record.reads(file, record.kind):
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


def _named(record: Record, rule: Rule, field: str) -> Iterator[str]:
    for name in sorted(_read(record, rule.set[field], frozenset())):
        written = record.columns.get(name)
        yield written[0] if written else name


def _read(record: Record, sql: str, seen: frozenset[str]) -> set[str]:
    """The columns that an expression reads, those of the record's `let:` looked through."""
    found: set[str] = set()
    for name in columns_of(parse_scalar(sql, record.place)):
        if name in record.let and name not in seen:
            found |= _read(record, record.let[name], seen | {name})
        else:
            found.add(name)
    return found
