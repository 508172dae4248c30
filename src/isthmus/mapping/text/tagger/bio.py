"""Annotated notes: one letter and its label a line, a blank line after each sentence; and lists of words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from isthmus.base.errors import InputError

OUTSIDE = "O"


@dataclass(frozen=True, slots=True, order=True)
class Entity:
    """A stretch `[start, end)` of a sentence and its type."""

    start: int
    end: int
    type: str


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence with the label of each letter: `O`, `B-type` or `I-type`."""

    text: str
    labels: Sequence[str]

    @property
    def entities(self) -> list[Entity]:
        """What the labels mark."""
        return entities(self.labels)


def read(path: Path) -> list[Sentence]:
    """All sentences of a file. Raises InputError, naming the line, for a line that is no letter, tab and label."""
    sentences: list[Sentence] = []
    letters: list[str] = []
    labels: list[str] = []
    with path.open(encoding="utf-8-sig", newline="\n") as lines:
        for number, line in enumerate(lines, start=1):
            line = line.rstrip("\r\n")
            if not line.strip():
                _close(sentences, letters, labels)
                continue
            letter, _, label = line.rpartition("\t")
            if len(letter) != 1 or not _is_label(label):
                raise InputError(f"{path.name}:{number}: the line is not one letter, a tab and a label O, B-… or I-…")
            letters.append(letter)
            labels.append(label)
    _close(sentences, letters, labels)
    return sentences


def _is_label(label: str) -> bool:
    return label == OUTSIDE or (label[:2] in {"B-", "I-"} and len(label) > 2)


def _close(sentences: list[Sentence], letters: list[str], labels: list[str]) -> None:
    if letters:
        sentences.append(Sentence("".join(letters), tuple(labels)))
        letters.clear()
        labels.clear()


def entities(labels: Sequence[str]) -> list[Entity]:
    """The entities that labels mark. An `I` that continues nothing begins an entity, as the usual scorers have it."""
    found: list[Entity] = []
    start, kind = 0, ""
    for place, label in enumerate((*labels, OUTSIDE)):
        continues = bool(kind) and label == f"I-{kind}"
        if kind and not continues:
            found.append(Entity(start, place, kind))
            kind = ""
        if label != OUTSIDE and not continues:
            start, kind = place, label[2:]
    return found


def words(path: Path) -> dict[str, str]:
    """A word list: a word a line, after it (tab or comma) what kind it is, if the file says so; a BOM is no letter."""
    found: dict[str, str] = {}
    for line in path.read_text(encoding="utf-8-sig").splitlines():
        word, kind = _split(line.strip())
        if len(word) > 1:
            found.setdefault(word, kind)
    return found


def _split(line: str) -> tuple[str, str]:
    for mark in ("\t", ","):
        word, found, rest = line.rpartition(mark)
        if found:
            kind = rest.strip()
            return word.strip(), kind if kind.isalpha() else ""
    return line, ""


def ended(labels: Sequence[str]) -> list[str]:
    """Labels that also say where an entity ends: `B I I` becomes `B I E`, a `B` alone `S`."""
    written = []
    for label, after in zip(labels, (*labels[1:], OUTSIDE), strict=False):
        last = label != OUTSIDE and not after.startswith("I-")
        written.append({"B": "S", "I": "E"}[label[0]] + label[1:] if last else label)
    return written


def plain(labels: Sequence[str]) -> list[str]:
    """The way back from `ended`."""
    return [{"S": "B", "E": "I"}.get(label[0], label[0]) + label[1:] for label in labels]


def sentences(text: str) -> Iterator[tuple[int, str]]:
    """A note's sentences with their first positions, cut after `。` and at line ends, as the annotated files are."""
    start = 0
    for place, letter in enumerate(text):
        if letter in "。\n":
            if place + 1 > start:
                yield start, text[start : place + 1]
            start = place + 1
    if start < len(text):
        yield start, text[start:]
