"""The process of an application of unknown origin: it loads the package behind the fence and answers calls.

    python -m isthmus.apps.manager.inside FOLDER READ WRITE MEMORY FENCED

READ and WRITE are the ends of its pipe. Its session, its records and what it hands to intake are questions that go
over the pipe, and wait for their answers.
"""

import os
import sys
import threading
import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from queue import Queue
from traceback import extract_tb
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from isthmus.apps.contract import (
    HOOKS,
    Asked,
    Context,
    InputError,
    IsthmusError,
    RefusedError,
    Rows,
    Told,
    UsageError,
)
from isthmus.apps.contract.bound import Bound, Call
from isthmus.apps.contract.package import bound
from isthmus.apps.contract.session import Desk
from isthmus.apps.manager import fence
from isthmus.apps.manager.wire import Wire

AT_ONCE = 8
NO_DESK = "an application in a process of its own has no desk. Ask one SELECT after another."
ERRORS: Mapping[str, type[IsthmusError]] = {
    one.__name__: one for one in (RefusedError, InputError, UsageError, IsthmusError)
}
Reply = tuple[dict[str, Any], dict[str, pa.Table]]


class NoDesk:
    """What of a session needs a desk: refused."""

    def steps(self, text: str, work: Callable[[Desk], pa.Table]) -> pa.Table:
        """Refused: a desk is lent to applications beside the gate only."""
        raise RefusedError(NO_DESK)

    def called(self, numbers: Collection[int]) -> Mapping[int, int | str]:
        """Refused: persons have numbers at a desk only."""
        raise RefusedError(NO_DESK)

    @property
    def stands(self) -> tuple[str, int]:
        """Refused: it is of use beside a desk only."""
        raise RefusedError(NO_DESK)

    def left_out(self, registry: str = "", people: int = 1) -> frozenset[int]:
        """Refused: persons have numbers at a desk only."""
        raise RefusedError(NO_DESK)


class Line(NoDesk):
    """One call's line to the gate: a question goes out, its answer is waited for."""

    def __init__(self, wire: Wire, number: int, edition: int) -> None:
        self._wire, self._number = wire, number
        self._replies: Queue[Reply] = Queue()
        self.edition = edition

    def answered(self, reply: Reply) -> None:
        """Take the answer of the gate."""
        self._replies.put(reply)

    def _asked(self, **question: Any) -> Reply:
        self._wire.send({"call": self._number, **question})
        said, tables = self._replies.get()
        if "error" in said:
            raise ERRORS.get(said["kind"], IsthmusError)(said["error"])
        return said, tables

    def ask(self, question: ir.Table | str) -> pa.Table:
        """The rows of a question, which goes out as SQL."""
        text = question if isinstance(question, str) else str(ibis.to_sql(question, dialect="duckdb"))
        return self._asked(ask=text)[1]["rows"]

    def patient(self, person: int | str) -> Mapping[str, pa.Table]:
        """The rows of one person."""
        return self._asked(patient=person)[1]

    def learnt(self, table: str, rows: Rows) -> None:
        """Hand rows to intake."""
        self._asked(learnt=table, rows=list(rows))

    def add(self, table: str, rows: Rows) -> None:
        """Add rows to an own table."""
        self._asked(records="add", given=[table, list(rows)])

    def add_all(self, tables: Mapping[str, Rows]) -> None:
        """Add rows to several own tables."""
        self._asked(records="add_all", given=[{table: list(rows) for table, rows in tables.items()}])

    def find(
        self, table: str, where: Mapping[str, Any] | None = None, *, order: Any = (), most: int = 1000
    ) -> list[dict[str, Any]]:
        """Rows of an own table."""
        told = {"order": list(order), "most": most}
        return list(self._asked(records="find", given=[table, where], named=told)[0]["value"])

    def count(self, table: str, where: Mapping[str, Any] | None = None, *, by: Any = ()) -> list[dict[str, Any]]:
        """Numbers of rows of an own table."""
        return list(self._asked(records="count", given=[table, where], named={"by": list(by)})[0]["value"])

    def change(self, table: str, where: Mapping[str, Any], values: Mapping[str, Any]) -> int:
        """Write values into rows of an own table."""
        return int(self._asked(records="change", given=[table, where, values])[0]["value"])

    def remove(self, table: str, where: Mapping[str, Any]) -> int:
        """Remove rows of an own table."""
        return int(self._asked(records="remove", given=[table, where])[0]["value"])


def gives(application: Bound) -> dict[str, Any]:
    """What an application gives, in plain values."""
    return {
        "pages": {one.path: dict(one.title) for one in application.pages.values()},
        "services": {
            one.id: {
                "hook": one.hook, "title": dict(one.title), "description": dict(one.description),
                "prefetch": dict(one.prefetch),
            }
            for one in application.services.values()
        },
        "jobs": {
            one.name: {"every": one.every.total_seconds(), "seconds": one.seconds} for one in application.jobs.values()
        },
    }  # fmt: skip


def whence(error: BaseException, folder: str) -> str:
    """Where in an application's own code an error came from, and its class: never its text, which may hold data."""
    own = [one for one in extract_tb(error.__traceback__) if one.filename.startswith(folder)]
    place = f" at {Path(own[-1].filename).name}:{own[-1].lineno}" if own else ""
    return f"{type(error).__name__}{place}"


def serve(wire: Wire, application: Bound, folder: Path) -> None:
    """Answer calls until the gate is gone."""
    lines: dict[int, Line] = {}
    with ThreadPoolExecutor(AT_ONCE) as places:
        while (frame := wire.receive()) is not None:
            said, tables = frame
            number = said["call"]
            if "reply" in said:
                lines[number].answered((said, tables))
            else:
                lines[number] = Line(wire, number, said["at"].pop("edition"))
                places.submit(_answer, wire, application, folder, lines, said)
        os._exit(0)  # calls that still run are nobody's any more


def _answer(wire: Wire, application: Bound, folder: Path, lines: dict[int, Line], said: dict[str, Any]) -> None:
    number = said["call"]
    line = lines[number]
    at = Context(session=line, records=line, learnt=line.learnt, **said["at"])
    asked = Asked(**said["asked"]) if said.get("asked") else None
    event = HOOKS[said["name"]](**_frozen(said["event"])) if said.get("event") else None
    try:
        found = application.call(Call(said["kind"], said["name"], asked, event), at)
    except IsthmusError as error:
        wire.send({"call": number, "error": str(error), "kind": type(error).__name__})
    except BaseException as error:  # code of somebody else may raise anything
        wire.send({"call": number, "error": whence(error, str(folder)), "kind": ""})
    else:
        _give(wire, number, found, folder)
    finally:
        del lines[number]


def _give(wire: Wire, number: int, found: Any, folder: Path) -> None:
    """Send what an application gave; what cannot be sent is its own fault, whoever asked."""
    is_told = isinstance(found, Told)
    try:
        wire.send({"call": number, "done": asdict(found) if is_told else found, "told": is_told})
    except Exception as error:  # too large, or of a kind that nobody foresaw
        text = str(error) if isinstance(error, IsthmusError) else whence(error, str(folder))
        wire.send({"call": number, "error": text, "kind": ""})


def _frozen(told: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(one) if isinstance(one, list) else one for name, one in told.items()}


def _die_alone() -> None:
    """End this process when the one that began it is gone, whatever the application is doing."""
    began = os.getppid()

    def watched() -> None:
        while os.getppid() == began:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watched, daemon=True).start()


def main() -> None:
    """Close the fence, load the package, and serve."""
    _die_alone()
    folder, read, write, memory, fenced = Path(sys.argv[1]), *map(int, sys.argv[2:6])
    wire = Wire(os.fdopen(read, "rb"), os.fdopen(write, "wb"), tails=True)
    try:
        fence.limit(memory)
        if fenced:
            fence.close(fence.places(folder))
        application = bound(folder)
    except (IsthmusError, OSError) as error:
        wire.send({"wrong": str(error)})
        return
    wire.send({"gives": gives(application)})
    serve(wire, application, folder)


if __name__ == "__main__":
    main()
