"""Results that stand where slips of units land: told by all results of the test, where hardly anything else stands."""

import numpy as np
import pyarrow as pa
import pytest

from isthmus.mapping.units.belief import Belief, Column, weigh
from isthmus.mapping.units.crowd import told
from isthmus.mapping.units.detect import detect

FACTOR = 2.8  # mg/dL of urea nitrogen to one mmol/L
SLIPS = 0.003


def _urea(count: int, seed: int = 7) -> np.ndarray:
    """Urea nitrogen of people in ordinary health, in mmol/L."""
    return np.random.default_rng(seed).normal(5.5, 1.2, count).clip(1.5, None).round(1)


def _told(values: np.ndarray, slips: float = SLIPS) -> set[int]:
    """The rows of a column in mmol/L that are moved, beside a site that writes mg/dL."""
    other = (_urea(500, seed=8) * FACTOR).round(1)
    columns = [_column("mmol/L", values), _column("mg/dL", other)]
    before: list[Belief] = [weigh(one) for one in columns]
    after = told(columns, before, slips)[0]
    return set(np.flatnonzero(after.value != before[0].value).tolist())


def _column(unit: str, values: np.ndarray) -> Column:
    nothing = np.full(len(values), np.nan)
    return Column("BUN", unit, np.zeros(len(values), dtype=np.int64), values, nothing, nothing)


@pytest.mark.parametrize(("size", "share"), [(5_000, 0.75), (50_000, 0.9)])
def test_numbers_where_only_slips_land_are_told(size: int, share: float) -> None:
    values = _urea(size)
    slipped = np.arange(0, size, round(1 / SLIPS))
    values[slipped] = (values[slipped] * FACTOR).round(1)
    found = _told(values)
    assert len(found & set(slipped.tolist())) >= share * len(slipped)
    assert len(found - set(slipped.tolist())) <= 0.02 * len(slipped)


def test_where_an_illness_stands_nothing_is_told() -> None:
    """One patient in twenty with failing kidneys: his numbers are those of the other unit, and they are right."""
    values = _urea(20_000)
    ill = np.arange(0, len(values), 20)
    values[ill] = np.random.default_rng(9).normal(16, 5, len(ill)).clip(8, None).round(1)
    assert len(_told(values)) <= len(ill) / 200


def test_without_slips_elsewhere_a_number_far_out_is_a_patient() -> None:
    values = _urea(20_000)
    values[:10] = (values[:10] * FACTOR).round(1)
    assert not _told(values, slips=1e-6)


def test_from_few_results_nobody_knows_what_is_seldom() -> None:
    values = _urea(150)
    values[0] *= FACTOR
    assert not _told(values)


def test_the_reason_is_told() -> None:
    """Slips of tests whose units lie apart say how often to expect those of a test whose units do not."""
    urea, sugar = _urea(6_000), np.random.default_rng(10).normal(5.2, 0.6, 6_000).round(1)
    urea[::300] = (urea[::300] * FACTOR).round(1)
    sugar[::300] *= 18
    beside = (_urea(500, seed=8) * FACTOR).round(1)
    parts = [("BUN", "mmol/L", urea), ("BUN", "mg/dL", beside), ("GLU", "mmol/L", sugar),
             ("GLU", "mg/dL", 18 * sugar[1:299])]  # fmt: skip
    rows = [{"site": "a", "analyte": analyte, "unit": unit, "value": float(value), "low": None, "high": None}
            for analyte, unit, values in parts for value in values]  # fmt: skip
    found = [one for one in detect(pa.Table.from_pylist(rows)).proposals.to_pylist() if one["analyte"] == "BUN"]
    reason = "the other results of the same patient or of all, or the decimals, tell it"
    assert sum(one["rows"] for one in found if reason in one["evidence"]) >= 8
