"""The writer's own file: entries that are durable but not yet in tiles, and which batches were taken already.

It is one SQLite database in WAL mode with full synchronisation: a transaction is on the disk when it returns. Several
processes may write in turn; each transaction takes the write lock before it reads.

    batch    every batch ever taken: id, index of its first entry, count, SHA-256 over its leaf hashes
    pending  entries that are not in tiles yet, one bundle per batch
    tip      one row: entries in the log, the right edge of the tree, the signed checkpoint, entries that are in tiles
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from isthmus.base.errors import IntegrityError, IsthmusError
from isthmus.ledger.tree import SIZE, Edge

NAME = "journal.sqlite"
WAIT = 60.0  # seconds that a writer waits for another

_TABLES = """
create table if not exists batch (
    id text primary key, first integer not null, count integer not null, digest blob not null
) without rowid;
create table if not exists pending (first integer primary key, count integer not null, entries blob not null);
create table if not exists tip (
    one integer primary key check (one = 1), size integer not null, edge blob not null, note blob not null,
    tiled integer not null
);
"""


@dataclass(frozen=True, slots=True)
class Tip:
    """Where the log ends: `note` is the signed checkpoint over all entries, `tiled` counts those that are in tiles."""

    edge: Edge
    note: bytes
    tiled: int


class Journal:
    """The journal of one log. Not to be shared between threads that write at the same time."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        try:
            self._db = sqlite3.connect(self.path, timeout=WAIT, isolation_level=None, check_same_thread=False)
            self._db.execute("pragma journal_mode = wal")
            self._db.execute("pragma synchronous = full")
            with self.writing():
                for statement in _TABLES.split(";"):
                    self._db.execute(statement)
        except sqlite3.DatabaseError as error:
            raise IntegrityError(
                f"the journal of the log cannot be opened ({error}). Restore it from a copy."
            ) from None

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """One transaction: all of it is durable when the block ends well, or nothing of it is there.

        Raises IsthmusError when the disk is full, the file locked or gone: then nothing was logged.
        """
        try:
            self._db.execute("begin immediate")
            yield
            self._db.execute("commit")
        except (sqlite3.Error, OSError) as error:
            self._undo()
            raise IsthmusError(
                f"the log cannot be written, and nothing was logged ({error}). Mend it, try again."
            ) from None
        except BaseException:  # whatever happened, nothing of the block may stay
            self._undo()
            raise

    def _undo(self) -> None:
        with suppress(sqlite3.Error):
            if self._db.in_transaction:
                self._db.execute("rollback")

    def tip(self) -> Tip | None:
        """Where the log ends; None before its first transaction."""
        row = self._db.execute("select size, edge, note, tiled from tip").fetchone()
        if row is None:
            return None
        size, edge, note, tiled = row
        hashes = [edge[place : place + SIZE] for place in range(0, len(edge), SIZE)]
        return Tip(Edge(size, hashes), note, tiled)

    def move(self, tip: Tip) -> None:
        """Set where the log ends."""
        row = (1, tip.edge.size, b"".join(tip.edge.hashes), tip.note, tip.tiled)
        self._db.execute("insert or replace into tip values (?, ?, ?, ?, ?)", row)

    def batch(self, name: str) -> tuple[int, int, bytes] | None:
        """First index, count and digest of a batch that was taken; else None."""
        found: tuple[int, int, bytes] | None = self._db.execute(
            "select first, count, digest from batch where id = ?", (name,)
        ).fetchone()
        return found

    def take(self, name: str, first: int, count: int, *, digest: bytes, entries: bytes) -> None:
        """Note a batch and keep its entries."""
        self._db.execute("insert into batch values (?, ?, ?, ?)", (name, first, count, digest))
        self._db.execute("insert into pending values (?, ?, ?)", (first, count, entries))

    def pending(self) -> Sequence[bytes]:
        """The bundles that are not in tiles yet, in order."""
        return [row[0] for row in self._db.execute("select entries from pending order by first")]

    def clear(self) -> None:
        """Forget what is pending: it is in tiles."""
        self._db.execute("delete from pending")
