"""Small parts made in memory, and what reading them gives."""

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from isthmus.intake.formats import locate, read
from isthmus.intake.record import PLACE, Batch, Format, Part, Passage, Reject


def part_of(data: bytes, name: str = "delivered") -> Part:
    return Part(name, lambda: io.BytesIO(data), len(data))


@dataclass
class Outcome:
    """Everything a reader gave, rows by kind."""

    data: bytes
    fmt: Format
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    rejects: list[Reject] = field(default_factory=list)
    batches: list[pa.Table] = field(default_factory=list)

    def table(self, kind: str = "") -> list[dict[str, Any]]:
        """The rows of a kind without their places."""
        return [{name: row[name] for name in row if name != PLACE} for row in self.rows.get(kind, [])]

    def sources(self, kind: str = "") -> list[str]:
        """The source text of each row, found by its place."""
        return [self.passage(row[PLACE]).text for row in self.rows.get(kind, [])]

    def passage(self, place: int) -> Passage:
        return locate(part_of(self.data), self.fmt, place)

    def rejected(self) -> list[tuple[str, bytes]]:
        """Reason and bytes of every reject."""
        return [(item.reason, self.data[item.place : item.place + item.length]) for item in self.rejects]


def outcome(data: bytes, kind: str, options: Mapping[str, object] | None = None, name: str = "delivered") -> Outcome:
    found = Outcome(data, Format(kind, options or {}))
    for item in read(part_of(data, name), found.fmt):
        if isinstance(item, Batch):
            found.rows.setdefault(item.kind, []).extend(item.rows.to_pylist())
            found.batches.append(item.rows)
        else:
            found.rejects.append(item)
    return found
