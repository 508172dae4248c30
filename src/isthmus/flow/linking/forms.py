"""Normal forms of the records that stand for persons, with their keys, kept so that each is made once.

They lie in `linkage/forms/` below the workspace, by rules, columns and engine, and say of people what `identity` says.
They are no table of the lake: no edition has them, and so no grant can. Whoever deletes them loses time only.
"""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from isthmus.base.durable import replaced
from isthmus.base.identity import digest63
from isthmus.flow.linking.records import Records, said
from isthmus.flow.statement import listed, query
from isthmus.flow.workspace import Workspace
from isthmus.lake.engine import Engine, lent
from isthmus.linkage.block import keyed, mark
from isthmus.linkage.normal import VERSION, normal
from isthmus.linkage.rules import Rules

AT_ONCE = 200_000  # records brought to their forms together: some 400 MB
FILES = 32  # more are made into one
GROUP = 100_000  # records in a row group: one thread reads one
PRINT = "print"
THERE, STANDS = "forms", "stands"
"""Under which the engine has all forms, and the records that they are made of."""
NOTHING = pa.schema([("record_id", pa.int64()), (PRINT, pa.int64())])


class Forms:
    """The forms of the records of identity under some rules, as an engine sees them. The lake must be being written."""

    def __init__(self, workspace: Workspace, engine: Engine, rules: Rules, columns: Sequence[str]) -> None:
        """`columns` are those of `identity` that are read."""
        self._engine = engine
        self._columns = ("record_id", "site", *columns)
        nobody = pa.table({name: pa.array([], pa.string()) for name in self._columns})
        self.names = tuple(normal(nobody, rules.fields).column_names)
        self.rules = rules.only(self.names)
        with lent(engine) as connection:
            told = mark(connection, self.rules)
        made_by = str((VERSION, sorted(self.rules.fields.items()), self._columns, told))
        self.folder = workspace.root / "linkage" / "forms" / f"{digest63(made_by):016x}"

    def complete(self, found: Records) -> None:
        """Make what is missing, and take away what is there of records that are there no more."""
        self._engine.load(STANDS, found.stands.select(["record_id", PRINT]))
        self._look()
        missing = self._some(f"SELECT * FROM {STANDS} ANTI JOIN {THERE} USING (record_id, {PRINT}) ORDER BY record_id")
        is_clean = not self._files or self._engine.count(THERE) == len(found.stands) - len(missing)
        if not is_clean or len(self._files) > FILES:
            self._rewrite()
        self._before, self._missing = list(self._files), missing["record_id"].combine_chunks()
        self._made = [self._make(missing.slice(start, AT_ONCE)) for start in range(0, len(missing), AT_ONCE)]
        self._engine.drop(STANDS)
        self._look()
        self._clear()

    def rows(self, *columns: str) -> pa.Table:
        """All records, by their ids, with some of the columns of the normal form (default: all)."""
        return self._engine.rows(query(f"SELECT {listed(columns or self.names)} FROM {THERE} ORDER BY record_id"))

    def some(self, records: pa.Table, *columns: str) -> pa.Table:
        """Those of some records (`record_id`), by their ids, with some of their columns."""
        self._engine.load("asked", records)
        try:
            return self._some(
                f"SELECT {listed(columns)} FROM {THERE} SEMI JOIN asked USING (record_id) ORDER BY record_id"
            )
        finally:
            self._engine.drop("asked")

    def parted(self, new: pa.Table) -> tuple[str, pa.Table]:
        """The name under which the engine has the records not in `new` (`record_id`), and those in it, with keys."""
        if new["record_id"].combine_chunks().equals(self._missing):  # all that was made now, as mostly
            self._engine.view("known", self._before, empty=NOTHING)
            return "known", pa.concat_tables(self._made)
        self._engine.load("fresh", new)
        self._engine.create_view("known", query(f"SELECT * FROM {THERE} ANTI JOIN fresh USING (record_id)"))
        return "known", self._some(
            f"SELECT * EXCLUDE ({PRINT}) FROM {THERE} SEMI JOIN fresh USING (record_id) ORDER BY record_id"
        )

    def _some(self, sql: str) -> pa.Table:
        return self._engine.rows(query(sql))

    def _look(self) -> None:
        self._files = sorted(self.folder.glob("*.parquet")) if self.folder.is_dir() else []
        self._engine.view(THERE, self._files, empty=NOTHING)

    def _rewrite(self) -> None:
        kept = self._some(
            f"SELECT DISTINCT ON (record_id) * FROM {THERE} SEMI JOIN {STANDS} USING (record_id, {PRINT}) "
            "ORDER BY record_id"
        )
        gone = self._files
        self._write(kept)
        for path in gone:
            path.unlink()
        self._look()

    def _make(self, missing: pa.Table) -> pa.Table:
        made = normal(said(self._engine, self._columns[2:], missing), self.rules.fields)
        with lent(self._engine) as connection:
            made = keyed(connection, made, self.rules)
        self._write(made.append_column(PRINT, missing[PRINT]))
        return made

    def _write(self, rows: pa.Table) -> None:
        number = max((int(path.stem) for path in self.folder.glob("*.parquet")), default=0) + 1
        with replaced(self.folder / f"{number:06d}.parquet") as stream:
            pq.write_table(rows, stream, compression="zstd", row_group_size=GROUP)

    def _clear(self) -> None:
        """Take away the forms under other rules, which nobody reads any more."""
        for path in self.folder.parent.glob("*/*"):
            if path.parent != self.folder:
                path.unlink()
        for path in self.folder.parent.glob("*"):
            if path != self.folder:
                path.rmdir()
