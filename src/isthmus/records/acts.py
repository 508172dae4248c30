"""Acts as they are kept: first as intended, then as settled, once their entries are in the log.

What every question asks is put into words once, and needs no objects of its rows: somebody waits for it.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError as Taken

from isthmus.base.errors import RefusedError
from isthmus.records.models import Act
from isthmus.records.spent import add, total
from isthmus.records.store import Records, unit

SAID = [column.key for column in Act.__table__.columns if column.key != "result"]
KEPT = insert(Act)
INTENDED = select(Act.entry).where(Act.kind.in_(bindparam("kinds", expanding=True)), Act.settled.is_(False))
SETTLED = update(Act).where(Act.entry.in_(bindparam("entries", expanding=True))).values(settled=True)
NOTED = (
    update(Act)
    .where(Act.entry == bindparam("noted"))
    .values(settled=True, result=bindparam("found", type_=Act.result.type))
)


class Acts:
    """The acts in a workspace's records."""

    def __init__(self, records: Records) -> None:
        self._session, self._engine = records.session, records.engine

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
        """Rows and seconds of all answers under a grant after a moment, or up to ten minutes before it."""
        with self._engine.connect() as connection:
            return total(connection, grant, since)

    def count(self, **equal: str) -> int:
        """How many acts have these values. Acts are added and never changed: their number is the mark of them all."""
        with self._engine.connect() as connection:
            return connection.scalar(_counting(tuple(equal)), equal) or 0

    def intend(self, acts: Sequence[Act]) -> None:
        """Keep acts that have not happened yet. Raises RefusedError when somebody was first."""
        rows = [{name: getattr(act, name) for name in SAID} for act in acts]
        try:
            with self._engine.begin() as connection:
                connection.execute(KEPT, rows)
        except Taken:
            raise RefusedError("somebody acted on the same at this moment. Look at it again, then try again.") from None

    def intended(self, kinds: Collection[str]) -> Sequence[str]:
        """Entries of the acts of these kinds that have not happened yet."""
        with self._engine.connect() as connection:
            return connection.scalars(INTENDED, {"kinds": list(kinds)}).all()

    def settle(self, entries: Sequence[str]) -> None:
        """Let acts have happened: their entries are in the log."""
        with self._engine.begin() as connection:
            connection.execute(SETTLED, {"entries": list(entries)})

    def drop(self, entries: Sequence[str]) -> None:
        """Forget acts that did not happen: their entries never came into the log."""
        with unit(self._session) as session:
            session.execute(delete(Act).where(Act.entry.in_(entries), Act.settled.is_(False)))

    def note(self, acts: Sequence[Act], result: dict[str, Any]) -> None:
        """Note what came of the last of some acts that are in the log. All of them have happened then."""
        try:
            self._note(acts, result)
        except Taken:  # another process began to add up the same minutes
            self._note(acts, result)

    def _note(self, acts: Sequence[Act], result: dict[str, Any]) -> None:
        *others, last = acts
        with self._engine.begin() as connection:
            connection.execute(NOTED, {"noted": last.entry, "found": result})
            if others:
                connection.execute(SETTLED, {"entries": [one.entry for one in others]})
            add(connection, last.grant, last.at, result["rows"], result["seconds"])

    def _found(self, *where: ColumnElement[bool], **equal: str) -> Sequence[Act]:
        with unit(self._session) as session:
            wanted = select(Act).where(*where).filter_by(settled=True, **equal)
            return session.scalars(wanted.order_by(Act.at, Act.subject, Act.number)).all()


@cache
def _counting(names: tuple[str, ...]) -> Select[Any]:
    wanted = [Act.__table__.c[name] == bindparam(name) for name in names]
    return select(func.count()).select_from(Act).where(Act.settled.is_(True), *wanted)
