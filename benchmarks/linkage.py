"""Precision and recall of the linkage: outside data with truth (febrl, fake_1000), and simulated hospitals."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from isthmus.linkage import rules
from isthmus.linkage.model import Model, score, train, weight
from isthmus.linkage.normal import normal

DATA = Path(os.environ.get("ISTHMUS_TEST_DATA", "../shared/data")) / "priv"
THRESHOLDS = (0.01, 0.5, 0.9, 0.99)
FEBRL = {"rec_id": "record_id", "date_of_birth": "birth_date", "soc_sec_id": "identifier", "address_1": "street"}
FAKE = {"unique_id": "record_id", "first_name": "given_name", "dob": "birth_date"}


@dataclass(frozen=True, slots=True)
class Case:
    """Records of identity, and the person of each, row by row."""

    name: str
    records: pa.Table
    person: pa.Array


@dataclass(frozen=True, slots=True)
class Rate:
    """How many pairs of records a linkage made, how many of them are of one person, and how many there are."""

    threshold: float
    made: int
    right: int
    true: int

    @property
    def precision(self) -> float:
        """The share of the pairs made that are right."""
        return self.right / self.made if self.made else 1.0

    @property
    def recall(self) -> float:
        """The share of the true pairs that were made."""
        return self.right / self.true if self.true else 1.0


def febrl(name: str, *files: str, folder: Path = DATA) -> Case:
    """One of febrl's data sets; the number in `rec-NUMBER-…` is the person."""
    tables = []
    for file in files:
        table = _texts(folder / "febrl" / file)
        tables.append(table.append_column("site", pa.array([file] * len(table))))
    records = pa.concat_tables(tables).rename_columns([FEBRL.get(column, column) for column in tables[0].column_names])
    number = pc.replace_substring_regex(records["record_id"], pattern=r"^rec-(\d+)-.*$", replacement=r"\1")
    return Case(name, records, number.combine_chunks())


def fake(folder: Path = DATA) -> Case:
    """Splink's fake_1000."""
    table = _texts(folder / "splink" / "fake_1000.csv")
    person = table["cluster"].combine_chunks()
    table = table.drop_columns(["cluster"])
    table = table.rename_columns([FAKE.get(column, column) for column in table.column_names])
    return Case("fake_1000", table.append_column("site", pa.array(["fake"] * len(table))), person)


def _texts(path: Path) -> pa.Table:
    """A CSV's columns as trimmed texts; an empty text is null."""
    table = csv.read_csv(path, convert_options=csv.ConvertOptions(strings_can_be_null=True))
    return pa.table(
        {name.strip(): pc.utf8_trim_whitespace(table[name].cast(pa.string())) for name in table.column_names}
    )


@dataclass(frozen=True, slots=True)
class Linked:
    """What a linkage gave: the model, the scored pairs, and the seconds from the records to them."""

    model: Model
    scored: pa.Table
    seconds: float


def linked(case: Case, pack: str) -> Linked:
    """Train on a case's records, without its truth, and score its pairs."""
    began = perf_counter()
    chosen = rules.packed(pack)
    records = normal(case.records, chosen.fields)
    with duckdb.connect() as connection:
        model = train(connection, records, chosen)
        scored = score(connection, records, model)
    return Linked(model, scored, perf_counter() - began)


def rates(case: Case, scored: pa.Table, thresholds: Sequence[float] = THRESHOLDS) -> list[Rate]:
    """Pairs at thresholds of probability, held against the truth."""
    same = _persons(case, scored["l"]) == _persons(case, scored["r"])
    weights = scored["weight"].to_numpy()
    found = []
    for threshold in thresholds:
        made = weights >= weight(threshold)
        found.append(Rate(threshold, int(made.sum()), int((made & same).sum()), true_pairs(case.person)))
    return found


def true_pairs(person: pa.Array) -> int:
    """How many pairs of records are of one person."""
    sizes = pc.value_counts(person).field("counts").to_numpy().astype(np.int64)
    return int((sizes * (sizes - 1) // 2).sum())


def _persons(case: Case, ids: pa.ChunkedArray) -> np.ndarray:
    codes = pc.dictionary_encode(case.person).indices
    rows = pc.index_in(ids, case.records["record_id"].combine_chunks())
    return np.asarray(codes.take(rows.combine_chunks()).to_numpy(zero_copy_only=False))


def cases(folder: Path = DATA) -> Iterator[Case]:
    """The outside cases."""
    yield febrl("febrl1", "dataset1.csv", folder=folder)
    yield febrl("febrl2", "dataset2.csv", folder=folder)
    yield febrl("febrl3", "dataset3.csv", folder=folder)
    yield febrl("febrl4", "dataset4a.csv", "dataset4b.csv", folder=folder)
    yield fake(folder)
