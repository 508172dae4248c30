"""What a number of an analyte may be: in one of its units, at a wrong scale, of another analyte, or none of these.

The facts behind it are in `analytes.csv`: canonical unit, usual reference limits and how much laboratories differ in
them (`spread`, of the logarithm), the floor and ceiling that values do not leave in living patients, the units that
laboratories write (`mg/L:0.05`: a twentieth as often as the others), the analytes that stand in its place (`PT:0.1`: in
a tenth of the rows, before any was seen), and those that rise `along` with it. They were written from general medical
knowledge.
"""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from io import StringIO

import numpy as np

from isthmus.base.errors import PackError
from isthmus.cdm.units import analyte as facts
from isthmus.cdm.units import ucum

UNIT, SCALE, OTHER, NOTHING = "unit", "scale", "analyte", "nothing"
UNKNOWN = "nothing known"  # what a value is called that no unit explains
PRIOR_SCALE, PRIOR_OTHER, PRIOR_NOTHING = 0.001, 0.001, 0.0005
PRIOR_UNDECLARED = 0.02
"""A priori share of rows at a wrong scale (each power of ten), of another analyte (each), of no sense, and, where the
record declares its unit, in another unit of the analyte (all together)."""
POWERS = (1, -1, 2, -2, 3, -3)
SAME = 0.03  # two factors that differ by less, in the logarithm, cannot be told apart by numbers


@dataclass(frozen=True, slots=True)
class Usual:
    """What is usual of an analyte, in its canonical `unit`. `targets` are ranges for treatment, not for health; `along`
    are the analytes that rise with it."""

    analyte: str
    unit: str
    low: float
    high: float
    spread: float
    floor: float
    ceiling: float
    written: dict[str, float]
    confused: dict[str, float]
    targets: tuple[tuple[float, float], ...]
    along: tuple[str, ...]

    @property
    def centre(self) -> float:
        """Logarithm of a typical value."""
        return float(np.log(np.sqrt(self.low * self.high) if self.low > 0 else self.high / 2.5))

    @property
    def width(self) -> float:
        """Standard deviation of the logarithm among patients of a hospital, about."""
        ratio = self.high / self.low if self.low > 0 else 12.0
        return max(0.3 * float(np.log(ratio)), 0.02)


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading: number · `factor` + `offset` is in the canonical unit of `analyte`.

    `unit` is "" for a scale and for nothing; `prior` the share of rows that mean it, before any was seen.
    """

    kind: str
    analyte: str
    unit: str
    factor: float
    offset: float
    prior: float

    def name(self, meant: "Reading") -> str:
        """What a person calls it, who was told that the numbers are in `meant`."""
        if self.kind == SCALE:
            return f"{meant.unit} × {meant.factor / self.factor:g}"
        return {UNIT: self.unit, OTHER: f"{self.analyte} in {self.unit}"}.get(self.kind, UNKNOWN)


@cache
def usual() -> dict[str, Usual]:
    """The facts by analyte.

    :raises PackError: a line names an analyte or a unit that `cdm.units` does not know, or one that cannot convert.
    """
    text = (files("isthmus.mapping") / "units" / "analytes.csv").read_text(encoding="utf-8")
    return {row["analyte"]: _usual(row, line) for line, row in enumerate(csv.DictReader(StringIO(text)), start=2)}


def readings(key: str, declared: str | None) -> list[Reading]:
    """The readings of an analyte; the declared unit (UCUM) goes first where there is one. Scales are not among them."""
    known = usual()[key]
    units = [unit for unit in (declared, known.unit, *known.written) if unit is not None]
    found = _ways(known, units)
    weights = [known.written.get(unit, 1.0) for unit, _ in found]
    if declared is not None:
        weights = [PRIOR_UNDECLARED * weight / max(sum(weights[1:]), 1.0) for weight in weights]
        weights[0] = 1.0 - PRIOR_UNDECLARED
    share = [weight / sum(weights) for weight in weights]
    own = [
        Reading(UNIT, key, unit, way.factor, way.offset, prior) for (unit, way), prior in zip(found, share, strict=True)
    ]
    return [*own, *_of_others(known), Reading(NOTHING, key, "", 1.0, 0.0, PRIOR_NOTHING)]


def scales(known: list[Reading], meant: Reading) -> list[Reading]:
    """Powers of ten away from the unit that is meant, but for those that are another unit of the analyte."""
    taken = [reading.factor for reading in known if reading.kind == UNIT]
    factors = [meant.factor * 10.0**power for power in POWERS]
    return [
        Reading(SCALE, meant.analyte, "", factor, meant.offset, PRIOR_SCALE)
        for factor in factors
        if all(abs(np.log(factor / other)) > SAME for other in taken)
    ]


def _of_others(known: Usual) -> list[Reading]:
    found = []
    for key, often in known.confused.items():
        other = usual()[key]
        ways = _ways(other, [other.unit, *other.written])
        found += [Reading(OTHER, key, unit, way.factor, way.offset, often / len(ways)) for unit, way in ways]
    return found


def _ways(known: Usual, units: list[str]) -> list[tuple[str, facts.Conversion]]:
    """How each unit is converted into the canonical one; of units that numbers cannot tell apart, the first."""
    kept: list[tuple[str, facts.Conversion]] = []
    for unit in units:
        way = facts.conversion(known.analyte, unit, known.unit)
        if way is not None and all(abs(np.log(way.factor / other.factor)) > SAME for _, other in kept):
            kept.append((unit, way))
    return kept


def _usual(row: dict[str, str], line: int) -> Usual:
    place = f"analytes.csv:{line}"
    if row["analyte"] not in facts.analytes():
        raise PackError(f"{place}: '{row['analyte']}' is no analyte of cdm/units/analyte.csv. Add it there first.")
    written = _weighted(row["written"], 1.0)
    for unit in (row["unit"], *written):
        if not ucum.readable(unit):
            raise PackError(f"{place}: '{unit}' is no UCUM code that is known here. Correct it.")
    numbers = [float(row[name]) for name in ("low", "high", "spread", "floor", "ceiling")]
    if not (0 <= numbers[0] < numbers[1] and 0 < numbers[3] < numbers[4] and numbers[2] > 0):
        raise PackError(f"{place}: limits, floor and ceiling must rise, and the spread be above zero. Correct them.")
    low, high, spread, floor, ceiling = numbers
    targets = [pair.split("-") for pair in row["targets"].split()]
    return Usual(
        row["analyte"], row["unit"], low, high, spread, floor, ceiling, written,
        _weighted(row["confused"], PRIOR_OTHER), tuple((float(one), float(other)) for one, other in targets),
        tuple(row["along"].split()),
    )  # fmt: skip


def _weighted(text: str, otherwise: float) -> dict[str, float]:
    """`PT:0.1 PTA` as numbers by word."""
    pairs = [word.partition(":") for word in text.split()]
    return {word: float(number) if number else otherwise for word, _, number in pairs}
