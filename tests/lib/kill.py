"""Killing an ingest: `isthmus ingest` in a process of its own, ended by SIGKILL at some moment, then run again.

A moment is either a while after the work began, or the appearance of a file that a step leaves behind (a landed object,
a draft, the log entry of one table, the manifest of an edition). Nothing in the package knows of this.
"""

import os
import random
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isthmus.base.durable import sha256_of
from isthmus.flow.verify import verify
from isthmus.flow.workspace import Workspace
from lib import harbour, workspace
from lib.apart import Apart

# Glob patterns below the workspace, and how many files must match: the steps of an ingest, each just after it happened.
POINTS = (
    "landing/objects/*/*", "landing/.drafts/.*.tmp", "records.db-wal", "lake/.staging/*",
    "lake/.staging/*/*/*.parquet", "lake/condition_occurrence/_delta_log/*.json", "lake/measurement/_delta_log/*.json",
    "lake/observation_period/_delta_log/*.json", "lake/person/_delta_log/*.json", "lake/record/site=*/*.parquet",
    "lake/record/_delta_log/*.json", "lake/editions/.*.tmp", "lake/editions/*.json",
)  # fmt: skip


@dataclass(slots=True)
class Tally:
    """What was done: kills, ingests that ended before they could be killed, whole runs compared."""

    kills: int = 0
    spared: int = 0
    runs: int = 0


def start(root: Path) -> Apart:
    """`isthmus ingest` of a workspace as a process of its own."""
    return Apart("ingest", root, "--json")


def undisturbed(root: Path) -> float:
    """Run an ingest to its end; returns the seconds from the lock to the end."""
    process = start(root)
    since = begun(process, root)
    out, err = process.communicate()
    assert process.returncode == 0, err.decode()
    assert not err, err.decode()
    assert out.startswith(b"{")
    return time.monotonic() - since


def killed(root: Path, *, after: float | None = None, point: str | None = None) -> bool:
    """Run an ingest and kill it; False when it was done before."""
    seen = _matching(root, point) if point else frozenset()
    process = start(root)
    since = begun(process, root)
    while process.poll() is None:
        late = after is not None and time.monotonic() - since >= after
        if late or (point and _matching(root, point) - seen):
            process.kill()
            break
        time.sleep(0.0005)
    _, err = process.communicate()
    assert process.returncode in (0, -9), f"an ingest after a kill failed: {err.decode()}"
    return process.returncode == -9


def begun(process: "Apart | subprocess.Popen[bytes]", root: Path) -> float:
    """Wait until the process holds the lake's lock, or has ended."""
    lock = root / "lake" / ".lock"
    before = lock.stat().st_mtime_ns
    while process.poll() is None and lock.stat().st_mtime_ns == before:
        time.sleep(0.0005)
    return time.monotonic()


def _matching(root: Path, pattern: str) -> frozenset[tuple[str, int]]:
    found = set()
    try:
        for path in root.glob(pattern):
            found.add((str(path), path.stat().st_mtime_ns))
    except FileNotFoundError:
        pass  # a draft that was just renamed, or its folder taken away
    return frozenset(found)


class Proof:
    """Two deliveries of Harbour hospital, ingested once without disturbance and many times with kills."""

    def __init__(self, folder: Path, *, patients: int = 40, seed: int = 7, each: tuple[int, int] = (1, 3)) -> None:
        """`each`: the least and the most kills of one delivery."""
        self.folder = folder
        self.each = each
        self.patients = patients
        self.chance = random.Random(seed)
        self.tally = Tally()
        self.inputs = folder / "in"
        self.packs = folder / "packs"
        self.reference = self._made("reference")
        self.seconds: list[float] = []
        self.states: list[dict[str, Any]] = []
        for number in (1, 2):
            self._deliver(number)
            self.seconds.append(undisturbed(self.reference))
            self.states.append(state(self.reference))
        self.delivered = digests(self.inputs)

    def _made(self, name: str) -> Path:
        root = self.folder / name
        workspace.made(root, harbour.feeds(self.packs, self.inputs))
        return root

    def _deliver(self, number: int) -> None:
        harbour.deliver(self.inputs, number=number, patients=self.patients)

    def moments(self) -> Iterator[dict[str, Any]]:
        """Moments without end: named points and random times in turn."""
        points = list(POINTS)
        while True:
            self.chance.shuffle(points)
            for point in points:
                yield {"point": point}
                yield {"after": self.chance.random()}  # a share of the undisturbed time

    def run(self, kills: int) -> Tally:
        """Kill so many times, each run through both deliveries compared with the undisturbed one."""
        moments = self.moments()
        while self.tally.kills < kills:
            shutil.rmtree(self.inputs)
            root = self._made(f"run{self.tally.runs}")
            for number in (1, 2):
                self._deliver(number)
                for _ in range(self.chance.randint(*self.each)):
                    if self.tally.kills == kills:
                        break
                    moment = next(moments)
                    if "after" in moment:
                        moment = {"after": moment["after"] * self.seconds[number - 1]}
                    done = not killed(root, **moment)
                    self.tally.kills, self.tally.spared = self.tally.kills + (not done), self.tally.spared + done
                    if done:
                        break
                undisturbed(root)
                compare(state(root), self.states[number - 1])
            assert digests(self.inputs) == self.delivered, "an original was changed"
            self.tally.runs += 1
            shutil.rmtree(root)
        return self.tally


def state(root: Path) -> dict[str, Any]:
    """All that an ingest leaves: rows, files, receipts, accounts, the ledger, and what verify finds."""
    opened = Workspace(root)
    edition = opened.lake.editions.current()
    assert edition is not None
    editions = [opened.lake.editions.get(number) for number in opened.lake.editions.numbers()]
    listed = {file.path for one in editions for name in one.tables() for file in one.files(name)}
    lying = {path.relative_to(opened.lake.root).as_posix() for path in opened.lake.root.glob("*/**/*.parquet")}
    return {
        "rows": workspace.content(opened),
        "files": {file.path for name in edition.tables() for file in edition.files(name)},
        "strays": lying - listed,
        "unfinished": sorted(path.name for room in ("landing", "lake") for path in (root / room).rglob(".*.tmp")),
        "receipts": [(one.sequence, one.feed, one.name, one.sha256) for one in opened.records.receipts()],
        "accounts": {part.part_id: part.account for part in opened.records.parts()},
        "batches": [(one.batch_id, one.state) for one in opened.records.batches()],
        "editions": len(editions),
        "faults": [fault for finding in verify(opened) for fault in finding.faults],
    }


def compare(found: dict[str, Any], expected: dict[str, Any]) -> None:
    """Nothing lost, nothing doubled, nothing torn."""
    for name, value in expected["rows"].items():
        assert found["rows"].get(name) == value, f"{name} differs from the undisturbed run"
    for name in ("files", "receipts", "accounts", "batches", "editions"):
        assert found[name] == expected[name], f"{name} differ from the undisturbed run"
    assert not found["faults"]
    assert not found["strays"]
    assert not found["unfinished"]


def digests(folder: Path) -> dict[str, str]:
    """The files below a folder and what is in them."""
    return {
        path.relative_to(folder).as_posix(): sha256_of(path) for path in sorted(folder.rglob("*")) if path.is_file()
    }


def wanted(default: int) -> int:
    """How many kills: ISTHMUS_PROVE_KILLS, or the default."""
    return int(os.environ.get("ISTHMUS_PROVE_KILLS", default))
