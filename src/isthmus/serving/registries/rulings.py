"""What people say of candidates and consents, kept among the decisions of a workspace and read for a registry."""

from collections.abc import Sequence
from datetime import date

from isthmus.flow.workspace import Workspace
from isthmus.records.decisions import Draft
from isthmus.records.models import Decision
from isthmus.research.registries.enrolment.ruling import KINDS, Ruling


def rulings(opened: Workspace, registry: str, until: int | None = None) -> list[Ruling]:
    """Everything that was said for a registry, in order; with `until`, as it was after the decision of that number."""
    made = [
        one for one in opened.decisions.all()
        if one.kind in KINDS and one.subject == registry and (until is None or one.sequence <= until)
    ]  # fmt: skip
    gone = {one.revokes for one in made if one.revokes is not None}
    return [_ruling(one, taken_back=one.decision_id in gone) for one in made if one.revokes is None]


def say(
    opened: Workspace, registry: str, kind: str, persons: Sequence[int], answer: str, *, author: str, reason: str,
    day: date | None = None, of: int | None = None,
) -> list[Ruling]:  # fmt: skip
    """Say one thing of persons, of all or of none. Durable when this returns."""
    told = {"state": answer} | ({"day": day.isoformat()} if day else {}) | ({"of": of} if of is not None else {})
    drafts = [Draft(kind, registry, str(person), told, author, reason=reason) for person in persons]
    return [_ruling(one, taken_back=False) for one in opened.decisions.add(*drafts)]


def _ruling(one: Decision, *, taken_back: bool) -> Ruling:
    told = one.answer
    return Ruling(
        one.sequence, one.kind, int(one.key), str(told["state"]), one.author, one.made_at, one.reason,
        date.fromisoformat(told["day"]) if told.get("day") else None, told.get("of"), taken_back,
    )  # fmt: skip
