"""Applications are told what happened: what the records owe them, until they came to an end with it.

Nothing that happens waits for an application, and no application for another: of each, EVENTS calls are under way at
once, in its own threads, so that places are left for those who ask it something.
"""

import logging
import os
import re
from collections.abc import Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from functools import partial
from threading import Lock
from typing import Any, Protocol

from isthmus.apps.contract import HOOKS, Event, Manifest
from isthmus.apps.contract.bound import API, BRACES, Call
from isthmus.apps.contract.session import named
from isthmus.apps.manager.host import FailedError
from isthmus.apps.manager.session import Sessions
from isthmus.apps.manager.shelf import Package
from isthmus.base.clock import now
from isthmus.flow.workspace import Workspace
from isthmus.records.applications import State
from isthmus.records.happened import Owed
from isthmus.records.owed import LEASE, Owing, holder_of

LOG = logging.getLogger("isthmus.apps")
EVENTS = 4  # calls of one application about events that are under way at once
MOST = 1000  # results of one batch that an application is told of, the newest; the others are many years' history
PLACE = re.compile(r"\((\w+ at [\w.]+:\d+)\)$")  # as `inside.whence` says it
PATIENT, VIEW = "person", "patient-view"


class Runs(Protocol):
    """An application that runs, as it is told of events."""

    state: State
    package: Package
    gives: Mapping[str, Any]

    def submit(self, call: Call, site: str = "") -> Future[Any]:
        """Make a call; what becomes of it."""


class Telling:
    """What tells the applications of a workspace. Close it in the end."""

    def __init__(self, opened: Workspace, sessions: Sessions) -> None:
        self._opened, self._sessions = opened, sessions
        self._owing = Owing(opened.records, holder_of(os.getpid()))
        self._begun: dict[int, tuple[str, Future[Any]]] = {}
        self._lock, self._closed = Lock(), False
        self._renewed = now()
        self._aside = ThreadPoolExecutor(1, thread_name_prefix="telling")

    def has(self, manifest: Manifest) -> None:
        """A version runs, and has these hooks."""
        self._owing.has(manifest.app, manifest.hooks)

    def begin(self, running: Mapping[str, Runs], at: datetime) -> list[Future[Any]]:
        """Begin to tell what may be told now; the calls that were begun."""
        for app, runs in running.items():
            if "passed" in runs.package.manifest.hooks:
                self._owing.pass_time(app, at)
        self._renew(at)
        begun = []
        for app in self._owing.due(at):
            runs_now = running.get(app)
            free = EVENTS - self._under_way(app)
            if runs_now is not None and free > 0:
                begun += [self._tell(runs_now, one) for one in self._owing.claim(app, at, free)]
        return begun

    def opened(self, running: Mapping[str, Runs], by: Runs, call: Call) -> None:
        """A patient was opened by a call that was answered: those that have the hook are owed it. Nobody waits.

        Under a grant an application is told only of patients that another under the same grant has shown: numbers stand
        for patients of one grant, and mean nothing under another.
        """
        person = opened_by(call, by)
        told = {
            app
            for app, one in running.items()
            if "opened" in one.package.manifest.hooks and one.state.grant == by.state.grant
        }
        if person is not None and told:
            site = call.asked.site if call.asked else ""
            with suppress(RuntimeError):  # it is closed meanwhile
                self._aside.submit(self._owe_opened, told, site, person)

    def forget(self, at: datetime) -> None:
        """Forget what nobody came to tell for too long."""
        self._owing.forget(at)

    def close(self) -> None:
        """Tell nothing more; what was begun may be told by others at once."""
        self._closed = True
        self._aside.shutdown(wait=False, cancel_futures=True)
        self._owing.release(now())

    def _tell(self, runs: Runs, one: Owed) -> Future[Any]:
        if one.hook == "ready" and "batch" in one.body:
            made = self._aside.submit(self._spread, runs, one)
        else:
            made = runs.submit(Call("event", one.hook, event=event_of(one)), one.site)
        with self._lock:
            self._begun[one.number] = one.app, made
        ended: Future[Any] = Future()
        made.add_done_callback(partial(self._ended, runs, one, ended))
        return ended

    def _spread(self, runs: Runs, one: Owed) -> None:
        """Owe an application each result of a batch, as far as its manifest and its grant hold them."""
        parts = [part.part_id for part in self._opened.records.parts(self._receipts(str(one.body["batch"])))]
        manifest = runs.package.manifest
        found, left = self._sessions.results(manifest, runs.state, parts, MOST) if parts else ([], 0)
        if left:
            LOG.warning("application %s is told of the %s newest results of a batch of %s, not of %s older ones",
                        manifest.app, MOST, one.site, left)  # fmt: skip
        self._owing.spread(one.number, found, now())

    def _receipts(self, batch: str) -> list[int]:
        return [receipt.receipt_id for receipt in self._opened.records.receipts(batch)]

    def _owe_opened(self, apps: Collection[str], site: str, person: int | str) -> None:
        try:
            self._owing.fire("opened", now(), site=site, apps=apps, person=person)
        except Exception as error:  # nobody waits for it who could be told
            LOG.warning("that a patient was opened could not be kept (%s): nobody is told of it. If this comes again, "
                        "look at the records", type(error).__name__)  # fmt: skip

    def _ended(self, runs: Runs, one: Owed, ended: Future[Any], made: Future[Any]) -> None:
        """Keep what became of a call; only then it has ended for whoever looks."""
        error = RuntimeError("it was stopped") if made.cancelled() else made.exception()
        try:
            if self._closed or made.cancelled():
                pass  # closing let it go
            elif error is None:
                self._owing.done(one.number)
            elif not self._owing.failed(one.number, now(), type(error).__name__, place_of(runs.package, error)):
                LOG.warning("application %s is not told again of event %s: it failed too often", one.app, one.hook)
        except Exception as locked:  # records that are locked: its time runs out, and it is told again
            LOG.warning("what became of an event could not be kept (%s): it is told again", type(locked).__name__)
        with self._lock:
            self._begun.pop(one.number, None)
        if error is None:
            ended.set_result(None)
        else:
            ended.set_exception(error)

    def _under_way(self, app: str) -> int:
        with self._lock:
            return sum(1 for name, _ in self._begun.values() if name == app)

    def _renew(self, at: datetime) -> None:
        with self._lock:
            numbers = list(self._begun)
        if numbers and at - self._renewed > LEASE / 4:
            self._owing.renew(numbers, at)
            self._renewed = at


def event_of(one: Owed) -> Event:
    """The event that is owed, as the contract has it."""
    body: dict[str, Any] = dict(one.body)
    if one.hook == "published":
        body["sites"] = tuple(body["sites"])
    elif one.hook == "passed":
        body = {name: datetime.fromisoformat(moment) for name, moment in body.items()}
    if one.hook not in ("published", "passed"):
        body["site"] = one.site
    made: Event = HOOKS[one.hook](**body)
    return made


def place_of(package: Package, error: BaseException) -> str:
    """Class and line of an error in an application's own code, where that is trusted; what others say may hold data."""
    found = PLACE.search(str(error)) if package.trusted and isinstance(error, FailedError) else None
    return found[1] if found else ""


def opened_by(call: Call, by: Runs) -> int | str | None:
    """The patient whom a call opens: one of patient-view, a route with a part {person}, a page asked with `person`."""
    asked = call.asked
    if asked is None:
        return None
    if call.kind == "service":
        context = asked.body.get("context") if isinstance(asked.body, dict) else None
        viewed = by.gives["services"].get(call.name, {}).get("hook") == VIEW
        return _person(context.get("patientId")) if viewed and isinstance(context, dict) else None
    if call.kind != "answer" or asked.method != "GET":
        return None
    if not asked.path.startswith(API):
        return _person(asked.query.get(PATIENT))
    for listed in by.package.manifest.routes:
        method, _, path = listed.partition(" ")
        pieces, said = path.split("/"), asked.path.removeprefix(API).split("/")
        if method == "GET" and "{person}" in pieces and len(pieces) == len(said):
            named = dict(zip(pieces, said, strict=True))
            if all(BRACES.fullmatch(piece) or piece == value for piece, value in named.items()):
                return _person(named["{person}"])
    return None


def _person(said: object) -> int | str | None:
    """A person's number, or what stands for it; None where it can be neither."""
    if not isinstance(said, str) or not 0 < len(said) <= 64:
        return None
    return named(said)
