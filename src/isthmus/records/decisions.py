"""Decisions as they are kept: added one after another, never changed, taken back by a decision that says so."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from isthmus.base.clock import now
from isthmus.base.errors import InputError
from isthmus.base.identity import digest63
from isthmus.records.models import Decision
from isthmus.records.outbox import tell
from isthmus.records.store import Records


@dataclass(frozen=True, slots=True)
class Draft:
    """A decision that is about to be made; the words are those of `Decision`."""

    kind: str
    subject: str
    key: str
    answer: Any
    author: str
    site: str = ""
    wording: str = ""
    how: str = "person"
    model: str = ""
    confidence: float | None = None
    reason: str = ""


class Decisions:
    """The decisions in a workspace's records."""

    def __init__(self, records: Records) -> None:
        self._session = records.session

    def add(self, *drafts: Draft) -> list[Decision]:
        """Make decisions, all of them or none; what they decided before gives way. Durable when this returns."""
        with self._session.begin() as session:
            first = _next(session)
            made = [_decision(draft, first + at, now()) for at, draft in enumerate(drafts)]
            session.add_all(made)
            tell(session, made)
        return made

    def revoke(self, decision_id: int, *, author: str, reason: str) -> Decision:
        """Take a decision back; what stood before it stands again.

        Raises InputError when there is none of this id, or when it was taken back already.
        """
        with self._session.begin() as session:
            found = session.get(Decision, decision_id)
            if found is None or found.revokes is not None:
                raise InputError(f"there is no decision {decision_id} to revoke. `isthmus decisions` lists them.")
            taken = session.scalar(select(Decision.sequence).where(Decision.revokes == decision_id))
            if taken is not None:
                raise InputError(f"decision {decision_id} was revoked before; nothing was changed.")
            draft = Draft(
                found.kind, found.subject, found.key, None, author, site=found.site, wording=found.wording,
                reason=reason,
            )  # fmt: skip
            made = _decision(draft, _next(session), now(), revokes=decision_id)
            session.add(made)
            tell(session, [made])
        return made

    def last(self) -> int:
        """The sequence of the last decision; 0 before the first."""
        with self._session.begin() as session:
            return _next(session) - 1

    def all(self, *kinds: str) -> Sequence[Decision]:
        """Every decision and every revocation, or those of some kinds, in the order in which they were made."""
        asked = select(Decision).order_by(Decision.sequence)
        with self._session.begin() as session:
            return session.scalars(asked.where(Decision.kind.in_(kinds)) if kinds else asked).all()

    def some(self, ids: Iterable[int]) -> dict[int, Decision]:
        """Decisions by their ids."""
        with self._session.begin() as session:
            found = session.scalars(select(Decision).where(Decision.decision_id.in_(list(ids))))
            return {one.decision_id: one for one in found}

    def standing(self, kind: str, *, until: int | None = None) -> list[Decision]:
        """Of each site, subject and key the newest decision that was not taken back, in order.

        With `until`, as it was after the decision of that sequence.
        """
        with self._session.begin() as session:
            wanted = select(Decision).filter_by(kind=kind).order_by(Decision.sequence)
            if until is not None:
                wanted = wanted.where(Decision.sequence <= until)
            made = session.scalars(wanted).all()
        gone = {one.revokes for one in made if one.revokes is not None}
        stands = {
            (one.site, one.subject, one.key): one
            for one in made
            if one.revokes is None and one.decision_id not in gone
        }  # fmt: skip
        return sorted(stands.values(), key=lambda one: one.sequence)


def mark(decisions: Decisions, kind: str) -> int:
    """The sequence of the last decision of a kind, 0 before the first: the same while nothing more was decided."""
    with decisions._session.begin() as session:
        return session.scalar(select(func.max(Decision.sequence)).filter_by(kind=kind)) or 0


def marks(decisions: Decisions, kinds: Collection[str]) -> dict[str, int]:
    """By subject the sequence of the last decision of any of these kinds."""
    with decisions._session.begin() as session:
        last = func.max(Decision.sequence)
        found = session.execute(select(Decision.subject, last).where(Decision.kind.in_(kinds)).group_by("subject"))
        return {one.subject: int(one[1]) for one in found}


def _next(session: Session) -> int:
    return (session.scalar(select(func.max(Decision.sequence))) or 0) + 1


def _decision(draft: Draft, sequence: int, made_at: datetime, *, revokes: int | None = None) -> Decision:
    words = (draft.kind, draft.site, draft.subject, draft.key, str(sequence))
    return Decision(
        decision_id=digest63("decision", *words), sequence=sequence, kind=draft.kind, site=draft.site,
        subject=draft.subject, key=draft.key, wording=draft.wording, answer=draft.answer, how=draft.how,
        model=draft.model, confidence=draft.confidence, author=draft.author, made_at=made_at, reason=draft.reason,
        revokes=revokes,
    )  # fmt: skip
