"""Counts as they are shown to who has no grant: one place for pages, their files and the programs' addresses alike.

Where all patients are invented, everything is shown as it is. Else counts from 1 to `hide` of the default rules of
release are hidden and the others rounded, shares are in whole per cent and hidden where few stand on either side, and
a last day is told to the month.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import numpy as np

from isthmus.gate.release.counts import HIDDEN, shown
from isthmus.gate.release.rules import Rules, rules


@dataclass(frozen=True, slots=True)
class Mask:
    """How counts are shown; without rules, as they are."""

    rules: Rules | None

    @property
    def hidden(self) -> str:
        """What stands in place of a count that is hidden."""
        return f"≤{self.rules.hide}" if self.rules else ""

    def count(self, value: int | None) -> int | str | None:
        """A count: itself, rounded, or what says that it is hidden."""
        if value is None or self.rules is None:
            return value
        found = int(shown(np.array([value], dtype=np.int64), self.rules)[0])
        return self.hidden if found == HIDDEN else found

    def total(self, parts: Iterable[int]) -> int:
        """A sum over what is shown of its parts, so that it tells nothing of those that are hidden."""
        return sum(one for one in map(self.count, parts) if isinstance(one, int))

    def latest(self, value: date | None, *, few: bool) -> date | str | None:
        """The last day of something: of real patients its month, for it is somebody's day; none where there are few."""
        if value is None or self.rules is None:
            return value
        return None if few else f"{value:%Y-%m}"

    def share(self, part: int | None, whole: int | None) -> float | None:
        """A share; None where there is none, or too few on either side of it."""
        if part is None or not whole:
            return None
        if self.rules is None:
            return part / whole
        few = any(0 < one <= self.rules.hide for one in (whole, part, whole - part))
        return None if few else round(part / whole, 2)


def mask_of(*, synthetic: bool) -> Mask:
    """The mask of a workspace: none where all its patients are invented."""
    return Mask(None if synthetic else rules())
