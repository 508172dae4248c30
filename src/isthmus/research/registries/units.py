"""By what the numbers of items are multiplied: one row for each unit that they come in."""

from collections.abc import Mapping, Sequence

import pyarrow as pa

from isthmus.base.errors import InputError
from isthmus.cdm.units import spelling, ucum
from isthmus.cdm.units.analyte import Conversion, conversion
from isthmus.cdm.units.concept import analytes, units
from isthmus.research.registries.pack import Pack
from isthmus.research.registries.written import Reading, numbered

SCHEMA = pa.schema(
    {
        "item": pa.int32(), "concept_id": pa.int64(), "unit_concept": pa.int64(), "unit_text": pa.string(),
        "factor": pa.float64(), "offset": pa.float64(), "told": pa.string(),
    }
)  # fmt: skip
READ = pa.schema(
    {
        "reading": pa.int32(), "item": pa.int32(), "concept_id": pa.int64(), "unit_concept": pa.int64(),
        "unit_text": pa.string(), "factor": pa.float64(), "offset": pa.float64(),
    }
)  # fmt: skip


def conversions(pack: Pack, numbers: Mapping[str, int], found: pa.Table, concepts: pa.Table) -> pa.Table:
    """`item, concept_id, unit_concept, unit_text` that occur, with factor and offset where a fact allows it.

    `told` is the UCUM code of the unit that is meant.
    `concepts` has the units of the vocabulary. A number without a unit is taken where the item has none (`1`), or
    where the pack says which unit is meant.
    """
    codes = dict(zip(concepts.column(0).to_pylist(), concepts.column(1).to_pylist(), strict=True))
    codes |= {concept: code for code, concept in units().items() if concept not in codes}
    names = {number: name for name, number in numbers.items()}
    rows: list[Sequence[object]] = []
    for row in found.to_pylist():
        item = pack.items[names[row["item"]]]
        untold = not row["unit_concept"] and not row["unit_text"].strip()
        told = pack.assumed.get(item.name, "1") if untold else _code(codes, row["unit_concept"], row["unit_text"])
        how = None if told is None else _conversion(analytes().get(row["concept_id"]), told, item.unit)
        if untold and item.name not in pack.assumed and how is not None and how.factor != 1:
            how = None  # nobody said that it is a share of 1, when the item is in percent
        if how is not None:
            rows.append((*row.values(), how.factor, how.offset, told))
    return _table(SCHEMA, rows)


def read(readings: Mapping[str, Reading], numbers: Mapping[str, int], known: pa.Table) -> pa.Table:
    """How each unit of `conversions` is read for the inputs of scores that have a factor of their own.

    `numbers` are those of items; readings are numbered by `written.numbered`.
    """
    rows: list[Sequence[object]] = []
    of_item: dict[int, list[tuple[int, Reading]]] = {}
    for name, number in numbered(readings).items():
        of_item.setdefault(numbers[readings[name].item.name], []).append((number, readings[name]))
    for row in known.to_pylist():
        for number, one in of_item.get(row["item"], ()):
            factor, offset = one.factor(row["told"], row["factor"], row["offset"])
            rows.append((number, row["item"], row["concept_id"], row["unit_concept"], row["unit_text"], factor, offset))
    return _table(READ, rows)


def _table(schema: pa.Schema, rows: Sequence[Sequence[object]]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(schema)
    arrays = [pa.array(list(column), kind) for column, kind in zip(columns, schema.types, strict=True)]
    return pa.table(arrays, schema=schema)


def _code(codes: Mapping[int, str], concept: int, text: str) -> str | None:
    """The UCUM code of a unit: its concept's, else what the hospital wrote."""
    known = codes.get(concept) if concept else None
    return known if known is not None and ucum.readable(known) else spelling.code(text) if text else None


def _conversion(analyte: str | None, told: str, wanted: str) -> Conversion | None:
    if told == wanted:
        return Conversion(1.0)
    try:
        if analyte is not None:
            return conversion(analyte, told, wanted)
        one, other = ucum.read(told), ucum.read(wanted)
    except InputError:
        return None
    if one.dimension != other.dimension:
        return None
    return Conversion(one.factor / other.factor, (one.offset - other.offset) / other.factor)
