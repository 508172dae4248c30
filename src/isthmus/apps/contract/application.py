"""What an application is: a class with a method for each hook, and lists of what it answers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from isthmus.apps.contract.event import Landed, Opened, Passed, Published, Ready, Received
from isthmus.apps.contract.records import Records, Rows
from isthmus.apps.contract.session import Session

Words = Mapping[str, str]
"""A text by language: en and zh."""
Cards = Mapping[str, Any]
"""The response of a CDS service, as CDS Hooks 2 has it: {"cards": [...]}."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An answer: a value for JSON, or a text of another `media` type; a page is a fragment of HTML."""

    body: Any
    status: int = 200
    media: str = "application/json"


def nobody(app: str, path: str) -> Told:
    """The answer where no other application can be asked."""
    return Told(status=404, body={"error": f"{app} cannot be asked from here. Enable it beside this one."})


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Where a call of an application stands. `settings` are those of `site`; site "" is the whole installation.

    `learnt(kind, rows)` hands what was found to intake, as one more delivery of the application's own feed: rows of a
    kind of record that its pack (`pack/` beside the manifest) reads, each of the call's site or of the `site` that it
    gives. `now` is in UTC. `ask(app, path)` is the answer of a route (GET) of another application that is enabled, as
    who asks now would have it: what is refused or fails is an answer with its status. In a process of its own an
    application asks nobody.
    """

    session: Session
    records: Records
    settings: Mapping[str, Any]
    learnt: Callable[[str, Rows], None]
    now: datetime
    site: str = ""
    language: str = "en"
    ask: Callable[[str, str], Told] = nobody


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What somebody asks of an application. `path` is below the application's own, `named` its parts in braces.

    `person` is the account that asks, "" where invented patients are shown to anyone. `body` is what JSON gives.
    """

    method: str = "GET"
    path: str = ""
    named: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    site: str = ""
    language: str = "en"
    person: str = ""


Handle = Callable[[Asked, Context], Told]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page at /apps/NAME/PATH. Its answer is a fragment of HTML that is shown inside the frame of the house."""

    path: str
    title: Words
    handle: Handle


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """JSON in, JSON out, at /apps/NAME/api/PATH. Parts of the path may stand in braces: "alerts/{alert}"."""

    method: str
    path: str
    handle: Handle


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service of CDS Hooks 2: `id` is unique in an installation, `hook` one of the specification's or one's own.

    `asked.body` is the request as the specification has it. A `Told` says another status, as 412 where what the service
    needs is not there; an InputError is told as 400. `feedback` is told what became of cards.
    """

    id: str
    hook: str
    title: Words
    description: Words
    handle: Callable[[Asked, Context], Cards | Told]
    prefetch: Mapping[str, str] = field(default_factory=dict)
    feedback: Callable[[Asked, Context], None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Work that is done again every so often, in a time limit of its own (seconds)."""

    name: str
    every: timedelta
    run: Callable[[Context], None]
    seconds: float = 600.0


class Application:
    """The base of every application. Override what is needed; keep no state in the object, the class or the module.

    One object serves many calls at once, in several threads, and is replaced while others still run.
    """

    def pages(self) -> Sequence[Page]:
        """The pages."""
        return ()

    def routes(self) -> Sequence[Route]:
        """The routes."""
        return ()

    def services(self) -> Sequence[Service]:
        """The services of CDS Hooks."""
        return ()

    def jobs(self) -> Sequence[Job]:
        """The jobs."""
        return ()

    def landed(self, event: Landed, at: Context) -> None:
        """Data landed."""

    def published(self, event: Published, at: Context) -> None:
        """An edition was published."""

    def received(self, event: Received, at: Context) -> None:
        """A message was received."""

    def passed(self, event: Passed, at: Context) -> None:
        """Time has passed."""

    def opened(self, event: Opened, at: Context) -> None:
        """A patient was opened."""

    def ready(self, event: Ready, at: Context) -> None:
        """A result is ready."""
