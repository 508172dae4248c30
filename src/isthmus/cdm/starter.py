"""The vocabulary: a small pack of our own to start with, and the reader of an Athena export.

The starter pack (`vocabulary/*.csv`) covers the demonstration and the tests. Concept ids, codes, domains and classes
are OMOP's; every name is our own wording, so that the pack may be given to anyone; ids above 2,000,000,000 are ours
(vocabulary `Isthmus`). A hospital that has a licence loads the export that Athena (athena.ohdsi.org) packed for it.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from io import StringIO
from pathlib import Path
from types import MappingProxyType

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from isthmus.base.errors import InputError
from isthmus.cdm.tables import TABLES, Table

OWN = 2_000_000_000
"""Concept ids above this number are ours; OMOP leaves them to its users."""

ENGLISH = 4180186
CHINESE = 2_000_000_086
"""Languages of concept synonyms. The id of Chinese is ours until an export with OMOP's own row is attached."""

BY_TEXT = 32858
"""Type concept of every row that was read from a text (OMOP: NLP). A row that a source coded never has it."""

PACKED = ("concept", "concept_relationship", "vocabulary", "domain", "relationship", "source_to_concept_map")

ATHENA = (
    "concept",
    "concept_relationship",
    "concept_ancestor",
    "concept_synonym",
    "vocabulary",
    "domain",
    "concept_class",
    "relationship",
    "drug_strength",
)
"""The tables of an Athena export; each is a file of that name in capitals, ending in `.csv`."""

BLOCK = 8 << 20
"""Bytes of an export file that are held at a time, several blocks at once by the reader's own threads."""


def starter() -> Mapping[str, pa.Table]:
    """The starter pack as Arrow tables with the columns and types of the CDM, by table name.

    `source_to_concept_map` holds other spellings of a code (a unit that OMOP writes differently than UCUM does), and
    codes whose OMOP concept we could not check, with a concept of ours standing in. A code that the concept table
    itself has goes first, so that an attached export takes over. `concept_synonym` holds the Chinese names.
    """
    tables = {name: _typed(TABLES[name], _packed(f"{name}.csv")) for name in PACKED}
    chinese = (
        {"concept_id": row["concept_id"], "concept_synonym_name": row["name"], "language_concept_id": str(CHINESE)}
        for row in _packed("concept_name_zh.csv")
    )
    tables["concept_synonym"] = _typed(TABLES["concept_synonym"], list(chinese))
    return MappingProxyType(tables)


def _packed(name: str) -> list[dict[str, str]]:
    text = (files("isthmus.cdm") / "vocabulary" / name).read_text(encoding="utf-8")
    return list(csv.DictReader(StringIO(text)))


def _typed(table: Table, rows: Sequence[Mapping[str, str]]) -> pa.Table:
    """Rows of text as an Arrow table; an empty text is null unless the column is a required text."""
    arrays = []
    for column in table.columns:
        texts = [row.get(column.name, "") for row in rows]
        keep = column.type == "text" and column.required
        values = pa.array(texts if keep else [text or None for text in texts], pa.string())
        arrays.append(values.cast(column.arrow))
    return pa.table(arrays, schema=table.schema)


def athena(folder: Path) -> Mapping[str, Iterator[pa.RecordBatch]]:
    """The tables of an Athena export, each as a stream of record batches with the columns and types of the CDM.

    Athena writes tab-separated UTF-8 in which quotes mean themselves and dates are YYYYMMDD. Every file is opened and
    its header checked before this returns, so that a bad export is refused before anything is loaded; the rows are
    read as the streams are consumed.

    :raises InputError: the folder is none, a file or column is missing, or (while reading) a row does not fit.
    """
    if not folder.is_dir():
        raise InputError(
            f"{folder} is no folder, so no vocabulary can be read from it. Unpack the archive that Athena sent you "
            "and name the folder that holds CONCEPT.csv."
        )
    present = {path.name.lower(): path for path in sorted(folder.iterdir())}
    missing = [f"{name.upper()}.csv" for name in ATHENA if f"{name}.csv" not in present]
    if missing:
        raise InputError(
            f"{folder} lacks {', '.join(missing)}, which every Athena export has. Unpack the whole archive into one "
            "folder, or ask Athena for a new one."
        )
    paths = {name: present[f"{name}.csv"] for name in ATHENA}
    for name, path in paths.items():
        _check_header(TABLES[name], path)
    return MappingProxyType({name: _stream(TABLES[name], path) for name, path in paths.items()})


def _header(path: Path) -> dict[str, str]:
    """The column names of a file, in small letters, and how the file spells them."""
    with path.open("rb") as lines:
        first = lines.readline(1 << 16).decode("utf-8-sig", errors="replace").rstrip("\r\n")
    return {name.strip().lower(): name for name in first.split("\t")}


def _check_header(table: Table, path: Path) -> None:
    names = _header(path)
    missing = [column.name for column in table.columns if column.name not in names]
    if missing:
        raise InputError(
            f"{path} has no column {', '.join(missing)} in its first line, which an Athena export of CDM 5 has. "
            "The columns must be separated by tabs; do not open and save the file with a spreadsheet program."
        )


def _stream(table: Table, path: Path) -> Iterator[pa.RecordBatch]:
    spelled = _header(path)
    names = [spelled[column.name] for column in table.columns]
    try:
        with arrow_csv.open_csv(
            path,
            read_options=arrow_csv.ReadOptions(block_size=BLOCK, encoding="utf8"),
            parse_options=arrow_csv.ParseOptions(delimiter="\t", quote_char=False, newlines_in_values=False),
            convert_options=arrow_csv.ConvertOptions(
                include_columns=names, column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
            ),
        ) as batches:
            for batch in batches:
                yield _conform(table, batch)
    except (pa.ArrowInvalid, pa.ArrowKeyError) as error:
        reason = (str(error).splitlines() or ["the reader gives no reason"])[0]
        raise InputError(
            f"{path} cannot be read as the table {table.name}: {reason[:200]}. The export is damaged or was changed; "
            "unpack the archive again."
        ) from error


def _conform(table: Table, batch: pa.RecordBatch) -> pa.RecordBatch:
    """A batch of texts as the CDM types it. Dates are parsed here, since the CSV reader knows no YYYYMMDD."""
    arrays = []
    for column, values in zip(table.columns, batch.columns, strict=True):
        if not (column.type == "text" and column.required):
            values = pc.if_else(pc.equal(values, ""), pa.scalar(None, pa.string()), values)
        if column.required and values.null_count:
            raise InputError(
                f"{table.name}.{column.name} is empty in {values.null_count} rows of the export, but the CDM requires "
                "it. The export is damaged; ask Athena for a new one."
            )
        if column.type == "date":
            values = pc.strptime(values, format="%Y%m%d", unit="s")
        arrays.append(values.cast(column.arrow))
    return pa.record_batch(arrays, schema=table.schema)
