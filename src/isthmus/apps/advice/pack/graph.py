"""Concepts and the relations between them: what is below what, what stands beside what, how one leads to another."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

IS_A = "is_a"
PRIVATE = -1
"""Ids below zero are the base's own: a concept that came as a code of another system stands under minus its number."""


@dataclass(frozen=True, slots=True)
class Concept:
    """Something that medicine has a word for. `ids` are OMOP's concepts that mean it, `codes` those of others.

    A code that ends in `*` means every code that begins so. `number` is its place in the base, from 1. `also` are other
    names in either language, by which it is searched.
    """

    name: str
    kind: str
    en: str
    zh: str
    ids: tuple[int, ...]
    codes: tuple[tuple[str, str], ...]
    number: int
    place: str
    also: tuple[str, ...] = ()

    @property
    def own(self) -> int:
        """The id under which events stand that came as another system's code."""
        return PRIVATE * self.number


@dataclass(frozen=True, slots=True)
class Relation:
    """`one` stands in a relation to `other`; `source` is a key of the pack's sources, `en` and `zh` what to do."""

    one: str
    relation: str
    other: str
    indicator: str
    strength: str
    source: str
    en: str
    zh: str
    pack: str
    place: str


class Graph:
    """Concepts by name, and their relations."""

    def __init__(self, concepts: Mapping[str, Concept], relations: Sequence[Relation]) -> None:
        self.concepts = concepts
        self.relations = tuple(relations)

    @cached_property
    def _below(self) -> Mapping[str, Sequence[str]]:
        below: dict[str, list[str]] = {}
        for one in self.of(IS_A):
            below.setdefault(one.other, []).append(one.one)
        return below

    def of(self, relation: str) -> Iterator[Relation]:
        """The relations of one kind, in the order of the packs."""
        return (one for one in self.relations if one.relation == relation)

    def beside(self, name: str) -> list[Relation]:
        """What a concept stands in relation to, in either direction."""
        return [one for one in self.relations if name in (one.one, one.other)]

    def within(self, name: str) -> list[str]:
        """The concept and all that are kinds of it, each once, nearest first."""
        found, waiting = {name: None}, deque([name])
        while waiting:
            for child in self._below.get(waiting.popleft(), ()):
                if child not in found:
                    found[child] = None
                    waiting.append(child)
        return list(found)

    def ids(self, name: str) -> list[int]:
        """OMOP's concepts of a concept and of all kinds of it, and the base's own ids of them, ascending."""
        members = [self.concepts[one] for one in self.within(name)]
        return sorted({one for each in members for one in (*each.ids, each.own)})

    def way(self, start: str, end: str) -> list[Relation]:
        """The shortest chain of relations from one concept to another, whatever their direction; empty for none."""
        before: dict[str, tuple[str, Relation] | None] = {start: None}
        waiting = deque([start])
        while waiting and end not in before:
            here = waiting.popleft()
            for one in self.beside(here):
                there = one.other if one.one == here else one.one
                if there not in before:
                    before[there] = (here, one)
                    waiting.append(there)
        found: list[Relation] = []
        step = before.get(end)
        while step is not None:
            found.append(step[1])
            step = before[step[0]]
        return found[::-1]


def ring(pairs: Sequence[Relation]) -> list[Relation]:
    """The relations of a ring among those of one kind, in their order; empty where there is none."""
    onward = {(one.one, one.other): one for one in pairs}
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for one in pairs:
        sorter.add(one.other, one.one)
    try:
        sorter.prepare()
    except CycleError as error:
        members: list[str] = error.args[1]  # each stands before the next, the first again at the end
        return [onward[one, other] for one, other in pairwise(members)]
    return []
