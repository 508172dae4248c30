"""What it takes to describe a CDM: all 194 default analyses of Achilles, beside duckcdm's 110 on the same tables."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from benchmarks.claim import Bench, Row, fastest, seconds, spent

PEER = "duckcdm==0.4.7"
TIMES = 37  # GiBleed so often is about 100,000 persons


def profile(bench: Bench) -> Iterator[Row]:
    """GiBleed, ours and the peer's in turns, each in a new process; then GiBleed many times over, ours alone."""
    tables = gibleed()
    bench.tell(f"an environment for {PEER}")
    python = environment(bench.folder / "peer")
    root = bench.folder / "ws"
    found = bench.job("profile: attaching GiBleed", "gibleed.attach", folder=str(tables), root=str(root)).found
    peers, ours = [], []
    for turn in range(bench.pick(1, 5)):
        shutil.rmtree(root / "profiles", ignore_errors=True)
        ours.append(bench.job(f"profile: ours, run {turn + 1}", "gibleed.describe", root=str(root)))
        peers.append(
            bench.job(f"profile: duckcdm, run {turn + 1}", "duckcdm.describe", python=python, folder=str(tables))
        )
    best, peer = fastest(ours), fastest(peers)
    ratio = best.seconds / peer.seconds
    yield Row(
        "profile", f"{found['persons']:,} persons", seconds(best.seconds), seconds(peer.seconds), ratio, "< 0.5",
        best.peak, spent(best, peer), ratio < 0.5,
        f"Ours {best.found['analyses']} analyses from Parquet; {PEER} {peer.found['analyses']} from tables in memory, "
        f"{peer.peak:,.0f} MB.",
    )  # fmt: skip
    shutil.rmtree(root)
    times = bench.pick(2, TIMES)
    many = bench.folder / "many"
    bench.job(
        f"profile: writing GiBleed {times} times", "gibleed.repeat", folder=str(tables), into=str(many), times=times
    )
    found = bench.job("profile: attaching it", "gibleed.attach", folder=str(many), root=str(root)).found
    alone = bench.job("profile: ours", "gibleed.describe", root=str(root))
    yield Row(
        "profile, alone", f"{found['persons']:,} persons, {found['rows']:,} rows", seconds(alone.seconds),
        memory=alone.peak, cpu=spent(alone),
    )  # fmt: skip


def gibleed() -> Path:
    """The folder of Eunomia GiBleed; raises FileNotFoundError where there is none."""
    folder = Path(os.environ.get("ISTHMUS_TEST_DATA", "../shared/data")) / "ohdsi" / "gibleed"
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is not there: set ISTHMUS_TEST_DATA to the folder of outside test data")
    return folder.resolve()


def environment(folder: Path) -> str:
    """A Python with the peer and the engine that we have, and nothing of ours, made in a folder."""
    python = str(folder / "bin" / "python")
    uv = [sys.executable, "-m", "uv"]
    subprocess.run([*uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)], check=True)
    wanted = (PEER, f"duckdb=={version('duckdb')}", f"pyarrow=={version('pyarrow')}")
    subprocess.run([*uv, "pip", "install", "--quiet", "--python", python, *wanted], check=True)
    return python
