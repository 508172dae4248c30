"""The headline: raw exports of a quarter of a million liver patients at 100 hospitals become a linked liver registry,
unattended; and the same of 643 small hospitals.

`ISTHMUS_PROVE_PEOPLE` makes the first smaller: of the simulated population 35 in a hundred get a liver tumour.
"""

import os
from pathlib import Path

import pytest
from benchmarks.chain import through, told
from benchmarks.job import run

pytestmark = pytest.mark.prove
PEOPLE = 715_000


def test_a_few_hospitals_become_a_registry(tmp_path: Path) -> None:
    found = through(300, 3, str(tmp_path))
    print("\n" + told(found))
    assert found["patients"] > 0
    assert found["persons"] <= found["identities"]


@pytest.mark.parametrize(("people", "hospitals"), [(PEOPLE, 100), (6_430, 643)])
def test_exports_become_a_registry(people: int, hospitals: int, tmp_path: Path) -> None:
    asked = int(os.environ.get("ISTHMUS_PROVE_PEOPLE", people)) if people == PEOPLE else people
    done = run("chain.through", people=asked, hospitals=hospitals, folder=str(tmp_path))
    print(f"\n{asked:,} people at {hospitals} hospitals: {told(done.found)}; {done.seconds / 60:.1f} min, "
          f"{done.peak:,.0f} MB")  # fmt: skip
    assert done.peak < 6_000
    assert done.seconds < 3_600 * max(1.0, asked / PEOPLE)
    assert done.found["patients"] > asked * 0.15
