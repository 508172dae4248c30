"""Which applications are installed, which version of each is enabled, and what settings they were given.

What people decide is kept here; a service that runs looks at `changes` every second and follows.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, delete, select
from sqlalchemy.orm import Mapped, mapped_column

from isthmus.base.clock import now
from isthmus.base.errors import InputError
from isthmus.records.happened import have
from isthmus.records.models import Model
from isthmus.records.store import Records

CLOCK = "(time)"
"""Under this name it is kept until when an application was owed that time has passed."""


class Installed(Model):
    """A version of an application that is there. `origin`: house, package or folder; `place`: where it came from."""

    __tablename__ = "application_version"

    app: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str]
    origin: Mapped[str]
    place: Mapped[str]
    installed_at: Mapped[datetime]


class State(Model):
    """What shall run of an application: `version` "" is none; `former` is what ran before it, for a rollback.

    `grant` and `person` say under which grant, and as which account, it reads; "" over invented patients. `change`
    counts changes of state and settings.
    """

    __tablename__ = "application_state"

    app: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(default="")
    former: Mapped[str] = mapped_column(default="")
    grant: Mapped[str] = mapped_column(default="")
    person: Mapped[str] = mapped_column(default="")
    change: Mapped[int] = mapped_column(default=0)
    changed_at: Mapped[datetime]


class Given(Model):
    """A setting that was given. `scope`: "*" for all sites, the beginning of their names and "*", or one site."""

    __tablename__ = "application_setting"

    app: Mapped[str] = mapped_column(primary_key=True)
    scope: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[Any] = mapped_column(JSON)


class Ran(Model):
    """When a job was last begun."""

    __tablename__ = "application_job"

    app: Mapped[str] = mapped_column(primary_key=True)
    job: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]


class Applications:
    """The applications in a workspace's records."""

    def __init__(self, records: Records) -> None:
        self._session = records.session

    def install(self, one: Installed) -> None:
        """Note a version that is there; noting it again replaces the former note."""
        with self._session.begin() as session:
            session.merge(one)
            if session.get(State, one.app) is None:
                session.add(State(app=one.app, changed_at=now()))

    def installed(self, app: str | None = None) -> list[Installed]:
        """The versions that are there, of one application or of all."""
        with self._session.begin() as session:
            found = select(Installed).order_by(Installed.app, Installed.installed_at)
            return list(session.scalars(found if app is None else found.filter_by(app=app)))

    def state(self, app: str) -> State:
        """The state of an application. Raises InputError when it is not installed."""
        with self._session.begin() as session:
            found = session.get(State, app)
            if found is None:
                raise InputError(f"there is no application '{app}' here. `isthmus app list` shows those there are.")
            return found

    def changes(self) -> Mapping[str, State]:
        """The state of every application."""
        with self._session.begin() as session:
            return {one.app: one for one in session.scalars(select(State).order_by(State.app))}

    def run(self, app: str, version: str, hooks: Iterable[str] = (), **told: str) -> State:
        """Have a version run, which has these hooks, or none (""); `told` may name another grant and person."""
        with self._session.begin() as session:
            found = session.get(State, app)
            assert found is not None  # whoever calls has looked
            if version and found.version and version != found.version:
                found.former = found.version
            elif not version:
                found.former = found.version or found.former
            found.version = version
            for name, value in told.items():
                setattr(found, name, value)
            found.change += 1
            found.changed_at = now()
            have(session, app, hooks)
            if not version:
                session.execute(delete(Ran).filter_by(app=app, job=CLOCK))
            return found

    def give(self, app: str, scope: str, values: Mapping[str, Any]) -> None:
        """Give settings in a scope; None takes one back."""
        with self._session.begin() as session:
            for name, value in values.items():
                if value is None:
                    session.execute(delete(Given).filter_by(app=app, scope=scope, name=name))
                else:
                    session.merge(Given(app=app, scope=scope, name=name, value=value))
            found = session.get(State, app)
            assert found is not None  # whoever calls has looked
            found.change += 1

    def given(self, app: str) -> dict[str, dict[str, Any]]:
        """The settings that were given: scope → name → value."""
        scopes: dict[str, dict[str, Any]] = {}
        with self._session.begin() as session:
            told = select(Given.scope, Given.name, Given.value).filter_by(app=app)
            for scope, name, value in session.execute(told):
                scopes.setdefault(scope, {})[name] = value
        return scopes

    def begin(self, app: str, job: str, at: datetime, *, due: datetime) -> bool:
        """Whether a job that was not begun since `due` may begin now; then it is noted, and nobody else begins it."""
        with self._session.begin() as session:
            found = session.get(Ran, (app, job), with_for_update=True)
            if found is not None and found.at > due:
                return False
            session.merge(Ran(app=app, job=job, at=at))
            return True
