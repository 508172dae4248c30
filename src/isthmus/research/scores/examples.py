"""The worked examples inside score files: how they are written, and whether they come out."""

import re
from collections.abc import Mapping

from isthmus.base.document import Section
from isthmus.research.expression import Expression, Kind
from isthmus.research.scores.faults import check_keys, fault, section_of, sections_of, text_of
from isthmus.research.scores.rule import Example, Input

KEYS = ("with", "value", "grade", "missing", "steps", "about")
TOLD = re.compile(r"(-?[\d.]+(?:[eE][+-]?\d+)?)(?: (\S+))?")


def read_examples(
    body: Section, item: str, inputs: Mapping[str, Input], let: Mapping[str, Expression]
) -> tuple[Example, ...]:
    """The examples of a score. Raises PackError for names that it does not have, or values that cannot be told."""
    return tuple(_example(one, item, inputs, let) for one in sections_of(body, "examples", item))


def _example(one: Section, item: str, inputs: Mapping[str, Input], let: Mapping[str, Expression]) -> Example:
    check_keys(one, item, KEYS, ("with",))
    given = section_of(one, "with", item)
    for name in given:
        if name not in inputs:
            raise fault(given.place(name), item, f"`{name}` is no input", f"Its inputs: {', '.join(inputs)}")
    steps = section_of(one, "steps", item)
    for name in steps:
        if name not in let:
            raise fault(steps.place(name), item, f"`{name}` is no step under `let`", f"Steps: {', '.join(let)}")
    missing = one.get("missing") or []
    if not isinstance(missing, list) or not all(isinstance(name, str) and name in inputs for name in missing):
        raise fault(one.place("missing"), item, "`missing` is a list of inputs", f"Its inputs: {', '.join(inputs)}")
    value, places = _printed(one, "value", item) if one.get("value") is not None else (None, 0)
    return Example(
        one.place(), {name: _told(given, name, inputs[name], item) for name in given}, value, places,
        text_of(one, "grade", item) or None, tuple(missing),
        {name: _printed(steps, name, item) for name in steps},
    )  # fmt: skip


def _printed(section: Section, key: str, item: str) -> tuple[float, int]:
    """A number, and how many decimals it is printed with."""
    text = text_of(section, key, item)
    try:
        return float(text), len(text.partition(".")[2])
    except ValueError:
        raise fault(section.place(key), item, f"`{key}` is a number", "Write it as it is printed: -2.5413") from None


def _told(section: Section, name: str, one: Input, item: str) -> object:
    """What is told: yes or no, a code, or a number with its unit."""
    value = section[name]
    if one.kind is Kind.NUMBER and not isinstance(value, bool):
        match = TOLD.fullmatch(str(value))
        if match and bool(match[2]) == bool(one.unit):
            return (float(match[1]), match[2]) if match[2] else float(match[1])
        mend = f"Write a number and its unit: 3 {one.unit}" if one.unit else "Write a number without a unit"
        raise fault(section.place(name), item, f"`{name}: {value}` cannot be read", mend)
    if isinstance(value, bool) == (one.kind is Kind.TRUTH) and isinstance(value, bool | str):
        return value
    raise fault(section.place(name), item, f"`{name}: {value}` cannot be read", "Write one of its codes, or yes or no")
