"""Every analysis that plain Python knows, on invented CDMs in which everything happens."""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from lib import dirtycdm, naive, profiled

SEEDS = range(2)


def _text(key: tuple[Any, ...], width: int = 5) -> tuple[str | None, ...]:
    told = [None if one is None else str(one) for one in key]
    return (*told, *[None] * (width - len(told)))


def _numbers(told: Iterable[float | None]) -> list[float]:
    return [math.nan if one is None else one for one in told]


@pytest.mark.parametrize("seed", SEEDS)
def test_counts_and_distributions_are_those_of_plain_python(seed: int, tmp_path: Path) -> None:
    tables = dirtycdm.made(seed)
    results, distributions = profiled.profile(tables, tmp_path)
    ours, ours_spread, theirs = profiled.counts(results), profiled.spreads(distributions), naive.Naive(tables)
    assert len(theirs.counts) + len(theirs.spreads) > 120
    for analysis, expected in theirs.counts.items():
        found = {(key[0], *[None] * 4) if analysis == 2004 else key: count for key, count in ours[analysis].items()}
        assert found == {_text(key): count for key, count in expected.items()}, analysis
    for analysis, groups in theirs.spreads.items():
        assert set(ours_spread[analysis]) == {_text(key) for key in groups}, analysis
        for key, expected_spread in groups.items():
            found_spread = _numbers(ours_spread[analysis][_text(key)])
            assert found_spread == pytest.approx(_numbers(expected_spread), rel=1e-9, nan_ok=True), (analysis, key)
