"""Rules of release as values, and verdicts."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal

from isthmus.base.errors import InputError

Answer = Literal["pass", "review", "fail"]
RANK: dict[Answer, int] = {"pass": 0, "review": 1, "fail": 2}


@dataclass(frozen=True, slots=True)
class Rules:
    """A line of `rules.csv`.

    Counts from 1 to `hide` are hidden, then all are rounded to a multiple of `base`; `zeros`: a zero may be shown.
    A file is of one of the `types` and has at most so many `rows` and `bytes`; `checkers` people look at it. A sum or
    mean is dominated when its `top` largest contributions make more than `share` of it, or all but the two largest
    less than `percent` of the largest.
    """

    name: str
    hide: int
    base: int
    zeros: bool
    types: frozenset[str]
    rows: int
    bytes: int
    checkers: int
    top: int
    share: float
    percent: float


@cache
def _rules() -> dict[str, Rules]:
    text = resources.files("isthmus.gate.release").joinpath("rules.csv").read_text(encoding="utf-8")
    return {
        row["name"]: Rules(
            row["name"],
            int(row["hide"]),
            int(row["base"]),
            row["zeros"] == "yes",
            frozenset(row["types"].split()),
            int(row["rows"]),
            int(row["bytes"]),
            int(row["checkers"]),
            int(row["top"]),
            float(row["share"]),
            float(row["percent"]),
        )
        for row in csv.DictReader(text.splitlines())
    }


def rules(name: str = "default") -> Rules:
    """The rules of that name. Raises InputError when there are none."""
    found = _rules().get(name)
    if found is None:
        raise InputError(f"there are no release rules '{name}'; known are {', '.join(_rules())}.")
    return found


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found: where, and why it passes, has to be looked at, or fails. It quotes no value."""

    check: str
    answer: Answer
    where: str
    why: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """All findings of a check; the answer is the worst of them."""

    findings: tuple[Finding, ...]

    @property
    def answer(self) -> Answer:
        """pass where nothing was found."""
        return max((finding.answer for finding in self.findings), key=RANK.__getitem__, default="pass")


def together(verdicts: Iterable[Verdict]) -> Verdict:
    """One verdict of several."""
    return Verdict(tuple(finding for verdict in verdicts for finding in verdict.findings))
