"""What a pack says of enrolment: how candidates are found and confirmed, which consent is needed, which visits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from isthmus.research.cohorts.definition import Definition

REQUIRED, OPT_OUT = "required", "opt out"
POLICIES = (OPT_OUT, REQUIRED)
GIVEN, WAIVED, REFUSED, WITHDRAWN = "given", "waived", "refused", "withdrawn"
CONSENTS = (GIVEN, WAIVED, REFUSED, WITHDRAWN)
"""What a person's consent may be. The first two let a person in, the others keep them out."""
INDEX = "index"


@dataclass(frozen=True, slots=True)
class Consent:
    """Whether consent is asked for beforehand, and which items of forms tell of it.

    `policy`: REQUIRED enrols who gave it (or for whom it was waived), OPT_OUT all but who refused or withdrew. `state`
    is an item whose codes are CONSENTS, `withdrawn` one of the type date; empty where the pack has none.
    """

    policy: str = OPT_OUT
    state: str = ""
    withdrawn: str = ""


@dataclass(frozen=True, slots=True)
class Finder:
    """A rule that finds candidates: a phenotype, or the pack's own cases; and what it counts for."""

    name: str
    names: Mapping[str, str]
    points: float
    definition: Definition | None
    place: str


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit that the registry asks for: days from the anchor, the days before and after it that still count.

    `every` days again until `until`; 0 for once. `items`: one of them with a value makes the visit done; without any,
    each visit in the hospital does. `anchor` is `index` or an item of the type date.
    """

    name: str
    names: Mapping[str, str]
    day: int
    low: int
    high: int
    every: int
    until: int
    items: Sequence[str]
    anchor: str
    place: str

    @property
    def days(self) -> range:
        """The days from the anchor on which it is due."""
        return range(self.day, self.until + 1, self.every) if self.every else range(self.day, self.day + 1)


@dataclass(frozen=True, slots=True)
class Enrolment:
    """All of it. `people`: how many must say the same of a candidate; `enough`: the points that make one."""

    consent: Consent = Consent()
    people: int = 1
    enough: float = 1.0
    finders: Sequence[Finder] = ()
    visits: Mapping[str, Visit] = field(default_factory=dict)
