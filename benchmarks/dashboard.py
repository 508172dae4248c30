"""The OHDSI Data Quality Dashboard's own statements, run one after the other by a Python that has duckcdm.

Its templates are read where somebody has a copy of the dashboard (2.8.4, Apache-2.0), named by ISTHMUS_DQD: nothing of
them is held here. What the dashboard does for a check is done for each: the template is filled with the row of the
check, translated to the dialect of the engine (by duckcdm's SqlRender), sent, and its one row is read.
"""

import csv
import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb

VERSION = "OMOP_CDMv5.3"
LEVELS = ("Table", "Field", "Concept")
SCHEMAS = {"cohort": "FALSE", **dict.fromkeys(("schema", "cdmDatabaseSchema", "vocabDatabaseSchema"), "main")}
# What a filter of the dashboard says of a row: a column is, or is not, a text; several are joined by &.
CLAUSE = re.compile(r"(\w+)\s*(==|!=)\s*'(.*)'")
Check = tuple[str, Mapping[str, str]]


def run(folder: str, dashboard: str) -> dict[str, Any]:
    """All checks of the tables of a folder, from template to counts; the templates are in memory before the clock runs.

    Returns what each found, how long rendering and translating took, and what the engine refused.
    """
    from duckcdm.sqlrender import render, split_sql, translate  # noqa: PLC0415 only the peer's own environment has it

    tables = {path.stem for path in Path(folder).glob("*.parquet")}
    asked = [(key, one, row) for key, one, row in _checks(Path(dashboard)) if row["cdmTableName"].lower() in tables]
    counts: dict[str, tuple[int, int]] = {}
    refused: dict[str, str] = {}
    writing = 0.0
    with duckdb.connect(config={"memory_limit": "900MB", "threads": 2}) as connection:
        began = time.perf_counter()
        for table in tables:
            connection.execute(f"CREATE VIEW {table} AS SELECT * FROM read_parquet('{folder}/{table}.parquet')")
        for key, template, row in asked:
            at = time.perf_counter()
            (text,) = split_sql(translate(render(template, **SCHEMAS, **row), "duckdb"))
            writing += time.perf_counter() - at
            try:
                violated, _, of = connection.execute(text).fetchone() or (0, 0.0, 0)
            except duckdb.Error as error:
                refused[key] = str(error).splitlines()[0]
            else:
                counts[key] = (int(violated), int(of))
        took = time.perf_counter() - began
    return {"seconds": took, "writing": writing, "counts": counts, "refused": refused}


def _checks(dashboard: Path) -> Iterator[tuple[str, str, Mapping[str, str]]]:
    """Every check: its id, the text of its template, and the row of the list that it is filled with."""
    folder = dashboard / "inst"
    rows = {level: list(_rows(folder / "csv" / f"{VERSION}_{level}_Level.csv")) for level in LEVELS}
    for kind in _rows(folder / "csv" / f"{VERSION}_Check_Descriptions.csv"):
        template = (folder / "sql" / "sql_server" / kind["sqlFile"]).read_text(encoding="utf-8")
        for row in rows[kind["checkLevel"].capitalize()]:
            if _applies(kind["evaluationFilter"], row):
                parts = (kind["checkLevel"], kind["checkName"], *_names(row))
                yield "_".join(part for part in parts if part).lower(), template, row


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        for row in csv.DictReader(stream):
            yield {name: value for name, value in row.items() if name != "schema"}


def _applies(said: str, row: Mapping[str, str]) -> bool:
    clauses = [CLAUSE.search(one) for one in said.split("&")]
    return all(one and (row[one[1]] == one[3]) == (one[2] == "==") for one in clauses)


def _names(row: Mapping[str, str]) -> Iterator[str]:
    yield from (row.get(name, "") for name in ("cdmTableName", "cdmFieldName"))
    yield ",".join(row[name].replace(" ", "") for name in ("conceptId", "unitConceptId") if row.get(name))
