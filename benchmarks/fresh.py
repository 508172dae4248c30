"""How soon a small delivery is published, and whether that depends on what is in the lake already."""

from collections.abc import Iterator

from benchmarks.claim import Bench, Row, fastest, seconds, spent
from benchmarks.job import Sample

DELIVERY, CORRECTED, RECENT = 1_000, 300, 20_000
FILE = 1_000_000  # rows of one delivery, while the lake is built


def fresh(bench: Bench) -> Iterator[Row]:
    """A thousand results, some of them corrections of the last days', into a small and into a large lake."""
    sizes = (bench.pick(20_000, 1_000_000), bench.pick(200_000, 10_000_000))
    small, large = (_delivered(bench, size) for size in sizes)
    for size, sample in zip(sizes, (small, large), strict=True):
        yield Row(
            "fresh", f"{DELIVERY:,} rows into {size:,}", seconds(sample.whole), "", None, "≤ 10 s",
            sample.peak, spent(sample),
            sample.whole <= 10, f"The whole process; {seconds(sample.seconds)} of it after the start of Python.",
        )  # fmt: skip
    ratio = large.whole / small.whole
    yield Row(
        "fresh: growth", f"{sizes[0]:,} → {sizes[1]:,}", seconds(large.whole), seconds(small.whole), ratio, "≤ 1.3",
        large.peak, spent(large, small), ratio <= 1.3,
        f"Timed inside: {large.seconds / small.seconds:.2f}. Corrections are of the last {RECENT:,} results.",
    )  # fmt: skip


def _delivered(bench: Bench, size: int) -> Sample:
    """Deliver again and again into a lake of that size, built by the real ingest; the fastest delivery."""
    folder, root = bench.folder / f"exports-{size}", bench.folder / f"ws-{size}"
    bench.job(
        "fresh: writing the people", "tables.patients", path=str(folder / "his" / "病人信息.csv"), rows=size + FILE
    )
    for first in range(0, size, FILE):
        path = str(folder / "lis" / f"LIS_{first:09d}.csv")
        bench.job(f"fresh: writing results from {first:,} on", "tables.lab", path=path, first=first,
                  rows=min(FILE, size - first))  # fmt: skip
    feeds = {"his": (str(folder / "his"), "sim-his"), "lis": (str(folder / "lis"), "sim-lis")}
    bench.job("fresh: a new workspace", "ours.prepare", root=str(root), feeds=feeds)
    bench.job(f"fresh: a lake of {size:,} results", "ours.ingest", root=str(root))
    samples = []
    for turn in range(bench.pick(1, 3)):
        lake = size + turn * (DELIVERY - CORRECTED)
        bench.job("fresh: writing a delivery", "tables.fresh", path=str(folder / "lis" / f"LIS_{lake:09d}n.csv"),
                  lake=lake, rows=DELIVERY, corrected=CORRECTED, oldest=RECENT)  # fmt: skip
        samples.append(bench.job(f"fresh: delivery {turn + 1} into {size:,}", "ours.ingest", root=str(root)))
        assert sum(samples[-1].found["outcomes"].values()) == DELIVERY
    return fastest(samples)
