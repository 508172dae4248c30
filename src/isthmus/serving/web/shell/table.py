"""Tables as values: a page shows one, and the same rows leave as CSV, JSON or Parquet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["text", "count", "share", "day", "moment", "code", "state", "list"]
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Source:
    """Where numbers come from: what is counted, in which edition, of how many rows, under which rule."""

    says: str
    edition: int | None = None
    rows: int | None = None
    rule: str = ""
    lineage: str = ""
    file: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A column: the key of its values, how they are shown, the keys of a small note and of an address beside them."""

    key: str
    kind: Kind = "text"
    note: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under columns. What a row holds beyond its columns (addresses, notes) is shown and does not leave.

    `whole` is how many rows there are, where only the first are here.
    """

    name: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    source: Source | None = None
    whole: int | None = None
    empty: str = "empty"
    marks: Mapping[str, str] = field(default_factory=dict)

    @property
    def cut(self) -> bool:
        """Whether rows are left out."""
        return self.whole is not None and self.whole > len(self.rows)

    def plain(self) -> list[dict[str, Any]]:
        """The rows as they leave: the values of the columns and of their notes."""
        keys = [key for one in self.columns for key in (one.key, one.note) if key]
        return [{key: row.get(key) for key in keys} for row in self.rows]
