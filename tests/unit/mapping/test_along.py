"""Tests that rise together: what stands beside a number on the same day tells a slip from an illness."""

import numpy as np
import pyarrow as pa
import pytest

from isthmus.mapping.units.along import ALONE, HIGH, Along
from isthmus.mapping.units.belief import Column, weigh
from isthmus.mapping.units.detect import detect

UREA, CREATININE = 15.4, 70.0  # mmol/L, high; umol/L, usual
KNOWN, EVERY = 2000, 150


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


@pytest.mark.parametrize(("raised", "least", "most"), [(1.0, 4, 5), (4.0, 0, 1)])
def test_a_slip_among_few_results_is_told_by_the_test_that_would_rise_with_it(
    raised: float, least: int, most: int
) -> None:
    """Five numbers of urea 2.8 times too high: slips beside a usual creatinine, and not beside a high one."""
    rng = np.random.default_rng(3)
    urea, creatinine = rng.normal(5.2, 1.0, KNOWN).clip(1.5, None).round(1), rng.normal(75, 8, KNOWN).round()
    slipped = np.arange(0, KNOWN, KNOWN // 5)
    urea[slipped], creatinine[slipped] = (urea[slipped] * 2.8).round(1), creatinine[slipped] * raised
    sugar = rng.normal(5.2, 0.5, KNOWN).round(1)
    sugar[::EVERY] *= 18  # what says how often units slip here
    parts = [("BUN", "mmol/L", urea), ("BUN", "mg/dL", (urea[1:151] * 2.8).round(1)), ("CREA", "umol/L", creatinine),
             ("GLU", "mmol/L", sugar), ("GLU", "mg/dL", sugar[1:151] * 18)]  # fmt: skip
    table = pa.concat_tables(
        pa.table({
            "site": ["a"] * len(values), "analyte": [analyte] * len(values), "value": values,
            "unit": [unit] * len(values), "low": pa.nulls(len(values), pa.float64()),
            "high": pa.nulls(len(values), pa.float64()),
            "person_id": np.arange(len(values)) + (len(values) < KNOWN) * KNOWN, "day": [1] * len(values),
        })
        for analyte, unit, values in parts
    )  # fmt: skip
    found = set(detect(table).rows["row"].to_pylist())
    assert least <= len(found & set(slipped.tolist())) <= most
