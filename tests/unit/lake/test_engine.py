"""The engine's errors are told as ours, also where a library has put them into its own."""

from pathlib import Path

import duckdb
import pytest

from isthmus.base.errors import InputError
from isthmus.lake.engine import Engine, lent


class _Library(Exception):
    pass


def test_memory_that_runs_out_within_a_library_is_told_as_such(tmp_path: Path) -> None:
    engine = Engine(tmp_path, memory="20MB")
    with pytest.raises(InputError, match="ran out of memory or disk") as told, lent(engine) as connection:
        connection.execute("SET temp_directory = ''")
        try:
            connection.execute("CREATE TEMP TABLE t AS SELECT hash(i) AS h, hash(i + 1) AS g FROM range(20000000) r(i)")
        except duckdb.Error as error:
            raise _Library("it could not be done") from error
    assert "CREATE" not in str(told.value)
    engine.close()


def test_other_errors_of_a_library_pass_as_they_are(tmp_path: Path) -> None:
    engine = Engine(tmp_path)
    with pytest.raises(_Library), lent(engine):
        raise _Library
    engine.close()
