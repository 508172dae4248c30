"""A pack as parameter tables: what the statements read instead of the pack."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from io import StringIO

import pyarrow as pa

from isthmus.research.registries.item import CODED, Item
from isthmus.research.registries.pack import Code, Pack

FORM = "form"
VALUED = ("measurement", "observation", "death", "person", FORM)
"""Domains whose rows carry a value; a row of another one is the value."""
ITEM = pa.schema(
    {
        "item": pa.int32(), "name": pa.string(), "type": pa.string(), "unit": pa.string(), "list": pa.string(),
        "pick": pa.string(), "low": pa.int32(), "high": pa.int32(), "windowed": pa.bool_(), "since": pa.date32(),
        "until": pa.date32(), "measured": pa.bool_(), "kept": pa.bool_(), "grain": pa.int32(), "need": pa.string(),
        "derived": pa.bool_(),
    }
)  # fmt: skip
SOURCE = pa.schema(
    {
        "source": pa.int32(), "item": pa.int32(), "rank": pa.int32(), "domain": pa.string(), "concept_id": pa.int64(),
        "below": pa.bool_(), "what": pa.string(), "as_date": pa.bool_(), "by_text": pa.bool_(), "picky": pa.bool_(),
        "valued": pa.bool_(),
    }
)  # fmt: skip
SOURCE_VALUE = pa.schema({"source": pa.int32(), "concept_id": pa.int64()})
FORM_NAME = pa.schema({"source": pa.int32(), "text": pa.string()})
CODE = pa.schema(
    {"list": pa.string(), "code": pa.string(), "position": pa.int32(), "concept_id": pa.int64(), "below": pa.bool_()}
)
CODE_TEXT = pa.schema({"list": pa.string(), "text": pa.string(), "code": pa.string()})
CODE_POSITION = pa.schema({"list": pa.string(), "code": pa.string(), "position": pa.int32()})
GRAIN = pa.schema({"grain": pa.int32(), "kind": pa.string(), "anchor": pa.int32()})
YES_NO = "yes_no"


@dataclass(frozen=True, slots=True)
class Plan:
    """Parameter tables by name, and the numbers of items (from 1) and of grains (0 is the patient) by name."""

    pack: Pack
    tables: Mapping[str, pa.Table]
    numbers: Mapping[str, int]
    grains: Mapping[str, int]

    def grain(self, item: str) -> int:
        """The grain of an item's rows."""
        return self.grains[self.pack.items[item].group]


def plan(pack: Pack) -> Plan:
    """The parameter tables of a pack."""
    numbers = {name: at for at, name in enumerate(pack.items, start=1)}
    grains = {name: 0 if one.row == "patient" else at for at, (name, one) in enumerate(pack.groups.items(), start=1)}
    sources = list(_sources(pack, numbers))
    lists = {YES_NO: yes_no(), **pack.lists}
    tables = {
        "item": _table(ITEM, [_item(one, numbers, grains) for one in pack.items.values()]),
        "source": _table(SOURCE, [row for row, _, _ in sources]),
        "source_value": _table(SOURCE_VALUE, [(row[0], one) for row, values, _ in sources for one in values]),
        "form": _table(FORM_NAME, [(row[0], text) for row, _, texts in sources for text in texts]),
        "given_code": _table(CODE, list(_concepts(lists))),
        "code_text": _table(CODE_TEXT, list(_texts(lists))),
        "code_position": _table(CODE_POSITION, [
            (name, one.code, at) for name, codes in lists.items() for at, one in enumerate(codes)
        ]),
        "grain": _table(GRAIN, [
            (grains[name], one.row, numbers.get(one.anchor)) for name, one in pack.groups.items() if grains[name]
        ]),
    }  # fmt: skip
    return Plan(pack, tables, numbers, grains)


@cache
def yes_no() -> Sequence[Code]:
    """What yes and no look like where an item names no list."""
    text = (files("isthmus.research.registries") / "lists.csv").read_text(encoding="utf-8")
    return [
        Code(
            row["list"], row["code"], {"en": row["en"], "zh": row["zh"]},
            [(int(one), False) for one in row["concepts"].split("|")],
            [one.strip() for one in row["texts"].split("|")],
        )
        for row in csv.DictReader(StringIO(text))
    ]  # fmt: skip


def _item(one: Item, numbers: Mapping[str, int], grains: Mapping[str, int]) -> tuple[object, ...]:
    return (
        numbers[one.name], one.name, one.type, one.unit, one.list or (YES_NO if one.type == "yesno" else ""), one.pick,
        one.low, one.high, one.windowed, one.since, one.until, bool(one.unit) and one.pick != "count",
        one.pick == "count", grains[one.group], one.need, one.derived,
    )  # fmt: skip


def _sources(
    pack: Pack, numbers: Mapping[str, int]
) -> Iterator[tuple[tuple[object, ...], Sequence[int], Sequence[str]]]:
    """Rows of `source`, each with its value concepts and the names that forms give it."""
    number = 0
    for name, one in pack.items.items():
        if one.derived:
            continue
        number += 1
        texts = [f"{layer}:{name}" for layer in dict.fromkeys((*pack.lineage, pack.name))]
        yield (number, numbers[name], 0, FORM, 0, False, "", False, False, False, True), (), texts
        for source in one.sources:
            number += 1
            yield (
                (
                    number, numbers[name], source.rank, source.domain, source.concept_id, source.below, source.what,
                    source.as_date, source.by_text, bool(source.values), source.domain in VALUED,
                ),
                source.values, (),
            )  # fmt: skip


def _concepts(lists: Mapping[str, Sequence[Code]]) -> Iterator[tuple[object, ...]]:
    for name, codes in lists.items():
        for at, one in enumerate(codes):
            for concept, below in one.concepts:
                yield name, one.code, at, concept, below


def _texts(lists: Mapping[str, Sequence[Code]]) -> Iterator[tuple[object, ...]]:
    """Every text that means a code, in small letters; what a list says goes before a code's own name."""
    for name, codes in lists.items():
        meant: dict[str, str] = {}
        for one in codes:
            for text in (one.code, *one.texts):
                meant.setdefault(text.strip().lower(), one.code)
        for one in codes:
            for text in one.names.values():
                if text:
                    meant.setdefault(text.strip().lower(), one.code)
        for text, code in meant.items():
            yield name, text, code


def _table(schema: pa.Schema, rows: Sequence[Sequence[object]]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(schema)
    arrays = [pa.array(list(column), kind) for column, kind in zip(columns, schema.types, strict=True)]
    return pa.table(arrays, schema=schema)


@cache
def domains() -> Sequence[Mapping[str, str]]:
    """The tables that sources read, with what their columns mean (`tables.csv`)."""
    text = (files("isthmus.research.registries") / "tables.csv").read_text(encoding="utf-8")
    found = list(csv.DictReader(StringIO(text)))
    assert {row["domain"] for row in found} == {*CODED, "death"}
    return found
