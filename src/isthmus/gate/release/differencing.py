"""What can be worked out from a release together with all earlier ones, by an integer programme.

A cell is a set of people described by dimensions: for each dimension the values that it holds. The cells of all
releases cut the population into atoms. An attacker knows that each atom holds a whole number of people, not negative,
and for each cell the interval that its shown value stands for. For every set of people that the releases set apart (a
hidden cell, a cell without another, without all inside of it, an atom), HiGHS gives the least and the greatest number
that fits everything shown.

A shown count stands for `base` possible counts. A release fails when of a hidden cell, or of a set that must hold
somebody and at most as many as are to be hidden, fewer than that are left.

Editions differ in their people: what was shown of different editions has a dimension for it, in which a later edition
holds the values of the earlier ones and one of its own.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from isthmus.gate.release.counts import HIDDEN, interval
from isthmus.gate.release.rules import Finding, Rules, Verdict

ATOMS = 4000  # more are not tried, and people look
TARGETS = 2000
SECONDS = 5.0  # for one bound
UNLIMITED = 10**7  # people in an atom that nothing shown limits

Where = Mapping[str, frozenset[str]]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Cell:
    """A count that is shown or hidden. `where` gives for each dimension the values that it holds; a dimension that is
    not named is not restricted. `value` is the shown count, or HIDDEN. Totals summed from shown cells are no cells."""

    where: Where
    value: int


@dataclass(frozen=True, slots=True)
class Bound:
    """The least and greatest number of people that a set can hold, given everything shown."""

    low: int
    high: int


def check(
    new: Sequence[Cell], earlier: Sequence[Cell], rules: Rules, whole: Mapping[str, frozenset[str]] | None = None
) -> Verdict:
    """The verdict on new cells beside all earlier ones, of the same population.

    `whole` names dimensions of which everybody knows all values; of another, there may be values that no cell names.
    """
    if not new:  # as of a table with noise
        return Verdict(())
    cells = [*earlier, *new]
    masks = _atoms(cells, whole or {})
    if masks is None:
        return _review(f"the releases cut the population into more than {ATOMS} parts")
    attacker = Attacker(masks, [interval(cell.value, rules) for cell in cells])
    targets = list(_targets(cells, masks))
    if len(targets) > TARGETS:
        return _review(f"more than {TARGETS} sets of people can be set apart")
    findings = []
    for name, mask, hidden in targets:
        bound = attacker.bound(mask)
        if bound is None:
            return _review("the shown counts contradict each other, or a bound was not found in time")
        why = _worked_out(bound, rules, hidden=hidden)
        if why:
            findings.append(Finding("differencing", "fail", name, why))
    return Verdict(tuple(findings))


def _review(why: str) -> Verdict:
    return Verdict((Finding("differencing", "review", "all releases", f"{why}, so people have to compare them"),))


def _worked_out(bound: Bound, rules: Rules, *, hidden: bool) -> str:
    left = bound.high - bound.low + 1
    if left >= rules.base:
        return ""
    if hidden:
        return f"what is hidden can be narrowed to fewer than {rules.base} counts with what is shown elsewhere"
    if bound.low >= 1 and bound.high <= rules.hide:
        return f"it can be worked out that it holds somebody, and {rules.hide} people or fewer"
    return ""


class Attacker:
    """Bounds on numbers of people, from masks of cells over atoms and the interval of each cell."""

    def __init__(self, masks: Mask, intervals: Iterable[tuple[int, int]]) -> None:
        low, high = zip(*intervals, strict=True)
        self._known = LinearConstraint(csr_array(masks.astype(float)), low, high)
        self._whole = np.ones(masks.shape[1])

    def bound(self, mask: Mask) -> Bound | None:
        """The bounds of a set of atoms; None where nothing fits, or a bound was not proved in time."""
        least, most = (self._solved(sign * mask.astype(float)) for sign in (1, -1))
        return None if least is None or most is None else Bound(least, -most)

    def _solved(self, goal: npt.NDArray[np.float64]) -> int | None:
        found = milp(
            goal,
            constraints=self._known,
            integrality=self._whole,
            bounds=Bounds(0, UNLIMITED),
            options={"time_limit": SECONDS, "mip_rel_gap": 0.0},
        )
        return round(float(found.fun)) if found.status == 0 else None


def _atoms(cells: Sequence[Cell], whole: Mapping[str, frozenset[str]]) -> Mask | None:
    """For each cell the atoms that it holds. In each dimension, values that no cell tells apart are one."""
    dimensions = sorted({name for cell in cells for name in cell.where})
    parts: list[list[frozenset[int]]] = []
    size = 1
    for name in dimensions:
        values = sorted(whole.get(name, frozenset()).union(*(cell.where.get(name, frozenset()) for cell in cells)))
        naming = [number for number, cell in enumerate(cells) if name in cell.where]
        held = {value: frozenset(n for n in naming if value in cells[n].where[name]) for value in values}
        others = [] if name in whole else [frozenset[int]()]
        parts.append(sorted({*held.values(), *others}, key=sorted))
        size *= len(parts[-1])
        if size > ATOMS:
            return None
    masks = np.ones((len(cells), size), dtype=bool)
    for atom, chosen in enumerate(product(*parts)):
        for name, part in zip(dimensions, chosen, strict=True):
            for number, cell in enumerate(cells):
                if name in cell.where and number not in part:
                    masks[number, atom] = False
    return masks


def _targets(cells: Sequence[Cell], masks: Mask) -> Iterator[tuple[str, Mask, bool]]:
    """Hidden cells, what cells leave of each other, what all cells inside of one leave of it, and atoms: each set once.

    Sets of earlier releases are among them: what is new may tell more of those too.
    """
    met: set[bytes] = set()
    for name, mask, hidden in _sets(cells, masks):
        if mask.any() and mask.tobytes() not in met:
            met.add(mask.tobytes())
            yield name, mask, hidden


def _sets(cells: Sequence[Cell], masks: Mask) -> Iterator[tuple[str, Mask, bool]]:
    for cell, mask in zip(cells, masks, strict=True):
        if cell.value == HIDDEN:
            yield _named(cell), mask, True
    for one, other in product(range(len(cells)), repeat=2):
        if one != other:
            yield f"{_named(cells[one])} without {_named(cells[other])}", masks[one] & ~masks[other], False
            yield f"{_named(cells[one])} and {_named(cells[other])}", masks[one] & masks[other], False
    for number, mask in enumerate(masks):
        inside = [one for one in masks if not (one & ~mask).any() and (mask & ~one).any()]
        if inside:
            left = mask & ~np.logical_or.reduce(inside)
            yield f"{_named(cells[number])} without all inside of it", left, False
    if masks.shape[1] <= TARGETS:
        for atom in np.eye(masks.shape[1], dtype=bool):
            holding = [_named(cell) for cell, mask in zip(cells, masks, strict=True) if (mask & atom).any()]
            yield " and ".join(holding) or "all others", atom, False


def _named(cell: Cell) -> str:
    parts = (f"{name} {'/'.join(sorted(values))}" for name, values in sorted(cell.where.items()))
    return "(" + (", ".join(parts) or "all") + ")"
