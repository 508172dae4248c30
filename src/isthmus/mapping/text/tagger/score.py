"""How well entities were found: strictly, the same stretch and the same type, counted over all sentences."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from isthmus.mapping.text.tagger.bio import Entity

ALL = "all"


@dataclass(frozen=True, slots=True)
class Score:
    """Counts for one type, or for all; the rates are percentages."""

    name: str
    truth: int
    found: int
    right: int

    @property
    def precision(self) -> float:
        """Right among found; 0 where nothing was found."""
        return 100.0 * self.right / self.found if self.found else 0.0

    @property
    def recall(self) -> float:
        """Right among the truth; 0 where the truth has none."""
        return 100.0 * self.right / self.truth if self.truth else 0.0

    @property
    def f1(self) -> float:
        """The harmonic mean of both."""
        return 200.0 * self.right / (self.truth + self.found) if self.truth + self.found else 0.0


def by_type(truth: Sequence[Sequence[Entity]], guess: Sequence[Sequence[Entity]]) -> list[Score]:
    """A score for each type in alphabetical order, then one over all (micro average)."""
    told, found, right = Counter[str](), Counter[str](), Counter[str]()
    for one, other in zip(truth, guess, strict=True):
        told.update(entity.type for entity in set(one))
        found.update(entity.type for entity in set(other))
        right.update(entity.type for entity in set(one) & set(other))
    names = sorted(told | found)
    scores = [Score(name, told[name], found[name], right[name]) for name in names]
    return [*scores, Score(ALL, told.total(), found.total(), right.total())]
