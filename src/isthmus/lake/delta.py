"""Delta tables as a log over Parquet files that we write ourselves.

A data file is named by the SHA-256 of its bytes and lies at `<table>/site=<site>/<sha256>.parquet` (tables that belong
to no site: `<table>/<sha256>.parquet`). Deletion vectors and column mapping stay off, so that the list of files of a
version is the table, for every engine. The id of a batch commits with the batch, so that a retry changes nothing.
"""

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import RLock
from urllib.parse import unquote

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction
from deltalake import Schema as DeltaSchema
from deltalake.exceptions import DeltaError
from deltalake.transaction import AddAction, RemoveAction, create_table_with_add_actions

from isthmus.base.errors import IntegrityError

PROPERTIES = {
    "delta.enableDeletionVectors": "false", "delta.columnMapping.mode": "none",
    # Whoever adds a commit or opens the table reads the commits since the last checkpoint, at about 1 ms each.
    "delta.checkpointInterval": "20",
}  # fmt: skip
POINTER = "_last_checkpoint"  # the one file of a log that is written again

KEPT = 128  # versions of tables whose files are in memory
Log = frozenset[tuple[str, int, int]]
"""What stands in the log of a table: names, sizes and times of writing."""


@dataclass(frozen=True, slots=True)
class DataFile:
    """One Parquet file of a table. `path` is relative to the lake's folder."""

    table: str
    path: str
    site: str | None
    rows: int
    size: int

    @property
    def sha256(self) -> str:
        """The digest that the file's name claims."""
        return Path(self.path).stem


@dataclass(slots=True)
class _Opened:
    """A table at its newest version, its log when it was read, and batches that are known not to be in it."""

    table: DeltaTable
    log: Log
    absent: set[str] = field(default_factory=set)


class Deltas:
    """The tables of one lake folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._known: dict[tuple[str, int | None], tuple[Log, int, list[DataFile]]] = {}
        self._opened: dict[str, _Opened] = {}
        self._seen: dict[str, Log] | None = None  # logs as they are, while only we write
        self._lock = RLock()  # an opened table moves on when its log has

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else writes in this block: the log of a table is looked at once, and after each commit of ours."""
        self._seen = {}
        try:
            yield
        finally:
            self._seen = None

    def names(self) -> list[str]:
        """Tables that exist."""
        return sorted(path.parent.name for path in self.root.glob("*/_delta_log"))

    def version(self, table: str) -> int | None:
        """The newest version of a table, or None when it does not exist."""
        found = self._read(table, None)
        return None if found is None else found[0]

    def files(self, table: str, *, version: int | None = None, site: str | None = None) -> list[DataFile]:
        """The files that make up a version (the newest by default), of one site if asked."""
        found = self._read(table, version)
        return [] if found is None else [one for one in found[1] if site in (None, one.site)]

    def _read(self, table: str, version: int | None) -> tuple[int, list[DataFile]] | None:
        """The number and the files of a version, read again when anything in the table's log is not as it was."""
        log = self._log(table)
        known = self._known.get((table, version))
        if known is None or known[0] != log:
            with self._lock:
                found = self._open(table, version) if version is not None else self._newest(table, log)
                if found is None:
                    return None
                told = pa.table(found.get_add_actions(flatten=True)).select(["path", "num_records", "size_bytes"])
                number = int(found.version())
            files = sorted((self._file(table, action) for action in told.to_pylist()), key=lambda one: one.path)
            known = self._keep(table, version, log, number, files)
        return known[1], known[2]

    def _keep(
        self, table: str, version: int | None, log: Log, number: int, files: list[DataFile]
    ) -> tuple[Log, int, list[DataFile]]:
        known = (log, number, files)
        held = {**self._known, (table, version): known, (table, number): known}
        self._known = dict(list(held.items())[-KEPT:])  # never changed in place: other threads may be reading
        return known

    def has_batch(self, table: str, batch: str) -> bool:
        """Whether the batch has been committed to the table."""
        with self._lock:
            found = self._newest(table, self._log(table))
            if found is None:
                return False
            absent = self._opened[table].absent
            if batch not in absent and found.transaction_version(batch) is None:
                absent.add(batch)
            return batch not in absent

    def commit(
        self, table: str, schema: pa.Schema, *, add: Sequence[DataFile], remove: Sequence[DataFile], batch: str
    ) -> int:
        """Add and remove files in one atomic step and note the batch in it; returns the new version.

        Does nothing when the batch is in the table already.
        """
        partition = ["site"] if "site" in schema.names else None
        properties = CommitProperties(app_transactions=[Transaction(batch, 1, int(time.time()))])
        actions = [self._add(one) for one in add]
        with self._lock:
            before = self._read(table, None)
            if before is None:
                self._forget_log(table)
                create_table_with_add_actions(
                    str(self.root / table), DeltaSchema.from_arrow(schema), actions, mode="error",
                    partition_by=partition, configuration=PROPERTIES, commit_properties=properties,
                )  # fmt: skip
                return 0
            if self.has_batch(table, batch):
                return before[0]
            self._forget_log(table)
            found = self._opened[table].table
            found.create_write_transaction(
                [*actions, *(self._remove(one) for one in remove)], mode="append",
                schema=DeltaSchema.from_arrow(schema), partition_by=partition, commit_properties=properties,
            )  # fmt: skip
            return self._moved_on(table, before, add, remove)

    def _moved_on(
        self, table: str, before: tuple[int, list[DataFile]], add: Sequence[DataFile], remove: Sequence[DataFile]
    ) -> int:
        """The version after a commit of ours; its files need no reading where it is the next one."""
        log = self._log(table)
        found = self._newest(table, log)
        assert found is not None
        number = int(found.version())
        if number == before[0] + 1:
            changed = {one.path for one in (*add, *remove)}
            files = [*(one for one in before[1] if one.path not in changed), *add]
            self._keep(table, None, log, number, sorted(files, key=lambda one: one.path))
        return number

    def _log(self, table: str) -> Log:
        with self._lock:  # else an older log could be noted after a commit
            seen = self._seen
            if seen is None or table not in seen:
                log = _log(self.root / table / "_delta_log")
                if seen is None:
                    return log
                seen[table] = log
            return seen[table]

    def _forget_log(self, table: str) -> None:
        if self._seen is not None:
            self._seen.pop(table, None)

    def _newest(self, table: str, log: Log) -> DeltaTable | None:
        """A table whose log is this one; one that was opened before reads on where nothing but commits came."""
        kept = self._opened.get(table)
        if kept is not None and kept.log == log:
            return kept.table
        if kept is not None and {one for one in kept.log if one[0] != POINTER} <= log:
            with suppress(DeltaError):  # told below, when the whole log is read
                kept.table.update_incremental()
                self._opened[table] = _Opened(kept.table, log)
                return kept.table
        found = self._open(table)
        if found is None:
            self._opened.pop(table, None)
        else:
            self._opened[table] = _Opened(found, log)
        return found

    def _open(self, table: str, version: int | None = None) -> DeltaTable | None:
        folder = self.root / table
        if not (folder / "_delta_log").is_dir() or not DeltaTable.is_deltatable(str(folder)):
            return None
        try:
            return DeltaTable(str(folder), version=version)
        except DeltaError as error:
            raise IntegrityError(
                f"the log of table {table} was altered ({type(error).__name__}). Restore lake/{table}/_delta_log from "
                "a backup, or build the lake anew: isthmus rebuild."
            ) from None

    def _file(self, table: str, action: Mapping[str, object]) -> DataFile:
        path = unquote(str(action["path"]))
        site = path.split("/", 1)[0].removeprefix("site=") if path.startswith("site=") else None
        rows, size = action.get("num_records"), action["size_bytes"]
        assert isinstance(rows, int) and isinstance(size, int)
        return DataFile(table, f"{table}/{path}", site, rows, size)

    def _add(self, file: DataFile) -> AddAction:
        partition = {} if file.site is None else {"site": file.site}
        path = file.path.removeprefix(f"{file.table}/")
        stats = json.dumps({"numRecords": file.rows})
        return AddAction(path, file.size, partition, int(time.time() * 1000), True, stats)

    def _remove(self, file: DataFile) -> RemoveAction:
        partition: dict[str, str | None] = {} if file.site is None else {"site": file.site}
        path = file.path.removeprefix(f"{file.table}/")
        return RemoveAction(path, True, int(time.time() * 1000), file.size, partition)


def _log(folder: Path) -> Log:
    try:
        with os.scandir(folder) as found:
            told = [(one.name, one.stat()) for one in found]
    except (FileNotFoundError, NotADirectoryError):
        return frozenset()
    return frozenset((name, said.st_size, said.st_mtime_ns) for name, said in told)
