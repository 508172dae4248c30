"""Candidates, opinions of mappers, and how several opinions become one list."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

SHOWN = 9  # candidates that fit on the keys 1 to 9
EVEN = 0.5
FEW, UNLIKELY = 5, 0.01


@dataclass(frozen=True, slots=True)
class Concept:
    """A concept of the vocabulary, as far as people are shown it."""

    concept_id: int
    name: str
    domain: str
    vocabulary: str
    code: str
    standard: bool


@dataclass(frozen=True, slots=True)
class Candidate:
    """A concept that a wording may mean.

    `score` is from 0 to 1 and orders candidates; `confidence` is a measured chance, None where nothing was measured.
    `mapper` is the name and version of what proposed it, `evidence` one line for a person. `near`: it was searched and
    is only called nearly so, so it may be quite another thing.
    """

    concept_id: int
    name: str
    domain: str
    vocabulary: str
    code: str
    score: float
    confidence: float | None
    mapper: str
    evidence: str
    near: bool = False

    @property
    def told(self) -> str:
        """How sure it is, in a word: a percentage only where that was measured."""
        return f"{self.score:.2f}" if self.confidence is None else f"{self.confidence:.1%}"


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one mapper says of one wording.

    `answer` are the concepts that it would map to, together; none where it does not commit itself. `confidence` is the
    measured chance that the answer is right, None where nothing was measured; `trust` the share that was right of all
    answers of this mapper which are at least as sure.
    """

    mapper: str
    candidates: tuple[Candidate, ...]
    answer: tuple[int, ...] = ()
    confidence: float | None = None
    trust: float | None = None


def merged(opinions: Sequence[Opinion], most: int = SHOWN) -> list[Candidate]:
    """One list, the best first; of a concept that several propose the best line stands, with the others' evidence.

    Behind the first few, what was measured to be hardly ever right is left out.
    """
    found: dict[int, Candidate] = {}
    for one in sorted((one for opinion in opinions for one in opinion.candidates), key=_worth):
        known = found.get(one.concept_id)
        if known is None:
            found[one.concept_id] = one
        elif one.mapper != known.mapper and one.evidence not in known.evidence:
            found[one.concept_id] = replace(known, evidence=f"{known.evidence}; {one.evidence}")
    told = list(found.values())
    likely = [one for at, one in enumerate(told) if at < FEW or one.confidence is None or one.confidence >= UNLIKELY]
    return likely[:most]


def agreed(opinions: Sequence[Opinion], threshold: float) -> Opinion | None:
    """The most trusted opinion, if its measured trust reaches the threshold and no other mapper contradicts it.

    A mapper that was measured to be wrong rather than right about its answer contradicts nobody.
    """
    heard = [one for one in opinions if one.answer and (one.confidence is None or one.confidence >= EVEN)]
    sure = [one for one in heard if one.trust is not None and one.trust >= threshold]
    if not sure or len({frozenset(one.answer) for one in heard}) > 1:
        return None
    return max(sure, key=lambda one: one.trust or 0.0)


def _worth(one: Candidate) -> tuple[float, float, str, int]:
    return (-(one.score if one.confidence is None else max(one.confidence, one.score)), -one.score, one.name,
            one.concept_id)  # fmt: skip
