"""The manager: it runs what is enabled, follows what is decided, and hands calls to applications.

A version is replaced while calls come in: the new one is started, then put in the place of the old in one step, then
the old one is drained and stopped. A call that the old one has begun it also ends. What fails, is slow or is gone harms
its own callers only: each application has threads of its own, as many as PLACES, and a queue of its own.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as LateError
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from isthmus.apps.contract import Asked, Context, InputError, IsthmusError, RefusedError, Told
from isthmus.apps.contract.application import nobody
from isthmus.apps.contract.bound import API, Call
from isthmus.apps.contract.package import bound
from isthmus.apps.manager.given import given
from isthmus.apps.manager.host import Apart, Beside, FailedError, Host
from isthmus.apps.manager.learning import learner
from isthmus.apps.manager.session import Sessions
from isthmus.apps.manager.settings import Settings
from isthmus.apps.manager.shelf import Package, Shelf
from isthmus.apps.manager.telling import Telling
from isthmus.base.clock import now
from isthmus.flow.workspace import Workspace
from isthmus.records.applications import State
from isthmus.records.own import Own

LOG = logging.getLogger("isthmus.apps")


class MissingError(IsthmusError):
    """No enabled application has this name, or gives this service."""


PLACES = 8  # calls of one application that run at once
QUEUE = 256  # that run or wait; more are turned away at once
NEXT = "Try again later; if it stays so, tell whoever operates this installation."
STARTING = 90.0  # seconds that whoever follows waits for versions to start; the rest start meanwhile
KEEPING = timedelta(hours=1)  # between two looks for what is too old to be told
INWARD = "for another application"
DRAIN = 60.0  # seconds that a replaced version has to end what it began
STATUS: Sequence[tuple[type[Exception], int]] = (
    (MissingError, 404),
    (RefusedError, 403),
    (FailedError, 503),
    (IsthmusError, 400),
)


class Running:
    """One version that runs."""

    def __init__(
        self, shelf: Shelf, sessions: Sessions, state: State, package: Package, places: int = PLACES
    ) -> None:  # fmt: skip
        self.state, self.package = state, package
        self._shelf, self._sessions = shelf, sessions
        self._own: Own = shelf.own(package)
        self._own.migrate()
        self._host = self._hosted()
        try:
            self.gives = given(self._host.gives(), package.manifest)
        except InputError:
            self._host.stop()
            raise
        self.settings = Settings(package.manifest, shelf.records.given(package.manifest.app))
        self._places = ThreadPoolExecutor(places, thread_name_prefix=package.manifest.app)
        self.others: Callable[[str, Call, str], Told] | None = None  # how another application is asked
        self._calm = threading.Condition()
        self._calls = 0

    def submit(self, call: Call, site: str = "", language: str = "en", seconds: float = 0) -> Future[Any]:
        """Make a call; what becomes of it. It is turned away at once when too many wait. `seconds`: those of calls."""
        with self._calm:
            if self._calls >= QUEUE:
                refused: Future[Any] = Future()
                refused.set_exception(FailedError("too many calls wait for it"))
                return refused
            self._calls += 1
        try:
            made = self._places.submit(self._made, call, site, language, seconds or self._shelf.seconds)
        except RuntimeError:
            self._ended()
            raise
        made.add_done_callback(partial(self._told, call))
        made.add_done_callback(self._ended)
        return made

    def is_as(self, state: State) -> bool:
        """Whether it is what shall run; its settings may have changed."""
        now_runs = (self.package.manifest.version, self.state.grant, self.state.person)
        return now_runs == (state.version, state.grant, state.person)

    def drain(self) -> None:
        """Wait until what was begun has ended, but not forever; then stop."""
        with self._calm:
            self._calm.wait_for(lambda: self._calls == 0, DRAIN)
        self.stop()

    def stop(self) -> None:
        """Stop now."""
        self._places.shutdown(wait=False, cancel_futures=True)
        self._host.stop()
        self._own.close()

    def context(self, site: str, language: str, call: Call) -> Context:
        """What a call is handed."""
        return Context(
            session=self._sessions.of(self.package.manifest, self.state), records=self._own.of(site),
            settings=self.settings.of(site), learnt=learner(self._shelf.opened, self.package, site), now=now(),
            site=site, language=language, ask=self._asking(call),
        )  # fmt: skip

    def _asking(self, call: Call) -> Callable[[str, str], Told]:
        """How a call asks other applications, in the name of who made it. One step far: who is asked so asks nobody."""
        others, asked = self.others, call.asked
        if others is None or asked is None or call.name == INWARD:
            return nobody

        def ask(app: str, path: str) -> Told:
            if app == self.package.manifest.app:
                return nobody(app, path)
            inward = Asked(path=f"{API}{path}", site=asked.site, language=asked.language, person=asked.person)
            return others(app, Call("answer", INWARD, inward), asked.person)

        return ask

    def _hosted(self) -> Host:
        if self.package.trusted:
            return Beside(bound(self.package.folder, self.package.package), self.package.folder)
        return Apart(self.package.folder, self._shelf.opened.root, memory=self._shelf.memory, fenced=self._shelf.fenced)

    def _made(self, call: Call, site: str, language: str, seconds: float) -> Any:
        return self._host.call(call, self.context(site, language, call), seconds)

    def _told(self, call: Call, done: Future[Any]) -> None:
        """Note what failed: of events and jobs everything, for nobody waits for them; of others what is no refusal.

        Class and line of an error in code that is trusted, else the class alone: texts of applications may hold data.
        """
        error = None if done.cancelled() else done.exception()
        is_failure = isinstance(error, FailedError)
        if error is None or (call.kind not in ("event", "job") and isinstance(error, IsthmusError) and not is_failure):
            return
        why = str(error) if is_failure and self.package.trusted else type(error).__name__
        one, what = self.package.manifest, f"{call.kind} {call.name}".rstrip()
        LOG.warning("application %s %s failed in %s: %s", one.app, one.version, what, why)

    def _ended(self, _: object = None) -> None:
        with self._calm:
            self._calls -= 1
            self._calm.notify_all()


@dataclass(frozen=True, slots=True)
class Standing:
    """How an application stands: what shall run, what does, and what went wrong with it."""

    app: str
    version: str
    runs: str
    fault: str


class Manager:
    """The applications of a workspace while a service runs. Close it in the end."""

    def __init__(self, opened: Workspace, *, seconds: float = STARTING, places: int = PLACES) -> None:
        """What is enabled is started, and waited for, but not longer than so many seconds.

        `places`: how many calls at once an application gets that runs in threads of this process.
        """
        self._own_places = places
        self._shelf = Shelf(opened)
        self.seconds = self._shelf.seconds  # of a call
        self._sessions = Sessions(opened)
        self._telling = Telling(opened, self._sessions)
        self._running: Mapping[str, Running] = {}
        self._faults: dict[str, tuple[int, str]] = {}
        self._starting: dict[str, threading.Thread] = {}
        self._following, self._swapping = threading.Lock(), threading.Lock()
        self._closed, self._kept = False, now()
        self.follow(seconds)

    def follow(self, seconds: float = STARTING) -> None:
        """Have what is decided in the records run: called when something may have changed, and every second.

        Each application starts beside the others; those that start are waited for, but not longer than `seconds`.
        """
        until = time.monotonic() + seconds
        while True:
            former, starting = self._begin_starts()
            for one in starting:
                one.join(max(0.0, until - time.monotonic()))
            if not former or time.monotonic() >= until:
                return  # what had begun before may be decided anew by now

    def standing(self) -> list[Standing]:
        """How every application stands."""
        found = []
        for app, state in self._shelf.records.changes().items():
            runs = self._running.get(app)
            fault = self._faults.get(app, (0, ""))[1]
            found.append(Standing(app, state.version, runs.package.manifest.version if runs else "", fault))
        return found

    def running(self) -> Mapping[str, Running]:
        """What runs now, by name."""
        return self._running

    def submit(self, app: str, call: Call, *, person: str = "") -> Future[Any]:
        """Make a call of an application, as soon as it has a place; what becomes of it.

        Raises MissingError when it is not enabled, RefusedError when `person` may not see what it answers.
        """
        asked = call.asked or Asked()
        while True:
            runs = self._running.get(app)
            if runs is None:
                raise MissingError(f"no application that is enabled here is, or gives, '{app or call.name}'.")
            if not self._sessions.may_see(runs.package.manifest, runs.state, person):
                raise RefusedError(f"what {app} answers is seen by people of its grant only.")
            try:
                made = runs.submit(call, asked.site, asked.language)
                made.add_done_callback(partial(self._answered, runs, call))
                return made
            except RuntimeError:  # it was stopped between the two lines; what has replaced it takes the call
                if self._running.get(app) is runs:
                    raise

    def answer(self, app: str, asked: Asked) -> Told:
        """The answer of a page or a route; what goes wrong is told as an answer too."""
        return self._waited(app, Call("answer", asked=asked), asked.person)

    def serve(self, service: str, asked: Asked) -> Told:
        """The cards of a service of CDS Hooks, whichever application gives it."""
        return self._waited(self.giver(service), Call("service", service, asked), asked.person)

    def feedback(self, service: str, asked: Asked) -> Told:
        """Tell a service what became of its cards."""
        return self._waited(self.giver(service), Call("feedback", service, asked), asked.person)

    def giver(self, service: str) -> str:
        """The application that gives a service of CDS Hooks; "" where none does."""
        return next((app for app, one in self._running.items() if service in one.gives["services"]), "")

    def has_site(self, name: str) -> bool:
        """Whether a site of that name is registered."""
        return self._shelf.opened.has_site(name)

    def tick(self, *, jobs: bool = True) -> list[Future[Any]]:
        """Follow what is decided, tell what is owed, begin the `jobs` that are due; none of it is waited for."""
        self.follow(0)
        at, running = now(), self._running
        begun = self._telling.begin(running, at)
        for app, runs in running.items() if jobs else ():
            for job, told in runs.gives["jobs"].items():
                begun += self._begin(app, runs, job, told, at)
        if at - self._kept >= KEEPING:
            self._kept = at
            self._telling.forget(at)
        return begun

    def close(self) -> None:
        """Stop everything."""
        with self._swapping:
            self._closed = True
            stopped, self._running = self._running, {}
        self._telling.close()
        for one in stopped.values():
            one.stop()

    def _begin_starts(self) -> tuple[int, list[threading.Thread]]:
        """Start what shall run and does not; how many were starting before, and all that start now."""
        with self._following:
            former = len(self._starting)
            for app, state in self._shelf.records.changes().items():
                runs = self._running.get(app)
                known = runs.state.change if runs else self._faults.get(app, (-1, ""))[0]
                if state.change != known and app not in self._starting:
                    self._starting[app] = threading.Thread(
                        target=self._start, args=(app, state, runs), name=f"start-{app}", daemon=True
                    )
                    self._starting[app].start()
            return former, list(self._starting.values())

    def _answered(self, runs: Running, call: Call, made: Future[Any]) -> None:
        """A call was answered: when it has shown a patient, others are told who was opened."""
        if not made.cancelled() and made.exception() is None and told(made.result()).status == 200:
            self._telling.opened(self._running, runs, call)

    def _start(self, app: str, state: State, runs: Running | None) -> None:
        try:
            self._change(app, state, runs)
        except Exception as error:  # records that are locked for a moment: the next look tries it again
            LOG.warning("application %s could not be started (%s): it is tried again", app, type(error).__name__)
            self._faults[app] = -1, f"it could not be started ({type(error).__name__}), and is tried again"
        finally:
            with self._following:
                self._starting.pop(app, None)

    def _waited(self, app: str, call: Call, person: str) -> Told:
        try:
            return told(self.submit(app, call, person=person).result(self.seconds + 1))
        except Exception as error:  # whatever went wrong in an application is an answer to who asked it
            return failure(app, error)

    def _change(self, app: str, state: State, runs: Running | None) -> None:
        if runs is not None and runs.is_as(state):
            runs.settings = Settings(runs.package.manifest, self._shelf.records.given(app))
            runs.state = state
            return
        try:
            made = None
            if state.version:
                package = self._shelf.package(app, state.version)
                places = self._own_places if package.trusted else PLACES
                made = Running(self._shelf, self._sessions, state, package, places)
                made.others = self._waited
                self._telling.has(made.package.manifest)
            self._place(app, made)
        except IsthmusError as error:
            LOG.warning("application %s %s does not run: the page Administration says why", app, state.version)
            self._faults[app] = state.change, str(error)
            if runs is not None:
                runs.state = state  # what ran goes on; it is not tried again before something is decided anew
            return
        self._faults[app] = state.change, ""
        if runs is not None:
            threading.Thread(target=runs.drain, name=f"drain-{app}").start()

    def _place(self, app: str, made: Running | None) -> None:
        """Put what was started in the place of what ran. Raises InputError where another gives one of its services."""
        with self._swapping:
            others = {name: one for name, one in self._running.items() if name != app}
            offered = made.gives["services"].keys() if made else frozenset()
            taken = [(one, name) for name, runs in others.items() for one in offered & runs.gives["services"].keys()]
            if made is not None and (taken or self._closed):
                made.stop()
            elif not self._closed:
                self._running = {**others, app: made} if made else others
        if taken:
            raise InputError(
                f"it gives the service {taken[0][0]}, which {taken[0][1]} gives already. Disable one of the two."
            )

    def _begin(self, app: str, runs: Running, job: str, told: Mapping[str, float], at: datetime) -> list[Future[Any]]:
        due = at - timedelta(seconds=told["every"])
        if not self._shelf.records.begin(app, job, at, due=due):
            return []
        return [runs.submit(Call("job", job), seconds=told["seconds"])]


def try_out(shelf: Shelf, sessions: Sessions, state: State, package: Package) -> None:
    """Start a version once, and stop it: raises what is wrong with it, before anybody depends on it."""
    Running(shelf, sessions, state, package).stop()


def told(found: Any) -> Told:
    """What a call said, as an answer."""
    return found if isinstance(found, Told) else Told(body=found if found is not None else {})


def failure(app: str, error: Exception) -> Told:
    """What is told of an error: what the application or the gate said, and of what nobody foresaw its class."""
    if isinstance(error, LateError):
        return Told(status=504, body={"error": f"{app} took too long. Try again later."})
    for kind, status in STATUS:
        if isinstance(error, kind):
            text = f"{app}: {error}. {NEXT}" if isinstance(error, FailedError) else str(error)
            return Told(status=status, body={"error": text})
    return Told(status=500, body={"error": f"{app} failed ({type(error).__name__}). {NEXT}"})
