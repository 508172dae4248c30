"""How far a mapper may be believed: what share of its answers was right on wordings whose meaning is known."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

FEWEST = 20  # answers on known wordings below which nothing is said


@dataclass(frozen=True, slots=True)
class Measured:
    """Of `count` answers on wordings with a known meaning, `right` were exactly it."""

    right: int
    count: int

    @property
    def confidence(self) -> float | None:
        """The share that was right, with one decision more of either kind, so that no mapper is quite certain."""
        return (self.right + 0.5) / (self.count + 1) if self.count >= FEWEST else None


def measured(answers: Iterable[tuple[str, frozenset[int], frozenset[int]]]) -> dict[str, Measured]:
    """By domain, from (domain, answer, truth) of each wording; empty answers say nothing and are not counted."""
    counts: dict[str, list[int]] = {}
    for domain, answer, truth in answers:
        if answer:
            tally = counts.setdefault(domain, [0, 0])
            tally[0] += answer == truth
            tally[1] += 1
    return {domain: Measured(right, count) for domain, (right, count) in sorted(counts.items())}


def of(table: Mapping[str, Measured], domain: str) -> float | None:
    """The confidence measured for a domain, None where there is none."""
    found = table.get(domain)
    return found.confidence if found else None
