"""The limits, the indicators that funnels are drawn of, and the sequences that cannot be: read from their files."""

import csv
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import yaml


@dataclass(frozen=True, slots=True)
class Counted:
    """A count over a table's rows: of those that `asked` takes, those for which `counted` holds. `en` and `zh` say what
    is counted."""

    name: str
    table: str
    field: str
    en: str
    zh: str
    asked: str
    counted: str

    def says(self, language: str) -> str:
        """What is counted."""
        return self.zh if language == "zh" else self.en


@cache
def limits(name: str) -> Mapping[str, float]:
    """The limits of drift or of funnels."""
    told: Mapping[str, Mapping[str, float]] = yaml.load(_text("limits.yaml"), yaml.CSafeLoader)
    return told[name]


@cache
def indicators() -> Sequence[Counted]:
    """Shares that hospitals of one kind should be alike in."""
    return tuple(Counted(*row.values()) for row in csv.DictReader(_text("indicators.csv").splitlines()))


@cache
def sequences() -> Sequence[Counted]:
    """What cannot follow one another."""
    return tuple(Counted(*row.values()) for row in csv.DictReader(_text("sequences.csv").splitlines()))


@cache
def digest() -> str:
    """What tells one state of them from another."""
    texts = map(_text, ("limits.yaml", "indicators.csv", "sequences.csv"))
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


def _text(name: str) -> str:
    return (files("isthmus.quality.plausible") / name).read_text(encoding="utf-8")
