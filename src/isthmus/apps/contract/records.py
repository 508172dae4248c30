"""An application's own tables: what it remembers. Nothing of it is data of patients' care; that is learnt by intake."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Within:
    """A condition on a column: at least `low`, less than `high`; None for no bound."""

    low: Any = None
    high: Any = None


class Records(Protocol):
    """The tables of `records.yaml`, each call a transaction of its own.

    Every table has a column `site` beside its own. It is filled with the site of the context, and no other site's rows
    are met; the context of the whole installation (site "") meets all of them.

    A condition `where` gives for some columns the value, a list of values, None, or a `Within`. Raises UsageError for
    a table, column or value that the file does not have.
    """

    def add(self, table: str, rows: Rows) -> None:
        """Add rows, all or none; a row with the key of another takes its place."""

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
