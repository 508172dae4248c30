"""The inputs of scores, as `rules/inputs.yaml` and the scores themselves describe them."""

import re
from math import isfinite
from typing import Any

from isthmus.base.document import Section
from isthmus.cdm.units import analyte, ucum
from isthmus.research.expression import Kind
from isthmus.research.expression.node import Scalar
from isthmus.research.scores.faults import check_keys, choice_of, fault, switch_of, text_of
from isthmus.research.scores.rule import Input

KEYS = ("en", "zh", "unit", "analyte", "equals", "range", "type", "codes", "otherwise", "optional", "about")
TYPES = {"number": Kind.NUMBER, "whole": Kind.NUMBER, "code": Kind.TEXT, "yesno": Kind.TRUTH}
EQUALS = re.compile(r"([\d.]+) (\S+) = ([\d.]+) (\S+)")


def read_input(name: str, usual: Section | None, own: Section) -> Input:
    """An input of a score: what is usual of it, with what the score itself says laid over it. Raises PackError."""
    item = f"input {name}"
    check_keys(own, item, KEYS)
    if usual is not None and "unit" in own and "unit" in usual and own["unit"] != usual["unit"] and "range" not in own:
        raise fault(own.place("unit"), item, "another unit needs its own `range`", "Add `range: [lowest, highest]`")
    section = usual.merged(own) if usual is not None else own
    check_keys(section, item, KEYS, ("en", "zh"))
    codes = _codes(section, item)
    kind = choice_of(section, "type", item, TYPES, "code" if codes and isinstance(codes[0], str) else "number")
    unit, low, high = _unit(section, item), *_range(section, item)
    read = Input(
        name, text_of(section, "en", item), text_of(section, "zh", item), TYPES[kind], unit,
        text_of(section, "analyte", item), _equals(section, item, unit), low, high, kind == "whole", codes,
        section.get("otherwise"), switch_of(section, "optional", item), text_of(section, "about", item),
    )  # fmt: skip
    _fits(read, section, item)
    return read


def _unit(section: Section, item: str) -> str:
    unit = text_of(section, "unit", item)
    if unit and not ucum.readable(unit):
        raise fault(section.place("unit"), item, f"'{unit}' is no UCUM code", "Write it as UCUM does: umol/L, 10*9/L")
    key = text_of(section, "analyte", item)
    if key and key not in analyte.analytes():
        mend = "Use a key of cdm/units/analyte.csv, or take it out"
        raise fault(section.place("analyte"), item, f"there is no analyte '{key}'", mend)
    return unit


def _range(section: Section, item: str) -> tuple[float | None, float | None]:
    value = section.get("range")
    if value is None:
        return None, None
    numbers = (
        isinstance(value, list)
        and len(value) == 2
        and all(type(one) in (int, float) and isfinite(one) for one in value)
    )
    if not numbers or value[0] >= value[1]:
        mend = "Write the lowest and the highest number that are admitted: [0, 120]"
        raise fault(section.place("range"), item, "`range` is two numbers, the lower first", mend)
    return float(value[0]), float(value[1])


def _codes(section: Section, item: str) -> tuple[Scalar, ...]:
    value = section.get("codes")
    if value is None:
        return ()
    texts = isinstance(value, list) and bool(value) and all(isinstance(one, str) for one in value)
    numbers = isinstance(value, list) and bool(value) and all(type(one) in (int, float) for one in value)
    if not (texts or numbers) or len(set(value)) < len(value):
        mend = "Write each once: [none, mild, severe], in quotes where YAML reads a code otherwise"
        raise fault(section.place("codes"), item, "`codes` is a list of texts, or of numbers", mend)
    return tuple(value if texts else map(float, value))


def _equals(section: Section, item: str, unit: str) -> tuple[str, float] | None:
    """Another unit, and how much of the input's own one of it is taken for."""
    told = text_of(section, "equals", item)
    if not told:
        return None
    match = EQUALS.fullmatch(told)
    sides = {match[2]: float(match[1]), match[4]: float(match[3])} if match else {}
    if unit not in sides or len(sides) != 2 or not all(ucum.readable(one) and sides[one] > 0 for one in sides):
        mend = f"Write it as `17.1 umol/L = 1 mg/dL`, with {unit or 'the unit of the input'} on one side"
        raise fault(section.place("equals"), item, f"`{told}` does not say what units are worth", mend)
    other = next(one for one in sides if one != unit)
    return other, sides[unit] / sides[other]


def _fits(read: Input, section: Section, item: str) -> None:
    """Raise PackError for what does not go together."""
    if read.kind is Kind.NUMBER and not read.codes and read.low is None:
        raise fault(section.place(), item, "a number needs its `range`", "Add `range: [lowest, highest]`")
    if read.kind is not Kind.NUMBER and (read.unit or read.low is not None):
        raise fault(section.place(), item, "only numbers have unit and range", "Take them out, or the codes")
    if read.kind is Kind.TEXT and not read.codes:
        raise fault(section.place(), item, "what may be said is missing", "Add `codes: [first, second]`")
    if read.otherwise is not None and not _admits(read, read.otherwise):
        mend = "Take a value that the input admits"
        raise fault(section.place("otherwise"), item, "`otherwise` is not one of its values", mend)
    if read.optional and read.otherwise is not None:
        raise fault(section.place("optional"), item, "it has `otherwise` and is never missing", "Take `optional` out")


def _admits(read: Input, value: Any) -> bool:
    if read.codes:
        return value in read.codes
    if read.kind is Kind.TRUTH:
        return isinstance(value, bool)
    return type(value) in (int, float) and (read.low is None or read.high is None or read.low <= value <= read.high)
