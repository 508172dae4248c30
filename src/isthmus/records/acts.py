"""Acts as they are kept: first as intended, then as settled, once their entries are in the log."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, func, select, update
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
        return self._found(Act.kind.in_(kinds))

    def counted(self, kind: str) -> dict[str, int]:
        """How many acts of a kind there are by subject, who was the first to have one first."""
        with unit(self._session) as session:
            mine = select(Act.subject, func.count()).filter_by(settled=True, kind=kind).group_by(Act.subject)
            return {one[0]: one[1] for one in session.execute(mine.order_by(func.min(Act.at), Act.subject))}

    def subjects(self, **equal: str) -> Sequence[str]:
        """To whom or what acts were done that have these values, as kind and act."""
        with unit(self._session) as session:
            return session.scalars(select(Act.subject).filter_by(settled=True, **equal)).all()

    def under(self, grant: str, *, since: datetime | None = None) -> Sequence[Act]:
        """Everything done under a grant, or what was after a moment."""
        return self._found(*([] if since is None else [Act.at > since]), grant=grant)

    def taken(self, grant: str, since: datetime) -> tuple[int, float]:
        """Rows and seconds of all answers under a grant after a moment."""
        rows, seconds = Act.result["rows"].as_integer(), Act.result["seconds"].as_float()
        wanted = select(func.coalesce(func.sum(rows), 0), func.coalesce(func.sum(seconds), 0.0))
        with unit(self._session) as session:
            found = session.execute(wanted.where(Act.at > since).filter_by(settled=True, grant=grant)).one()
            return int(found[0]), float(found[1])

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

    def _found(self, *where: ColumnElement[bool], **equal: str) -> Sequence[Act]:
        with unit(self._session) as session:
            wanted = select(Act).where(*where).filter_by(settled=True, **equal)
            return session.scalars(wanted.order_by(Act.at, Act.subject, Act.number)).all()
