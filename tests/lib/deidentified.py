"""How well identifiers in marked texts are masked: recall by what was marked, precision by what was masked."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

MARK = re.compile(r"\[(email|link|id|date|age|phone|card|address|name|person)\]")
Marked = Mapping[str, Sequence[tuple[int, int]]]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a score: of `whole` things, how many were `found`."""

    name: str
    whole: int
    found: int

    @property
    def share(self) -> float:
        """The share that was found."""
        return self.found / self.whole


def places(text: str, masked: str) -> list[tuple[int, int, str]]:
    """Where marks stand for parts of a text: start, end, kind. What is left of it must be the text's own."""
    parts = MARK.split(masked)
    form = "".join(re.escape(part) if at % 2 == 0 else "(.+?)" for at, part in enumerate(parts))
    found = re.fullmatch(form, text, re.DOTALL)
    assert found is not None, "something else than marks was written"
    return [(*found.span(at + 1), parts[2 * at + 1]) for at in range(len(parts) // 2)]


def scored(texts: Iterable[tuple[str, str, Marked]]) -> tuple[list[Row], list[Row]]:
    """Recall by type, where every letter and digit of a thing has to be masked, and precision by kind, where a mask has
    to touch something that was marked. Each text comes with its masked form and what is marked in it by type."""
    recall: dict[str, list[bool]] = {}
    precision: dict[str, list[bool]] = {}
    for text, masked, marked in texts:
        found = places(text, masked)
        covered = {at for start, end, _ in found for at in range(start, end)}
        spans = [span for some in marked.values() for span in some]
        for kind, some in marked.items():
            recall.setdefault(kind, []).extend(
                all(at in covered or not text[at].isalnum() for at in range(*span)) for span in some
            )
        for start, end, kind in found:
            precision.setdefault(kind, []).append(any(one < end and start < other for one, other in spans))
    return _rows(recall), _rows(precision)


def _rows(held: Mapping[str, Sequence[bool]]) -> list[Row]:
    return [Row(name, len(some), sum(some)) for name, some in sorted(held.items())]
