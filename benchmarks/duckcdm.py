"""The peer's side of `profile` and `cohorts`, run by a Python that has duckcdm and nothing of ours."""

import json
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb


def describe(folder: str) -> dict[str, Any]:
    """Every analysis that duckcdm has, over the tables of a folder; they are loaded before the clock starts."""
    from duckcdm.achilles import run_achilles  # noqa: PLC0415 only the peer's own environment has it

    with duckdb.connect(config={"memory_limit": "900MB", "threads": 2}) as connection:
        for path in sorted(Path(folder).glob("*.parquet")):
            connection.execute(f"CREATE TABLE {path.stem} AS SELECT * FROM '{path}'")
        began = time.perf_counter()
        ran, *_ = run_achilles(connection, cdm_schema="main", results_schema="results")
        return {"seconds": time.perf_counter() - began, "analyses": len(ran)}


COHORT = (
    "CREATE TABLE cohort (cohort_definition_id BIGINT, subject_id BIGINT, cohort_start_date DATE, cohort_end_date DATE)"
)


def cohorts(folder: str, definitions: str, rows: str, memory: str = "2GB", order: int | None = None) -> dict[str, Any]:
    """Definitions (an archive, or JSON of number and document) over the Parquet of a folder; writes the rows found.

    What duckcdm itself does to answer: Parquet becomes tables, each definition SQL, and the SQL is run. `order` stores
    all rows in another order, which changes only what the reference leaves open.
    """
    from duckcdm.circe._jutil import CirceError  # noqa: PLC0415 only the peer's own environment has it
    from duckcdm.omop import create_parquet_views  # noqa: PLC0415 as above

    database = Path(rows).with_suffix(".duckdb")
    database.unlink(missing_ok=True)
    errors: dict[str, str] = {}
    with duckdb.connect(str(database), config={"memory_limit": memory, "threads": 2}) as connection:
        began = time.perf_counter()
        create_parquet_views(connection, folder, log=None, materialize=True)
        loaded = time.perf_counter() - began
        if order is not None:
            _shuffle(connection, order)
        writing = 0.0
        began = time.perf_counter()
        connection.execute(COHORT)
        for number, document in _documents(Path(definitions)):
            at = time.perf_counter()
            try:
                statements = _statements(document, int(number))
                writing += time.perf_counter() - at
                for statement in statements:
                    connection.execute(statement)
            except (duckdb.Error, CirceError) as error:
                errors[number] = f"{type(error).__name__}: {error}"[:300]
                _tidy(connection)
        connection.execute(f"COPY cohort TO '{rows}' (FORMAT parquet)")
        took = time.perf_counter() - began
    database.unlink()
    return {"seconds": loaded + took, "loading": loaded, "writing": writing, "errors": errors}


def _statements(document: Any, number: int) -> list[str]:
    """The peer's SQL for a definition."""
    from duckcdm.circe import build_cohort_query  # noqa: PLC0415 only the peer's own environment has it
    from duckcdm.sqlrender import render, split_sql, translate  # noqa: PLC0415 as above

    sql = build_cohort_query(
        document, cdm_schema="main", vocabulary_schema="main", result_schema="main", target_table="main.cohort",
        cohort_id=number, generate_stats=False,
    )  # fmt: skip
    statements: list[str] = split_sql(translate(render(sql), "duckdb"))
    return statements


def _documents(path: Path) -> Iterator[tuple[str, Any]]:
    if path.suffix == ".json":
        yield from json.loads(path.read_text()).items()
        return
    with tarfile.open(path) as archive:
        for member in archive:
            stream = archive.extractfile(member) if member.name.endswith(".json") else None
            if stream is not None:
                yield Path(member.name).stem, json.load(stream)


def _tidy(connection: duckdb.DuckDBPyConnection) -> None:
    for (name,) in connection.execute("SELECT table_name FROM duckdb_tables() WHERE temporary").fetchall():
        connection.execute(f'DROP TABLE temp."{name}"')


def _shuffle(connection: duckdb.DuckDBPyConnection, order: int) -> None:
    for (name,) in connection.execute("SELECT table_name FROM duckdb_tables() WHERE NOT temporary").fetchall():
        connection.execute(
            f'CREATE OR REPLACE TABLE "{name}" AS SELECT * EXCLUDE (place) FROM '
            f'(SELECT *, row_number() OVER () AS place FROM "{name}") q ORDER BY hash(place, {order})'
        )
