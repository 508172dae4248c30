"""Whether anything came into the records: a number that every commit changes, of this process or of any other."""

import threading

from sqlalchemy import PoolProxiedConnection

from isthmus.records.store import Records


class Commits:
    """Watches the records by a connection of its own, on which nothing is ever written."""

    def __init__(self, records: Records) -> None:
        self._engine = records.engine
        self._lock = threading.Lock()
        self._held: PoolProxiedConnection | None = None

    def number(self) -> int | None:
        """Another number than before if anything was committed meanwhile; None where the database tells none.

        SQLite tells it from what it has in memory, without looking at a table.
        """
        if self._engine.dialect.name != "sqlite":
            return None
        with self._lock:
            if self._held is None:
                self._held = self._engine.raw_connection()
                self._held.detach()  # from the pool: it is held as long as this is
            cursor = self._held.cursor()
            try:
                cursor.execute("PRAGMA data_version")
                (row,) = cursor.fetchall()  # to its end, so that no reader's mark is left in the log of the database
            finally:
                cursor.close()
            return int(row[0])

    def close(self) -> None:
        """Watch no more."""
        with self._lock:
            if self._held is not None:
                self._held.close()
                self._held = None
