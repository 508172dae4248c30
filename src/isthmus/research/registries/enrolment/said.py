"""What people say of candidates and consents, kept among the decisions of a workspace and read for a registry."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import NamedTuple

from isthmus.flow.workspace import Workspace
from isthmus.records.decisions import Draft, marks
from isthmus.records.models import Decision
from isthmus.research.registries.enrolment.ruling import KINDS, Ruling


def rulings(opened: Workspace, registry: str, until: int | None = None) -> list[Ruling]:
    """Everything that was said for a registry, in order; with `until`, as it was after the decision of that number."""
    return every(opened, until).get(registry, [])


def every(opened: Workspace, until: int | None = None) -> dict[str, list[Ruling]]:
    """By registry everything that was said, in order; with `until`, as it was after the decision of that number."""
    made = [one for one in opened.decisions.all(*KINDS) if until is None or one.sequence <= until]
    gone = {one.revokes for one in made if one.revokes is not None}
    found: dict[str, list[Ruling]] = {}
    for one in made:
        if one.revokes is None:
            found.setdefault(one.subject, []).append(_ruling(one, taken_back=one.decision_id in gone))
    return found


class Until(NamedTuple):
    """Everything that was said for a registry up to the decision of a number."""

    rulings: list[Ruling]
    until: int


def until_now(opened: Workspace, registry: str) -> Until:
    """What was said until now."""
    last = lasts(opened).get(registry, 0)
    return Until(rulings(opened, registry, last), last)


def lasts(opened: Workspace) -> dict[str, int]:
    """By registry the number of the last thing that was said or taken back; none of which nothing was."""
    return marks(opened.decisions, KINDS)


def last(opened: Workspace) -> int:
    """The number of the last thing that was said or taken back of any registry; 0 where nothing was."""
    return max(lasts(opened).values(), default=0)


def say(
    opened: Workspace, registry: str, kind: str, persons: Mapping[int, date | None], answer: str, *, author: str,
    reason: str, of: int | None = None,
) -> list[Ruling]:  # fmt: skip
    """Say one thing of persons, each with its day or none; of all or of none. Durable when this returns."""
    other = {} if of is None else {"of": of}
    drafts = [
        Draft(
            kind, registry, str(person), {"state": answer} | ({"day": day.isoformat()} if day else {}) | other, author,
            reason=reason,
        )
        for person, day in persons.items()
    ]  # fmt: skip
    return [_ruling(one, taken_back=False) for one in opened.decisions.add(*drafts)]


@dataclass(frozen=True, slots=True)
class StandIn:
    """The number that stands for a person in a use of a grant, and by how many days its dates are moved there."""

    number: int
    days: int


def seen(said: Sequence[Ruling], people: Mapping[int, StandIn]) -> list[Ruling]:
    """Rulings as a use of a grant sees them: of its persons, under their numbers, all days moved as their dates are."""
    found = []
    for one in said:
        who = people.get(one.person)
        if who is not None:
            moved, other = timedelta(days=who.days), people.get(one.of) if one.of is not None else None
            found.append(
                replace(
                    one, person=who.number, at=one.at + moved, day=one.day and one.day + moved,
                    of=None if other is None else other.number,
                )
            )  # fmt: skip
    return found


def _ruling(one: Decision, *, taken_back: bool) -> Ruling:
    told = one.answer
    return Ruling(
        one.sequence, one.kind, int(one.key), str(told["state"]), one.author, one.made_at, one.reason,
        date.fromisoformat(told["day"]) if told.get("day") else None, told.get("of"), taken_back,
    )  # fmt: skip
