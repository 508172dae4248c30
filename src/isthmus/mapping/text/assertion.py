"""What is said of an entity: that it is absent, in doubt, another person's, past, or only planned.

A cue reaches over the entities on its side, within its clause or its sentence and its limit of characters, up to a
word that ends its reach (`stop`; for relatives, a word that leads back to the patient). For each entity only the
nearest cue of a kind can reach it, so every kind is one search in a sorted array.
"""

from dataclasses import dataclass

import numpy as np

from isthmus.mapping.text.boundary import Bounds
from isthmus.mapping.text.lexicon import Effect, Lexicon
from isthmus.mapping.text.page import Mask
from isthmus.mapping.text.span import Spans


@dataclass(frozen=True, slots=True)
class Assertions:
    """One mask per effect over the spans that were asked about; `absent` and `present` are told of what was tested."""

    negated: Mask
    uncertain: Mask
    family: Mask
    past: Mask
    planned: Mask
    absent: Mask
    present: Mask


@dataclass(frozen=True, slots=True)
class Scope:
    """The cues of a page: those for what follows (`ahead`) and those for what stands before (`behind`)."""

    ahead: Spans
    behind: Spans
    bounds: Bounds
    lexicon: Lexicon

    def reaching(self, spans: Spans, effect: Effect) -> Mask:
        """Which spans a cue of that effect reaches."""
        reached = np.zeros(len(spans), dtype=bool)
        for number, cue in enumerate(self.lexicon.cues):
            if cue.effect == effect:
                ahead = self.ahead.where(self.ahead.what == number)
                behind = self.behind.where(self.behind.what == number)
                ends: Effect = "patient" if effect == "family" else "stop"
                reached |= self._forward(spans, ahead, number, ends)
                reached |= self._backward(spans, behind, number)
        return reached

    def backward(self, spans: Spans, effect: Effect) -> Mask:
        """Which spans a cue of that effect reaches from behind only."""
        reached = np.zeros(len(spans), dtype=bool)
        for number, cue in enumerate(self.lexicon.cues):
            if cue.effect == effect:
                reached |= self._backward(spans, self.behind.where(self.behind.what == number), number)
        return reached

    def _forward(self, spans: Spans, cues: Spans, number: int, ends: Effect) -> Mask:
        if not len(cues) or not len(spans):
            return np.zeros(len(spans), dtype=bool)
        cue = self.lexicon.cues[number]
        nearest = cues.before(spans.start)
        end = cues.end[nearest]
        unit = self.bounds.sentence if cue.sentence else self.bounds.clause
        reached = (nearest >= 0) & (unit[end - 1] == unit[spans.start]) & (spans.start - end <= cue.limit)
        stops = self._all(ends)
        if len(stops):
            last = stops.before(spans.start)
            reached &= ~((last >= 0) & (stops.start[last] >= end))
        return np.asarray(reached)

    def _backward(self, spans: Spans, cues: Spans, number: int) -> Mask:
        """Only the thing named last before the cue is meant: in `肝癌 肺转移?` it is the metastasis."""
        if not len(cues) or not len(spans):
            return np.zeros(len(spans), dtype=bool)
        cue = self.lexicon.cues[number]
        nearest = np.minimum(cues.after(spans.end), len(cues) - 1)
        start = cues.start[nearest]
        unit = self.bounds.sentence if cue.sentence else self.bounds.clause
        gap = start - spans.end
        following = spans.after(spans.end)
        between = np.append(spans.start, np.iinfo(np.int64).max)[following] < start
        return np.asarray((gap >= 0) & (gap <= cue.limit) & (unit[start] == unit[spans.end - 1]) & ~between)

    def _all(self, effect: Effect) -> Spans:
        numbers = [number for number, cue in enumerate(self.lexicon.cues) if cue.effect == effect]
        return self.ahead.where(np.isin(self.ahead.what, numbers))


def assertions(spans: Spans, scope: Scope, tested: Mask) -> Assertions:
    """What is said of each span; `tested` marks those whose absence or presence is a result, not a denial.

    A tumour marker that is negative is a result of a test which was done, so it is `absent`, not `negated`.
    """
    behind = scope.backward(spans, "negated")
    negated = scope.reaching(spans, "negated")
    affirmed = scope.backward(spans, "affirmed")
    ahead = negated & ~behind
    return Assertions(
        negated=np.where(tested, ahead, negated & ~affirmed),
        uncertain=scope.reaching(spans, "uncertain") | scope.reaching(spans, "conditional"),
        family=scope.reaching(spans, "family"),
        past=scope.reaching(spans, "past"),
        planned=scope.reaching(spans, "planned"),
        absent=tested & behind & ~affirmed,
        present=tested & affirmed,
    )
