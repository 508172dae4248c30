"""The rows of one person whose own ids are made up where somebody asks for them: a pseudonym costs more than a row."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Ids:
    """The ids of the rows of a table: their column, its place among the others, the ids as they lie, and how the reader
    knows them. `made` has the whole column once somebody asked for it."""

    column: str
    place: int
    held: pa.ChunkedArray
    known: Callable[[int], str]
    made: list[pa.Array] = field(default_factory=list)

    def whole(self) -> pa.Array:
        """All of them, as the reader knows them."""
        if not self.made:
            values = self.held.to_pylist()
            self.made.append(pa.array([None if one is None else self.known(one) for one in values], pa.string()))
        return self.made[0]


class Rows(Mapping[str, pa.Table]):
    """Rows by table, whole. `lean` gives those of a table without their ids, and `called` the id of one of them."""

    def __init__(self, tables: Mapping[str, pa.Table], ids: Mapping[str, Ids]) -> None:
        self._lean, self._ids = tables, ids

    def __getitem__(self, table: str) -> pa.Table:
        """The rows of a table with all their columns."""
        lean, ids = self._lean[table], self._ids.get(table)
        return lean if ids is None else lean.add_column(ids.place, ids.column, ids.whole())

    def __contains__(self, table: object) -> bool:
        return table in self._lean

    def __iter__(self) -> Iterator[str]:
        return iter(self._lean)

    def __len__(self) -> int:
        return len(self._lean)

    @property
    def lean(self) -> Mapping[str, pa.Table]:
        """The rows of all tables without ids that were not made yet."""
        return self._lean

    @property
    def ids(self) -> Mapping[str, Ids]:
        """Of the tables that lack theirs."""
        return self._ids

    def called(self, table: str, place: int) -> str:
        """The id of the row at a place of a table that lacks its ids."""
        ids = self._ids[table]
        return ids.known(ids.held[place].as_py())
