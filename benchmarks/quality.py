"""All data quality checks of a CDM, fused, against one plain statement for every check; same engine, same files."""

import hashlib
import os
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
from isthmus.flow.evaluation import evaluate
from isthmus.flow.quality import measured
from isthmus.flow.statement import query
from isthmus.lake.engine import Engine
from isthmus.quality.checks import catalogue

GIBLEED = Path(os.environ.get("ISTHMUS_TEST_DATA", "../shared/data")) / "ohdsi" / "gibleed"
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
    for times, limit in ((1, 1 / 5), (bench.pick(4, 37), 1 / 10)):
        folder = str(bench.folder / f"gibleed-{times}")
        bench.job(f"quality: {times} times GiBleed", "quality.copies", folder=folder, times=times)
        ours: list[Sample] = []
        peers: list[Sample] = []
        whole: list[Sample] = []
        for turn in range(bench.pick(1, 3)):
            peers.append(bench.job(f"quality: peer, run {turn + 1}", "quality.peer", folder=folder))
            ours.append(bench.job(f"quality: ours, run {turn + 1}", "quality.ours", folder=folder))
            whole.append(bench.job(f"quality: our own too, run {turn + 1}", "quality.ours", folder=folder, own=True))
            assert ours[-1].found["counts"] == peers[-1].found["counts"], "ours and the peer count differently"
        yield from _rows(times * PERSONS, limit, fastest(ours), fastest(peers), fastest(whole))


def _rows(persons: int, limit: float, ours: Sample, peer: Sample, whole: Sample) -> Iterator[Row]:
    ratio = ours.seconds / peer.seconds
    yield Row(
        "quality checks", f"{persons:,} persons, {ours.found['checks']:,} checks", seconds(ours.seconds),
        seconds(peer.seconds), ratio, f"≤ 1/{1 / limit:.0f}", ours.peak, spent(ours, peer), ratio <= limit,
    )  # fmt: skip
    yield Row(
        "quality checks, our own too", f"{persons:,} persons, {whole.found['checks']:,} checks",
        seconds(whole.seconds), memory=whole.peak, cpu=spent(whole),
    )  # fmt: skip


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
    return {"seconds": took, "checks": len(there), "counts": _print({key: counts[key] for key in there})}


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
    return {"seconds": perf_counter() - began, "checks": len(checks), "counts": _print(counts)}


def _print(counts: dict[str, Any]) -> str:
    """A digest of all counts, to see that both sides found the same."""
    return hashlib.sha256(repr(sorted((key, tuple(value)) for key, value in counts.items())).encode()).hexdigest()
