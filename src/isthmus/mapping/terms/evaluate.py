"""How right a model is on labelled wordings: accuracy, F1, recall, and what automatic mapping would have done."""

from dataclasses import dataclass

import numpy as np

from isthmus.mapping.terms.calibration import interval
from isthmus.mapping.terms.knowledge import Decisions
from isthmus.mapping.terms.model import Answer, is_exact

SEEN = 10


@dataclass(frozen=True)
class Figures:
    """Counts over labelled wordings; the shares that matter are properties, all from 0 to 1."""

    wordings: int
    terms: int  # right terms, those that no candidate could be included
    first: int  # wordings whose best candidate is a right term
    exact: int  # wordings whose picked terms are exactly the right ones
    picked: int
    hit: int  # picked terms that are right
    seen: int  # right terms among the first ten candidates
    automatic: int
    automatic_right: int

    def __add__(self, other: "Figures") -> "Figures":
        """The counts of two sets of wordings together."""
        return Figures(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))

    @property
    def accuracy(self) -> float:
        """Share of wordings answered exactly, all terms right and none too many."""
        return self.exact / max(self.wordings, 1)

    @property
    def top(self) -> float:
        """Share of wordings whose best candidate is right."""
        return self.first / max(self.wordings, 1)

    @property
    def f1(self) -> float:
        """Micro F1 over terms."""
        return 2 * self.hit / max(self.picked + self.terms, 1)

    @property
    def recall(self) -> float:
        """Share of right terms among the first ten candidates."""
        return self.seen / max(self.terms, 1)

    @property
    def coverage(self) -> float:
        """Share of wordings that would be mapped automatically."""
        return self.automatic / max(self.wordings, 1)

    @property
    def precision(self) -> tuple[float, float, float]:
        """Of those mapped automatically the share answered exactly, with its 95 % interval (Clopper and Pearson)."""
        low, high = interval(self.automatic_right, self.automatic)
        return self.automatic_right / max(self.automatic, 1), low, high


def compare(answer: Answer, labels: Decisions) -> Figures:
    """The answer beside the labels; a label that is no target of the model has a target number below 0."""
    count = len(labels.texts)
    many = np.bincount(labels.text, minlength=count)
    width = int(max(answer.pairs.target.max(initial=0), labels.target.max(initial=0))) + 1
    known = labels.target >= 0
    wanted = labels.text[known].astype(np.int64) * width + labels.target[known]
    row = answer.pairs.row
    right = np.isin(row.astype(np.int64) * width + answer.pairs.target, wanted)
    order = np.lexsort((-answer.score, row))
    place = np.empty(len(row), np.int64)
    place[order] = np.arange(len(row)) - np.searchsorted(row, row[order])
    exact = is_exact(row, answer.picked, right, many)
    return Figures(
        wordings=count,
        terms=int(many.sum()),
        first=int(right[place == 0].sum()),
        exact=int(exact.sum()),
        picked=int(answer.picked.sum()),
        hit=int((answer.picked & right).sum()),
        seen=int((right & (place < SEEN)).sum()),
        automatic=int(answer.automatic.sum()),
        automatic_right=int((answer.automatic & exact).sum()),
    )
