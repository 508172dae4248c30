"""Noise on whole numbers, by the mechanisms of OpenDP, whose privacy its own proofs give and not this project.

Discrete Laplace where delta is 0, discrete Gaussian else. Numbers are whole, because sums of floating numbers move by
more than their bounds say, and noise on them has gaps that tell the true number.
"""

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from isthmus.base.errors import InputError

MOST = 10**9
"""The most by which one person may change a number."""


def noisy(values: Sequence[int], reach: int, epsilon: Decimal, delta: Decimal) -> list[int]:
    """The numbers, each with noise of its own, where one person changes one of them by at most `reach`.

    Raises InputError where OpenDP is not installed, or for a privacy that is none.
    """
    if not 0 < reach <= MOST or epsilon <= 0 or not 0 <= delta < 1:
        raise InputError("noise needs an epsilon above 0, a delta from 0 up to 1, and narrower bounds.")
    mechanism = _mechanism(reach, _below(epsilon), _below(delta) if delta else 0.0)
    return [int(mechanism(value)) for value in values]


def _mechanism(reach: int, epsilon: float, delta: float) -> Any:
    """The measurement of the least noise that keeps the privacy; the library checks its own proof on the way."""
    try:
        import opendp.prelude as dp  # noqa: PLC0415 only the extra `dp` installs it
    except ImportError:
        raise InputError("noise is added by OpenDP, which is not installed. Run `pip install isthmus[dp]`.") from None
    dp.enable_features("contrib")
    space = dp.atom_domain(T="i64"), dp.absolute_distance(T="i64")

    def laplace(scale: float) -> Any:
        return dp.m.make_laplace(*space, scale=scale)

    def gaussian(scale: float) -> Any:
        return dp.c.make_fix_delta(dp.c.make_zCDP_to_approxDP(dp.m.make_gaussian(*space, scale=scale)), delta)

    made, loss = (gaussian, (epsilon, delta)) if delta else (laplace, epsilon)
    return made(dp.binary_search_param(made, d_in=reach, d_out=loss))


def _below(value: Decimal) -> float:
    """The floating number that is not above."""
    found = float(value)
    return found if Decimal(found) <= value else math.nextafter(found, 0.0)
