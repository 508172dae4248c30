"""Acts as they are kept: first as intended, then as settled, once their entries are in the log."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError as Taken

from isthmus.base.errors import RefusedError
from isthmus.records.models import Act
from isthmus.records.store import Records, unit


class Acts:
    """The acts in a workspace's records."""

    def __init__(self, records: Records) -> None:
        self._session = records.session

    def of(self, subject: str) -> Sequence[Act]:
        """What was done to a subject, in order."""
        return self._found(subject=subject)

    def all(self, *kinds: str) -> Sequence[Act]:
        """All acts of these kinds, in the order of their times."""
        return [one for one in self._found() if one.kind in kinds]

    def under(self, grant: str) -> Sequence[Act]:
        """Everything done under a grant."""
        return self._found(grant=grant)

    def begun(self) -> bool:
        """Whether anything was done yet."""
        with unit(self._session) as session:
            return session.scalar(select(Act.entry).filter_by(settled=True).limit(1)) is not None

    def intend(self, acts: Sequence[Act]) -> None:
        """Keep acts that have not happened yet. Raises RefusedError when somebody was first."""
        try:
            with unit(self._session) as session:
                session.add_all(acts)
        except Taken:
            raise RefusedError("somebody acted on the same at this moment. Look at it again, then try again.") from None

    def intended(self) -> Sequence[str]:
        """Entries of the acts that have not happened yet."""
        with unit(self._session) as session:
            return session.scalars(select(Act.entry).where(Act.settled.is_(False))).all()

    def settle(self, entries: Sequence[str]) -> None:
        """Let acts have happened: their entries are in the log."""
        with unit(self._session) as session:
            session.execute(update(Act).where(Act.entry.in_(entries)).values(settled=True))

    def drop(self, entries: Sequence[str]) -> None:
        """Forget acts that did not happen: their entries never came into the log."""
        with unit(self._session) as session:
            session.execute(delete(Act).where(Act.entry.in_(entries), Act.settled.is_(False)))

    def note(self, entry: str, result: dict[str, Any]) -> None:
        """Note what came of an act."""
        with unit(self._session) as session:
            session.execute(update(Act).where(Act.entry == entry).values(result=result))

    def _found(self, **equal: str) -> Sequence[Act]:
        with unit(self._session) as session:
            wanted = select(Act).filter_by(settled=True, **equal).order_by(Act.at, Act.subject, Act.number)
            return session.scalars(wanted).all()
