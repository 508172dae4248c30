"""What really happened, written beside the exports: people, the rows of a perfect mapping, errors, the effect.

`truth/event.parquet` has one row per OMOP row that a perfect mapping of the exports would give. It says what the file
says: where a file lies (a wrong unit, a swapped column) `true_value` keeps what was meant. `recoverable` is false where
the record can give no row; `covered` is false where the shipped pack does not know the code: the row gets concept 0.
"""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from isthmus.simulation import dirt
from isthmus.simulation.column import Floats, Ints, Mask, Text
from isthmus.simulation.dirt import Sheet

WORD = pa.dictionary(pa.int32(), pa.string())
EVENT = pa.schema(
    [
        ("site", WORD), ("feed", WORD), ("keyspace", WORD), ("table", WORD), ("person_key", pa.string()),
        ("concept_id", pa.int64()), ("date", pa.date32()), ("value", pa.float64()), ("unit_concept_id", pa.int64()),
        ("value_concept_id", pa.int64()), ("record", WORD), ("source_key", pa.string()), ("recoverable", pa.bool_()),
        ("covered", pa.bool_()), ("error", WORD), ("true_value", pa.float64()),
    ]
)  # fmt: skip
ERROR = pa.schema([(name, pa.string()) for name in ("site", "feed", "file", "kind", "key", "family")])
PERSON = pa.schema(
    [
        ("person", pa.int64()), ("site", WORD), ("feed", WORD), ("keyspace", WORD), ("person_key", pa.string()),
        ("primary", pa.bool_()), ("sex", WORD), ("birth_date", pa.date32()), ("name", pa.string()),
        ("resident_id", pa.string()), ("phone", pa.string()), ("written_name", pa.string()),
        ("written_birth_date", pa.date32()), ("written_resident_id", pa.string()), ("written_phone", pa.string()),
        ("change", WORD), ("liver", pa.bool_()),
    ]
)  # fmt: skip
NUMBERS = (
    "points",
    "number",
    "size",
    "vascular",
    "spread",
    "ascites",
    "encephalopathy",
    "ecog",
    "albumin",
    "bilirubin",
)
LIVER = pa.schema(
    [
        ("person", pa.int64()), ("site", WORD), ("keyspace", WORD), ("person_key", pa.string()), ("age", pa.float64()),
        ("cause", WORD), ("bclc", WORD), ("cnlc", WORD), ("child_pugh_class", WORD),
        *((name, pa.float64()) for name in NUMBERS), ("inr", pa.float64()), ("afp", pa.float64()), ("treatment", WORD),
        ("diagnosis_date", pa.date32()), ("treatment_date", pa.date32()), ("last_date", pa.date32()),
        ("time", pa.int64()), ("event", pa.bool_()), ("recurrence_date", pa.date32()), ("eligible", pa.bool_()),
    ]
)  # fmt: skip

PATHWAY = pa.schema([("person", pa.int64()), ("rule", pa.string()), ("state", pa.string()), ("day", pa.date32())])
SCHEMAS = {"event": EVENT, "errors": ERROR, "person": PERSON, "liver": LIVER, "pathway": PATHWAY}


def words(index: Ints, values: Sequence[str]) -> pa.Array:
    """A column of few different words."""
    return pa.DictionaryArray.from_arrays(pa.array(index, type=pa.int32()), pa.array(list(values), type=pa.string()))


def word(value: str, count: int) -> pa.Array:
    """A column that says one word."""
    return words(np.zeros(count, dtype=np.int64), [value])


def dates(day: Ints, missing: Mask | None = None) -> pa.Array:
    """Days since 1970-01-01 as dates."""
    return pa.array(day.astype(np.int32), mask=missing).cast(pa.date32())


class Truth:
    """Writes the truth chunk by chunk. Use as a context manager."""

    def __init__(self, folder: Path, sites: Sequence[str], *, pathways: bool = False) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.sites = sites
        self.events = 0
        self.errors = 0
        self._writers = {
            name: pq.ParquetWriter(folder / f"{name}.parquet", schema, compression="zstd", use_dictionary=True)
            for name, schema in SCHEMAS.items()
            if pathways or name != "pathway"
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for writer in self._writers.values():
            writer.close()

    def write(self, table: str, columns: dict[str, Any]) -> None:
        """Append rows to `truth/<table>.parquet`."""
        schema: pa.Schema = SCHEMAS[table]
        ordered = [columns[name] for name in schema.names]
        arrays = [pa.array(one) if isinstance(one, list) else one for one in ordered]
        rows = pa.RecordBatch.from_arrays(arrays, schema=schema)
        self._writers[table].write_batch(rows)

    def add(
        self, sheet: Sheet, table: str, *, keyspace: str, person: Text, concept: Ints, day: Ints,
        rows: Mask | None = None,
        covered: Mask | None = None, value: Floats | None = None, unit: Ints | None = None, answer: Ints | None = None,
        true_value: Floats | None = None, record: str = "", lost: Mask | None = None,
    ) -> None:  # fmt: skip
        """Append the OMOP rows that the sheet gives in one table: one per row of the sheet (where `rows` holds).

        `unit` and `answer` are concept ids, -1 for none; `value` is NaN for none. `lost` marks rows lost beside those
        that the sheet's errors lose.
        """
        count = len(sheet)
        keep = np.arange(count) if rows is None else np.flatnonzero(rows)
        nothing, empty = np.full(count, np.nan), np.full(count, -1, dtype=np.int64)
        value = nothing if value is None else value
        unit, answer = (empty if ids is None else ids for ids in (unit, answer))
        meant = value if true_value is None else true_value
        known = np.ones(count, dtype=bool) if covered is None else covered
        readable = sheet.kept if lost is None else sheet.kept & ~lost
        family = np.array(dirt.FAMILY_ROW)[sheet.error]
        self.events += len(keep)
        columns = {
            "site": words(sheet.site, self.sites), "feed": word(sheet.feed, count), "keyspace": word(keyspace, count),
            "table": word(table, count), "person_key": person, "concept_id": pa.array(concept), "date": dates(day),
            "value": pa.array(value, mask=np.isnan(value)), "unit_concept_id": pa.array(unit, mask=unit < 0),
            "value_concept_id": pa.array(answer, mask=answer < 0), "record": word(record or sheet.file, count),
            "source_key": sheet.key, "recoverable": pa.array(readable), "error": words(family, dirt.FAMILIES_ONCE),
            "covered": pa.array(known & ~sheet.having(dirt.UNKNOWN)), "true_value": pa.array(meant,
            mask=np.isnan(meant)),
        }  # fmt: skip
        if len(keep) < count:
            columns = {name: column.take(pa.array(keep)) for name, column in columns.items()}
        self.write("event", columns)

    def note(self, sheet: Sheet) -> None:
        """Append the sheet's errors."""
        rows = np.flatnonzero((sheet.error > 0) & (sheet.error != dirt.OUTAGE))
        if len(rows) == 0:
            return
        self.errors += len(rows)
        error = sheet.error[rows]
        self.write(
            "errors",
            {
                "site": pa.array(list(self.sites)).take(pa.array(sheet.site[rows])),
                "feed": pa.repeat(pa.scalar(sheet.feed), len(rows)),
                "file": pa.repeat(pa.scalar(sheet.file), len(rows)),
                "kind": pa.array(dirt.KINDS).take(pa.array(error)),
                "key": sheet.key.take(pa.array(rows)),
                "family": pa.array(dirt.FAMILIES).take(pa.array(error)),
            },
        )
