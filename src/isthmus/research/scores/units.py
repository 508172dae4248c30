"""How a number of an input is brought into the unit of its score."""

from isthmus.base.errors import InputError
from isthmus.cdm.units import analyte, spelling, ucum
from isthmus.cdm.units.analyte import Conversion
from isthmus.research.scores.rule import Input


def conversion(one: Input, written: str) -> Conversion | None:
    """How a number in a unit, as UCUM or a hospital writes it, becomes one in the input's own; None where it cannot.

    What the score says with `equals` goes before the exact factor, also for multiples of that unit.
    """
    unit = written if ucum.readable(written) else spelling.code(written)
    if unit is None:
        return None
    if unit == one.unit:
        return Conversion(1.0)
    if one.equals is not None and (step := ucum.factor(unit, one.equals[0])) is not None:
        return Conversion(step * one.equals[1])
    try:
        if one.analyte:
            return analyte.conversion(one.analyte, unit, one.unit)
        factor = ucum.factor(unit, one.unit or "1")
    except InputError:
        return None
    return None if factor is None else Conversion(factor)
