"""SQL of somebody who is not trusted, over tables that hold nothing but what that person may read.

Two engines: the first reads the lake's files through expressions and may know keys; what comes out of it is copied
into tables of a second, fresh one, which is then locked: no file, no network, no extension, no variable of this
process, no setting changed back. What a statement can reach there is what was copied. Texts of the first one's errors
are not shown.

A plain statement (`lake/plain.py`) can name nothing but those tables wherever it runs. It runs in the first engine, on
the files, without a copy; that engine is locked too, and can open the files that it reads and no others.
"""

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import duckdb
import ibis.expr.types as ir
import pyarrow as pa

from isthmus.base.errors import InputError, IsthmusError, RefusedError
from isthmus.lake.asking import SETTINGS, Reading, compiled, opened, paths
from isthmus.lake.edition import Edition
from isthmus.lake.engine import EXHAUSTED, exhausted, limited
from isthmus.lake.lake import Lake
from isthmus.lake.plain import is_single, reaching

BATCH = 65_536  # rows that are copied at once
CHUNK = 2048  # rows that are taken at once: one piece of the engine's own
LARGEST = 256 << 20  # bytes of an answer
NAMED = 40  # characters of a name that an error repeats
GIVEN = "isthmus_given"
# In this order: the second makes the first final.
LOCK = ("SET enable_external_access = false", "SET lock_configuration = true")
# Errors about a statement, not about data; their first line names what is wrong with it.
SPOKEN = (duckdb.ParserException, duckdb.CatalogException, duckdb.BinderException)


class MistakenError(InputError):
    """A statement names what is not there, or is wrong in itself."""


class Locked:
    """A locked engine. Not for use by several threads at once."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def rows(self, sql: str, *, most: int, seconds: float) -> pa.Table:
        """The rows of one SELECT.

        Raises RefusedError for another kind of statement, more rows than `most`, or more time than `seconds`, and
        InputError when the statement is wrong.
        """
        statement = self._single(sql)
        try:
            with limited(self._connection, seconds):
                return _taken(self._connection.execute(statement).to_arrow_reader(CHUNK), most)
        except duckdb.PermissionException:
            raise RefusedError(
                "the SQL reaches for a file, the network or a setting. It may read the tables of the grant, which "
                "`isthmus use show` lists."
            ) from None
        except SPOKEN as error:
            raise MistakenError(
                f"the SQL cannot be answered: {_first(error)}. `isthmus use show` lists what the grant holds."
            ) from None
        except EXHAUSTED as error:
            raise exhausted(error) from None
        except (duckdb.Error, pa.ArrowException, OSError, ValueError, RuntimeError) as error:
            # The engine's own text may quote values of rows.
            raise InputError(
                f"the SQL failed while it ran ({type(error).__name__}). Look at its casts, functions and types."
            ) from None

    def _single(self, sql: str) -> duckdb.Statement:
        try:
            found = self._connection.extract_statements(sql)
        except duckdb.Error as error:
            raise InputError(f"the SQL cannot be read: {_first(error)}. Correct it.") from None
        if len(found) != 1 or found[0].type != duckdb.StatementType.SELECT or not is_single(sql):
            raise RefusedError("only one SELECT is answered at a time, and nothing else. Ask one question.")
        if name := reaching(sql):
            raise RefusedError(
                f"the SQL reaches for the engine itself ({name[:NAMED]}). It may read the tables of the grant, which "
                "`isthmus use show` lists."
            )
        return found[0]


@contextmanager
def locked(lake: Lake, edition: Edition, views: Mapping[str, ir.Table], reading: Reading) -> Iterator[Locked]:
    """A locked engine with the rows of each view, for the length of a block; `reading` is what the views are over."""
    scratch = lake.scratch / f"{os.getpid()}.{uuid4().hex}"
    scratch.mkdir(parents=True)
    connection = duckdb.connect(config=_config(lake.memory, scratch))
    try:
        connection.execute(SETTINGS)
        try:
            _fill(connection, lake, edition, views, reading)
        except IsthmusError:
            raise
        except Exception as error:  # whatever it is, its text may hold the SQL, and that a key
            raise _unread(error) from None
        for setting in LOCK:
            connection.execute(setting)
        yield Locked(connection)
    finally:
        connection.close()
        shutil.rmtree(scratch, ignore_errors=True)


@contextmanager
def straight(
    lake: Lake, edition: Edition, views: Mapping[str, ir.Table], kept: Mapping[str, ir.Table], reading: Reading
) -> Iterator[Locked]:
    """An engine on the files of an edition, for the length of a block, in which plain statements find each view under
    its name. `kept` and `reading` are as in `lake/asking.py`."""
    try:
        with opened(lake, edition, reading, kept) as first:
            for name, view in views.items():
                first.run(f'CREATE TEMP VIEW "{name}" AS {compiled(view)}')
            files = {path for table, _ in reading.tables.values() for path in paths(lake, edition, table)}
            listed = ", ".join("'" + path.replace("'", "''") + "'" for path in sorted(files))
            first.run("; ".join((f"SET allowed_paths = [{listed}]", *LOCK)))
            yield Locked(first.connection)
    except duckdb.Error as error:  # of making the views, whose text holds keys
        raise _unread(error) from None


def _unread(error: Exception) -> IsthmusError:
    return IsthmusError(
        f"what the grant holds could not be read ({type(error).__name__}). Have the operator run verify."
    )


def _config(memory: str, scratch: Path) -> dict[str, str | bool | int | float | list[str]]:
    return {
        "memory_limit": memory, "threads": min(os.cpu_count() or 1, 8), "temp_directory": str(scratch),
        "autoinstall_known_extensions": False, "autoload_known_extensions": False,
        "allow_community_extensions": False,
    }  # fmt: skip


def _fill(
    connection: duckdb.DuckDBPyConnection, lake: Lake, edition: Edition, views: Mapping[str, ir.Table], reading: Reading
) -> None:
    with opened(lake, edition, reading) as first:
        for name, view in views.items():
            connection.register(GIVEN, first.run(compiled(view)).to_arrow_reader(BATCH))
            connection.execute(f'CREATE TABLE "{name}" AS SELECT * FROM {GIVEN}')
            connection.unregister(GIVEN)


def _taken(reader: pa.RecordBatchReader, most: int) -> pa.Table:
    _demand_names(reader.schema)
    batches: list[pa.RecordBatch] = []
    count = size = 0
    for batch in reader:
        count += batch.num_rows
        size += batch.nbytes
        if size > LARGEST:
            raise RefusedError(f"the answer is larger than {LARGEST >> 20} MiB. Ask for fewer rows or shorter texts.")
        if count > most:
            raise RefusedError(
                f"the answer has more than the {most:,} rows that are left of the grant's quota. Aggregate, or ask "
                "for fewer rows."
            )
        batches.append(batch)
    return pa.Table.from_batches(batches, schema=reader.schema)


def _demand_names(fields: Iterable[pa.Field]) -> None:
    """Raise InputError for two columns, or two parts of one, of the same name: whoever reads them would lose one."""
    names = [field.name for field in fields]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"the answer has two columns '{twice[:NAMED]}'. Give each a name of its own with AS.")
    for field in fields:
        kind = field.type
        _demand_names([kind.field(place) for place in range(kind.num_fields)])


def _first(error: duckdb.Error) -> str:
    """What is wrong, without the kind of error before it and the place after it."""
    return str(error).splitlines()[0].partition("Error: ")[2].rstrip(".!")
