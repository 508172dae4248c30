"""The peer's side of `profile`, run by a Python that has duckcdm and nothing of ours."""

import time
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
