"""The expressions of a pack, read: which items they need, in which rows they are worked out, and in which order."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from isthmus.research.expression import Expression, Kind
from isthmus.research.registries.faults import Faults
from isthmus.research.registries.item import Item
from isthmus.research.registries.names import GRADE, KINDS, SAID, Names, parsed
from isthmus.research.registries.rules import Endpoint, Formula, Rule
from isthmus.research.registries.scored import Bound, bind
from isthmus.research.registries.written import Reading


@dataclass(frozen=True, slots=True)
class Step:
    """One derived item: an expression, or a score with its inputs. `level` is how many formulas lie below it."""

    item: Item
    expression: Expression | None
    bound: Bound | None
    level: int

    @property
    def needs(self) -> tuple[str, ...]:
        """Names that it needs."""
        found = list(self.bound.inputs.values()) if self.bound is not None else []
        found += [self.expression] if self.expression is not None else []
        return tuple(dict.fromkeys(name for one in found for name in one.names))


@dataclass(frozen=True, slots=True)
class Check:
    """A quality rule, read; `group` is the one whose rows it looks at, empty for patients."""

    rule: Rule
    expression: Expression
    group: str


@dataclass(frozen=True, slots=True)
class Computed:
    """All expressions: derived items by group in the order of dependence, rules, and those of end points by text."""

    steps: Mapping[str, Sequence[Step]]
    checks: Sequence[Check]
    conditions: Mapping[str, Expression]

    @property
    def readings(self) -> Mapping[str, Reading]:
        """The readings of items that scores take, by name."""
        bound = [one.bound for of_group in self.steps.values() for one in of_group if one.bound is not None]
        return {name: reading for one in bound for name, reading in one.readings.items()}


def computed(
    names: Names, items: Mapping[str, Item], formulas: Mapping[str, Formula], rules: Sequence[Rule],
    endpoints: Mapping[str, Endpoint], faults: Faults,
) -> Computed:  # fmt: skip
    """Read every expression; what is wrong is noted."""
    read = [one for name, formula in formulas.items() if (one := _step(names, items[name], formula, faults))]
    steps: dict[str, list[Step]] = {}
    for one in _ordered(read, faults):
        steps.setdefault(names.grain(one.item.group), []).append(one)
    checks = [found for rule in rules if (found := check(names, rule, faults))]
    conditions = {}
    for endpoint in endpoints.values():
        texts = [endpoint.only, *(one.when for one in (*endpoint.events, *endpoint.competing))]
        for text in filter(None, texts):
            condition = _truth(text, endpoint.place, names.kinds(""), faults)
            if condition is not None:
                names.check_codes(condition, endpoint.place, faults)
                conditions[text] = condition
    return Computed(steps, checks, conditions)


def _step(names: Names, item: Item, formula: Formula, faults: Faults) -> Step | None:
    kinds = names.kinds(item.group)
    place = f"{formula.place}: item {item.name}"
    if formula.score:
        bound = bind(item, formula, kinds, names, faults)
        return None if bound is None else Step(item, None, bound, 0)
    found = parsed(formula.expression, place, kinds, faults) if formula.expression else None
    if found is None:
        return None
    names.check_codes(found, place, faults, item.name)
    wanted = KINDS[item.type]
    if found.kind is not None and found.kind is not wanted:
        faults.add(
            place, f"the expression gives {SAID[found.kind]}, an item of the type '{item.type}' is {SAID[wanted]}.",
            "Change the type in items/, or the expression.",
        )  # fmt: skip
    return Step(item, found, None, 0)


def check(names: Names, rule: Rule, faults: Faults, kind: str = "rule") -> Check | None:
    """A rule, read; None where it is wrong, which is noted. `kind` is what errors call it."""
    if not rule.when:
        return None
    place = f"{rule.place}: {kind} {rule.name}"
    loose = parsed(rule.when, place, None, faults)
    if loose is None:
        return None
    groups = names.groups_of(loose.names)
    if len(groups) > 1:
        faults.add(
            place, f"items of {' and '.join(groups)} do not stand in one row.",
            "Compare items of one such group with those of patients only.",
        )  # fmt: skip
        return None
    group = groups[0] if groups else ""
    found = _truth(rule.when, place, names.kinds(group), faults)
    if found is None:
        return None
    names.check_codes(found, place, faults)
    return Check(rule, found, group)


def _truth(text: str, place: str, kinds: Mapping[str, Kind | None], faults: Faults) -> Expression | None:
    found = parsed(text, place, kinds, faults)
    if found is not None and found.kind not in (None, Kind.TRUTH):
        faults.add(place, "a condition is yes or no, and this is neither.", "Write a comparison.")
        return None
    return found


def _ordered(read: Sequence[Step], faults: Faults) -> Iterator[Step]:
    """Steps with their levels, lowest first; a ring of formulas is noted."""
    by_name = {one.item.name: one for one in read}
    levels: dict[str, int] = {}

    def level(name: str, above: tuple[str, ...]) -> int:
        if name in above:
            ring = " → ".join((*above[above.index(name) :], name))
            faults.add(
                by_name[name].item.row.place(),
                f"formulas need each other: {ring}.",
                "Take one of them out of the ring.",
            )
            return 0
        if name not in levels:
            below = [each.removesuffix(GRADE) for each in by_name[name].needs]
            under = [level(each, (*above, name)) for each in below if each in by_name]
            levels[name] = 1 + max(under, default=-1)
        return levels[name]

    for name in by_name:
        level(name, ())
    for name, one in sorted(by_name.items(), key=lambda pair: levels[pair[0]]):
        yield Step(one.item, one.expression, one.bound, levels[name])
