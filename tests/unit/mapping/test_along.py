"""Tests that rise together: what stands beside a number on the same day tells a slip from an illness."""

import numpy as np
import pytest

from isthmus.mapping.units.along import ALONE, HIGH, Along
from isthmus.mapping.units.belief import Column, weigh
from isthmus.mapping.units.crowd import told
from isthmus.mapping.units.series import slips

UREA, CREATININE = 15.4, 70.0  # mmol/L, high; umol/L, usual
KNOWN, SLIPS, EVERY = 2000, 10, 150


def _column(analyte: str, unit: str, values: list[float], day: int = 0) -> Column:
    nothing, rows = np.full(len(values), np.nan), np.arange(len(values))
    return Column(
        analyte, unit, np.zeros(len(values), dtype=np.int64), np.array(values), nothing, nothing, person=rows,
        turn=np.full(len(values), day),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("urea", "creatinine", "day", "times"),
    [
        (UREA, CREATININE, 0, (1 - HIGH) / ALONE),  # high, and creatinine is not: likelier a slip
        (UREA, 4 * CREATININE, 0, HIGH / (1 - ALONE)),  # both are high: an illness
        (UREA, CREATININE, 1, 1.0),  # of another day
        (10.0, CREATININE, 0, 1.0),  # above the limit, and not far
        (5.0, CREATININE, 0, 1.0),  # usual in either unit
    ],
)
def test_what_stands_beside_speaks_for_a_slip_or_against_it(
    urea: float, creatinine: float, day: int, times: float
) -> None:
    columns = [_column("BUN", "mmol/L", [urea]), _column("CREA", "umol/L", [creatinine], day)]
    beliefs = [weigh(one) for one in columns]
    other = next(one for one in beliefs[0].readings if (one.kind, one.unit) == ("unit", "mg/dL"))
    assert Along(columns, beliefs).ratio(0, other) == pytest.approx([times])


def test_slips_among_few_results_are_told_by_the_test_that_would_rise_with_them() -> None:
    """Ten numbers of urea 2.8 times too high: more of them are slips beside a usual creatinine than beside none of the
    day, and none is beside a high one."""
    usual, none, raised = (_found(times, day) for times, day in ((1.0, 1), (1.0, 2), (4.0, 1)))
    assert usual > none >= raised == 0


def _found(times: float, day: int) -> int:
    """How many of the slips of urea are told; `times` is how high creatinine stands beside them, on a `day`."""
    rng = np.random.default_rng(3)
    urea, creatinine = rng.normal(5.2, 1.0, KNOWN).clip(1.5, None).round(1), rng.normal(75, 8, KNOWN).round()
    slipped = np.arange(0, KNOWN, KNOWN // SLIPS)
    urea[slipped], creatinine[slipped] = (urea[slipped] * 2.8).round(1), creatinine[slipped] * times
    sugar = rng.normal(5.2, 0.5, KNOWN).round(1)
    sugar[::EVERY] *= 18  # what says how often units slip here
    parts = [("BUN", "mmol/L", urea, 1), ("BUN", "mg/dL", (urea[1:151] * 2.8).round(1), 3),
             ("CREA", "umol/L", creatinine, day), ("GLU", "mmol/L", sugar, 1),
             ("GLU", "mg/dL", sugar[1:151] * 18, 3)]  # fmt: skip
    columns = [_column(analyte, unit, values.tolist(), when) for analyte, unit, values, when in parts]
    beliefs = [weigh(one) for one in columns]
    moved = told(columns, beliefs, slips(columns, beliefs))[0].value != beliefs[0].value
    return int(moved[slipped].sum())
