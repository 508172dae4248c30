"""Whatever is altered in the folder of a log, the verifier finds it."""

import random
from pathlib import Path

import pytest

from isthmus.ledger.verify.log import check_log
from isthmus.ledger.verify.policy import read_policy
from lib import logs


def _found(tmp_path: Path, rounds: int, seed: int) -> list[str]:
    """Tamperings that were not found."""
    chance = random.Random(seed)
    made = logs.filled(tmp_path / "made", 600)
    made.log.close()
    policy = read_policy(made.policy)
    assert check_log(logs.copied(made.folder, tmp_path / "copy"), policy).faults == []
    missed = []
    for _ in range(rounds):
        folder = logs.copied(made.folder, tmp_path / "copy")
        what = logs.tamper(folder, chance)
        if not check_log(folder, policy).faults:
            missed.append(what)
    return missed


def test_forty_random_tamperings_are_found(tmp_path: Path) -> None:
    assert _found(tmp_path, 40, seed=11) == []


@pytest.mark.prove
def test_a_thousand_random_tamperings_are_found(tmp_path: Path) -> None:
    assert _found(tmp_path, 1000, seed=12) == []
