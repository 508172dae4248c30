"""What expressions of a pack may name, and of what kind it is."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from isthmus.research.expression import Expression, ExpressionError, Kind, parse
from isthmus.research.expression.node import Call, Case, Literal, Name, Node, children
from isthmus.research.registries.faults import Faults
from isthmus.research.registries.item import Item
from isthmus.research.registries.rules import Coded, Formula, Grouped

KINDS: Mapping[str, Kind] = {
    "number": Kind.NUMBER, "whole": Kind.NUMBER, "choice": Kind.TEXT, "many": Kind.TEXT, "text": Kind.TEXT,
    "date": Kind.DATE, "yesno": Kind.TRUTH,
}  # fmt: skip
SAID = {Kind.NUMBER: "a number", Kind.TEXT: "a text", Kind.DATE: "a date", Kind.TRUTH: "yes or no"}
BUILT_IN: Mapping[str, Kind] = {
    "index": Kind.DATE, "death": Kind.DATE, "last_contact": Kind.DATE, "dead": Kind.TRUTH
}  # fmt: skip
CHOSEN = ("choice", "many")
COMPARING = frozenset({"=", "<>", "in", "has"})
DAY, GRADE = "_date", "_grade"
READING = " ("
"""Ends the name of an item where its number is meant as it was written (`written`). No pack can say it."""


class Names:
    """What an expression may name: items, their days and grades, and what every patient has."""

    def __init__(
        self, items: Mapping[str, Item], groups: Mapping[str, Grouped], formulas: Mapping[str, Formula],
        lists: Mapping[str, Sequence[Coded]] = MappingProxyType({}),
    ) -> None:  # fmt: skip
        self._items = items
        self._lists = lists
        self._groups = groups
        self._formulas = formulas

    def kinds(self, group: str) -> dict[str, Kind | None]:
        """Names with their kinds, for expressions of a group; all groups of patients are one."""
        found: dict[str, Kind | None] = dict(BUILT_IN)
        for name, one in self._items.items():
            if self.grain(one.group) not in ("", self.grain(group)):
                continue
            found[name] = KINDS[one.type]
            formula = self._formulas.get(name)
            if formula is not None and formula.score:
                found.setdefault(f"{name}{GRADE}", Kind.TEXT)
            if not one.derived:
                found.setdefault(f"{name}{DAY}", Kind.DATE)
        return found

    def grain(self, group: str) -> str:
        """The group itself, or nothing for one of patients."""
        return group if group in self._groups and self._groups[group].row != "patient" else ""

    def item(self, name: str) -> Item | None:
        """The item that a name is about."""
        name = name.partition(READING)[0]
        for ending in ("", DAY, GRADE):
            found = self._items.get(name.removesuffix(ending)) if name.endswith(ending) else None
            if found is not None:
                return found
        return None

    def codes(self, name: str) -> Sequence[str]:
        """The codes that a name may have; none where it is no item of a list."""
        item = self._items.get(name)
        return [one.code for one in self._lists.get(item.list, ())] if item and item.type in CHOSEN else ()

    def check_codes(self, found: Expression, place: str, faults: Faults, item: str = "") -> None:
        """Note a code that is asked of an item, or given to one, which its list does not have.

        `item` is the derived item that the expression fills.
        """
        for name, text in (*_compared(found.node), *((item, text) for text in _given(found.node))):
            known = self.codes(name)
            if known and text not in known:
                faults.add(place, f"'{text}' is no code of {name}.", f"Its codes: {', '.join(known)}.")

    def groups_of(self, names: Iterable[str]) -> list[str]:
        """The groups with rows of their own that names belong to."""
        found = {self.grain(item.group) for name in names if (item := self.item(name)) is not None}
        return sorted(found - {""})


def _compared(node: Node) -> Iterator[tuple[str, str]]:
    """Names with the texts that they are compared with."""
    if isinstance(node, Call) and node.name in COMPARING:
        names = [one.name for one in node.operands if isinstance(one, Name)]
        texts = [one.value for one in node.operands if isinstance(one, Literal) and isinstance(one.value, str)]
        yield from ((name, text) for name in names[:1] for text in texts)
    for child in children(node):
        yield from _compared(child)


def _given(node: Node) -> Iterator[str]:
    """The texts that an expression may give."""
    if isinstance(node, Literal) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, Case):
        for result in (*(one for _, one in node.branches), node.otherwise):
            yield from _given(result)
    elif isinstance(node, Call) and node.name == "coalesce":
        for operand in node.operands:
            yield from _given(operand)


def parsed(
    text: str, place: str, kinds: Mapping[str, Kind | None] | None, faults: Faults
) -> Expression | None:  # fmt: skip
    """An expression; None where it is wrong, which is noted."""
    try:
        return parse(text, place, kinds)
    except ExpressionError as error:
        faults.note(str(error))
        return None
