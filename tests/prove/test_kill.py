"""kill -9 at hundreds of moments of an ingest: nothing lost, nothing doubled, nothing torn."""

from pathlib import Path

import pytest

from lib.kill import Proof, wanted


@pytest.mark.prove
def test_kills_lose_nothing_double_nothing_tear_nothing(tmp_path: Path) -> None:
    """ISTHMUS_PROVE_KILLS says how many, 200 by default."""
    tally = Proof(tmp_path, patients=120, seed=7).run(wanted(200))
    print(f"\n{tally.kills} kills in {tally.runs} runs, all as undisturbed; {tally.spared} ended before the kill")
    assert tally.kills >= wanted(200)
