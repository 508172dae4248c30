"""Names that the training notes mark, with how far a name is to be trusted: how often it stood unmarked.

A sentence that teaches must not see the names that only it taught, or the tagger learns to believe the list blindly.
So each training sentence gets the list of the other folds (`held_out`).
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from isthmus.mapping.text.tagger.bio import Entity

LONGEST = 15
TRUST = ((0.9, "9"), (0.7, "7"), (0.4, "4"), (0.1, "1"))


@dataclass(slots=True)
class Names:
    """How often each name was marked, by type, and how often its letters occurred."""

    marked: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    seen: Counter[str] = field(default_factory=Counter)


def names(texts: Sequence[str], marked: Sequence[Sequence[Entity]], known: frozenset[str]) -> Names:
    """Counts over sentences; `known` are the names whose occurrences are counted."""
    found = Names()
    for text, entities in zip(texts, marked, strict=True):
        for entity in entities:
            found.marked[text[entity.start : entity.end]][entity.type] += 1
        found.seen.update(_occurrences(text, known))
    return found


def all_names(texts: Sequence[str], marked: Sequence[Sequence[Entity]]) -> frozenset[str]:
    """Every name that is marked anywhere."""
    pairs = zip(texts, marked, strict=True)
    return frozenset(text[entity.start : entity.end] for text, entities in pairs for entity in entities)


def _occurrences(text: str, known: frozenset[str]) -> Iterator[str]:
    for start in range(len(text)):
        for end in range(start + 1, min(start + LONGEST, len(text)) + 1):
            if text[start:end] in known:
                yield text[start:end]


def trusted(total: Names, without: Names | None = None) -> dict[str, str]:
    """Name → its most frequent type, how far to trust it, whether it is rare; `without` is taken off the counts."""
    found = {}
    for name, counted in total.marked.items():
        types = counted if without is None else counted - without.marked.get(name, Counter[str]())
        if not types:
            continue
        kind, count = types.most_common(1)[0]
        seen = max(count, total.seen[name] - (without.seen[name] if without else 0))
        share = count / seen
        trust = next((sign for least, sign in TRUST if share > least), "0")
        if len(name) > 1 or trust != "0":
            found[name] = f"{kind[:2]}{kind[-1]}{trust}{'1' if seen == 1 else '3' if seen < 4 else 'n'}"
    return found


def held_out(folds: Sequence[Names], total: Names) -> list[Mapping[str, str]]:
    """For each fold the names that the other folds teach."""
    return [trusted(total, fold) for fold in folds]


def summed(folds: Sequence[Names]) -> Names:
    """The counts of all folds together."""
    total = Names()
    for fold in folds:
        for name, types in fold.marked.items():
            total.marked[name].update(types)
        total.seen.update(fold.seen)
    return total
