"""What somebody typed as clauses: a concept that is named brings its other names, and the names of its kinds."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from isthmus.apps.advice.pack.graph import Graph
from isthmus.apps.advice.search.words import CHINESE, grams, plain

OTHER, BELOW, WORD = 0.9, 0.6, 0.8
"""What a concept's other name, the name of one of its kinds, and a word that names no concept weigh beside its own."""
MOST_NAMES, MOST_CLAUSES = 40, 24
PASSED = frozenset((
    "a", "an", "and", "are", "as", "at", "be", "by", "can", "do", "does", "for", "from", "how", "in", "is", "it",
    "of", "on", "or", "s", "should", "that", "the", "this", "to", "what", "when", "which", "who", "why", "with",
    "什么", "怎么", "如何", "哪些", "是否", "多久", "多少", "可以", "能否", "应该", "的时", "时候", "以及", "或者",
))  # fmt: skip
"""Words that are passed over: they stand in every text, and say nothing of what is sought."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """A text that stands for a clause: as it is written, its grams, and how much it weighs."""

    text: str
    grams: tuple[str, ...]
    weight: float


@dataclass(frozen=True, slots=True)
class Clause:
    """One thing that is asked for, and the concepts that it names."""

    alternatives: tuple[Alternative, ...]
    concepts: tuple[str, ...] = ()


class Lexicon:
    """The names of a graph's concepts in both languages, with those that a vocabulary has of the same ids."""

    def __init__(self, graph: Graph, names: Mapping[int, Sequence[str]]) -> None:
        """`names`: by OMOP's concept id what a vocabulary calls it."""
        self.graph = graph
        self.names: dict[str, tuple[str, ...]] = {}
        self._concepts: dict[str, list[str]] = {}
        for name, one in graph.concepts.items():
            also = [text for number in one.ids for text in names.get(number, ())]
            listed = tuple(dict.fromkeys(plain(text).strip() for text in (one.en, one.zh, *one.also, *also)))
            self.names[name] = tuple(text for text in listed if grams(text))[:MOST_NAMES]
            for text in self.names[name]:
                self._concepts.setdefault(text, []).append(name)
        whole = sorted(self._concepts, key=lambda text: (-len(text), text))
        self._named = re.compile("|".join(map(_bounded, whole)) or r"(?!)")

    def clauses(self, text: str) -> list[Clause]:
        """The clauses of a text: concepts that it names, the longest names first; what is between them as words."""
        told = plain(text)
        found: list[Clause] = []
        at = 0
        for match in self._named.finditer(told):
            found += _words(told[at : match.start()])
            found.append(self._concept(match[0]))
            at = match.end()
        found += _words(told[at:])
        return list(dict.fromkeys(found))[:MOST_CLAUSES]

    def _concept(self, text: str) -> Clause:
        own = self._concepts[text]
        weights: dict[str, float] = {text: 1.0}
        for name in own:
            for other in self.names[name]:
                weights.setdefault(other, OTHER)
        for name in own:
            for kind in self.graph.within(name)[1:]:
                for other in self.names[kind]:
                    weights.setdefault(other, BELOW)
        listed = [Alternative(one, tuple(grams(one)), weight) for one, weight in weights.items()]
        return Clause(tuple(listed[:MOST_NAMES]), tuple(own))


def _bounded(text: str) -> str:
    """A pattern of a name: a Latin one ends where its word does, its plural allowed."""
    escaped = re.escape(text)
    begin = "" if CHINESE.match(text[0]) else r"(?<![a-z0-9])"
    end = "" if CHINESE.match(text[-1]) else r"(?=s?(?![a-z0-9]))"
    return f"{begin}{escaped}{end}"


def _words(text: str) -> Iterator[Clause]:
    for gram in grams(text):
        if gram not in PASSED:
            yield Clause((Alternative(gram, (gram,), WORD),))
