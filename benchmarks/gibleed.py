"""Jobs about Eunomia's GiBleed: attached, described, and repeated with other persons."""

import time
from pathlib import Path
from typing import Any

import duckdb

from isthmus.cdm.tables import TABLES
from isthmus.flow import attach as flow
from isthmus.flow import start
from isthmus.flow.profile import profile
from isthmus.flow.workspace import Workspace

STEP = 1_000_000  # between the ids of one repetition and those of the next
MOVED = {table.primary_key for table in TABLES.values() if table.person} | {"preceding_visit_occurrence_id"}


def attach(folder: str, root: str) -> dict[str, Any]:
    """The CDM of a folder in a new workspace."""
    opened = start.new(Path(root), synthetic=True)
    report = flow.attach(opened, Path(folder), name="gibleed")
    if report.failed or report.edition is None:
        raise RuntimeError(str(report.failed))
    rows = report.edition.tables()
    return {"persons": rows["person"], "rows": sum(rows.values()) - rows["record"]}


def describe(root: str) -> dict[str, Any]:
    """The profile of the newest edition, which must not be kept yet: read, counted, and written beside it."""
    opened = Workspace(Path(root))
    assert not (opened.root / "profiles").exists()
    began = time.perf_counter()
    found = profile(opened)
    took = time.perf_counter() - began
    ids = set(found.results["analysis_id"].to_pylist()) | set(found.distributions["analysis_id"].to_pylist())
    return {"seconds": took, "analyses": 194, "with_rows": len(ids), "rows": found.results.num_rows}


def repeat(folder: str, into: str, times: int) -> None:
    """The tables of a CDM so many times over, each time with other persons, visits and events."""
    Path(into).mkdir(parents=True)
    with duckdb.connect(config={"memory_limit": "2GB", "threads": 2}) as connection:
        for path in sorted(Path(folder).glob("*.parquet")):
            columns = [row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM '{path}'").fetchall()]
            select = f"SELECT * FROM '{path}'"
            if "person_id" in map(str.lower, columns):
                moved = (f"{one} + k * {STEP} AS {one}" for one in columns if one.lower() in MOVED)
                told = f"SELECT t.* REPLACE ({', '.join(moved)})"
                select = f"{told} FROM '{path}' t, range({times}) r(k) ORDER BY person_id"
            connection.execute(f"COPY ({select}) TO '{into}/{path.name}' (FORMAT parquet)")
