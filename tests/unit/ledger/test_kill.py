"""A writer that is killed anywhere leaves a log that verifies, holds all it acknowledged, and nothing twice."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from isthmus.ledger.key import Key
from isthmus.ledger.log import Log
from isthmus.ledger.quorum import policy
from isthmus.ledger.verify.log import check_log
from isthmus.ledger.verify.policy import read_policy
from lib.appending import batch, count

TESTS = Path(__file__).parents[2]


def _killed(folder: Path, key: Path, seconds: float, seed: int) -> None:
    command = [sys.executable, "-m", "lib.appending", str(folder), str(key), str(seed)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent)])}
    record = folder / "acknowledged"
    before = record.stat().st_size if record.exists() else 0
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    while process.poll() is None and not (record.exists() and record.stat().st_size > before):
        time.sleep(0.001)
    time.sleep(seconds)
    process.kill()
    _, said = process.communicate()
    assert process.returncode == -9, said.decode()


def _proved(tmp_path: Path, kills: int, seed: int) -> int:
    """Entries that were acknowledged in all."""
    chance = random.Random(seed)
    Key.make("example.org/log").save(tmp_path / "key")
    key = Key.load(tmp_path / "key")
    rules = read_policy(policy([key.vkey], None))
    seen: list[bytes] = []
    for number in range(kills):
        _killed(tmp_path, tmp_path / "key", chance.random() * 0.2, seed=number)
        acknowledged = [line.split() for line in (tmp_path / "acknowledged").read_text().splitlines()]
        report = check_log(tmp_path / "log", rules, known=seen)
        assert report.faults == []
        expected = sum(count(int(one)) for one, _ in acknowledged)
        unanswered = count(len(acknowledged))
        assert report.published + report.pending in (expected, expected + unanswered)
        if (tmp_path / "log/checkpoint").exists():
            seen = [(tmp_path / "log/checkpoint").read_bytes()]
    log = Log(tmp_path / "log", key)
    log.publish()
    held = list(log.entries())
    for one, first in acknowledged:
        entries = batch(int(one)).entries
        assert held[int(first) : int(first) + len(entries)] == list(entries)
    assert len(set(held)) == len(held)
    assert check_log(tmp_path / "log", rules, known=seen).faults == []
    return len(held)


def test_five_kills(tmp_path: Path) -> None:
    assert _proved(tmp_path, 5, seed=1) > 5


@pytest.mark.prove
def test_a_hundred_kills(tmp_path: Path) -> None:
    sys.stdout.write(f"100 kills, {_proved(tmp_path, 100, seed=2)} entries\n")
