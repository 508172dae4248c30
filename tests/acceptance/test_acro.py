"""The airlock's rules for groups, on the charities of acro with the counts that its own tests expect.

Source: acro 1.0 (AI-SDC/ACRO, MIT), test_initial.py: in the table of year by type of grant 6 cells are below the
threshold of 10; of the mean of income from grants, 1 cell is dominated by shares and 2 by the rule of percent, one of
which holds nothing but zeros.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from isthmus.gate.release.check import dominated, thin
from isthmus.gate.release.rules import rules

pytestmark = pytest.mark.acceptance


def test_the_cells_that_acro_finds_are_found(outside: Path) -> None:
    charities = pd.read_stata(outside / "priv/acro/test_data.dta")
    assert len(charities) == 918
    named = charities.dropna(subset=["year", "grant_type"])
    group = named.groupby(["year", "grant_type"], observed=True).ngroup().to_numpy()
    assert int(thin(np.bincount(group), rules("acro")).sum()) == 6
    by_share, by_percent = dominated(group, named["inc_grants"].to_numpy(dtype=float), rules("acro"))
    assert (len(by_share), len(by_percent)) == (1, 2)
