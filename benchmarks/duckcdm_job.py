"""The peer's half of the benchmark and of the comparison of random definitions: cohorts by duckcdm 0.4.7.

It runs in an environment of its own, where duckcdm is and Isthmus is not:

    PYTHON duckcdm_job.py CDM_FOLDER DEFINITIONS.json --rows OUT.parquet [--order SEED] [--threads N]

`DEFINITIONS.json` maps numbers to Circe documents. What is printed at the end is JSON: seconds to write the SQL, seconds
to run it, errors by definition. Loading the CDM into DuckDB is not counted. `--order` stores all rows in another order,
which changes the answer only where the reference leaves it undefined.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import duckdb
from duckcdm.circe import build_cohort_query
from duckcdm.omop import cdm_fields
from duckcdm.sqlrender import render, split_sql, translate

TABLE = (
    "CREATE TABLE cohort (cohort_definition_id BIGINT, subject_id BIGINT, cohort_start_date DATE, cohort_end_date DATE)"
)


def main() -> None:
    """Run what the command line asks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cdm", type=Path)
    parser.add_argument("definitions", type=Path)
    parser.add_argument("--rows", type=Path, required=True)
    parser.add_argument("--order", type=int)
    parser.add_argument("--threads", type=int, default=2)
    chosen = parser.parse_args()
    connection = duckdb.connect(config={"threads": chosen.threads})
    _load(connection, chosen.cdm, chosen.order)
    connection.execute(TABLE)
    writing = running = 0.0
    errors = {}
    for number, document in json.loads(chosen.definitions.read_text()).items():
        try:
            began = time.perf_counter()
            sql = build_cohort_query(
                document, cdm_schema="main", vocabulary_schema="main", result_schema="main", target_table="main.cohort",
                cohort_id=int(number), generate_stats=False,
            )  # fmt: skip
            statements = split_sql(translate(render(sql), "duckdb"))
            written = time.perf_counter()
            for statement in statements:
                connection.execute(statement)
            writing, running = writing + written - began, running + time.perf_counter() - written
        except Exception as error:
            errors[number] = f"{type(error).__name__}: {error}"[:300]
            for (name,) in connection.execute("SELECT table_name FROM duckdb_tables() WHERE temporary").fetchall():
                connection.execute(f'DROP TABLE temp."{name}"')
    connection.execute(f"COPY (SELECT * FROM cohort ORDER BY ALL) TO '{chosen.rows}' (FORMAT parquet)")
    sys.stdout.write(json.dumps({"writing": writing, "running": running, "errors": errors}) + "\n")


def _load(connection: duckdb.DuckDBPyConnection, folder: Path, order: int | None) -> None:
    for table, columns in cdm_fields().items():
        if table == "cohort":
            continue
        path = folder / f"{table}.parquet"
        if not path.exists():
            listed = ", ".join(f'"{name}" {kind}' for name, kind in columns)
            connection.execute(f"CREATE TABLE IF NOT EXISTS {table} ({listed})")
            continue
        # Ends that SQL does not settle are settled by the order in which rows are stored.
        turn = "" if order is None else f" ORDER BY hash(rowid_, {order})"
        source = f"SELECT *, row_number() OVER () AS rowid_ FROM read_parquet('{path}')"
        have = {row[0].lower() for row in connection.execute(f"DESCRIBE SELECT * FROM '{path}'").fetchall()}
        chosen = ", ".join(
            f'"{name}"' if name in have else f'CAST(NULL AS {kind}) AS "{name}"' for name, kind in columns
        )
        connection.execute(f"CREATE TABLE {table} AS SELECT {chosen} FROM ({source}) q{turn}")


if __name__ == "__main__":
    main()
