"""Jobs about simulated hospitals with thrombosis: written, counted, assessed."""

import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

import isthmus.apps.vte
from isthmus.apps.contract import Asked, Context, manifest_of
from isthmus.apps.contract.research import Desk, step
from isthmus.apps.vte.computed import compute
from isthmus.apps.vte.evidence.definition import shipped
from isthmus.apps.vte.indicator import indicators as counted
from isthmus.apps.vte.stay import Period, lay_deeds, lay_stays
from isthmus.flow.invented import invented_hospitals
from isthmus.flow.workspace import Workspace
from isthmus.gate.declared import Invented
from isthmus.simulation import thrombosis

MANIFEST = manifest_of(Path(isthmus.apps.vte.__file__).parent)
SETTINGS = {name: one.default for name, one in MANIFEST.settings.items()} | {"never": ["family_vte"]}
YEAR = Period(date(2024, 1, 1), date(2024, 12, 31))


def write(root: str, sites: int, stays: int) -> dict[str, Any]:
    """A workspace of so many hospitals, each with so many stays in the year."""
    rows = 0

    def drawn() -> Any:
        nonlocal rows
        for site in range(sites):
            ward = thrombosis.draw(1, site, stays)
            rows += sum(table.num_rows for table in ward.tables.values())
            yield f"h{site:03d}", ward.tables

    invented_hospitals(Path(root), drawn())
    return {"stays": sites * stays, "rows": rows}


def indicators(root: str) -> dict[str, Any]:
    """The indicators by hospital and month, as the application's route asks for them."""
    at, began = _context(root), time.perf_counter()
    found = counted(Asked(query={"since": "2024-01-01", "by": "month"}), at)
    return {"seconds": time.perf_counter() - began, "lines": found.num_rows}


def assess(root: str) -> dict[str, Any]:
    """The assessment of every stay, at its end, from its rows."""

    def work(desk: Desk) -> pa.Table:
        lay_stays(desk, YEAR)
        lay_deeds(desk, shipped(), SETTINGS)
        compute(desk, shipped(), SETTINGS)
        return desk.take(step("SELECT count(*) AS stays, avg(CASE WHEN risk IS NULL THEN 0 ELSE 1 END) AS known"
                              " FROM computed"))  # fmt: skip

    session, began = _session(root, seconds=3600), time.perf_counter()
    (row,) = session.steps("assessments", work).to_pylist()
    return {"seconds": time.perf_counter() - began, **row}


def _session(root: str, seconds: float = 60) -> Invented:
    import isthmus.gate.declared as declared  # noqa: PLC0415 - the limit of a question is lifted for this job alone

    declared.SECONDS = seconds
    opened = Workspace(Path(root))
    edition = opened.lake.editions.current()
    assert edition is not None
    return Invented(opened.lake, edition, MANIFEST.reads)


def _context(root: str) -> Context:
    return Context(
        session=_session(root), records=None, settings=SETTINGS,  # type: ignore[arg-type]  # indicators keep nothing
        learnt=lambda _, __: None, now=datetime.now(UTC),
    )  # fmt: skip
