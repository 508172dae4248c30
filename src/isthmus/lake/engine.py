"""DuckDB as the embedded engine: temporary tables, statements given as sqlglot trees, sorted Parquet out.

No extension is used beyond those in the wheel, for none can be downloaded in an air-gapped hospital.
"""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import copy as copy_of
from pathlib import Path
from threading import Timer

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from sqlglot import exp

from isthmus.base.durable import sha256_of, sync_file
from isthmus.base.errors import InputError, IntegrityError, RefusedError

DIALECT = "duckdb"
MEMORY = "900MB"
ROW_GROUP = 40_960
"""Rows of a row group. Half of one is decoded for one person's rows: of 122,880 that took four times as long, while
statements over whole tables took about the same."""
PIECE_ROWS = 8_192
"""Rows of a piece of a wide table. The engine reserves room for all rows of a piece, in every column."""
STATEMENTS = 4096  # kept as SQL
_SPELLED: dict[int, tuple[exp.Expr, str]] = {}  # statements that come again and again, as SQL; for all engines
DISABLED = "build_side_probe_side"
# The engine's half of isthmus.base.identity: digest63 and mixed. The lower half of md5_number is md5_number_upper, at
# a third of the cost.
MACROS = (
    f"CREATE TEMP MACRO isthmus_digest(words) AS CAST((md5_number(words) & {(1 << 64) - 1}::UHUGEINT) >> 1 AS BIGINT)",
    "CREATE TEMP MACRO isthmus_mixed(id, salt) AS xor(CAST(id AS BIGINT), CAST(salt AS BIGINT))",
)


EXHAUSTED = (duckdb.OutOfMemoryException, duckdb.IOException)


def exhausted(error: duckdb.Error) -> InputError:
    """What to say of one of EXHAUSTED; nothing of the statement is in it."""
    return InputError(
        f"the engine ran out of memory or disk ({type(error).__name__}). Free some disk below the workspace, "
        "or raise `memory` in isthmus.toml."
    )


class Engine:
    """One connection with temporary tables. Not for use by several threads at once."""

    def __init__(self, scratch: Path, *, memory: str = MEMORY, threads: int | None = None) -> None:
        scratch.mkdir(parents=True, exist_ok=True)
        self._until: tuple[float, float] | None = None  # when statements are stopped, and after how many seconds
        self._tables: dict[str, int] = {}  # with their rows; asking for either costs a millisecond each time
        self._held: set[str] = set()  # wide tables, in Arrow
        self._defined: dict[str, str] = {}
        self._loaded: dict[str, pa.Table] = {}
        self._views: dict[str, str] = {}  # as statements
        self._connection = duckdb.connect(
            config={
                "memory_limit": memory,
                "threads": threads or min(os.cpu_count() or 1, 8),
                "temp_directory": str(scratch),
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            }
        )
        _settle(self._connection)

    def close(self) -> None:
        """Drop everything temporary."""
        self._connection.close()

    def define(self, name: str, parameters: Sequence[str], meaning: exp.Expr) -> None:
        """Give a scalar expression over parameters a name that statements may call."""
        text = f"CREATE OR REPLACE TEMP MACRO {name}({', '.join(parameters)}) AS {self._sql(meaning)}"
        if self._defined.get(name) != text:  # each feed says the same again
            self._run(text)
            self._defined[name] = text

    def load(self, name: str, table: pa.Table) -> None:
        """Make an Arrow table readable under a name; it is not copied and must not change."""
        self._connection.register(name, table)
        self._loaded[name] = table

    def create(self, name: str, select: exp.Query, *, wide: bool | None = None) -> int:
        """Fill a temporary table with a statement's rows (replacing it); returns the number of rows.

        A `wide` one is held in Arrow: the engine takes a block of memory for each column and core, however few the
        rows. None: as the table of that name is held now. Nothing can be inserted into a wide one.
        """
        if name in self._held if wide is None else wide:
            table = self._run(self._sql(select)).to_arrow_table(PIECE_ROWS)
            self.drop(name)
            self.load(name, table)
            self._held.add(name)
            return int(table.num_rows)
        if name in self._held:
            self.drop(name)
        (rows,) = self._run(f'CREATE OR REPLACE TEMP TABLE "{name}" AS {self._sql(select)}').fetchone() or (0,)
        self._tables[name] = int(rows)
        return int(rows)

    def insert(self, name: str, select: exp.Query) -> None:
        """Append a statement's rows to a temporary table, by name; the table comes to be with the first."""
        if name not in self._tables:
            self.create(name, select)
            return
        (rows,) = self._run(f'INSERT INTO "{name}" BY NAME {self._sql(select)}').fetchone() or (0,)
        self._tables[name] += int(rows)

    def drop(self, name: str) -> None:
        """Forget a temporary table or an Arrow table, if there is one."""
        if name in self._tables:
            self._run(f'DROP TABLE "{name}"')
            del self._tables[name]
        else:
            self._held.discard(name)
            self._loaded.pop(name, None)
            self._connection.unregister(name)

    def tables(self) -> set[str]:
        """Names of the temporary tables."""
        return set(self._tables)

    def count(self, name: str) -> int:
        """Rows of a temporary table or view."""
        if name in self._tables:
            return self._tables[name]
        (rows,) = self._connection.execute(f'SELECT count(*) FROM "{name}"').fetchone() or (0,)
        return int(rows)

    def rows(self, select: exp.Query) -> pa.Table:
        """The rows of a statement, in memory."""
        return self._run(self._sql(select)).to_arrow_table()

    def view(self, name: str, files: Sequence[Path], *, empty: pa.Schema) -> None:
        """Make the rows of Parquet files readable under a name; with no files, an empty table of that schema."""
        self._run(f'DROP VIEW IF EXISTS "{name}"')
        self._views.pop(name, None)
        if not files:
            self.load(name, empty.empty_table())
            return
        for path in files:
            if not path.is_file():
                raise IntegrityError(f"{path.name} is missing from the lake. `isthmus verify` tells what else is.")
        self._connection.unregister(name)
        self._loaded.pop(name, None)
        listed = ", ".join("'" + str(path).replace("'", "''") + "'" for path in files)
        self._name(
            name,
            f"SELECT * FROM read_parquet([{listed}], hive_partitioning = true, hive_types_autocast = false, "
            "union_by_name = true)",
        )

    def create_view(self, name: str, select: exp.Query) -> None:
        """Give a statement a name; it runs when it is read."""
        self._name(name, self._sql(select))

    def write(self, select: exp.Query, folder: Path) -> tuple[Path, int]:
        """Write a statement's rows as one Parquet file named by its SHA-256; returns its path and row count.

        The same rows in the same order give the same bytes, if the statement orders them.
        """
        folder.mkdir(parents=True, exist_ok=True)
        draft = folder / f".{os.getpid()}.parquet"
        target = str(draft).replace("'", "''")
        self._run(
            f"COPY ({self._sql(select)}) TO '{target}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP})"
        )
        rows = pq.read_metadata(draft).num_rows
        sync_file(draft)
        final = folder / f"{sha256_of(draft)}.parquet"
        draft.replace(final)
        return final, rows

    def _name(self, view: str, sql: str) -> None:
        self._views.pop(view, None)  # a view stands behind those that it reads
        self._views[view] = f'CREATE OR REPLACE TEMP VIEW "{view}" AS {sql}'
        self._run(self._views[view])

    def _sql(self, select: exp.Expr) -> str:
        known = _SPELLED.get(id(select))
        if known is None or known[0] is not select:
            if len(_SPELLED) > STATEMENTS:
                _SPELLED.clear()
            known = _SPELLED[id(select)] = (select, select.sql(DIALECT))
        return known[1]

    def _run(self, sql: str) -> duckdb.DuckDBPyConnection:
        if self._until is not None and time.monotonic() > self._until[0]:
            raise late(self._until[1])
        with _told():
            return self._connection.execute(sql)


def _settle(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET enable_progress_bar = false")  # it would be drawn on stdout, into the JSON
    # It takes an Arrow table, whose length it does not know, for the small side of a join.
    connection.execute(f"SET disabled_optimizers = '{DISABLED}'")
    for macro in MACROS:
        connection.execute(macro)


@contextmanager
def beside(engine: Engine) -> Iterator[Engine]:
    """A second engine for another thread, for the length of a block.

    It shares memory and cores with the first and reads the same views and Arrow tables. Temporary tables and the
    functions that packs may use are not shared.
    """
    other = copy_of(engine)
    other._tables, other._held, other._connection = {}, set(), engine._connection.cursor()
    try:
        _settle(other._connection)
        other._loaded, other._views = dict(engine._loaded), dict(engine._views)
        for name, table in other._loaded.items():
            other._connection.register(name, table)
        for sql in other._views.values():
            other._run(sql)
        yield other
    finally:
        other.close()


@contextmanager
def _told() -> Iterator[None]:
    """What the engine cannot do, as an error of ours."""
    try:
        yield
    except duckdb.InterruptException:
        raise
    except EXHAUSTED as error:
        raise exhausted(error) from error
    except duckdb.Error as error:
        # The engine's own text may quote values of rows; only its first words are safe to show.
        raise InputError(
            f"a statement failed in the engine: {type(error).__name__}. Nothing of it was written. Report this with "
            "the command that was run, and the pack or definition, if there was one."
        ) from error
    except Exception as error:  # a library that writes its own statements puts the engine's errors into its own
        if isinstance(error.__cause__, EXHAUSTED):
            raise exhausted(error.__cause__) from error
        raise


def late(seconds: float) -> RefusedError:
    """What to say of a question that took longer than it may."""
    return RefusedError(f"the question took longer than {seconds:g} seconds. Ask for fewer rows, or ask in steps.")


@contextmanager
def limited(connection: duckdb.DuckDBPyConnection, seconds: float | None) -> Iterator[None]:
    """Stop what a connection does when it takes too long: RefusedError. No limit for None."""
    if seconds is None:
        yield
        return
    timer = Timer(seconds, connection.interrupt)
    timer.start()
    try:
        yield
    except duckdb.InterruptException:
        raise late(seconds) from None
    finally:
        timer.cancel()


@contextmanager
def lent(engine: Engine) -> Iterator[duckdb.DuckDBPyConnection]:
    """The connection of an engine, for a library that writes statements of its own, for the length of a block.

    They were measured with the optimizer as it comes, so within the block it may choose the sides of joins.
    """
    connection = engine._connection
    connection.execute("SET disabled_optimizers = ''")
    try:
        with _told():
            yield connection
    finally:
        connection.execute(f"SET disabled_optimizers = '{DISABLED}'")


def copy(engine: Engine, name: str, sql: str) -> None:
    """Fill a temporary table with the rows of a statement that has secrets in it: no error tells its text."""
    try:
        made = engine._connection.execute(f'CREATE OR REPLACE TEMP TABLE "{name}" AS {sql}')
        (rows,) = made.fetchone() or (0,)
    except duckdb.InterruptException:
        raise
    except EXHAUSTED as error:
        raise exhausted(error) from None  # its text may hold the statement
    except Exception as error:  # whatever it is, its text may hold the statement
        raise InputError(
            f"what the grant holds could not be read ({type(error).__name__}). Have the operator run verify."
        ) from None
    engine._tables[name] = int(rows)


@contextmanager
def within(engine: Engine, seconds: float) -> Iterator[None]:
    """Stop what is done in the block when it takes too long, within a statement or between two: RefusedError."""
    engine._until = time.monotonic() + seconds, seconds
    try:
        with limited(engine._connection, seconds):
            yield
    finally:
        engine._until = None
