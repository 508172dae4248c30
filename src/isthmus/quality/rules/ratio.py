"""The four dimensions of the EMR grading: items counted in the lake's tables, and what a rating asks, as data."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import yaml

PASS = 0.5  # of an item's ratio [K]


@dataclass(frozen=True, slots=True)
class Item:
    """An item: of the rows of a table that `asked` counts, the share for which `right` holds."""

    item_id: str
    dimension: str
    table: str
    en: str
    zh: str
    asked: str
    right: str
    source: str
    checked: str

    def says(self, language: str) -> str:
        """What is counted."""
        return self.zh if language == "zh" else self.en


@dataclass(frozen=True, slots=True)
class Requirement:
    """What a rating asks. `evidence` names what here speaks of it: ids of items and rules, or their beginnings, `map`,
    `findings`; nothing where data cannot tell. `how_en`, `how_zh`: what the evidence is, or why there is none.
    """

    requirement_id: str
    scheme: str
    part: str
    en: str
    zh: str
    evidence: Sequence[str]
    how_en: str
    how_zh: str
    source: str
    checked: str


@cache
def items() -> Sequence[Item]:
    """All items."""
    return tuple(Item(*row.values()) for row in _rows("grading.csv"))


@cache
def sources() -> Mapping[str, str]:
    """By table the text behind FROM that its items are counted in."""
    told: Mapping[str, str] = yaml.load(_text("grading.yaml"), yaml.CSafeLoader)
    return told


@cache
def requirements() -> Sequence[Requirement]:
    """All requirements of the ratings."""
    found = []
    for row in _rows("requirements.csv"):
        requirement_id, scheme, part, en, zh, evidence, *more = row.values()
        found.append(Requirement(requirement_id, scheme, part, en, zh, tuple(evidence.split()), *more))
    return tuple(found)


def _rows(name: str) -> Sequence[dict[str, str]]:
    return list(csv.DictReader(_text(name).splitlines()))


def _text(name: str) -> str:
    return (files("isthmus.quality.rules") / name).read_text(encoding="utf-8")
