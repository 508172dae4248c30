"""What it costs when a hospital delivers everything again."""

from collections.abc import Iterator

from benchmarks.claim import Bench, Row, fastest, seconds, spent
from benchmarks.speed import ingest


def redelivery(bench: Bench) -> Iterator[Row]:
    """The same bytes again; then the same rows dumped anew, one in a hundred corrected meanwhile."""
    rows = bench.pick(100_000, 2_000_000)
    folder, root = bench.folder / "lis", str(bench.folder / "ws")
    bench.job(f"redelivery: writing {rows:,} rows", "tables.lab", path=str(folder / "LIS_1.csv"), rows=rows)
    first = ingest(bench, "redelivery: the first time", {"lis": (str(folder), "sim-lis")})
    (folder / "LIS_1.csv").rename(folder / "LIS_again.csv")
    again = fastest([
        bench.job(f"redelivery: again, run {turn + 1}", "ours.ingest", root=root) for turn in range(bench.pick(1, 3))
    ])  # fmt: skip
    ratio = again.seconds / first.seconds
    unchanged = again.found["edition"] == first.found["edition"] and not again.found["outcomes"]
    yield Row(
        "redelivery", f"{rows:,} rows", seconds(again.seconds), seconds(first.seconds), ratio, "≤ 0.15, no edition",
        again.peak, spent(again, first), ratio <= 0.15 and unchanged, "The peer is the first delivery.",
    )  # fmt: skip
    (folder / "LIS_again.csv").unlink()
    bench.job("redelivery: dumping anew", "tables.redump", path=str(folder / "LIS_2.csv"), rows=rows)
    anew = bench.job("redelivery: the new dump", "ours.ingest", root=root)
    outcomes = anew.found["outcomes"]
    assert outcomes == {"duplicate": rows - rows // 100, "mapped": rows // 100}, outcomes
    yield Row(
        "re-dump, 1 % changed", f"{rows:,} rows", seconds(anew.seconds), seconds(first.seconds),
        anew.seconds / first.seconds, "",
        anew.peak, spent(anew, first), None, f"Duplicates {outcomes['duplicate']:,}, mapped "
        f"{outcomes['mapped']:,}.",
    )  # fmt: skip
