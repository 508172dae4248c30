"""Where an application runs: beside the gate, in threads, or apart from it, in a process of its own."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as LateError
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

from isthmus.apps.contract import Context, InputError, IsthmusError, RefusedError
from isthmus.apps.contract.bound import Bound, Call
from isthmus.apps.manager import fence, given, inside
from isthmus.apps.manager.wire import Wire

START = 60.0  # seconds that a process may take to load its package
REST = 2.0  # seconds before a process that failed is started again; doubled with each failure up to the longest
LONGEST_REST = 60.0
QUESTIONS = 64  # of one process that wait for the gate


class FailedError(IsthmusError):
    """An application failed, was too slow, or is gone: nobody's fault but its own. The text names no data."""


class SlowError(FailedError):
    """It took too long."""


class GoneError(FailedError):
    """Its process has ended."""


class Host(Protocol):
    """What runs one version of an application."""

    def gives(self) -> Mapping[str, Any]:
        """What it gives: pages, services and jobs, in plain values."""

    def call(self, call: Call, at: Context, seconds: float) -> Any:
        """Make a call. Raises FailedError when it fails or takes too long, and what the application refuses."""

    def stop(self) -> None:
        """Stop; whatever still runs is lost."""


class Beside:
    """In threads of this process: for the applications of the house, which are trusted as it is.

    A thread cannot be stopped. One that does not come back keeps its place, and whoever called is told.
    """

    def __init__(self, application: Bound, folder: Path) -> None:
        self._application, self._folder = application, folder

    def gives(self) -> Mapping[str, Any]:
        """What the application gives."""
        return inside.gives(self._application)

    def call(self, call: Call, at: Context, seconds: float) -> Any:
        """Make a call in this thread; `seconds` are kept by whoever waits."""
        try:
            return self._application.call(call, at)
        except IsthmusError:
            raise
        except Exception as error:  # code of somebody else may raise anything
            raise FailedError(f"it failed ({inside.whence(error, str(self._folder))})") from error

    def stop(self) -> None:
        """Nothing to stop."""


class Apart:
    """In a process of its own, behind a fence, with questions over a pipe; it is started anew when it has died."""

    def __init__(self, folder: Path, root: Path, *, memory: int = fence.MEMORY, fenced: bool = True) -> None:
        """`root` is the workspace. Raises RefusedError where this system has no fence, unless `fenced` is no."""
        if fenced and not fence.version():
            raise RefusedError(
                "this system cannot fence a process (Linux 5.13 with Landlock can), so that no application of unknown "
                "origin runs here. Trust it by name, or all of them, in isthmus.toml: see docs/reference/workspace.md."
            )
        if fenced:
            fence.demand_outside(root, folder)
        self._folder, self._memory, self._fenced = folder.resolve(), memory, fenced
        self._lock = threading.Lock()
        self._run: _Run | None = None
        self._failures, self._after = 0, 0.0
        self._gives = self._running().gives

    def gives(self) -> Mapping[str, Any]:
        """What the application gives."""
        return self._gives

    def call(self, call: Call, at: Context, seconds: float) -> Any:
        """Make a call; when it takes longer than `seconds` the process is ended, and started anew by a later call."""
        run = self._running()
        try:
            found = run.call(call, at).result(seconds)
        except LateError:
            self._failed(run)
            raise SlowError(f"it was ended, for it took longer than {seconds:g} seconds") from None
        except FailedError:
            if run.is_over:
                self._failed(run)
            raise
        self._failures = 0
        return found

    def stop(self) -> None:
        """End the process."""
        with self._lock:
            if self._run is not None:
                self._run.end()
                self._run = None

    def _running(self) -> "_Run":
        with self._lock:
            if self._run is None or self._run.is_over:
                if (wait := self._after - time.monotonic()) > 0:
                    raise FailedError(f"it has failed and rests for {wait:.0f} seconds more")
                self._run = _Run(self._folder, self._memory, self._fenced)
            return self._run

    def _failed(self, run: "_Run") -> None:
        run.end()
        with self._lock:
            if self._run is run:  # of many calls that were lost with it, one counts
                self._run = None
                self._after = time.monotonic() + min(REST * 2**self._failures, LONGEST_REST)
                self._failures += 1


class _Run:
    """One process, from its start to its end."""

    def __init__(self, folder: Path, memory: int, fenced: bool) -> None:
        theirs_read, ours_write = os.pipe()
        ours_read, theirs_write = os.pipe()
        words = [str(folder), str(theirs_read), str(theirs_write), str(memory), str(int(fenced))]
        source = str(Path(__file__).parents[3])
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", inside.__name__, *words], pass_fds=(theirs_read, theirs_write), cwd=folder,
            env={"PYTHONPATH": source, "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        os.close(theirs_read)
        os.close(theirs_write)
        self._wire = Wire(os.fdopen(ours_read, "rb"), os.fdopen(ours_write, "wb"), tails=False)
        self._waiting: dict[int, tuple[Future[Any], Call, Context]] = {}
        self._lock, self._last = threading.Lock(), 0
        self._answering = ThreadPoolExecutor(inside.AT_ONCE)
        self._asking = threading.Semaphore(QUESTIONS)
        self.is_over = False
        self.gives: Mapping[str, Any] = self._greeted(folder)
        threading.Thread(target=self._receive, daemon=True).start()

    def call(self, call: Call, at: Context) -> Future[Any]:
        """Send a call; what becomes of it."""
        found: Future[Any] = Future()
        with self._lock:
            self._last += 1
            number = self._last
            self._waiting[number] = found, call, at
        told = {"settings": at.settings, "now": at.now, "site": at.site, "language": at.language}
        head: dict[str, Any] = {"call": number, "kind": call.kind, "name": call.name}
        head["at"] = {**told, "edition": at.session.edition}
        head["asked"] = asdict(call.asked) if call.asked else None
        head["event"] = asdict(call.event) if call.event else None
        try:
            self._wire.send(head)
        except (OSError, ValueError):
            self.end()
        if self.is_over:
            self._lose()
        return found

    def end(self) -> None:
        """End the process, with all that it started."""
        self.is_over = True
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, 9)
        self._process.wait()
        self._answering.shutdown(wait=False)
        self._wire.close(reading=False)
        self._lose()

    def _greeted(self, folder: Path) -> Mapping[str, Any]:
        timer = threading.Timer(START, self._process.kill)
        timer.start()
        frame = self._wire.receive()
        timer.cancel()
        if frame is None or "gives" not in frame[0]:
            self.end()
            self._wire.close(reading=True)
            said = frame[0].get("wrong") if frame else None
            raise InputError(
                str(said or f"the process of {folder.name} ended before it was ready. Try it with `isthmus app test`.")
            )
        gives: Mapping[str, Any] = frame[0]["gives"]
        return gives

    def _receive(self) -> None:
        while (frame := self._wire.receive()) is not None:
            said, _ = frame
            with self._lock:
                number = said.get("call")
                waiting = self._waiting.get(number) if isinstance(number, int) else None
            if waiting is None:
                break  # it answers what nobody asked
            if "done" in said or "error" in said:
                self._settle(said, waiting[0])
            else:
                self._asking.acquire()  # so many questions are looked at at once; it waits with more
                with suppress(RuntimeError):  # the process is ended meanwhile
                    asked = self._answering.submit(self._answer, said, waiting[2])
                    asked.add_done_callback(lambda _: self._asking.release())
        self.end()
        self._wire.close(reading=True)

    def _settle(self, said: Mapping[str, Any], found: Future[Any]) -> None:
        with self._lock:
            self._waiting.pop(said["call"], None)
        error: IsthmusError | None = None
        if "error" in said:
            kind = inside.ERRORS.get(str(said.get("kind")))
            error = kind(str(said["error"])) if kind else FailedError(f"it failed ({said['error']})")
        answer = said.get("done")
        if error is None and said.get("told") and (answer := given.answer(answer)) is None:
            error = FailedError("it did not answer with a Told")
        if error is not None:
            found.set_exception(error)
        else:
            found.set_result(answer)

    def _answer(self, said: Mapping[str, Any], at: Context) -> None:
        """Answer a question of the application: the session, the records and intake are those of the call."""
        head: dict[str, Any] = {"call": said["call"], "reply": True}
        tables: Mapping[str, Any] = {}
        try:
            if "ask" in said:
                tables = {"rows": at.session.ask(str(said["ask"]))}
            elif "patient" in said:
                tables = at.session.patient(said["patient"])
            elif "learnt" in said:
                at.learnt(str(said["learnt"]), said["rows"])
            elif said.get("records") in ("add", "add_all", "find", "count", "change", "remove"):
                head["value"] = getattr(at.records, said["records"])(*said["given"], **said.get("named", {}))
            else:
                raise RefusedError("this is no question that the gate answers.")
        except IsthmusError as error:
            head |= {"error": str(error), "kind": type(error).__name__}
        except Exception as error:  # what it sent may be anything
            said_why = (
                f"the gate could not answer this ({type(error).__name__}): see what a question may be in the contract."
            )
            head |= {"error": said_why, "kind": "UsageError"}
        with suppress(OSError, ValueError):  # the process is ended meanwhile
            self._wire.send(head, tables)

    def _lose(self) -> None:
        with self._lock:
            lost, self._waiting = list(self._waiting.values()), {}
        for found, _, _ in lost:
            if not found.done():
                found.set_exception(GoneError("its process has ended"))
