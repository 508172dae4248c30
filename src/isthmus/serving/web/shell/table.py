"""Tables as values: a page shows one, and the same rows leave as CSV, JSON or Parquet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from isthmus.serving.shown import Mask

Kind = Literal["text", "count", "tally", "value", "share", "day", "latest", "moment", "code", "state", "list"]
"""`count` is of people, or of records of theirs, and is masked; `tally` is of files, checks, editions, and is not.

A `value` is what was measured of somebody, read under a grant.
"""
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
    """A column: the key of its values, how they are shown, the keys of a small note and of an address beside them.

    The values of a `share` are pairs of a part and the whole, or None.
    """

    key: str
    kind: Kind = "text"
    note: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under columns. What a row holds beyond its columns (addresses, notes) is shown and does not leave.

    `whole` is how many rows there are, where only the first are here; `most` how many a page shows at once (0: all),
    while files have all.
    """

    name: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    source: Source | None = None
    whole: int | None = None
    most: int = 0
    empty: str = "empty"

    @property
    def cut(self) -> bool:
        """Whether rows are left out."""
        return self.whole is not None and self.whole > len(self.rows)

    def masked(self, mask: Mask) -> "Table":
        """The table as it may be shown: counts of people masked, shares made of what may be."""
        counts = [one.key for one in self.columns if one.kind == "count"]
        shares = [one.key for one in self.columns if one.kind == "share"]
        latest = [one.key for one in self.columns if one.kind == "latest"]
        rows = []
        for row in self.rows:
            numbers = {key: mask.count(row.get(key)) for key in counts}
            few = bool(mask.hidden) and mask.hidden in numbers.values()
            rows.append({
                **row, **numbers, **{key: mask.share(*row[key]) if row.get(key) else None for key in shares},
                **{key: mask.latest(row.get(key), few=few) for key in latest},
            })  # fmt: skip
        return replace(self, rows=rows)

    def plain(self) -> list[dict[str, Any]]:
        """The rows as they leave: the values of the columns and of their notes."""
        keys = [key for one in self.columns for key in (one.key, one.note) if key]
        return [{key: row.get(key) for key in keys} for row in self.rows]
