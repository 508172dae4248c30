"""The small form of tests/prove/test_kill.py, for every run of the suite."""

from pathlib import Path

from lib.kill import Proof


def test_ten_kills_lose_nothing_double_nothing_tear_nothing(tmp_path: Path) -> None:
    tally = Proof(tmp_path, patients=20, seed=11, each=(4, 6)).run(10)
    assert tally.kills >= 10
