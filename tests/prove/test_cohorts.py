"""Two thousand pairs of random definition and random dense CDM, answered as duckcdm 0.4.7 answers them."""

from pathlib import Path

import pytest

from lib import oracle

CDMS, DEFINITIONS = 20, 115


@pytest.mark.prove
def test_random_definitions_give_the_rows_of_the_oracle(tmp_path: Path) -> None:
    python = oracle.python(tmp_path / "peer")
    pairs = filled = 0
    for seed in range(CDMS):
        folder = tmp_path / str(seed)
        folder.mkdir()
        found = oracle.compare(python, folder, seed=seed, definitions=DEFINITIONS)
        pairs += found.pairs - len(found.refused)
        filled += found.filled
        for number, cause in found.refused.items():
            print(f"CDM {seed}, definition {number}: the oracle's own SQL does not run: {cause.splitlines()[0]}")
        for cohort, person in found.ties:
            print(f"CDM {seed}, definition {cohort}, person {person}: a tie; the oracle's answer depends on storage")
        assert found.faults == []
    print(f"{pairs} pairs, {filled} with somebody in")
    assert pairs >= 2000
    assert filled > pairs / 3
