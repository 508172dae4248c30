"""How fast input becomes a published edition, against the bare minimum that any loader must do."""

import shutil
from collections.abc import Iterator

from benchmarks.claim import Bench, Row, accounted, fastest, seconds, spent
from benchmarks.job import Sample

SERVERS = (
    "Published by their makers: Blaze 10,108/s on 16 cores, Smile CDR 22,251/s on 16 OCPU; those servers also index "
    "for search, which is not done here."
)


def csv(bench: Bench) -> Iterator[Row]:
    """A laboratory's GB18030 export → edition, against transcoding it and writing it as Parquet."""
    rows = bench.pick(200_000, 5_000_000)
    source = bench.folder / "lis"
    bench.job(f"csv: writing {rows:,} rows", "tables.lab", path=str(source / "LIS_1.csv"), rows=rows)
    ours: list[Sample] = []
    peers: list[Sample] = []
    for turn in range(bench.pick(1, 3)):
        peer = str(bench.folder / "peer")
        peers.append(
            bench.job(f"csv: peer, run {turn + 1}", "peers.transcode", source=str(source / "LIS_1.csv"), folder=peer)
        )
        ours.append(ingest(bench, f"csv: ours, run {turn + 1}", {"lis": (str(source), "sim-lis")}))
        assert accounted(ours[-1]) == peers[-1].found["rows"] == rows
    best, peer_best = fastest(ours), fastest(peers)
    ratio = best.seconds / peer_best.seconds
    yield Row(
        "csv", f"{rows:,} rows", seconds(best.seconds), seconds(peer_best.seconds), ratio, "≤ 3",
        best.peak, spent(best, peer_best), ratio <= 3,
    )  # fmt: skip


def fhir(bench: Bench) -> Iterator[Row]:
    """Pretty Bundles → edition, against orjson loading and dumping the same; then NDJSON."""
    count = bench.pick(10_000, 1_000_000)
    bundles, lines = bench.folder / "bundles", bench.folder / "ndjson"
    made = bench.job(f"fhir: writing {count:,} resources", "bundles.write", folder=str(bundles), resources=count,
                     kind="bundles").found  # fmt: skip
    ours: list[Sample] = []
    peers: list[Sample] = []
    for turn in range(bench.pick(1, 2)):
        peers.append(bench.job(f"fhir: peer, run {turn + 1}", "peers.reparse", folder=str(bundles)))
        ours.append(ingest(bench, f"fhir: ours, run {turn + 1}", {"fhir": (str(bundles), "fhir-r4")}))
        assert accounted(ours[-1]) == peers[-1].found["resources"] == made["resources"]
    best, peer_best = fastest(ours), fastest(peers)
    ratio, rate = best.seconds / peer_best.seconds, made["resources"] / best.seconds
    yield Row(
        "fhir bundles", f"{made['resources']:,} resources", f"{rate:,.0f}/s",
        f"{made['resources'] / peer_best.seconds:,.0f}/s", ratio, "≥ 20,000/s and ≤ 6",
        best.peak, spent(best, peer_best),
        rate >= 20_000 and ratio <= 6, f"Bundles: {made['source']}. {SERVERS}",
    )  # fmt: skip
    shutil.rmtree(bundles)
    made = bench.job("fhir: writing NDJSON", "bundles.write", folder=str(lines), resources=count, kind="ndjson").found
    ours = [
        ingest(bench, f"fhir: NDJSON, run {turn + 1}", {"fhir": (str(lines), "fhir-r4")})
        for turn in range(bench.pick(1, 2))
    ]
    best = fastest(ours)
    rate = made["resources"] / best.seconds
    yield Row(
        "fhir ndjson", f"{made['resources']:,} resources", f"{rate:,.0f}/s", "", None, "≥ 50,000/s",
        best.peak, spent(best),
        rate >= 50_000,
    )  # fmt: skip


def ingest(bench: Bench, said: str, feeds: dict[str, tuple[str, str]]) -> Sample:
    """Everything that the feeds hold, into a new workspace."""
    root = bench.folder / "ws"
    shutil.rmtree(root, ignore_errors=True)
    bench.job(said + ": a new workspace", "ours.prepare", root=str(root), feeds=feeds)
    return bench.job(said, "ours.ingest", root=str(root))
