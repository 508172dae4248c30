"""The rows of one person of an edition, read often and fast: some patients and the footers of files are kept.

The same that a question for one person gives (a test holds the two equal): events of all numbers that are one
person, under its own number. Tables in which joining chooses among rows are small: the engine's whole answer is kept.
Texts that are masked are left to the engine each time.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from threading import Lock

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from isthmus.cdm.questions import QUESTIONS
from isthmus.gate.grade.column import grades
from isthmus.gate.joined import ALIAS, reading_of, rules
from isthmus.lake.asking import answer
from isthmus.lake.edition import Edition
from isthmus.lake.lake import Lake
from isthmus.lake.person import PersonRows

PERSON = "person_id"
PATIENTS = 512
"""Patients that are kept: those of a ward's round. A patient of 10,000 events takes about a megabyte."""
PERIODS = "observation_period"
TEXTS = frozenset(key for key, one in grades().items() if one.measure == "mask")
EDITIONS = 2

Numbers = npt.NDArray[np.int64]
Columns = Mapping[str, Sequence[str]]


class Patients:
    """The patients of one edition."""

    def __init__(self, lake: Lake, edition: Edition) -> None:
        self._lake, self._edition = lake, edition
        self._rows = PersonRows(lake, edition)
        self._chosen: dict[tuple[str, ...], tuple[pa.Table, Numbers]] = {}
        self._alias = tuple(self._rows.columns(ALIAS, [PERSON, "person"]))
        self._kept: OrderedDict[tuple[int, str], Mapping[str, pa.Table]] = OrderedDict()
        self._lock = Lock()

    def whole(self, person: int, columns: Columns) -> tuple[Mapping[str, pa.Table], list[str]]:
        """The person's rows by table, and the tables that are left to the engine."""
        key = (person, repr(sorted((name, tuple(one)) for name, one in columns.items())))
        numbers = self._numbers(person)
        left = [table for table, named in columns.items() if any((table, one) in TEXTS for one in named)]
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
                return found, left
        found = {
            table: self._table(table, person, numbers, named) for table, named in columns.items() if table not in left
        }
        with self._lock:
            self._kept[key] = found
            while len(self._kept) > PATIENTS:
                self._kept.popitem(last=False)
        return found, left

    def persons(self) -> Numbers:
        """The numbers of all persons, as questions read them."""
        ones, joined = self._alias
        whole = self._rows.persons()
        alone = whole[~np.isin(whole, ones)]
        return np.unique(np.concatenate([alone, joined[np.isin(ones, whole)]]))

    def _numbers(self, person: int) -> tuple[int, ...]:
        """The sites' numbers that are one person; none where the number is another's."""
        ones, persons = self._alias
        mine = ones[persons == person]
        if len(mine):
            own = () if np.any((ones == person) & (persons != person)) else (person,)
            return tuple(sorted({*mine.tolist(), *own}))
        return () if np.any(ones == person) else (person,)

    def _table(self, table: str, person: int, numbers: Sequence[int], columns: Sequence[str]) -> pa.Table:
        if numbers != (person,) and (table in rules() or table == PERIODS):
            return self._chosen_of(table, person, columns)
        schema = _schema(table, tuple(columns))
        found = self._rows.rows(table, numbers, columns, schema)
        if numbers != (person,) and PERSON in columns:
            at = found.schema.get_field_index(PERSON)
            found = found.set_column(at, schema.field(PERSON), pa.array([person] * len(found), pa.int64()))
        return found

    def _chosen_of(self, table: str, person: int, columns: Sequence[str]) -> pa.Table:
        """The person's rows of a table in which joining chooses among rows: all of them are asked for once."""
        key = (table, *columns)
        with self._lock:
            if key not in self._chosen:
                question = QUESTIONS[table].select(*dict.fromkeys((PERSON, *columns))).order_by(PERSON)
                whole = answer(self._lake, self._edition, question, reading_of(self._edition, [table]))
                self._chosen[key] = whole, whole[PERSON].to_numpy()
            whole, persons = self._chosen[key]
        first, last = (int(np.searchsorted(persons, person, side=side)) for side in ("left", "right"))
        return whole.slice(first, last - first).select(list(columns))


@cache
def _schema(table: str, columns: tuple[str, ...]) -> pa.Schema:
    """Columns of a table, each of which may be empty. Made once: a call reads seven tables while somebody waits."""
    whole = QUESTIONS[table].schema().to_pyarrow()
    return pa.schema([whole.field(name).with_nullable(True) for name in columns])


_opened: OrderedDict[tuple[Path, str, frozenset[str] | None], Patients] = OrderedDict()
_lock = Lock()


def patients(lake: Lake, edition: Edition, sites: frozenset[str] | None = None) -> Patients:
    """The patients of an edition, the same for all who ask; of a few editions they are kept.

    `sites`: those that the edition is within, if it is within some only.
    """
    key = (lake.root, edition.digest, sites)
    with _lock:
        found = _opened.pop(key, None) or Patients(lake, edition)
        _opened[key] = found
        while len(_opened) > EDITIONS:
            _opened.popitem(last=False)
        return found
