"""A registry as it was written into a folder: its tables are read again, column by column, for reports and exports."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from isthmus.research.registries.item import Item
from isthmus.research.registries.names import GRADE
from isthmus.research.registries.pack import Pack

Numbers = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]
KEYS = ("person_id", "site", "index_date")
YES, NO = "yes", "no"
ANSWERS = {YES: {"en": "yes", "zh": "是"}, NO: {"en": "no", "zh": "否"}}


@dataclass(frozen=True)
class Kept:
    """A registry in a folder; `about` is its manifest. Patients stand in the order of their numbers."""

    folder: Path
    pack: Pack
    about: Mapping[str, Any]
    synthetic: bool

    def table(self, name: str, columns: Sequence[str] | None = None) -> pa.Table:
        """A table, or some of its columns."""
        return pq.read_table(self.folder / f"{name}.parquet", columns=None if columns is None else list(columns))

    def pieces(self, name: str) -> Iterator[list[dict[str, Any]]]:
        """The rows of a table, a few thousand at a time."""
        with pq.ParquetFile(self.folder / f"{name}.parquet") as opened:
            for batch in opened.iter_batches(batch_size=4096):
                yield batch.to_pylist()

    @cached_property
    def patients(self) -> pa.Table:
        """`person_id, site, index_date`: one row a patient."""
        return self.table("endpoint", KEYS).sort_by("person_id")

    @property
    def groups(self) -> list[str]:
        """The groups whose table has one row a patient."""
        return [name for name, group in self.pack.groups.items() if group.row == "patient"]

    def item(self, column: str) -> Item | None:
        """The item of a column; none for the grade of a score."""
        return self.pack.items.get(column)

    def place(self, column: str) -> str:
        """The table in which a column of patients stands."""
        return self.pack.items[column if column in self.pack.items else column.removesuffix(GRADE)].group

    def label(self, column: str, language: str) -> str:
        """What people call a column."""
        item = self.item(column) or self.pack.items[column.removesuffix(GRADE)]
        return item.names[language] or item.names["en"] or column

    def column(self, column: str) -> pa.ChunkedArray:
        """The values of a column of patients, in their order."""
        return self.table(self.place(column), ["person_id", column]).sort_by("person_id").column(column)

    def numbers(self, column: str) -> Numbers:
        """A column of numbers; NaN where there is none."""
        found = pc.fill_null(self.column(column).cast(pa.float64()), float("nan"))
        return np.asarray(found.to_numpy(), dtype=np.float64)

    def coded(self, column: str) -> tuple[Codes, list[str]]:
        """A column of codes as places in the list of its codes, -1 where there is none; the list as the pack has it."""
        values = self.column(column)
        if pa.types.is_boolean(values.type):
            values = pc.if_else(values, YES, NO)
        text = values.cast(pa.string())
        known = self.codes(column, [one for one in pc.unique(text).to_pylist() if one is not None])
        found = pc.index_in(text, value_set=pa.array(known, pa.string()))
        return np.asarray(pc.fill_null(found, -1).to_numpy(), dtype=np.int64), known

    def codes(self, column: str, seen: Sequence[str] = ()) -> list[str]:
        """The codes of a column in the pack's order, and what else was seen."""
        item = self.item(column)
        listed = [one.code for one in self.pack.lists.get(item.list, ())] if item and item.list else []
        listed = listed or ([YES, NO] if item and item.type == "yesno" else [])
        return listed + sorted(set(seen) - set(listed))

    def called(self, column: str, code: str, language: str) -> str:
        """What people call a code."""
        item = self.item(column)
        for one in self.pack.lists.get(item.list, ()) if item else ():
            if one.code == code:
                return one.names[language] or one.names["en"] or code
        return ANSWERS[code][language] if item and item.type == "yesno" and code in ANSWERS else code
