"""One person's rows out of an edition's files, without an engine: sorted by person, they let few bytes be read.

A row group says in the footer between which persons it lies. Of those that may hold a person, first the persons are
read, then the other columns up to the last of the person's rows. Footers, and where in a group which person begins, are
kept for as long as the edition is asked: some 16 bytes a person and table.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import Lock

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from isthmus.base.errors import IntegrityError
from isthmus.lake.edition import Edition
from isthmus.lake.lake import Lake

PERSON, PERSONS, SITE = "person_id", "person", "site"
BATCH = 4096
"""Rows that are decoded at a time: a person has a few hundred, and what is decoded behind them is thrown away."""
Ints = npt.NDArray[np.int64]


@dataclass
class _File:
    """A file that stays open, and between which persons each of its row groups lies."""

    path: Path
    site: str | None
    lock: Lock = field(default_factory=Lock)
    runs: dict[int, tuple[Ints, Ints]] = field(default_factory=dict)

    @cached_property
    def opened(self) -> pq.ParquetFile:
        """The file. Raises IntegrityError when it is missing."""
        try:
            return pq.ParquetFile(self.path)
        except FileNotFoundError:
            raise IntegrityError(
                f"{self.path.name} is missing from the lake. `isthmus verify` tells what else is."
            ) from None

    @cached_property
    def bounds(self) -> tuple[Ints, Ints]:
        """The first and the last person of each row group; of one whose footer says nothing, all that can be."""
        footer = self.opened.metadata
        at = self.opened.schema_arrow.get_field_index(PERSON)
        statistics = [footer.row_group(number).column(at).statistics for number in range(footer.num_row_groups)]
        known = [one is not None and one.has_min_max for one in statistics]
        whole = np.iinfo(np.int64)
        low = [one.min if has else whole.min for one, has in zip(statistics, known, strict=True)]
        high = [one.max if has else whole.max for one, has in zip(statistics, known, strict=True)]
        return np.array(low, dtype=np.int64), np.array(high, dtype=np.int64)

    def rows(self, person: int, columns: Sequence[str]) -> list[pa.RecordBatch]:
        """The person's rows, in the order of the file."""
        with self.lock:
            low, high = self.bounds
            found: list[pa.RecordBatch] = []
            for group in np.flatnonzero((low <= person) & (high >= person)).tolist():
                found += self._within(group, person, columns)
            return found

    def _within(self, group: int, person: int, columns: Sequence[str]) -> list[pa.RecordBatch]:
        places = self._places(group, person)
        found: list[pa.RecordBatch] = []
        if not len(places):
            return found
        at, last = 0, int(places[-1]) + 1
        batches = self.opened.iter_batches(BATCH, row_groups=[group], columns=list(columns), use_threads=False)
        for batch in batches:
            here = places[(places >= at) & (places < at + len(batch))] - at
            if len(here):
                whole = int(here[-1] - here[0]) + 1 == len(here)  # as in every file that is sorted by person
                found.append(batch.slice(int(here[0]), len(here)) if whole else batch.take(pa.array(here)))
            at += len(batch)
            if at >= last:
                break
        return found

    def _places(self, group: int, person: int) -> Ints:
        """Places of the person's rows in a row group. Where its persons begin is kept, if it is sorted by them."""
        if group not in self.runs:
            column = self.opened.read_row_group(group, columns=[PERSON], use_threads=False)[PERSON]
            persons = np.asarray(column.to_numpy(), dtype=np.int64)
            if np.any(persons[1:] < persons[:-1]):
                return np.flatnonzero(persons == person)
            first = np.flatnonzero(np.concatenate([[True], persons[1:] != persons[:-1]]))
            self.runs[group] = persons[first], np.append(first, len(persons))
        persons, first = self.runs[group]
        at = int(np.searchsorted(persons, person))
        if at == len(persons) or int(persons[at]) != person:
            return np.empty(0, dtype=np.int64)
        return np.arange(first[at], first[at + 1])


class PersonRows:
    """The files of an edition, asked for one person after the other. Its footers and the list of persons are kept."""

    def __init__(self, lake: Lake, edition: Edition) -> None:
        self._root, self._edition = lake.root, edition
        self._files: dict[str, list[_File]] = {}
        self._lock = Lock()

    def rows(self, table: str, persons: Collection[int], columns: Sequence[str], schema: pa.Schema) -> pa.Table:
        """The rows of some persons as they lie in a table, in a schema that has the columns."""
        wanted = [name for name in columns if name not in (SITE, PERSON)]
        parts = []
        for person in persons:
            sites = self._sites(person)
            for one in self._of(table):
                if one.site is None or not sites or one.site in sites:
                    parts += [_in(schema, batch, one.site, person) for batch in one.rows(person, wanted)]
        return pa.Table.from_batches(parts, schema=schema) if parts else schema.empty_table()

    def columns(self, table: str, names: Sequence[str]) -> list[Ints]:
        """Columns of numbers of a whole table, for one that is small."""
        read = [one.opened.read(list(names)) for one in self._of(table)]
        return [
            np.concatenate(
                [np.asarray(one[name].to_numpy(), dtype=np.int64) for one in read] or [np.empty(0, np.int64)]
            )
            for name in names
        ]

    def persons(self) -> Ints:
        """The numbers of all persons, ascending."""
        return np.unique(np.concatenate([*self._persons.values()] or [np.empty(0, dtype=np.int64)]))

    def _of(self, table: str) -> list[_File]:
        with self._lock:
            if table not in self._files:
                listed = [one for one in self._edition.files(table) if one.rows]
                self._files[table] = [_File(self._root / one.path, one.site) for one in listed]
            return self._files[table]

    def _sites(self, person: int) -> frozenset[str]:
        """The sites that have a person of this number."""
        return frozenset(site for site, persons in self._persons.items() if _has(persons, person))

    @cached_property
    def _persons(self) -> Mapping[str, Ints]:
        """The numbers of the persons of each site, ascending."""
        found: dict[str, list[Ints]] = {}
        for one in self._of(PERSONS):
            with one.lock:
                column = one.opened.read([PERSON])[PERSON]
            found.setdefault(one.site or "", []).append(np.asarray(column.to_numpy(), dtype=np.int64))
        return {site: np.unique(np.concatenate(parts)) for site, parts in found.items()}


def _has(persons: Ints, person: int) -> bool:
    at = int(np.searchsorted(persons, person))
    return at < len(persons) and int(persons[at]) == person


def _in(schema: pa.Schema, batch: pa.RecordBatch, site: str | None, person: int) -> pa.RecordBatch:
    """A batch with the columns of a schema; the site stands in the name of the file's folder."""
    said = {SITE: (site, pa.string()), PERSON: (person, pa.int64())}
    columns = [
        pa.repeat(pa.scalar(*said[one.name]), len(batch)) if one.name in said else _as(batch.column(one.name), one.type)
        for one in schema
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _as(column: pa.Array, kind: pa.DataType) -> pa.Array:
    return column if column.type == kind else column.cast(kind)
