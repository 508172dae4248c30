"""What people said of a registry's candidates and of consents, brought to one word a person.

Rulings are added one after another and never changed; one that was taken back does not count. A candidate's state
changes when so many different people as the pack asks for have said the same, one after another, with nobody
contradicting in between.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import pyarrow as pa

from isthmus.research.registries.enrolment.model import CONSENTS

CASE, CONSENT = "case", "consent"
KINDS = (CASE, CONSENT)
CONFIRMED, REFUTED, DUPLICATE = "confirmed", "refuted", "duplicate"
STATES = (CONFIRMED, REFUTED, DUPLICATE)
CANDIDATE, FOUND = "candidate", "found"
"""Of whom nothing is ruled: found by the pack's cases, and so in the registry; or by other rules alone, and so not."""
RULED = pa.schema(
    {
        "person_id": pa.int64(), "state": pa.string(), "day": pa.date32(), "of": pa.int64(), "last": pa.string(),
        "agree": pa.int32(), "by": pa.string(), "ruled_at": pa.date32(),
    }
)  # fmt: skip
CONSENTED = pa.schema({"person_id": pa.int64(), "state": pa.string(), "since": pa.date32(), "number": pa.int64()})


@dataclass(frozen=True, slots=True)
class Ruling:
    """One word about one person. `answer` is of STATES or CONSENTS; `day` the day of diagnosis, or since when."""

    number: int
    kind: str
    person: int
    answer: str
    author: str
    at: datetime
    reason: str
    day: date | None = None
    of: int | None = None
    taken_back: bool = False


def cases(rulings: Iterable[Ruling], people: int) -> pa.Table:
    """RULED: the state of each person of whom anything was said; null where not enough people agree yet.

    `last` is what was said last, `agree` how many different people have said it since anything else was said.
    """
    rows = []
    for person, said in _by_person(rulings, CASE):
        state: Ruling | None = None
        run: list[Ruling] = []
        for one in said:
            run = [*run, one] if run and (run[-1].answer, run[-1].of) == (one.answer, one.of) else [one]
            if len({each.author for each in run}) >= people:
                state = one
        days = [one.day for one in run if one.day is not None] if state and state.answer == run[-1].answer else []
        authors = list(dict.fromkeys(one.author for one in run))
        rows.append(
            {
                "person_id": person, "state": state and state.answer, "day": days[-1] if days else None,
                "of": state and state.of, "last": run[-1].answer, "agree": len(authors), "by": ", ".join(authors),
                "ruled_at": run[-1].at.date(),
            }
        )  # fmt: skip
    return pa.Table.from_pylist(rows, schema=RULED)


def consents(rulings: Iterable[Ruling]) -> pa.Table:
    """CONSENTED: everything that was said of consent and not taken back, in order; the newest day decides later."""
    rows = [
        {"person_id": person, "state": one.answer, "since": one.day or one.at.date(), "number": one.number}
        for person, said in _by_person(rulings, CONSENT) for one in said
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=CONSENTED)


def _by_person(rulings: Iterable[Ruling], kind: str) -> Sequence[tuple[int, Sequence[Ruling]]]:
    known = STATES if kind == CASE else CONSENTS
    found: dict[int, list[Ruling]] = {}
    for one in sorted(rulings, key=lambda each: each.number):
        if one.kind == kind and not one.taken_back and one.answer in known:
            found.setdefault(one.person, []).append(one)
    return sorted(found.items())
