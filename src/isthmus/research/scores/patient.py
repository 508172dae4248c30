"""A score of one patient: numbers with their units and dates in; value, grade and what they came from out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from isthmus.base.errors import UsageError
from isthmus.research.expression import Kind
from isthmus.research.expression.function import FUNCTIONS
from isthmus.research.expression.node import Scalar
from isthmus.research.scores.plan import GRADE, VALUE, plan
from isthmus.research.scores.reader import find
from isthmus.research.scores.rule import Input, Score
from isthmus.research.scores.units import conversion

Told = object
"""A number, code or yes/no; `(number, unit)`; `(number, unit, date)`. Of a unit both UCUM and hospitals' spellings."""


@dataclass(frozen=True, slots=True)
class Used:
    """An input as it went in: in the score's unit; and as it was told. `assumed`: nothing was told."""

    name: str
    value: Scalar
    unit: str
    day: date | None
    told: Scalar
    told_unit: str
    assumed: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a score gave. `missing` and `reasons` say why there is no value or grade; `steps` are those under `let`."""

    rule: str
    version: str
    value: float | None
    unit: str
    grade: str | None
    title: str
    title_zh: str
    inputs: tuple[Used, ...]
    missing: tuple[str, ...]
    reasons: Mapping[str, str]
    steps: Mapping[str, Scalar]
    calculable: bool

    def __str__(self) -> str:
        if not self.calculable:
            return f"{self.rule} {self.version}: not calculable; missing: {', '.join(self.missing) or 'nothing'}"
        parts = [] if self.value is None else [f"{self.value:g}{f' {self.unit}' if self.unit else ''}"]
        return f"{self.rule} {self.version}: {', '.join([*parts, *([self.grade] if self.grade else [])])}"


def score(name: str | Score, told: Mapping[str, Told], *, ranges: bool = True) -> Outcome:
    """The score of one patient. What is not in `told`, or None there, is missing.

    :raises UsageError: there is no such score or input, or a number is told without the unit that it needs.
    """
    rule = find(name) if isinstance(name, str) else name
    strange = sorted(set(told) - set(rule.inputs))
    if strange:
        raise UsageError(f"{rule.name} has no input '{strange[0]}'. Its inputs: {', '.join(rule.inputs)}.")
    values: dict[str, Scalar] = {}
    reasons: dict[str, str] = {}
    used = []
    for one in rule.inputs.values():
        values[f"told {one.name}"], reason = _in_unit(one, told.get(one.name))
        if reason:
            reasons[one.name] = reason
    for step, work in plan(rule, ranges=ranges).works.items():
        values[step] = work(values)
    for one in rule.inputs.values():
        if values[f"outside {one.name}"]:
            reasons[one.name] = _why_outside(one)
        if values[one.name] is not None:
            used.append(_used(one, told.get(one.name), values))
    return _outcome(rule, values, tuple(used), reasons)


def _parts(told: Told) -> tuple[Scalar, str, date | None]:
    """Value, unit as written, date."""
    if isinstance(told, tuple | list):
        value, unit, day = (*told, None, None)[:3]
        return value, unit or "", day
    if told is None or isinstance(told, str | int | float):
        return told, "", None
    raise UsageError("an input is a number, a code, yes or no, or (number, unit, date). Tell it as one of these.")


def _in_unit(one: Input, told: Told) -> tuple[Scalar, str]:
    """The value in the score's unit, or None and the reason. What can be said in no other way is left to the plan."""
    value, written, _ = _parts(told)
    if one.kind is Kind.TRUTH:
        return (value, "") if isinstance(value, bool) or value is None else (None, "not yes or no (true or false)")
    if value is None or one.kind is Kind.TEXT:
        return value if value is None or isinstance(value, str) else None, ""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None, "not a number"
    if one.unit and not written:
        raise UsageError(f"{one.name} needs a unit: ({value:g}, '{one.unit}'). Tell the one that it was measured in.")
    if not written:
        return float(value), ""
    found = conversion(one, written)
    if found is None:
        return None, f"told in {written}, which is not converted into {one.unit or 'a number without unit'}"
    return value * found.factor + found.offset, ""


def _why_outside(one: Input) -> str:
    if one.codes:
        return f"none of {', '.join(f'{code:g}' if isinstance(code, float) else str(code) for code in one.codes)}"
    limits = f"outside {one.low:g} to {one.high:g} {one.unit}".rstrip()
    return f"{limits}, or not whole" if one.whole else limits


def _used(one: Input, told: Told, values: Mapping[str, Scalar]) -> Used:
    value, written, day = _parts(told)
    return Used(one.name, values[one.name], one.unit, day, value, written, values[f"told {one.name}"] is None)


def _outcome(rule: Score, values: Mapping[str, Scalar], used: tuple[Used, ...], reasons: Mapping[str, str]) -> Outcome:
    exact = values.get(VALUE)
    value = float(exact) if isinstance(exact, int | float) else None
    if value is not None and rule.round is not None:
        value = FUNCTIONS["round"].python(value, rule.round)
    told = values.get(GRADE)
    grade = next((one for one in rule.grades if one.grade == told), None)
    return Outcome(
        rule=rule.name,
        version=rule.version,
        value=value,
        unit=rule.unit,
        grade=grade.grade if grade else None,
        title=grade.title if grade else "",
        title_zh=grade.title_zh if grade else "",
        inputs=used,
        missing=tuple(name for name in rule.inputs if values.get(f"missing {name}")),
        reasons=reasons,
        steps={name: values[name] for name in rule.let},
        calculable=(grade is not None) if rule.grades else value is not None,
    )
