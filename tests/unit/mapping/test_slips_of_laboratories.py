"""Wrong units in small exports of the simulation: most of those that can be told are named, and hardly any other row.

The small form of tests/prove/test_found.py: without a lake, and with bounds that chance does not reach.
"""

from pathlib import Path

from benchmarks.units import named

from isthmus.base.progress import Silence
from isthmus.simulation import simulate

SITES, PATIENTS, SEED = 2, 1000, 401
OTHERS = 0.001  # of all results, that may be named beside: nearly all of these have an error of another kind


def test_wrong_units_of_small_laboratories(tmp_path: Path) -> None:
    simulate(tmp_path, sites=SITES, patients=PATIENTS, seed=SEED, progress=Silence())
    found = named(tmp_path)
    assert len(found.results) > 15_000
    assert len(found.decidable) > 10
    assert found.recall >= 0.85
    assert len(found.rows - found.wrong) <= OTHERS * len(found.results)
