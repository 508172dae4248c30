"""A UCUM code and what it is worth: `read("mg/dL")` is 10 grams per cubic metre.

Codes are case sensitive and follow the grammar of https://ucum.org/ucum: prefixes, `.` and `/`, exponents, brackets,
annotations in braces, powers of ten (`10*9`). The atoms are those that hospitals use, in `atoms.csv`. Deviations:
equivalents and osmoles stand for themselves, as what they are worth in moles depends on the analyte; so does a
microscope's field; and the logarithmic units are not read, as their numbers cannot be scaled, but the decibel, which
stands for itself: an attenuation in dB/m is one per length.
"""

import csv
import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from io import StringIO

from isthmus.base.errors import InputError

PREFIXES = {
    "T": 1e12, "G": 1e9, "M": 1e6, "k": 1e3, "h": 1e2, "da": 1e1, "d": 1e-1, "c": 1e-2, "m": 1e-3, "u": 1e-6,
    "n": 1e-9, "p": 1e-12, "f": 1e-15,
}  # fmt: skip
SPECIAL = {"Cel": (1.0, 273.15), "[degF]": (5 / 9, 459.67 * 5 / 9)}
"""Temperatures that do not begin at zero: kelvin = number · factor + offset. Only alone, never inside a larger unit."""

TOKEN = re.compile(
    r"10[*^](?P<ten>[+-]?\d+)|(?P<note>\{[^{}]*\})|(?P<mark>[./()])"
    r"|(?P<atom>(?:\[[^\[\]]+\]|[A-Za-z%])+)(?P<power>[+-]?\d+)?|(?P<number>\d+)"
)


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit: number · factor + offset gives the quantity in base units (metre, second, gram, kelvin, mole …).

    `dimension` lists the base units and their exponents, sorted; two units of one dimension convert into each other.
    """

    code: str
    factor: float
    dimension: tuple[tuple[str, int], ...]
    offset: float = 0.0


def read(code: str) -> Unit:
    """The unit that a UCUM code stands for.

    :raises InputError: the code is no UCUM, or names an atom that is not known here.
    """
    unit = _known(code)
    if unit is None:
        raise InputError(
            f"'{code}' is not a UCUM code of atoms that are known here. Write it as UCUM does (mg/dL, 10*9/L), "
            "or add its atom to cdm/units/atoms.csv."
        )
    return unit


def readable(code: str) -> bool:
    """Whether `read` knows the code."""
    return _known(code) is not None


def factor(source: str, target: str) -> float | None:
    """By what a number in `source` is multiplied to be one in `target`; None where no multiplication does it.

    :raises InputError: one of the codes cannot be read.
    """
    one, other = read(source), read(target)
    if one.dimension != other.dimension or one.offset != other.offset:
        return None
    return one.factor / other.factor


@cache
def atoms() -> dict[str, tuple[bool, float, str]]:
    """The atoms by code: whether they take prefixes, their value, and the code in which it is given ("" for a base)."""
    text = (files("isthmus.cdm") / "units" / "atoms.csv").read_text(encoding="utf-8")
    return {
        row["code"]: (row["metric"] == "1", float(row["value"] or 1), row["unit"])
        for row in csv.DictReader(StringIO(text))
    }


@cache
def _known(code: str) -> Unit | None:
    if code in SPECIAL:
        return Unit(code, SPECIAL[code][0], (("K", 1),), SPECIAL[code][1])
    reader = _Reader(code)
    value = reader.term()
    if value is None or not reader.done:
        return None
    return Unit(code, value[0], tuple(sorted((base, power) for base, power in value[1].items() if power)))


Value = tuple[float, Counter[str]]
"""A factor and the exponents of the base units."""


class _Reader:
    """Reads one code from left to right. Every method gives None for what is no UCUM."""

    def __init__(self, code: str) -> None:
        self.tokens = list(TOKEN.finditer(code))
        self.whole = "".join(token[0] for token in self.tokens) == code
        self.at = 0

    @property
    def done(self) -> bool:
        """Whether all of the code was read."""
        return self.whole and self.at == len(self.tokens)

    def term(self) -> Value | None:
        """Components joined by `.` and `/`, from left to right; the first may have a `/` before it."""
        value: Value | None = (1.0, Counter())
        sign = -1 if self._next("/") else 1
        while value is not None:
            part = self._component()
            value = None if part is None else _times(value, part, sign)
            if self._next("."):
                sign = 1
            elif self._next("/"):
                sign = -1
            else:
                break
        return value

    def _component(self) -> Value | None:
        if self._next("("):
            inside = self.term()
            return inside if self._next(")") else None
        if self.at == len(self.tokens) or self.tokens[self.at]["mark"]:
            return None
        token = self.tokens[self.at]
        self.at += 1
        value = _simple(token)
        if token["note"] is None and self.at < len(self.tokens) and self.tokens[self.at]["note"]:
            self.at += 1  # an annotation says what is counted, and changes no number
        return value

    def _next(self, mark: str) -> bool:
        found = self.at < len(self.tokens) and self.tokens[self.at]["mark"] == mark
        self.at += found
        return found


def _simple(token: re.Match[str]) -> Value | None:
    if token["note"]:
        return 1.0, Counter()
    if token["ten"]:
        return 10.0 ** int(token["ten"]), Counter()
    if token["number"]:
        return (float(token["number"]), Counter()) if int(token["number"]) else None
    value = _atom(token["atom"])
    return None if value is None else _raised(value, int(token["power"] or 1))


@cache
def _atom(text: str) -> Value | None:
    """An atom, or a prefix and a metric atom. An atom of the whole text goes first: `min` is no milli-inch."""
    known = atoms()
    if text in known:
        return _defined(text)
    for length in (1, 2):
        prefix, rest = text[:length], text[length:]
        if prefix in PREFIXES and rest in known and known[rest][0]:
            return PREFIXES[prefix] * _defined(rest)[0], _defined(rest)[1]
    return None


def _defined(code: str) -> Value:
    _, value, unit = atoms()[code]
    if unit:
        inner = _Reader(unit).term()
        if inner is None:
            raise InputError(f"cdm/units/atoms.csv defines {code} by '{unit}', which cannot be read. Mend it.")
        return value * inner[0], inner[1]
    return value, Counter({code: 1})


def _times(one: Value, other: Value, sign: int) -> Value:
    powers = Counter(one[1])
    for base, power in other[1].items():
        powers[base] += sign * power
    return one[0] * other[0] ** sign, powers


def _raised(value: Value, power: int) -> Value:
    return value[0] ** power, Counter({base: count * power for base, count in value[1].items()})
