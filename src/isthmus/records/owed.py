"""How applications are told what they are owed: each event until they came to an end with it.

They are told by whoever runs: a service, or `isthmus app tick`. What fails is told again after a minute, five,
twenty-five and two hours; after five times it is given up. So is what nobody came to tell within thirty days.
"""

import socket
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CursorResult, Update, delete, func, select, update
from sqlalchemy.orm import Session

from isthmus.records.applications import CLOCK, Ran
from isthmus.records.happened import Owed, Trouble, fire, have
from isthmus.records.store import Records

TRIES = 5
REST = timedelta(minutes=1)  # before it is told again; five times as long with each failure
LEASE = timedelta(minutes=1)  # how long a call under way is another's; whoever makes it renews that
KEPT = timedelta(days=30)
SOON = timedelta(minutes=1)  # of what somebody waits for: told within this time or not at all
ONCE = frozenset({"opened"})
TIME, MINUTE = "passed", timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Waits:
    """So many `events` of a hook that an application was not told of yet, or that were given up (`lost`): since when,
    how often they were told at most, when they are told next, and why it failed last (class of the error, place)."""

    app: str
    hook: str
    lost: bool
    kind: str
    place: str
    events: int
    since: datetime
    tries: int
    due: datetime | None


def holder_of(process: int) -> str:
    """The name of a process of this machine, as it holds what it tells."""
    return f"{socket.gethostname()}:{process}"


class Owing:
    """What is owed in a workspace's records, as whoever tells it sees it. `holder` names the process."""

    def __init__(self, records: Records, holder: str) -> None:
        self._session, self._holder = records.session, holder

    def fire(self, hook: str, at: datetime, *, site: str = "", apps: Collection[str], **body: Any) -> None:
        """Owe an event to those of some applications that have the hook, in a unit of work of its own."""
        with self._session.begin() as session:
            fire(session, hook, at, site=site, apps=apps, **body)

    def has(self, app: str, hooks: Iterable[str]) -> None:
        """Note the hooks of the version that runs."""
        with self._session.begin() as session:
            have(session, app, hooks)

    def due(self, at: datetime) -> list[str]:
        """The applications that may be told of something now."""
        with self._session.begin() as session:
            return list(session.scalars(select(Owed.app).where(Owed.due <= at).distinct().order_by(Owed.app)))

    def claim(self, app: str, at: datetime, most: int) -> list[Owed]:
        """At most so many events that an application may be told of now, the oldest first; nobody else tells them."""
        late = delete(Owed).where(Owed.app == app, Owed.hook.in_(ONCE), Owed.at < at - SOON)
        with self._session.begin() as session:
            session.execute(late)
            found = select(Owed).where(Owed.app == app, Owed.due <= at).order_by(Owed.number).limit(most)
            return [one for one in session.scalars(found).all() if self._taken(session, one, at)]

    def renew(self, numbers: Collection[int], at: datetime) -> None:
        """Calls are still under way."""
        with self._session.begin() as session:
            held = update(Owed).where(Owed.number.in_(numbers), Owed.holder == self._holder)
            session.execute(held.values(due=at + LEASE))

    def done(self, number: int) -> None:
        """It was told, and the application came to an end with it."""
        with self._session.begin() as session:
            session.execute(delete(Owed).where(Owed.number == number))

    def failed(self, number: int, at: datetime, kind: str = "", place: str = "") -> bool:
        """It was told, and failed, with an error of this class, there: it is told again later. False when it is given
        up."""
        with self._session.begin() as session:
            one = session.get(Owed, number)
            if one is None:  # disabled meanwhile
                return True
            session.merge(Trouble(number=number, kind=kind, place=place, at=at))
            again = one.tries < TRIES and one.hook not in ONCE
            one.due, one.holder = (at + REST * 5 ** (one.tries - 1) if again else None), ""
            return again

    def release(self, at: datetime) -> None:
        """Let go what this process began and will not end: it may be told again at once."""
        with self._session.begin() as session:
            mine = update(Owed).where(Owed.holder == self._holder, Owed.due.is_not(None))
            session.execute(mine.values(due=at, holder="", tries=Owed.tries - 1))

    def spread(self, number: int, bodies: Sequence[Mapping[str, Any]], at: datetime) -> None:
        """Owe several events in the place of one."""
        with self._session.begin() as session:
            one = session.get(Owed, number)
            if one is not None:
                session.add_all(
                    Owed(app=one.app, hook=one.hook, site=one.site, body=dict(body), at=one.at, due=at)
                    for body in bodies
                )
                session.delete(one)

    def standing(self) -> dict[str, tuple[int, int]]:
        """By application how many events wait to be told, and how many were given up."""
        waiting = func.count(Owed.due)
        with self._session.begin() as session:
            found = session.execute(select(Owed.app, waiting, func.count() - waiting).group_by(Owed.app))
            return {app: (waits, lost) for app, waits, lost in found}

    def waiting(self) -> list[Waits]:
        """Everything that waits to be told or was given up, by application, hook and why, the oldest first."""
        asked = (
            select(
                Owed.app, Owed.hook, Owed.due.is_(None), Trouble.kind, Trouble.place, func.count(), func.min(Owed.at),
                func.max(Owed.tries), func.min(Owed.due),
            )
            .outerjoin(Trouble, Trouble.number == Owed.number)
            .group_by(Owed.app, Owed.hook, Owed.due.is_(None), Trouble.kind, Trouble.place)
            .order_by(func.min(Owed.at), Owed.app, Owed.hook)
        )  # fmt: skip
        with self._session.begin() as session:
            return [
                Waits(app, hook, bool(lost), kind or "", place or "", events, since, tries, due)
                for app, hook, lost, kind, place, events, since, tries, due in session.execute(asked)
            ]

    def pass_time(self, app: str, at: datetime) -> None:
        """Owe an application that time has passed since it was last owed that, once a minute.

        While it was not told of the last, none is added: the next one begins where that one ended.
        """
        before = select(Owed.number).where(Owed.app == app, Owed.hook == TIME, Owed.due.is_not(None)).limit(1)
        with self._session.begin() as session:
            since = session.scalar(select(Ran.at).filter_by(app=app, job=CLOCK))
            if since is None:
                session.add(Ran(app=app, job=CLOCK, at=at))
            elif at - since >= MINUTE and session.scalar(before) is None:
                mine = update(Ran).where(Ran.app == app, Ran.job == CLOCK, Ran.at == since).values(at=at)
                if _changed(session, mine):  # another process may have been quicker
                    fire(session, TIME, at, apps=[app], since=since.isoformat(), until=at.isoformat())

    def forget(self, at: datetime) -> None:
        """Forget what is too old to be told."""
        with self._session.begin() as session:
            session.execute(delete(Owed).where(Owed.at < at - KEPT))

    def _taken(self, session: Session, one: Owed, at: datetime) -> bool:
        """Whether it is this process's now; another may have been quicker."""
        mine = update(Owed).where(Owed.number == one.number, Owed.due == one.due, Owed.tries == one.tries)
        session.expunge(one)
        values = {"tries": one.tries + 1, "due": at + LEASE, "holder": self._holder}
        return _changed(session, mine.values(values))


def _changed(session: Session, statement: Update) -> bool:
    found = session.execute(statement)
    assert isinstance(found, CursorResult)
    return bool(found.rowcount)
