"""The most memory ever held, at one size and at ten times that size."""

import shutil
from collections.abc import Iterator

from benchmarks.claim import Bench, Row, seconds, spent
from benchmarks.job import Sample
from benchmarks.speed import ingest

LIMIT = 2_000.0  # MB of 1e6 bytes


def memory(bench: Bench) -> Iterator[Row]:
    """CSV, front pages of several hundred columns, packed FHIR Bundles and the simulation."""
    for rows in (bench.pick(20_000, 1_000_000), bench.pick(200_000, 10_000_000)):
        folder = bench.folder / f"lis-{rows}"
        bench.job(f"memory: writing {rows:,} rows", "tables.lab", path=str(folder / "LIS_1.csv"), rows=rows)
        sample = ingest(bench, f"memory: csv, {rows:,} rows", {"lis": (str(folder), "sim-lis")})
        yield _row("memory: csv", f"{rows:,} rows", sample)
        shutil.rmtree(folder)
    for rows in (bench.pick(5_000, 180_000), bench.pick(20_000, 720_000)):
        folder = bench.folder / f"pages-{rows}"
        bench.job(f"memory: writing {rows:,} front pages", "pages.pages", path=str(folder / "HQMS_1.csv"), rows=rows)
        sample = ingest(bench, f"memory: front pages, {rows:,}", {"frontpage": (str(folder), "hqms")})
        yield _row("memory: front pages", f"{rows:,} pages of 642 columns", sample)
        shutil.rmtree(folder)
    for resources in (bench.pick(2_000, 200_000), bench.pick(20_000, 2_000_000)):
        folder = bench.folder / f"fhir-{resources}"
        bench.job(f"memory: writing {resources:,} resources", "bundles.write", folder=str(folder), resources=resources,
                  kind="gz")  # fmt: skip
        sample = ingest(bench, f"memory: fhir, {resources:,}", {"fhir": (str(folder), "fhir-r4")})
        yield _row("memory: fhir", f"{sum(sample.found['outcomes'].values()):,} resources", sample)
        shutil.rmtree(folder)
    patients, sites = bench.pick(500, 250_000), bench.pick(6, 100)
    folder = bench.folder / "simulated"
    sample = bench.job(f"memory: simulating {patients:,} people", "ours.simulate", folder=str(folder), sites=sites,
                       patients=patients)  # fmt: skip
    yield _row("memory: simulation", f"{patients:,} people, {sites} sites", sample)


def _row(task: str, size: str, sample: Sample) -> Row:
    return Row(
        task, size, seconds(sample.seconds), "", None, "≤ 2,000 MB", sample.peak, spent(sample), sample.peak <= LIMIT
    )
