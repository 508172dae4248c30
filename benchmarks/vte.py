"""A year of thrombosis in hospital: the indicators of many simulated hospitals, and the assessments that data give."""

from collections.abc import Iterator

from benchmarks.claim import Bench, Row, fastest, seconds, spent

SITES, STAYS = 300, 3000


def vte(bench: Bench) -> Iterator[Row]:
    """Indicators by hospital and month through an application's session, then the score of every stay from its rows."""
    sites, stays = bench.pick(10, SITES), bench.pick(400, STAYS)
    root = str(bench.folder / "ws")
    found = bench.job(
        f"vte: {sites} hospitals of {stays:,} stays", "wards.write", root=root, sites=sites, stays=stays
    ).found
    size = f"{found['stays']:,} stays of {sites} hospitals, {found['rows']:,} rows"
    runs = [
        bench.job(f"vte: indicators, run {turn + 1}", "wards.indicators", root=root) for turn in range(bench.pick(1, 2))
    ]
    best = fastest(runs)
    yield Row(
        "vte indicators", size, seconds(best.seconds), limit="< 60 s", memory=best.peak, cpu=spent(best),
        holds=best.seconds < 60, note=f"{best.found['lines']:,} lines: hospital and month.",
    )  # fmt: skip
    one = bench.job("vte: assessments", "wards.assess", root=root)
    yield Row(
        "vte assessments", size, seconds(one.seconds), memory=one.peak, cpu=spent(one),
        note=f"Risk and bleeding of {one.found['stays']:,} stays; {one.found['known']:.1%} decided by data.",
    )  # fmt: skip
