"""A pathway pack as a value: who is on the pathway, what its steps are, and which rules hold.

Every rule is a set of legs: around each activating day, so many days with one of the target steps.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from isthmus.apps.contract.research import Definition, Registry
from isthmus.apps.pathways.window import EVER, Window

Names = Mapping[str, str]
Pick = Literal["every", "first", "last"]
Number = tuple[float, float]
MANY = EVER
"""Stands for as many as there may be."""
ANCHOR = 0
"""The number of the step that every patient begins with; steps of a pack count from 1."""
STRENGTHS = ("strong", "moderate", "weak", "expert")


@dataclass(frozen=True, slots=True)
class Concept:
    """One entry of a concept set: an id, whether those below count too, and where it is written."""

    concept_id: int
    below: bool
    place: str


@dataclass(frozen=True, slots=True)
class Events:
    """Rows that are looked for: of a domain with a concept of a set (`any` of the domain where it is empty), or the
    values of a registry's item. `values` are concept ids or codes, `number` lowest and highest; nothing asks nothing.
    """

    domain: str
    concepts: str = ""
    item: str = ""
    values: tuple[int | str, ...] = ()
    number: Number | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """Something that is done: the days on which any of its events, or of its parts' events, stands.

    Days that follow each other by `apart` or less are one occurrence, on the first of them: hospitals write one
    operation down by the day of admission, of the operation and of its report.
    `records` names the kind of record that a hospital must deliver, so that its absence means something.
    """

    name: str
    number: int
    names: Names
    events: tuple[Events, ...]
    parts: tuple[str, ...]
    records: str
    treatment: bool
    apart: int
    place: str


@dataclass(frozen=True, slots=True)
class Fact:
    """What is known of a patient: a code or a number, from the first of `sources` that tells one within `window`."""

    name: str
    number: int
    names: Names
    sources: tuple[tuple[Events, Mapping[str, tuple[int | str, ...]]], ...]
    codes: tuple[str, ...]
    numeric: bool
    take: Literal["first", "last", "nearest"]
    window: Window
    place: str


@dataclass(frozen=True, slots=True)
class Records:
    """A kind of record, which a hospital delivers if it has at least `least` of them.

    With `after`, only those count that stand so many days or more after the beginning of their patient's pathway: what
    a hospital writes down once, at the diagnosis, tells nothing of later checks.
    """

    name: str
    number: int
    names: Names
    events: Events
    least: int
    after: int | None
    place: str


@dataclass(frozen=True, slots=True)
class Clause:
    """One condition of a rule: a fact that is one of `codes` or within `number`, or steps done; `holds` or not."""

    fact: str = ""
    codes: tuple[str, ...] = ()
    number: Number | None = None
    steps: tuple[str, ...] = ()
    holds: bool = True


@dataclass(frozen=True, slots=True)
class Leg:
    """Around each day of `of` (of ANCHOR: the day on which the pathway begins) `least` to `most` days of `to`."""

    of: tuple[int, ...]
    pick: Pick
    to: tuple[int, ...]
    window: Window
    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule. `followed` and `seen_before`: days around an activating day that must be seen for a lack to count.

    `records` are the kinds of record that must be delivered for it, if not those of its steps.
    """

    name: str
    number: int
    names: Names
    family: str
    legs: tuple[Leg, ...]
    clauses: tuple[Clause, ...]
    followed: int | None
    seen_before: int | None
    valid: tuple[int | None, int | None]
    source: str
    where: Names
    strength: str
    reasons: tuple[str, ...]
    records: tuple[str, ...]
    place: str


@dataclass(frozen=True, slots=True)
class Source:
    """Where rules come from, and whether the official text was read for this pack."""

    name: str
    title: Names
    checked: Names
    url: str


@dataclass(frozen=True, slots=True)
class Pack:
    """A checked pack. Days since 1970-01-01; `anchor` is the number of the step on whose first day the pathway begins.

    `registry`: the population is its cases, and its items are read. `ruled`: what people said of the cases of a
    registry holds here too. `ends`: whether nothing counts after the stay in the population, as of a stay in hospital.
    """

    name: str
    version: str
    titles: Names
    valid: tuple[int | None, int | None]
    population: Definition
    registry: Registry | None
    ruled: Registry | None
    hospital: str
    anchor: int
    looks: Window
    ends: bool
    concepts: Mapping[str, tuple[Concept, ...]]
    records: Mapping[str, Records]
    steps: Mapping[str, Step]
    facts: Mapping[str, Fact]
    rules: Mapping[str, Rule]
    sources: Mapping[str, Source]
    reasons: Mapping[str, Names]
    digest: str
    place: str
    parts: Mapping[int, tuple[int, ...]] = field(repr=False)

    @property
    def cases(self) -> tuple[str, int]:
        """The registry of which what people said holds here ("": none), and how many have to agree there."""
        return (self.ruled.name, self.ruled.enrolment.people) if self.ruled else ("", 1)

    def numbered(self) -> Sequence[Step]:
        """The steps in the order of their numbers."""
        return sorted(self.steps.values(), key=lambda one: one.number)
