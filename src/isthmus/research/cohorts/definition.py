"""A cohort definition as a value, whichever form it was written in.

Days are counted since 1970-01-01. Ranges are closed: every comparison of Circe becomes lowest and highest value, and
whether values inside (`inside`) or outside are meant.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import pyarrow as pa

from isthmus.cdm.concept_set import Item

INFINITE = float("inf")

GroupKind = Literal["ALL", "ANY", "AT_LEAST", "AT_MOST"]
Limit = Literal["all", "first", "last"]


ConceptSet = frozenset[Item]


@dataclass(frozen=True, slots=True)
class Test:
    """What one attribute has to be. Which fields count depends on the attribute's kind.

    Numbers and days: `low` ≤ value ≤ `high`. Lists: the value is among `concepts`, or in the concept set `codeset`;
    neither means any value at all. Texts: like `pattern`. `inside` false asks for the opposite.
    """

    attribute: str
    inside: bool = True
    low: float = -INFINITE
    high: float = INFINITE
    concepts: tuple[int, ...] | None = None
    codeset: int | None = None
    pattern: str | None = None


@dataclass(frozen=True, slots=True)
class Adjustment:
    """Start and end of an event moved: each is the event's start or end, plus days."""

    start_of_end: bool = False
    start_days: int = 0
    end_of_end: bool = True
    end_days: int = 0


@dataclass(frozen=True, slots=True)
class Criterion:
    """Events of one domain. A concept set that is None asks nothing of the concept.

    Of the domain `Cohort` they are the stays in cohorts that the same run finds, which `cohorts` names.
    """

    domain: str
    codeset: int | None = None
    source: int | None = None
    first: bool = False
    adjustment: Adjustment | None = None
    period: tuple[int | None, int | None] | None = None
    tests: tuple[Test, ...] = ()
    nested: "Group | None" = None
    cohorts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Bound:
    """One end of a window: days from its anchor (`sign` × `days`), or, without days, as far as data reach that way."""

    days: int | None
    sign: int


@dataclass(frozen=True, slots=True)
class Window:
    """Where an event's start or end may lie, counted from the start or end of the index event."""

    start: Bound
    end: Bound
    from_index_end: bool = False
    of_event_end: bool = False


@dataclass(frozen=True, slots=True)
class Occurrence:
    """How many events there must be; `distinct` names the column whose different values are counted."""

    op: Literal["=", "<=", ">="]
    count: int
    distinct: str | None = None


@dataclass(frozen=True, slots=True)
class Correlated:
    """So many events of a criterion around an index event."""

    criterion: Criterion
    occurrence: Occurrence
    start_window: Window
    end_window: Window | None = None
    same_visit: bool = False
    any_period: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Conditions on an index event, taken together."""

    kind: GroupKind
    count: int = 0
    criteria: tuple[Correlated, ...] = ()
    demographics: tuple[tuple[Test, ...], ...] = ()
    groups: tuple["Group", ...] = ()

    @property
    def empty(self) -> bool:
        """Whether it asks nothing."""
        return not (self.criteria or self.demographics or self.groups)


@dataclass(frozen=True, slots=True)
class Rule:
    """An inclusion rule."""

    name: str
    group: Group
    description: str = ""


@dataclass(frozen=True, slots=True)
class FixedExit:
    """Leaving so many days after the start or end of the event, at latest with the observation period."""

    days: int
    of_end: bool = False


@dataclass(frozen=True, slots=True)
class EraExit:
    """Leaving when an era of exposure to drugs ends; `supply` days of each exposure instead of what is recorded."""

    codeset: int
    gap: int = 0
    offset: int = 0
    supply: int | None = None


@dataclass(frozen=True, slots=True)
class Definition:
    """Who belongs to a cohort, and from when to when. `names` has the names of its concept sets and concepts, `doubts`
    what it says that was hardly meant, as texts (`isthmus.research.cohorts.doubts`)."""

    name: str
    sets: Mapping[int, ConceptSet]
    primary: tuple[Criterion, ...]
    prior_days: int = 0
    post_days: int = 0
    primary_limit: Limit = "first"
    additional: Group | None = None
    qualified_limit: Limit = "first"
    rules: tuple[Rule, ...] = ()
    expression_limit: Limit = "first"
    exit: FixedExit | EraExit | None = None
    censors: tuple[Criterion, ...] = ()
    era_pad: int = 0
    window: tuple[int | None, int | None] = (None, None)
    title: str = ""
    set_names: Mapping[int, str] = field(default_factory=dict)
    concept_names: Mapping[int, str] = field(default_factory=dict)
    doubts: tuple[object, ...] = field(default=(), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Combination:
    """A cohort made of the days of others: those on which the weights of the cohorts that a person is in reach `need`.

    A weight of 1 each and a need of 1 are the days in any of them; a need of their number, the days in all of them; a
    weight of `NEVER`, no day in that one. Days that follow each other are one stay.
    """

    name: str
    parts: Mapping[str, int]
    need: int
    title: str = ""


@dataclass(frozen=True, slots=True)
class Control:
    """A negative control: the events of one concept, in any kind of event, each a stay of one day.

    There is no entry condition and no observation period. `descendants` takes what the vocabulary has below the concept
    in its place; in a complete vocabulary the concept is below itself.
    """

    name: str
    concept_id: int
    first: bool = True
    descendants: bool = True
    title: str = ""


NEVER = -1_000_000  # outweighs every other cohort


@dataclass(frozen=True, slots=True)
class Registered:
    """Patients of a disease registry of whom `where` holds, from the index of the case to the last contact.

    `where` is an expression over the registry's items. `members` are they (`person_id, start_date, end_date`), once the
    registry was asked (`isthmus.research.registries.subgroups`).
    """

    name: str
    registry: str
    where: str
    title: str = ""
    place: str = ""
    members: pa.Table | None = field(default=None, compare=False, repr=False)


Cohort = Definition | Combination | Control | Registered
