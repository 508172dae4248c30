"""The OHDSI Phenotype Library, all definitions together, against duckcdm, which answers them one after the other.

Both sides start from the same Parquet files and the same archive of definitions, and end with the same rows written.
"""

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb

from benchmarks import dense
from benchmarks.claim import Bench, Row, fastest, seconds, spent
from benchmarks.job import Sample
from benchmarks.profile import PEER, environment, gibleed
from isthmus.gate.desk import Desk
from isthmus.lake.engine import Engine
from isthmus.research.cohorts import files
from isthmus.research.cohorts.evaluate import evaluate

MEMORY = 2_500  # MB, promised for the largest
COMPARED = """
    SELECT o.records, o.subjects, r.records, r.subjects FROM
        (SELECT cohort_definition_id, count(*) AS records, count(DISTINCT subject_id) AS subjects
         FROM '{ours}' GROUP BY 1) o
    FULL JOIN
        (SELECT cohort_definition_id, count(*) AS records, count(DISTINCT subject_id) AS subjects
         FROM '{peer}' GROUP BY 1) r USING (cohort_definition_id)
"""
DIFFERENT = """
    SELECT cohort_definition_id, count(*) FROM (
        SELECT {columns} FROM '{ours}' EXCEPT ALL SELECT {columns} FROM '{peer}'
    ) q GROUP BY 1 ORDER BY 1
"""
COLUMNS = "cohort_definition_id, subject_id, cohort_start_date, cohort_end_date"


def cohorts(bench: Bench) -> Iterator[Row]:
    """GiBleed, and dense data of two sizes, ours and the peer's in turns, each in a new process."""
    tables = gibleed()
    definitions = str(tables.parent / "PhenotypeLibrary" / "cohorts.tar.xz")
    bench.tell(f"an environment for {PEER}")
    python = environment(bench.folder / "peer")
    many = bench.pick(2_000, 37_000)
    for persons, least, turns in ((0, 25, 2), (1_000, 25, 2), (many, 5, 1)):
        folder = tables
        if persons:
            folder = bench.folder / f"dense-{persons}"
            bench.job(
                f"cohorts: {persons:,} dense persons", "cohorts.write", folder=str(folder), definitions=definitions,
                persons=persons,
            )  # fmt: skip
        ours: list[Sample] = []
        peers: list[Sample] = []
        found = {side: str(bench.folder / f"{side}-{persons}.parquet") for side in ("ours", "peer")}
        asked = {"folder": str(folder), "definitions": definitions}
        for turn in range(bench.pick(1, turns)):
            ours.append(bench.job(f"cohorts: ours, run {turn + 1}", "cohorts.ours", rows=found["ours"], **asked))
            said = f"cohorts: duckcdm, run {turn + 1}"
            peers.append(bench.job(said, "duckcdm.cohorts", python=python, rows=found["peer"], **asked))
        yield _row(fastest(ours), fastest(peers), least, persons, found)


def _row(ours: Sample, peer: Sample, least: int, persons: int, found: dict[str, str]) -> Row:
    assert not peer.found["errors"], peer.found["errors"]
    differing = compare(**found)
    ratio = ours.seconds / peer.seconds
    told = ", ".join(f"{name}: {rows}" for name, rows in differing.items()) or "none"
    loading, writing = peer.found["loading"], peer.found["writing"]
    size = f"{persons:,} dense persons" if persons else "GiBleed, 2,694 persons"
    return Row(
        "cohorts", f"{size}, {ours.found['definitions']} definitions", seconds(ours.seconds), seconds(peer.seconds),
        ratio, f"≤ 1/{least}" + (f", ≤ {MEMORY:,} MB" if least == 5 else ""), ours.peak, spent(ours, peer),
        ratio <= 1 / least and (least != 5 or ours.peak <= MEMORY),
        f"{1 / ratio:.1f} times faster; {ours.found['rows']:,} rows in {ours.found['cohorts']} cohorts that are not "
        f"empty; rows that differ, by cohort: {told}. {PEER}: {loading:.1f} s loading, {writing:.1f} s writing SQL, "
        f"{peer.peak:,.0f} MB; without loading {(peer.seconds - loading) / ours.seconds:.1f} times.",
    )  # fmt: skip


def compare(ours: str, peer: str) -> dict[int, int]:
    """Rows that differ, by cohort; raises AssertionError unless all records and subjects are equal."""
    with duckdb.connect() as connection:
        counts = connection.execute(COMPARED.format(ours=ours, peer=peer)).fetchall()
        assert all(row[:2] == row[2:] for row in counts), "ours and the peer count differently"
        different = DIFFERENT.format(columns=COLUMNS, ours=ours, peer=peer)
        return dict(connection.execute(different).fetchall())


def write(folder: str, definitions: str, persons: int) -> dict[str, Any]:
    """Dense data for the definitions of an archive."""
    found, _ = files.read([Path(definitions)])
    return dense.write(Path(folder), dense.pools(found), persons=persons, seed=1)


def ours(folder: str, definitions: str, rows: str) -> dict[str, Any]:
    """From the archive and the Parquet files to the rows, as `isthmus cohorts` does it."""
    began = time.perf_counter()
    found, refused = files.read([Path(definitions)])
    assert not refused, refused[0]
    engine = Engine(Path(rows).parent / "scratch")
    try:
        desk = Desk(engine, {path.stem: [path] for path in sorted(Path(folder).glob("*.parquet"))}, {})
        answer = evaluate(desk, found)
    finally:
        engine.close()
    files.write_rows(Path(rows), answer)
    took = time.perf_counter() - began
    counted = Counter(records > 0 for _, records, _ in files.counted(answer))
    return {
        "seconds": took, "definitions": len(found), "rows": answer.rows.num_rows, "cohorts": counted[True],
        "chunks": answer.chunks,
    }  # fmt: skip
