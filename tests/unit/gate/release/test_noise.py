"""Noise keeps the privacy that it states: audited from outside, by what somebody could infer from many draws."""

import math
from collections import Counter
from decimal import Decimal

import pytest
from scipy.stats import beta

from isthmus.base.errors import InputError
from isthmus.gate.release.noise import MOST, noisy

pytest.importorskip("opendp", reason="OpenDP is not installed (pip install isthmus[dp]): its noise cannot be looked at")

DRAWS, SURE = 20_000, 0.001
EPSILON = Decimal("0.8")


def _proved(reach: int, epsilon: Decimal, delta: Decimal = Decimal(0)) -> float:
    """A lower bound of the epsilon of our noise, from draws about two numbers that one person tells apart.

    Somebody says `it was the greater` where a draw lies above a point. How often that is right and how often wrong
    bound epsilon from below (Clopper-Pearson, both sides at `SURE`); the point is chosen by other draws.
    """

    def drawn() -> tuple[Counter[int], Counter[int]]:
        low, high = noisy([0] * DRAWS, reach, epsilon, delta), noisy([reach] * DRAWS, reach, epsilon, delta)
        return Counter(low), Counter(high)

    chosen, (low, high) = drawn(), drawn()
    points = sorted(chosen[0])[:: max(1, len(chosen[0]) // 40)]

    def bound(pair: tuple[Counter[int], Counter[int]], point: int) -> float:
        wrong, right = (sum(many for value, many in side.items() if value > point) for side in pair)
        if not right or wrong == DRAWS:
            return 0.0
        least = beta.ppf(SURE, right, DRAWS - right + 1)
        most = beta.ppf(1 - SURE, wrong + 1, DRAWS - wrong)
        return math.log(max(least - float(delta), 1e-12) / most)

    best = max(points, key=lambda point: bound(chosen, point))
    return bound((low, high), best)


@pytest.mark.parametrize("reach", [1, 500])
def test_laplace_tells_no_more_than_it_states(reach: int) -> None:
    told = _proved(reach, EPSILON)
    assert told <= float(EPSILON)
    assert told > float(EPSILON) / 2, "or the audit would not have found a fault"


def test_half_of_the_noise_would_be_found_out() -> None:
    # The noise of a person who changes a number by 2, where only 1 was provided for, is that of twice the epsilon.
    low, high = noisy([0] * DRAWS, 1, EPSILON, Decimal(0)), noisy([2] * DRAWS, 1, EPSILON, Decimal(0))
    right, wrong = (sum(one > 1 for one in side) for side in (high, low))
    least, most = beta.ppf(SURE, right, DRAWS - right + 1), beta.ppf(1 - SURE, wrong + 1, DRAWS - wrong)
    assert least / most > 2.7182818 ** float(EPSILON)


def test_gaussian_tells_no_more_than_it_states() -> None:
    told = _proved(1, EPSILON, Decimal("0.000001"))
    assert 0 < told <= float(EPSILON)


def test_noise_is_as_broad_as_epsilon_says_and_lies_around_the_number() -> None:
    found = noisy([100] * DRAWS, 1, Decimal("0.5"), Decimal(0))
    assert abs(sum(found) / DRAWS - 100) < 0.15  # 7 standard errors
    spread = sum(abs(one - 100) for one in found) / DRAWS
    assert 1.85 < spread < 2.05  # discrete Laplace of scale 2: 2 / sinh(1 / 2) / 2 = 1.919


@pytest.mark.parametrize(
    ("reach", "epsilon", "delta"), [(0, "1", "0"), (MOST + 1, "1", "0"), (1, "0", "0"), (1, "1", "1")]
)
def test_what_is_no_privacy_is_refused(reach: int, epsilon: str, delta: str) -> None:
    with pytest.raises(InputError, match="epsilon above 0"):
        noisy([1], reach, Decimal(epsilon), Decimal(delta))
