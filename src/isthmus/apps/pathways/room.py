"""Whether a pathway has room for what its rules ask: days that its windows leave to each step, from rule to rule.

A step may stand on the days that the pathway looks at. A rule that asks for something around each day of a step takes
away the days around which nothing can be found; one that forbids takes away its window. What is left after all rules
that hold for the same patients must be enough for each of them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from isthmus.apps.contract.documents import Faults
from isthmus.apps.pathways.pack import ANCHOR, Leg, Rule
from isthmus.apps.pathways.window import EVER, Window

Days = tuple[tuple[int, int], ...]
"""Days around the beginning of the pathway, as spans in order, both ends included."""
TURNS = 50
"""After so many turns what is left is taken as it is: rings that take a day at each turn are found elsewhere."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What a pathway looks at, and its steps: names by number, and the numbers that each name stands for."""

    looks: Window
    names: Mapping[int, str]
    parts: Mapping[str, Sequence[int]]


def check_room(rules: Mapping[str, Rule], ground: Ground, faults: Faults) -> None:
    """Note every rule that asks for a day which it and the rules for the same patients do not leave."""
    for rule in rules.values():
        beside = [one for one in rules.values() if _holds_too(one, rule)]
        left = _left(rule, [leg for one in beside for leg in one.legs], ground)
        for leg in rule.legs:
            if leg.least and not _has_room(leg, left, ground.looks):
                asked = " or ".join(ground.names[step] for step in leg.to)
                around = "the beginning" if ANCHOR in leg.of else " or ".join(ground.names[one] for one in leg.of)
                others = ", ".join(f"{one.name} ({one.place})" for one in beside if one is not rule and one.legs)
                faults.add(
                    rule.place, f"rule {rule.name}: '{leg.window.text}' of {around} is an impossible window for {asked}"
                    f": the pathway looks only from {ground.looks.text}"
                    + (f", and the rules for the same patients leave no day in it: {others}." if others else "."),
                    "Widen a window, or part the rules by `when`.",
                )  # fmt: skip
                break


def _holds_too(one: Rule, rule: Rule) -> bool:
    """Whether whoever is meant by a rule is meant by another one too, whenever it is in force."""
    (low, high), (first, last) = one.valid, rule.valid
    begins = low is None or (first is not None and low <= first)
    ends = high is None or (last is not None and last <= high)
    return begins and ends and all(clause in rule.clauses for clause in one.clauses)


def _left(rule: Rule, legs: Sequence[Leg], ground: Ground) -> dict[int, Days]:
    """The days that are left to each step for the patients of a rule."""
    whole: Days = ((ground.looks.low, ground.looks.high),)
    left = dict.fromkeys(ground.names, whole)
    for clause in rule.clauses:
        for step in (part for name in clause.steps if not clause.holds for part in ground.parts[name]):
            left[step] = ()
    for leg in legs:
        if leg.most == 0 and leg.of == (ANCHOR,):
            for step in leg.to:
                left[step] = _without(left[step], leg.window)
    around = [leg for leg in legs if leg.least and ANCHOR not in leg.of]
    for _ in range(TURNS):
        before = dict(left)
        for leg in around:
            room = _around(leg, left)
            for step in leg.of:
                common = _common(left[step], room)
                left[step] = common if leg.pick == "every" or not common else left[step]
        if left == before:
            break
    return left


def _has_room(leg: Leg, left: Mapping[int, Days], looks: Window) -> bool:
    if ANCHOR in leg.of:
        return any(_common(left[step], ((leg.window.low, leg.window.high),)) for step in leg.to)
    return bool(_common(((looks.low, looks.high),), _around(leg, left)))


def _around(leg: Leg, left: Mapping[int, Days]) -> Days:
    """The days around which one of the steps that a leg asks for may be found."""
    spans = [
        (_moved(low, -leg.window.high), _moved(high, -leg.window.low)) for step in leg.to for low, high in left[step]
    ]
    return tuple(sorted(spans))


def _moved(day: int, days: int) -> int:
    """A day so many days later; what has no end keeps none."""
    if abs(days) >= EVER:
        return days
    return day if abs(day) >= EVER else day + days


def _common(one: Days, other: Days) -> Days:
    return tuple(_merged((max(low, first), min(high, last)) for low, high in one for first, last in other))


def _without(days: Days, window: Window) -> Days:
    outside = ((-EVER, window.low - 1), (window.high + 1, EVER))
    return _common(days, tuple(span for span in outside if -EVER <= span[0] <= span[1] <= EVER))


def _merged(spans: Iterator[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans in order, those that meet as one; what ends before it begins is none."""
    found: list[tuple[int, int]] = []
    for low, high in sorted(span for span in spans if span[0] <= span[1]):
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], high))
        else:
            found.append((low, high))
    return found
