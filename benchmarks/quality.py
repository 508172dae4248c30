"""All data quality checks of a CDM, fused, against one statement for every check; same engine, same files.

There are two peers. One is the dashboard's own statements, as it renders, translates and sends them, where somebody has
named a copy of it (ISTHMUS_DQD, see dashboard.py). The other, always there, is the plainest statement that gives the
same counts, written by us, with its text ready before the clock runs: no tool does that, so it is the harder one.
"""

import os
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from time import perf_counter
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.claim import Bench, Row, fastest, seconds, spent
from benchmarks.job import Sample
from benchmarks.naive import statement
from benchmarks.profile import PEER, environment
from isthmus.flow.evaluation import evaluate
from isthmus.flow.quality import measured
from isthmus.flow.statement import query
from isthmus.lake.engine import Engine
from isthmus.quality.checks import catalogue

GIBLEED = Path(os.environ.get("ISTHMUS_TEST_DATA", "../shared/data")) / "ohdsi" / "gibleed"
DASHBOARD = os.environ.get("ISTHMUS_DQD", "")
REFUSED = 1  # the dashboard's check of note_nlp.offset is refused: the name is a word of the engine's SQL
PERSONS = 2_694
TODAY = date(2026, 11, 21)
APART = 100_000_000  # between the ids of two copies
# In these nothing is copied: they are of the vocabulary, or of the CDM as a whole.
ONCE = (
    "concept", "concept_ancestor", "concept_relationship", "concept_synonym", "concept_class", "vocabulary", "domain",
    "relationship", "source_to_concept_map", "cdm_source", "metadata",
)  # fmt: skip


def quality(bench: Bench) -> Iterator[Row]:
    """Eunomia GiBleed, and copies of it with shifted ids."""
    if not GIBLEED.is_dir():
        bench.tell("quality: no outside data here (ISTHMUS_TEST_DATA)")
        return
    peers = _peers(bench)
    for times, limit in ((1, 1 / 5), (bench.pick(4, 37), 1 / 10)):
        folder = str(bench.folder / f"gibleed-{times}")
        bench.job(f"quality: {times} times GiBleed", "quality.copies", folder=folder, times=times)
        runs: dict[str, list[Sample]] = {}
        for turn in range(bench.pick(1, 3)):
            for said, job, python, given in peers:
                sample = bench.job(f"quality: {said}, run {turn + 1}", job, python=python, folder=folder, **given)
                runs.setdefault(said, []).append(sample)
            _demand_same({said: samples[-1].found["counts"] for said, samples in runs.items()})
        yield from _rows(times * PERSONS, limit, {said: fastest(samples) for said, samples in runs.items()})


def _peers(bench: Bench) -> list[tuple[str, str, str, dict[str, Any]]]:
    """What is run: how it is told, its job, its interpreter, its arguments beside the folder of the data."""
    here = sys.executable
    some: list[tuple[str, str, str, dict[str, Any]]] = [
        ("plain statements", "quality.peer", here, {}), ("ours", "quality.ours", here, {}),
        ("our own too", "quality.ours", here, {"own": True}),
    ]  # fmt: skip
    if DASHBOARD:
        bench.tell(f"an environment for {PEER}")
        python = environment(bench.folder / "peer")
        some.insert(0, ("the dashboard", "dashboard.run", python, {"dashboard": DASHBOARD}))
    else:
        bench.tell("quality: without the dashboard's own statements (ISTHMUS_DQD names a copy of OHDSI's repository)")
    return some


def _rows(persons: int, limit: float, runs: dict[str, Sample]) -> Iterator[Row]:
    """A row for each peer, and one for our own checks, which have none."""
    ours, whole = runs.pop("ours"), runs.pop("our own too")
    size = f"{persons:,} persons, {len(ours.found['counts']):,} checks"
    for said, peer in runs.items():
        ratio = ours.seconds / peer.seconds
        yield Row(
            f"quality checks, {said}", size, seconds(ours.seconds), seconds(peer.seconds), ratio,
            f"≤ 1/{1 / limit:.0f}", ours.peak, spent(ours, peer), ratio <= limit, _noted(peer),
        )  # fmt: skip
    yield Row(
        "quality checks, our own too", f"{persons:,} persons, {len(whole.found['counts']):,} checks",
        seconds(whole.seconds), memory=whole.peak, cpu=spent(whole),
    )  # fmt: skip


def _demand_same(counts: dict[str, dict[str, Any]]) -> None:
    """Raise AssertionError where somebody counts otherwise than we do, or could answer less than is known of it."""
    ours = counts["ours"]
    for said, found in counts.items():
        both = ours.keys() & found.keys()
        assert len(both) >= len(ours) - REFUSED, f"{said} gave few answers"
        differing = [key for key in both if found[key] != ours[key]]
        assert not differing, f"ours and {said} count differently: {differing}"


def _noted(peer: Sample) -> str:
    """Of a peer that writes its statements: how long that took, and which the engine refused."""
    if "writing" not in peer.found:
        return ""
    refused = ", ".join(peer.found["refused"])
    return f"{peer.found['writing']:,.2f} s of the peer are its templates and their translation; refused: {refused}."


def copies(folder: str, times: int) -> dict[str, Any]:
    """Write GiBleed so many times, each copy with ids of its own."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect()
    for path in sorted(GIBLEED.glob("*.parquet")):
        shifted = [
            f'CAST("{field.name}" AS BIGINT) + copy * {APART} AS "{field.name}"'
            if field.name.endswith("_id")
            and not field.name.endswith("concept_id")
            and str(field.type).startswith("int")
            else f'"{field.name}"'
            for field in pq.read_schema(path)
        ]
        source = f"read_parquet('{path}')" + ("" if path.stem in ONCE else f", range({times}) r(copy)")
        columns = "*" if path.stem in ONCE else ", ".join(shifted)
        connection.execute(
            f"COPY (SELECT {columns} FROM {source}) TO '{folder}/{path.name}' (FORMAT parquet, COMPRESSION zstd)"
        )
    return {}


def ours(folder: str, own: bool = False) -> dict[str, Any]:
    """The fused checks, from opening the files to the verdicts; those of the dashboard, or our own too."""
    engine = Engine(Path(folder) / ".scratch")
    # The libraries behind it and the list of checks are loaded before the clock runs, as for the peer.
    engine.load("first", pa.table({"a": [1]}))
    engine.rows(query("SELECT a FROM first"))
    catalogue.checks("5.3")
    began = perf_counter()
    layout = {}
    for path in sorted(Path(folder).glob("*.parquet")):
        schema = pq.read_schema(path)
        engine.view(path.stem, [path], empty=schema)
        layout[path.stem] = measured([path], schema)
    results = evaluate(engine, layout, "5.3", TODAY, own=own)
    took = perf_counter() - began
    counts = {one.check.check_id: (one.counts.violated, one.counts.of) for one in results if one.counts}
    there = {one.check.check_id for one in results if one.check.table in layout}
    return {"seconds": took, "counts": {key: counts[key] for key in sorted(there)}}


def peer(folder: str) -> dict[str, Any]:
    """One statement after the other on the same views; their texts are ready before the clock runs."""
    connection = duckdb.connect(config={"memory_limit": "900MB", "threads": min(os.cpu_count() or 1, 8)})
    tables = {path.stem for path in Path(folder).glob("*.parquet")}
    checks = [one for one in catalogue.checks("5.3") if one.table in tables]
    texts = [(one.check_id, statement(one, TODAY)) for one in checks]
    began = perf_counter()
    for table in tables:
        connection.execute(f"CREATE VIEW {table} AS SELECT * FROM read_parquet('{folder}/{table}.parquet')")
    counts = {check: connection.execute(text).fetchone() for check, text in texts}
    return {"seconds": perf_counter() - began, "counts": counts}
