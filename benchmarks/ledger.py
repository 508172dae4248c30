"""How many entries a second the log takes, durable, in groups; and what proofs and the verifier take."""

import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.claim import Bench, Row, many
from isthmus.ledger.entry import encode, sealed, time_of
from isthmus.ledger.identifier import mint
from isthmus.ledger.key import Key
from isthmus.ledger.log import Batch, Log
from isthmus.ledger.quorum import policy
from isthmus.ledger.verify.log import check_log
from isthmus.ledger.verify.policy import read_policy

PROMISE = 20_000
PREFIX = "20.500.99999"
BEGIN = datetime(2026, 11, 23, 8, tzinfo=UTC)


def ledger(bench: Bench) -> Iterator[Row]:
    """Append in groups of several sizes, publish, prove, verify. Every entry is checked against its kind on the way."""
    count = bench.pick(20_000, 200_000)
    bench.tell(f"ledger: making {count:,} entries")
    whole = _entries(count)
    for group in (1, 100, 1_000, 10_000):
        rounds = whole[: min(count, group * bench.pick(20, 500))]
        rate, _ = _appended(bench.folder / f"log{group}", rounds, group)
        bench.tell(f"ledger: groups of {group:,}: {rate:,.0f} entries/s")
        yield Row(
            f"log, groups of {group:,}", f"{len(rounds):,} entries", f"{many(rate)} entries/s",
            limit="≥ 20,000 entries/s" if group == 1_000 else "", holds=rate >= PROMISE if group == 1_000 else None,
            note="Durable before each group returns.",
        )  # fmt: skip
    yield from _published(bench, whole)


def _published(bench: Bench, whole: list[bytes]) -> Iterator[Row]:
    folder = bench.folder / "published"
    rate, log = _appended(folder, whole, 1_000, every=10)
    yield Row("log, published each 10 groups", f"{len(whole):,} entries", f"{many(rate)} entries/s", note="With tiles.")
    begun = time.perf_counter()
    indexes = range(0, len(whole), len(whole) // 200)
    for index in indexes:
        log.inclusion(index)
    each = (time.perf_counter() - begun) / len(indexes)
    yield Row("inclusion proof from tiles", f"{len(whole):,} entries", f"{each * 1e3:.2f} ms")
    begun = time.perf_counter()
    report = check_log(folder, read_policy(policy([log.key.vkey], None)))
    spent = time.perf_counter() - begun
    assert not report.faults, report.faults
    yield Row("verify the whole log", f"{len(whole):,} entries", f"{many(len(whole) / spent)} entries/s")


def _appended(folder: Path, whole: list[bytes], group: int, *, every: int = 0) -> tuple[float, Log]:
    shutil.rmtree(folder, ignore_errors=True)
    log = Log(folder, Key.make("example.org/benchmark"))
    begun = time.perf_counter()
    for number, place in enumerate(range(0, len(whole), group), start=1):
        log.append(Batch(f"b{place}", whole[place : place + group]))
        if every and number % every == 0:
            log.publish()
    spent = time.perf_counter() - begun
    if every:
        log.publish()
    return len(whole) / spent, log


def _entries(count: int) -> list[bytes]:
    actor, grant, session = (mint(PREFIX, code) for code in ("AC", "GR", "SE"))
    plan, _ = sealed(b"plan")
    at = time_of(BEGIN)
    return [
        encode(
            "question",
            {
                "id": mint(PREFIX, "EN"), "at": at, "by": actor, "act": "allowed", "question": mint(PREFIX, "QU"),
                "session": session, "grant": grant, "plan": plan,
            },
        )
        for _ in range(count)
    ]  # fmt: skip
