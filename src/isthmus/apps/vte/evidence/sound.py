"""Whether definitions can come to bear: conditions that never hold, parts of them, points that nothing reaches."""

from collections.abc import Mapping
from math import inf

from isthmus.apps.contract.documents import Faults
from isthmus.apps.contract.knowledge import Call, Expression, Input, Kind, Limits, begin, can_hold, idle, outcomes
from isthmus.apps.vte.evidence.fact import ALL_TIME, Concepts, Fact

OLDEST = 130  # years that nobody has reached
SEXES = ("male", "female")
SIGNED = ("Cel", "[degF]", "mmol/L", "meq/L")
"""Units of which there are numbers below 0: temperatures, and what is told as too much or too little of a base."""


def limits_of(
    facts: Mapping[str, Fact],
    sets: Mapping[str, Concepts],
    items: Mapping[str, Expression],
    inputs: Mapping[str, Input],
) -> Limits:
    """What is known of the names of expressions: age, sex, days that a window has, numbers that scores admit, and which
    facts hold whenever another one does."""
    spans: dict[str, tuple[float, float]] = {"age": (0, OLDEST)}
    for name, one in items.items():
        if one.text in facts and name in inputs and inputs[name].kind is Kind.NUMBER:
            low, high = inputs[name].low, inputs[name].high
            spans[one.text] = (-inf if low is None else low, inf if high is None else high)
    for name, fact in facts.items():
        if fact.take == "span":
            spans[name] = (1, inf if fact.stay else fact.days + 1)
        elif fact.take == "latest" and name not in spans and fact.unit not in SIGNED:
            spans[name] = (0, inf)
    truths = [one for one in facts.values() if one.take == "any"]
    implied = {one.name: [other.name for other in truths if other is not one and _within(one, other, sets)]
               for one in truths}  # fmt: skip
    return Limits(spans=spans, among={"sex": SEXES}, implied=implied)


def _within(one: Fact, other: Fact, sets: Mapping[str, Concepts]) -> bool:
    """Whether every row of a fact is one of another's."""
    if one.source is not other.source or (other.before and not one.before):
        return False
    if not _among(sets[one.set], sets[other.set]):
        return False
    if one.stay or other.stay or one.before != other.before:
        return (one.stay and other.stay) or (not other.stay and other.days >= ALL_TIME)
    return one.days <= other.days


def _among(one: Concepts, other: Concepts) -> bool:
    codes = all(code.startswith(other.codes) for code in one.codes)
    return codes and set(one.concepts) <= set(other.concepts) and set(other.less) <= set(one.less)


def check_condition(place: str, name: str, found: Expression, limits: Limits, faults: Faults) -> None:
    """Note a condition that never holds or always does, and parts of an expression that never come to bear."""
    if outcomes(found.node, limits) == frozenset():
        faults.add(place, f"{name}: `{found.text}` is never known.", "Write what it is made of, or take the line out.")
        return
    if found.kind is Kind.TRUTH:
        if not can_hold(found.node, limits=limits):
            faults.add(place, f"{name}: `{found.text}` can never hold.", "Look at its limits, or take the line out.")
            return
        if not can_hold(Call("not", (found.node,)), limits=limits):
            faults.add(place, f"{name}: `{found.text}` always holds.", "Look at its limits, or take the line out.")
            return
    for one in idle(found.node, limits):
        faults.add(
            place, f"{name}: a part of `{found.text}`, at column {begin(one) + 1}, can never hold.",
            "Look at its limits, or take that part out.",
        )  # fmt: skip


def check_reached(place: str, found: Expression, one: Input, limits: Limits, faults: Faults) -> None:
    """Note an input of a score that can never be what the score admits."""
    if found.kind is Kind.NUMBER:
        low, high = limits.span(found.node)
        least, most = -inf if one.low is None else one.low, inf if one.high is None else one.high
        if low > most or high < least:
            faults.add(
                place, f"item {one.name}: it can be from {low:g} to {high:g}, and the score takes {least:g} to "
                f"{most:g}: its points are never reached.", "Mend the expression.",
            )  # fmt: skip
    told = outcomes(found.node, limits)
    if told is not None and one.codes and not told & set(one.codes):
        faults.add(
            place, f"item {one.name}: it is never {' or '.join(map(str, one.codes))}: its points are never reached.",
            "Mend the expression.",
        )  # fmt: skip


def check_unit(place: str, found: Expression, one: Input, facts: Mapping[str, Fact], faults: Faults) -> None:
    """Note a number that is handed to a score in another unit than the score's: it would be taken for that one."""
    fact = facts.get(found.text)
    if fact is not None and fact.take == "latest" and fact.unit != one.unit:
        faults.add(
            place, f"item {one.name}: the score takes it in '{one.unit}', and the fact {fact.name} is in "
            f"'{fact.unit}'.",
            f"Let the fact be in '{one.unit}', or convert it.",
        )  # fmt: skip
