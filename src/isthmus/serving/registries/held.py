"""A registry whose tables are held in memory while something is counted of them, and written nowhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from isthmus.serving.registries.kept import Kept


@dataclass(frozen=True)
class Held(Kept):
    """The tables by name; those of patients stay where they are counted. `folder` is none."""

    tables: Mapping[str, pa.Table] = field(default_factory=dict)

    def table(self, name: str, columns: Sequence[str] | None = None) -> pa.Table:
        """A table, or some of its columns."""
        return self.tables[name] if columns is None else self.tables[name].select(list(columns))
