"""An application's own tables: what it remembers. Nothing of it is data of patients' care; that is learnt by intake."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from isthmus.records.own import Within as Within

Rows = Sequence[Mapping[str, Any]]


class Records(Protocol):
    """The tables of `records.yaml`, each call a transaction of its own.

    Every table has a column `site` beside its own, filled with the site of the context. A site meets its own rows and
    those of the whole installation (site ""), and writes its own only; the context of the whole installation meets all
    rows, and may give each the site that it is of.

    A condition `where` gives for some columns the value, a list of values, None, or a `Within`. Raises UsageError for
    a table, column or value that the file does not have.
    """

    def add(self, table: str, rows: Rows) -> None:
        """Add rows, all or none; a row with the key of another takes its place."""

    def add_all(self, tables: Mapping[str, Rows]) -> None:
        """Add rows to several tables, all or none: what belongs together in one transaction."""

    def find(
        self, table: str, where: Mapping[str, Any] | None = None, *, order: Sequence[str] = (), most: int = 1000
    ) -> list[dict[str, Any]]:
        """At most `most` rows; ordered by columns, those with "-" before them falling."""

    def count(
        self, table: str, where: Mapping[str, Any] | None = None, *, by: Sequence[str] = ()
    ) -> list[dict[str, Any]]:
        """How many rows there are (`rows`) of each combination of the columns `by`, in their order."""

    def change(self, table: str, where: Mapping[str, Any], values: Mapping[str, Any]) -> int:
        """Write values into the rows that fit; how many there were."""

    def remove(self, table: str, where: Mapping[str, Any]) -> int:
        """Remove the rows that fit; how many there were."""
