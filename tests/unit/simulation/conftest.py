"""One small world, simulated once for all tests of this room."""

from pathlib import Path

import pytest

from isthmus.base.progress import Silence
from isthmus.simulation import Summary, simulate

SITES, PATIENTS, SEED = 6, 1200, 1


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demonstration's hospitals."""
    out = tmp_path_factory.mktemp("world")
    simulate(out, sites=SITES, patients=PATIENTS, seed=SEED, progress=Silence())
    return out


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Summary]:
    """Enough patients for estimates, at one hospital."""
    out = tmp_path_factory.mktemp("large")
    return out, simulate(out, sites=1, patients=10_000, seed=3, progress=Silence())
