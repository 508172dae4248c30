"""What every test may ask for, and what no test may do."""

import os
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

# Where tests run side by side, readline gives the workers a width of 80, as if somebody watched.
os.environ.pop("COLUMNS", None)

pytest.register_assert_rewrite("lib")  # an assertion in there shows both sides when it fails

from lib.copies import shelf  # noqa: E402 nothing of lib may be loaded before the line above

ROOT = Path(__file__).resolve().parents[1]


def pytest_configure(config: pytest.Config) -> None:
    """Before there are workers: they share what is made once, and the cores."""
    shelf()
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    share = max(1, (os.cpu_count() or 1) // workers)
    os.cpu_count = lambda: share  # an engine that takes all cores beside another's only waits for them


@pytest.fixture(scope="session")
def outside() -> Path:
    """The folder of outside test data; the test is skipped, and says why, where there is none.

    ISTHMUS_TEST_DATA names it (relative to the root of the repository); the default is ../shared/data.
    """
    folder = (ROOT / os.environ.get("ISTHMUS_TEST_DATA", "../shared/data")).resolve()
    if not folder.is_dir():
        pytest.skip("no outside test data here: set ISTHMUS_TEST_DATA to the folder that holds them")
    return folder


def _global_generators() -> tuple[object, ...]:
    name, key, position, has_gauss, gauss = np.random.get_state(legacy=True)
    return random.getstate(), name, np.asarray(key).tobytes(), position, has_gauss, gauss


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Fail a test that draws from a global random generator: its outcome would depend on the tests before it."""
    before = _global_generators()
    result = yield
    if _global_generators() != before:
        pytest.fail(
            "a global random generator was used; draw from random.Random(seed) or numpy.random.default_rng(seed)"
        )
    return result
