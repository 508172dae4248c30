"""Random definitions on a random dense CDM, beside duckcdm 0.4.7; `make prove` has the large form.

Source of the answers: duckcdm 0.4.7 (Apache-2.0), whose SQL is that of Circe, run here. Tolerance: none, but for
ties, which the oracle settles by how rows are stored.
"""

from pathlib import Path

import pytest

from lib import oracle

pytestmark = pytest.mark.acceptance


def test_random_definitions_give_the_rows_of_duckcdm(tmp_path: Path) -> None:
    python = oracle.python(tmp_path / "peer")
    (tmp_path / "cdm").mkdir()
    found = oracle.compare(python, tmp_path / "cdm", seed=4711, definitions=30)
    print(f"{found.pairs} pairs, {found.filled} with somebody in, {len(found.refused)} that the oracle cannot run")
    print(f"ties, which the oracle settles otherwise when rows are stored otherwise: {found.ties}")
    assert found.faults == []
    assert found.filled > 8
    assert len(found.refused) < 10
