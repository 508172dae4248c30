"""Numbers as they were told, for inputs of scores that take one unit for another at a factor of their own.

An item has its number by the exact factor: 3.0 mg/dL of bilirubin are 51.312 umol/L. The Child-Pugh table has 51 umol/L
for them, and both are right. So an expression for such an input names, in place of an item, the item's *reading*: the
number that was written, brought into the unit of the score as the score says, and never by way of the item's unit.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from isthmus.research.expression import Expression
from isthmus.research.expression.node import Call, Case, Literal, Name, Node, names_in
from isthmus.research.registries.item import Item
from isthmus.research.registries.names import READING
from isthmus.research.scores.rule import Input
from isthmus.research.scores.units import conversion

CHOOSING = frozenset({"coalesce", "lowest", "highest", "least", "greatest"})
"""Functions that give one of their operands, as it is."""


@dataclass(frozen=True, slots=True)
class Reading:
    """An item, and the input of a score in whose unit, and at whose factor, its written number is taken."""

    item: Item
    input: Input

    @property
    def name(self) -> str:
        """How expressions name it: `total_bilirubin (1 mg/dL = 17 umol/L)`."""
        assert self.input.equals is not None
        other, factor = self.input.equals
        return f"{self.item.name}{READING}1 {other} = {factor:g} {self.input.unit})"

    def factor(self, told: str, exact: float, offset: float) -> tuple[float, float]:
        """Factor and offset from a written unit to the input's; by way of the item's where the score knows no other."""
        found = conversion(self.input, told)
        if found is not None:
            return found.factor, found.offset
        beyond = conversion(self.input, self.item.unit)
        assert beyond is not None, "a reading is only made of an item whose unit the input takes"
        return exact * beyond.factor, offset * beyond.factor + beyond.offset


def read_as_told(
    one: Input, found: Expression, items: Mapping[str, Item | None]
) -> tuple[Expression, Mapping[str, Reading]]:
    """The expression of an input with readings in place of items, and these by name.

    `items` are those that its names are. The expression stays as it is, with no reading, where the input knows one
    factor only, where it names nothing that was written, or where it does more than choose among items.
    """
    written = {
        name: Reading(item, one)
        for name, item in items.items()
        if item is not None and item.name == name and item.unit and not item.derived and item.pick != "count"
    }
    if one.equals is None or not written or any(conversion(one, each.item.unit) is None for each in written.values()):
        return found, {}
    node = _with(found.node, lambda name: _number(one, name, written, items))
    if node is None:
        return found, {}
    names = tuple(dict.fromkeys(each.name for each in names_in(node)))
    return replace(found, node=node, names=names), {each.name: each for each in written.values() if each.name in names}


def numbered(readings: Iterable[str]) -> dict[str, int]:
    """Readings by name with their numbers, from 1."""
    return {name: at for at, name in enumerate(sorted(set(readings)), start=1)}


def _number(one: Input, name: Name, written: Mapping[str, Reading], items: Mapping[str, Item | None]) -> Node | None:
    """What stands for a name: its reading, or the number of a derived item brought into the unit of the input."""
    if name.name in written:
        return Name(written[name.name].name, name.at)
    item = items.get(name.name)
    how = conversion(one, item.unit) if item is not None and item.name == name.name and item.unit else None
    return None if how is None or how.offset else Call("*", (name, Literal(how.factor)), name.at)


def _with(node: Node, put: Callable[[Name], Node | None]) -> Node | None:
    """The node with other names where it takes its value from; None where it works out a value of its own."""
    if isinstance(node, Name):
        return put(node)
    if isinstance(node, Literal):
        return node if node.value is None else None
    if isinstance(node, Case):
        results = [_with(result, put) for _, result in node.branches]
        otherwise = _with(node.otherwise, put)
        if otherwise is None or any(one is None for one in results):
            return None
        known = [one for one in results if one is not None]
        branches = tuple((condition, one) for (condition, _), one in zip(node.branches, known, strict=True))
        return Case(branches, otherwise, node.at)
    if node.name not in CHOOSING:
        return None
    operands = [_with(one, put) for one in node.operands]
    return None if any(one is None for one in operands) else Call(node.name, tuple(filter(None, operands)), node.at)
