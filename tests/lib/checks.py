"""Small CDMs in an engine, and what the quality checks say of them."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from isthmus.cdm.tables import TABLES
from isthmus.flow.evaluation import evaluate
from isthmus.lake.engine import Engine
from isthmus.quality.checks.layout import Layout, held
from isthmus.quality.checks.verdict import Result
from lib.tables import Row, drawn

TODAY = date(2026, 6, 30)


class Small:
    """A CDM of small tables: `tables` are drawn (see lib.tables), or lists of rows of text.

    A column that is not drawn is there without values, a table that is not drawn is there without rows; `without` names
    tables, or columns (`table.column`), that are not there at all. With `known`, nulls and ranges are told beforehand.
    """

    def __init__(
        self, folder: Path, tables: Mapping[str, str | Sequence[Row]], *, without: Sequence[str] = (),
        known: bool = True,
    ) -> None:  # fmt: skip
        self.engine = Engine(folder, threads=1)
        layout = {}
        for name in TABLES:
            if name in without:
                continue
            rows = tables.get(name, [])
            table = typed(name, drawn(rows) if isinstance(rows, str) else rows, without)
            self.engine.load(name, table)
            layout[name] = held(table.schema, table.num_rows, **(_known(table) if known else {}))
        self.layout: Layout = layout

    def results(self, version: str = "5.4") -> dict[str, Result]:
        """The results of all checks by id."""
        found = evaluate(self.engine, self.layout, version, TODAY)
        return {one.check.check_id: one for one in found}


def typed(name: str, rows: Sequence[Row], without: Sequence[str] = ()) -> pa.Table:
    """Rows of text as a table of the CDM."""
    columns = [column for column in TABLES[name].columns if f"{name}.{column.name}" not in without]
    arrays = [pa.array([row.get(one.name) for row in rows], pa.string()).cast(one.arrow) for one in columns]
    return pa.table(dict(zip([one.name for one in columns], arrays, strict=True)))


def _known(table: pa.Table) -> dict[str, dict[str, object]]:
    """What the footer of a file would tell of the table."""
    nulls = {name: table[name].null_count for name in table.column_names}
    exact = [field.name for field in table.schema if not pa.types.is_string(field.type) and field.type != pa.float64()]
    return {"nulls": nulls, "ranges": {name: _range(table[name]) for name in exact if nulls[name] < table.num_rows}}


def _range(column: pa.ChunkedArray) -> tuple[object, object]:
    found = pc.min_max(column).as_py()
    return found["min"], found["max"]
