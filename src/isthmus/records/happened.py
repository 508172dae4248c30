"""What happened, and which applications are to be told: fired in the unit of work that made it, without any of them.

An event is kept for each application that has its hook; `isthmus.records.owed` is how they are told.
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from isthmus.records.models import Model


class Hooked(Model):
    """A hook that the enabled version of an application has."""

    __tablename__ = "application_hook"

    app: Mapped[str] = mapped_column(primary_key=True)
    hook: Mapped[str] = mapped_column(primary_key=True)


class Owed(Model):
    """An event that an application is to be told of. `body` holds its fields, as JSON has them.

    It may be told from `due` on, null when it was given up; `tries` counts how often it was begun. While a call is
    under way it belongs to `holder`, the process that makes it, until `due`.
    """

    __tablename__ = "application_owed"
    __table_args__ = (Index("application_owed_by_app", "app", "due"),)

    number: Mapped[int] = mapped_column(primary_key=True)
    app: Mapped[str]
    hook: Mapped[str]
    site: Mapped[str]
    body: Mapped[dict[str, Any]] = mapped_column(JSON)
    at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)
    due: Mapped[datetime | None]
    holder: Mapped[str] = mapped_column(default="")


class Trouble(Model):
    """Why an event was not taken when it was told last. `kind` is the class of the error, `place` where in the
    application's own code, if that is told: never its text, which may hold data."""

    __tablename__ = "application_trouble"

    number: Mapped[int] = mapped_column(ForeignKey(Owed.number, ondelete="CASCADE"), primary_key=True)
    kind: Mapped[str]
    place: Mapped[str]
    at: Mapped[datetime]


def fire(
    session: Session, hook: str, at: datetime, *, site: str = "", apps: Collection[str] | None = None, **body: Any
) -> None:
    """Owe an event to every application that has the hook, or to some of them, within the unit of work that made it."""
    hooked = select(Hooked.app).filter_by(hook=hook)
    found = session.scalars(hooked if apps is None else hooked.where(Hooked.app.in_(apps))).all()
    session.add_all(Owed(app=app, hook=hook, site=site, body=body, at=at, due=at) for app in found)


def have(session: Session, app: str, hooks: Iterable[str]) -> None:
    """Note the hooks that the enabled version of an application has. With none, it is owed nothing more."""
    named = sorted(hooks)
    session.execute(delete(Hooked).where(Hooked.app == app, Hooked.hook.not_in(named)))
    session.execute(delete(Owed).where(Owed.app == app, Owed.hook.not_in(named)))
    known = set(session.scalars(select(Hooked.hook).filter_by(app=app)))
    session.add_all(Hooked(app=app, hook=hook) for hook in named if hook not in known)
