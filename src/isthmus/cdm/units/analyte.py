"""What a number of an analyte in one unit is in another: by dimension, or by the analyte's molar mass, valence or unit.

Molar masses in g/mol are those of the free substance (urea nitrogen counts its two atoms of nitrogen). Arbitrary units
follow the WHO's reference preparations: 1 [iU] of alpha-fetoprotein is 1.21 ng, 1 [iU] of insulin 34.84 ug.
"""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from io import StringIO

from isthmus.base.errors import InputError
from isthmus.cdm.units import ucum

HBA1C = ("%", "mmol/mol", 10.929, -2.15 * 10.929)
"""The master equation of 2007: IFCC (mmol/mol) = 10.929 · (NGSP (%) - 2.15)."""

MEASURED = ("g/L", "mol/L", "g/g", "mol/mol", "g/mol", "mol/g", "g", "mol", "g/d", "mol/d")
"""What an analyte with a molar mass is measured in, or in what converts from it."""


@dataclass(frozen=True, slots=True)
class Analyte:
    """An analyte: key, names, molar mass (g/mol), valence (eq/mol), mass of one [iU] in grams; None for not stated.

    `enzyme`: laboratories write U and [iU] (and [arb'U]) for the same number.
    """

    key: str
    name: str
    name_zh: str
    molar_mass: float | None
    valence: float | None
    unit_mass: float | None
    enzyme: bool


@dataclass(frozen=True, slots=True)
class Conversion:
    """number · factor + offset."""

    factor: float
    offset: float = 0.0


@cache
def analytes() -> dict[str, Analyte]:
    """All analytes by key."""
    text = (files("isthmus.cdm") / "units" / "analyte.csv").read_text(encoding="utf-8")
    return {row["analyte"]: _analyte(row) for row in csv.DictReader(StringIO(text))}


def conversion(key: str, source: str, target: str) -> Conversion | None:
    """How a number of this analyte is converted between two UCUM codes; None where no fact allows it.

    :raises InputError: the analyte or a code is not known.
    """
    known = analytes().get(key)
    if known is None:
        raise InputError(f"'{key}' is no analyte known here. Use a key of cdm/units/analyte.csv, or add a line there.")
    if key == "HBA1C" and {source, target} == {HBA1C[0], HBA1C[1]}:
        factor, offset = HBA1C[2], HBA1C[3]
        return Conversion(factor, offset) if source == HBA1C[0] else Conversion(1 / factor, -offset / factor)
    one, other = ucum.read(source), ucum.read(target)
    if one.dimension == other.dimension:
        return Conversion(one.factor / other.factor, (one.offset - other.offset) / other.factor)
    for first in _as_mass(known, one):
        for second in _as_mass(known, other):
            if first[1] == second[1]:
                return Conversion(first[0] / second[0])
    return None


def measures(key: str, unit: str) -> bool:
    """Whether numbers of an analyte can be in a UCUM code, as a concentration, share, amount or excretion of a day.

    Of an analyte whose molar mass is not stated nothing speaks against any. Raises InputError as `conversion` does.
    """
    known = analytes().get(key)
    if known is not None and known.molar_mass is None:
        return True
    return any(conversion(key, one, unit) is not None for one in MEASURED)


def _as_mass(known: Analyte, unit: ucum.Unit) -> list[tuple[float, tuple[tuple[str, int], ...]]]:
    """The unit itself, and what one of it is in other base units by the facts about the analyte."""
    found = [(unit.factor, unit.dimension)]
    worth = {
        "mol": (known.molar_mass, "g"),
        "eq": (1 / known.valence if known.valence else None, "mol"),
        "[iU]": (known.unit_mass, "g"),
    }
    if known.enzyme:  # U is a katal's multiple; written as [iU] or [arb'U] the laboratory means the same number
        unit_factor = ucum.read("U").factor
        worth |= {"[iU]": (unit_factor, "U"), "[arb'U]": (unit_factor, "U")}
    powers = dict(unit.dimension)
    for base, (value, into) in worth.items():
        power = powers.get(base, 0)
        if value is not None and power and not (base == "mol" and powers.get("s")):
            found.append(_exchanged(unit, base, power, value, into))
    if "eq" in powers and known.valence and known.molar_mass:
        moles = _exchanged(unit, "eq", powers["eq"], 1 / known.valence, "mol")
        as_unit = ucum.Unit(unit.code, moles[0], moles[1])
        found.append(_exchanged(as_unit, "mol", powers["eq"], known.molar_mass, "g"))
    return found


def _exchanged(
    unit: ucum.Unit, base: str, power: int, value: float, into: str
) -> tuple[float, tuple[tuple[str, int], ...]]:
    powers = dict(unit.dimension)
    del powers[base]
    added = {"U": {"mol": 1, "s": -1}}.get(into, {into: 1})
    for name, count in added.items():
        powers[name] = powers.get(name, 0) + count * power
    return unit.factor * value**power, tuple(sorted((name, count) for name, count in powers.items() if count))


def _analyte(row: dict[str, str]) -> Analyte:
    def number(name: str) -> float | None:
        return float(row[name]) if row[name] else None

    return Analyte(
        row["analyte"], row["name"], row["name_zh"], number("molar_mass"), number("valence"), number("unit_mass"),
        row["unit_kind"] == "enzyme",
    )  # fmt: skip
