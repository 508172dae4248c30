"""Silent days are told where many rows are usual, and only there."""

from datetime import date, timedelta

import numpy as np
import pytest

from isthmus.quality.findings.silence import silent

START = date(2019, 1, 7)  # a Monday
EPOCH = (START - date(1970, 1, 1)).days


def _rows(usual: float, days: int, seed: int) -> np.ndarray:
    """Rows by day of a feed that writes a fifth at weekends."""
    weekly = np.where(np.arange(days) % 7 >= 5, 0.2, 1.0)
    return np.random.default_rng(seed).poisson(usual * weekly)


def _found(rows: np.ndarray) -> list[tuple[int, int]]:
    there = np.flatnonzero(rows)
    found = silent(there + EPOCH, rows[there])
    return [((one.first - START).days, one.days) for one in found]


@pytest.mark.parametrize("seed", range(5))
def test_days_on_which_a_busy_feed_was_silent_are_told(seed: int) -> None:
    rows = _rows(40, 700, seed)
    assert _found(rows) == []
    rows[[100, 372, 373, 374]] = 0  # 100 and 372 to 374 are working days
    assert _found(rows) == [(100, 1), (372, 3)]


@pytest.mark.parametrize("seed", range(5))
def test_a_feed_that_is_often_without_rows_is_never_silent(seed: int) -> None:
    rows = _rows(3, 700, seed)
    rows[100] = 0
    assert _found(rows) == []


def test_weekends_of_a_feed_that_rests_then_are_no_silence() -> None:
    rows = _rows(200, 364, 1)
    rows[np.arange(364) % 7 >= 5] = 0
    assert _found(rows) == []


def test_a_silence_says_how_many_rows_are_usual() -> None:
    rows = _rows(40, 700, 1)
    rows[100] = 0
    there = np.flatnonzero(rows)
    (one,) = silent(there + EPOCH, rows[there])
    assert one.first == one.last == START + timedelta(days=100)
    assert 30 < one.usual < 55


def test_neither_no_rows_nor_a_single_day_is_silent() -> None:
    assert silent(np.zeros(0, np.int64), np.zeros(0, np.int64)) == []
    assert silent(np.array([5]), np.array([100])) == []
