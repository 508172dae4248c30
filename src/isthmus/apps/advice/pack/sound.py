"""Whether rules can hold, alone and together: what never fires, what wants the opposite, what gives way to itself."""

from collections.abc import Collection, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from itertools import combinations
from math import inf

from isthmus.apps.advice.pack.fact import COUNTS, DAY, NUMBERS, Fact
from isthmus.apps.advice.pack.graph import Graph
from isthmus.apps.advice.pack.rule import ACTS, Act, Example, Rule
from isthmus.apps.advice.pack.signs import Signs
from isthmus.apps.contract.documents import Faults
from isthmus.apps.contract.knowledge import (
    Call,
    Expression,
    Kind,
    Limits,
    Name,
    Scalar,
    begin,
    can_hold,
    idle,
    outcomes,
    text_of_node,
)

SAID: Mapping[Scalar, str] = {True: "yes", False: "no", None: "open"}
OLDEST = 130
"""Years that nobody has reached."""
ORDERING = ("order-select", "order-sign")
"""The hooks whose calls bring orders."""


def check_over(found: Mapping[str, Rule], faults: Faults) -> None:
    """Note names after `over` that are no rule, and rings: rules that all give way to each other are never seen."""
    for rule in found.values():
        for name in rule.over:
            if name not in found:
                faults.note(
                    f"{rule.place}: rule {rule.name}: there is no rule '{name}' for it to be over. Mend the name."
                )
    try:
        TopologicalSorter({name: rule.over for name, rule in found.items()}).prepare()
    except CycleError as error:
        chain: list[str] = error.args[1]
        faults.note(
            f"{found[chain[0]].place}: rule {chain[0]}: by `over` it gives way to itself ({' → '.join(chain)}), so "
            "that none of them is seen. Take one of the names out."
        )


def check_together(rules: Sequence[Rule], graph: Graph, facts: Mapping[str, Fact], faults: Faults) -> None:
    """Note rules that can never fire, and pairs that want the opposite of each other for one patient."""
    limits, without_orders = limits_of(facts, orders=True), limits_of(facts, orders=False)
    for rule in rules:
        check_holds(rule.when, limits if set(rule.hooks) & set(ORDERING) else without_orders, faults)
        _check_itself(rule, graph, limits, faults)
    acting = [(rule, act) for rule in rules for act in rule.acts]
    for (one, first), (other, second) in combinations(acting, 2):
        if (
            _opposed(first, second, graph)
            and _meet(one, other)
            and can_hold(one.when.node, other.when.node, limits=limits)
        ):
            faults.note(
                f"{other.place}: rule {other.name}: it says {second.do} {second.concept}, and rule {one.name} at "
                f"{one.place} says {first.do} {first.concept}, where both may hold. Narrow one of the two, or "
                f"write `over: [{one.name}]` in the one that goes first."
            )


def check_facts(facts: Mapping[str, Fact], signs: Signs, faults: Faults) -> None:
    """Note conditions of facts and of findings that can never hold."""
    limits = limits_of(facts, orders=True)
    for fact in facts.values():
        for told in (*fact.inputs.values(), *([fact.formula] if fact.formula is not None else [])):
            check_holds(told, limits, faults)
    for finding in signs.findings.values():
        check_holds(finding.when, limits, faults)


def check_holds(told: Expression, limits: Limits, faults: Faults) -> None:
    """Note a condition that can never hold, or a part of an expression that cannot."""
    mend = "Look at its limits, and at the `range` of its facts"
    if told.kind is Kind.TRUTH and not can_hold(told.node, limits=limits):
        faults.note(f"{told.place}: it can never hold. {mend}, or take the rule out.")
        return
    for part in idle(told.node, limits):
        faults.note(f"{told.place}: a part of it, at column {begin(part) + 1}, can never hold. {mend}, or take it out.")


def limits_of(facts: Mapping[str, Fact], *, orders: bool) -> Limits:
    """What is known of facts beforehand: ranges, windows, codes and grades; of calls without orders, that nothing is
    ordered."""
    spans: dict[str, tuple[float, float]] = {"age": (0, OLDEST)}
    among: dict[str, Collection[Scalar]] = {"sex": ("female", "male")}
    for name, fact in facts.items():
        if fact.low is not None and fact.high is not None:
            spans[name] = (fact.low, fact.high)
        elif fact.way in COUNTS:
            spans[name] = (0, fact.within if fact.way == "ago" else inf)
        if fact.way in (*NUMBERS, "coded"):
            day, today = Name(f"{name}{DAY}"), Name("today")
            spans[text_of_node(Call("days", (day, today)))] = (0, fact.within)
            spans[text_of_node(Call("days", (today, day)))] = (-fact.within, 0)
        if fact.codes:
            among[name] = tuple(fact.codes)
        elif fact.score is not None and fact.give == "grade":
            among[name] = tuple(one.grade for one in fact.score.grades)
        if not orders and fact.way in ("ordered", "dose"):
            among[name] = (False,) if fact.way == "ordered" else ()
    formulas = {name: one.formula.node for name, one in facts.items() if one.formula is not None}
    for name, node in formulas.items():
        told = outcomes(node, Limits(formulas, spans, among))
        if facts[name].kind is Kind.TEXT and told is not None:
            among[name] = tuple(told)
    return Limits(formulas, spans, among)


def _check_itself(rule: Rule, graph: Graph, limits: Limits, faults: Faults) -> None:
    """Note what a rule wants against itself, and examples of it that do not come out."""
    for first, second in combinations(rule.acts, 2):
        if _opposed(first, second, graph):
            faults.note(
                f"{rule.place}: rule {rule.name}: it says {first.do} {first.concept} and {second.do} {second.concept} "
                "at once. Take one of the two out of `do`."
            )
    for one in rule.examples:
        _check_given(rule, one, limits, faults)
        came = rule.when.value(one.given)
        if came is not one.fires:
            faults.note(
                f"{one.place}: rule {rule.name}: the example says `fires: {SAID[one.fires]}`, and the condition gives "
                f"{SAID.get(came, str(came))}. Mend the example or `when`."
            )


def _check_given(rule: Rule, one: Example, limits: Limits, faults: Faults) -> None:
    """Note the values of an example that their facts never have."""
    for name, value in one.given.items():
        low, high = limits.span(Name(name))
        among = limits.among.get(name)
        outside = isinstance(value, float) and not low <= value <= high
        if value is not None and (outside or (among is not None and value not in among)):
            known = f"{low:g} to {high:g}" if among is None else " or ".join(map(str, among))
            faults.note(
                f"{one.place}: rule {rule.name}: the example gives {name} as {value}, and it is only ever {known}. "
                "Mend the example."
            )


def _opposed(one: Act, other: Act, graph: Graph) -> bool:
    if ACTS[one.do] is ACTS[other.do]:
        return False
    return one.concept in graph.within(other.concept) or other.concept in graph.within(one.concept)


def _meet(one: Rule, other: Rule) -> bool:
    """Whether two rules can be judged in one call: another rule, a hook and a day in common, and neither goes first."""
    if one.name == other.name or one.name in other.over or other.name in one.over:
        return False
    begins = [rule.valid[0] for rule in (one, other) if rule.valid[0]]
    ends = [rule.valid[1] for rule in (one, other) if rule.valid[1]]
    days = not begins or not ends or max(begins) <= min(ends)
    return days and bool(set(one.hooks) & set(other.hooks))
