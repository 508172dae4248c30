"""Making counts fit to leave: small ones hidden, the others rounded, totals summed from what is shown."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from isthmus.gate.release.rules import Rules

HIDDEN = -1
"""How an array of shown counts has a hidden one. A file writes it as REDACTED."""
REDACTED = "[REDACTED]"

Counts = npt.NDArray[np.int64]


def shown(counts: Counts, rules: Rules) -> Counts:
    """Counts as they may leave: hidden where 1 to `rules.hide` (and 0, unless zeros may be shown), the rest rounded.

    Rounding is to the nearest multiple of `rules.base`, halves up.
    """
    small = (counts > 0) & (counts <= rules.hide)
    if not rules.zeros:
        small |= counts == 0
    rounded = (counts + rules.base // 2) // rules.base * rules.base
    return np.where(small, HIDDEN, rounded)


def totals(cells: Counts, axis: int | None = None) -> Counts:
    """Totals of shown cells, hidden ones left out: they tell nothing that the cells do not tell."""
    return np.asarray(np.where(cells == HIDDEN, 0, cells).sum(axis=axis))


def midpoint(counts: Counts, base: int = 6) -> Counts:
    """Counts rounded to the middle of their band (with base 6: 0 stays, 1-6 give 3, 7-12 give 9, …)."""
    return -(-counts // base) * base - np.where(counts != 0, base // 2, 0)


def interval(value: int, rules: Rules) -> tuple[int, int]:
    """The least and greatest count that a shown value stands for."""
    low = 1 if rules.zeros else 0
    if value == HIDDEN:
        return low, rules.hide
    if value == 0:
        return 0, 0
    below, above = rules.base // 2, rules.base - 1 - rules.base // 2
    return max(value - below, rules.hide + 1), value + above


def parsed(column: Sequence[str], names: Mapping[str, int] | None = None) -> Counts:
    """A column of a file as shown counts. Raises ValueError for anything but whole numbers and REDACTED."""
    known = {REDACTED: HIDDEN} if names is None else names
    return np.array([known[cell] if cell in known else int(cell) for cell in column], dtype=np.int64)
