"""The whole way: raw exports of many hospitals → landed, mapped, published → linked → a liver registry in files."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.claim import Bench, Row, seconds, spent
from isthmus.base.progress import Silence
from isthmus.flow import sites, start
from isthmus.flow.ingest import ingest
from isthmus.flow.link import link
from isthmus.gate.session import open_session
from isthmus.research.registries.build import build
from isthmus.research.registries.pack import load
from isthmus.research.registries.write import Writer
from isthmus.simulation import simulate

MEMORY = "2500MB"
"""Of the engine; linking a million records takes more than its default."""


def through(people: int, hospitals: int, folder: str, memory: str = MEMORY, seed: int = 3) -> dict[str, Any]:
    """The job: simulated exports (not counted) to a registry in files; the seconds of each step, and sizes."""
    root, took = Path(folder), {}
    told = simulate(root / "simulated", sites=hospitals, patients=people, seed=seed, progress=Silence())
    opened = start.new(root / "workspace", synthetic=True)
    opened.lake.memory = memory
    for feed in told.feeds:
        source = str(root / "simulated" / "exports" / feed.site / feed.name)
        sites.add(opened, sites.plan(opened, feed.site, source, pack=feed.pack, feed=feed.name, title=feed.site))
    began = time.perf_counter()
    report = ingest(opened)
    took["ingest"] = time.perf_counter() - began
    if report.failed or report.edition is None:
        raise RuntimeError(f"the ingest failed: {report.failed}")
    began = time.perf_counter()
    linked = link(opened).linked
    took["link"] = time.perf_counter() - began
    began = time.perf_counter()
    with open_session(opened.lake, synthetic=True).desk() as desk, Writer(root / "registry") as writer:
        registry = build(desk, load("liver"), writer)
    took["registry"] = time.perf_counter() - began
    return {
        "seconds": sum(took.values()), "took": took, "records": report.edition.tables()["record"],
        "bytes": sum(path.stat().st_size for path in (root / "simulated" / "exports").rglob("*") if path.is_file()),
        "identities": linked.records, "persons": linked.persons, "patients": registry.patients,
    }  # fmt: skip


def told(found: dict[str, Any]) -> str:
    """The steps and sizes in a line."""
    steps = ", ".join(f"{name} {seconds(took)}" for name, took in found["took"].items())
    return (
        f"{found['bytes'] / 1e6:,.0f} MB, {found['records']:,} records: {steps}; {found['identities']:,} records of "
        f"identity are {found['persons']:,} persons, {found['patients']:,} with a liver tumour"
    )


def chain(bench: Bench) -> Iterator[Row]:
    """A few hospitals; at full scale 100 hospitals and 643 small ones."""
    sizes = [(25_000, 100), (6_430, 643)] if bench.scale == "full" else [(500, 6)]
    for people, hospitals in sizes:
        folder = bench.folder / f"{hospitals}"
        folder.mkdir(parents=True, exist_ok=True)
        done = bench.job(
            f"exports of {hospitals} hospitals to a registry", "chain.through", people=people, hospitals=hospitals,
            folder=str(folder),
        )  # fmt: skip
        yield Row(
            "raw exports to a liver registry", f"{people:,} people at {hospitals} hospitals", seconds(done.seconds),
            memory=done.peak, cpu=spent(done), note=told(done.found),
        )  # fmt: skip
