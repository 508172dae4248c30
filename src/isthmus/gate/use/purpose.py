"""What is asked (`Purpose`) and what a site allows (`Conditions`), as values that are checked when they are made."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources

from isthmus.base.errors import InputError

Fact = bool | None
"""What the applicant said: yes, no, or nothing."""


@dataclass(frozen=True, slots=True)
class Code:
    """A line of `duo.csv`: a permission or a modifier, how it is judged, and what an applicant can do about it."""

    code: str
    short: str
    role: str
    label: str
    judged: tuple[str, ...]
    next: str


def read(name: str) -> list[dict[str, str]]:
    """The rows of a csv of this folder."""
    text = resources.files("isthmus.gate.use").joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


@cache
def codes() -> Mapping[str, Code]:
    """All codes of DUO that say something, by their short name."""
    return {
        row["short"]: Code(
            row["code"], row["short"], row["role"], row["label"], tuple(row["judged"].split()), row["next"]
        )
        for row in read("duo.csv")
    }


@cache
def kinds() -> Mapping[str, str]:
    """Kinds of purpose with their labels. MDS is no code of DUO; NMDS, which forbids it, is."""
    return {row["kind"]: row["label"] for row in read("kinds.csv")}


@cache
def topics() -> Mapping[str, str]:
    """Topics about which no rule decides, with their labels."""
    return {row["topic"]: row["label"] for row in read("topics.csv")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose:
    """What somebody wants to do with data. Raises InputError for a kind, topic or code that is not known.

    `kinds` are keys of `kinds()`, `topics` of `topics()`, `diseases` terms of one hierarchy (with kind DS), `agreed`
    short names of modifiers whose duty is accepted (COL, PUB, RTN). `ethics` names the approval. `places` are codes of
    regions by prefix: whoever asks from 3301 uses the data in 33. `other` is anything else, in words.
    """

    kinds: frozenset[str] = frozenset()
    diseases: frozenset[str] = frozenset()
    topics: frozenset[str] = frozenset()
    not_for_profit: Fact = None
    non_commercial: Fact = None
    genetic: Fact = None
    ethics: str = ""
    agreed: frozenset[str] = frozenset()
    no_publication_before: date | None = None
    months: int | None = None
    people: frozenset[str] = frozenset()
    institutions: frozenset[str] = frozenset()
    projects: frozenset[str] = frozenset()
    places: frozenset[str] = frozenset()
    other: str = ""

    def __post_init__(self) -> None:
        known = (("kind", self.kinds, kinds()), ("topic", self.topics, topics()), ("code", self.agreed, codes()))
        for word, given, allowed in known:
            if unknown := sorted(given - set(allowed)):
                raise InputError(f"the purpose has unknown {word} {unknown[0]!r}; known are {', '.join(allowed)}.")
        if self.diseases and "DS" not in self.kinds:
            raise InputError("the purpose names diseases without being of kind DS. Add the kind, or leave them out.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """Under which conditions a site's data may be used. Raises InputError for a code that is not known.

    `codes` are short names of DUO; `diseases` belong to DS. The others belong to the modifier that is named beside
    them. `waived` are modifiers of which the site says that it does not ask for them.
    """

    codes: frozenset[str]
    waived: frozenset[str] = frozenset()
    diseases: frozenset[str] = frozenset()  # DS
    months: int | None = None  # TS
    embargo: date | None = None  # MOR
    people: frozenset[str] = frozenset()  # US
    institutions: frozenset[str] = frozenset()  # IS
    projects: frozenset[str] = frozenset()  # PS
    places: frozenset[str] = frozenset()  # GS

    def __post_init__(self) -> None:
        if unknown := sorted((self.codes | self.waived) - set(codes())):
            raise InputError(f"the conditions have unknown code {unknown[0]!r}; known are {', '.join(codes())}.")
        if both := sorted(self.codes & self.waived):
            raise InputError(f"the conditions both ask for {both[0]} and waive it. Leave one out.")

    @property
    def permissions(self) -> frozenset[str]:
        """Those of the codes that say for what the data may be used."""
        return frozenset(one for one in self.codes if codes()[one].role == "permission")
