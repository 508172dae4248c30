"""What happened to people, as columns: visits and all that was found, given and done in them.

Times are minutes since 1970-01-01 00:00, days are days since then. `visit` and `person` are rows of the tables named
so in the same chunk.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from isthmus.simulation.column import Floats, Ints, Mask

OUTPATIENT, EMERGENCY, INPATIENT = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Columns:
    """Columns of equal length; rows are taken and joined together."""

    def __len__(self) -> int:
        return len(getattr(self, fields(self)[0].name))

    def take(self, rows: Ints | Mask) -> Self:
        """These rows only."""
        return type(self)(*(getattr(self, field.name)[rows] for field in fields(self)))

    @classmethod
    def concat(cls, parts: Sequence[Self]) -> Self:
        """All parts, one after the other."""
        names = [field.name for field in fields(cls)]
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


@dataclass(frozen=True, slots=True)
class Visits(Columns):
    """Visits; `place` is 0 for the person's first hospital, 1 and 2 for others."""

    person: Ints
    place: Ints
    kind: Ints
    start: Ints
    end: Ints
    department: Ints


@dataclass(frozen=True, slots=True)
class Diagnoses(Columns):
    """Diagnoses of visits, in order of `rank` (0 the main one)."""

    visit: Ints
    code: Ints
    rank: Ints


@dataclass(frozen=True, slots=True)
class Labs(Columns):
    """Results in the canonical unit of their test; `positive` is -1 for numbers, 0 or 1 for yes/no tests."""

    visit: Ints
    test: Ints
    minute: Ints
    value: Floats
    positive: Ints


@dataclass(frozen=True, slots=True)
class Orders(Columns):
    """Drugs ordered: begin, days of supply, number of units."""

    visit: Ints
    drug: Ints
    minute: Ints
    days: Ints
    quantity: Ints


@dataclass(frozen=True, slots=True)
class Operations(Columns):
    """Operations, interventions, imaging."""

    visit: Ints
    code: Ints
    minute: Ints


@dataclass(frozen=True, slots=True)
class Forms(Columns):
    """The liver tumour form, filled in at `visit`. Coded answers are rows of the item's answers."""

    visit: Ints
    bclc: Ints
    cnlc: Ints
    points: Ints
    grade: Ints
    number: Ints
    size: Floats
    vascular: Ints
    spread: Ints
    ascites: Ints
    encephalopathy: Ints
    ecog: Ints


@dataclass(frozen=True, slots=True)
class Contacts(Columns):
    """The last that is known of a person: day of contact, day of death and of recurrence (-1 for none)."""

    person: Ints
    day: Ints
    death: Ints
    recurrence: Ints
    cause: Ints


@dataclass(frozen=True, slots=True)
class Notes(Columns):
    """Free texts; `form` is the row of the tumour form that a text tells of, `detail` what was done (a procedure)."""

    visit: Ints
    kind: Ints
    minute: Ints
    form: Ints
    detail: Ints


@dataclass(frozen=True, slots=True)
class Care:
    """All that happened to one chunk of people."""

    visits: Visits
    diagnoses: Diagnoses
    labs: Labs
    orders: Orders
    operations: Operations
    forms: Forms
    contacts: Contacts
    notes: Notes
