"""Numbers of rows in the unit of their fact."""

from functools import cache

from isthmus.apps.contract import InputError
from isthmus.apps.contract.knowledge import analyte, ucum, units
from isthmus.apps.vte.evidence.fact import Fact


@cache
def _codes() -> dict[int, str]:
    """UCUM codes by the concepts of units."""
    return {concept: code for code, concept in units().items()}


def factor_of(fact: Fact, unit: int | None) -> tuple[float, float] | None:
    """Factor and offset that bring a number in a unit (a concept) into the fact's own; None where nothing does.

    A number without a unit is taken where the fact has none either.
    """
    code = _codes().get(unit or 0, "")
    if not fact.unit and not code:
        return 1.0, 0.0
    if code == fact.unit:
        return 1.0, 0.0
    if not code:
        return None
    try:
        if fact.analyte:
            found = analyte.conversion(fact.analyte, code, fact.unit)
            return None if found is None else (found.factor, found.offset)
        factor = ucum.factor(code, fact.unit or "1")
    except InputError:
        return None
    return None if factor is None else (factor, 0.0)
