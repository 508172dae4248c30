"""Many threads, one turn: who waits for the disk takes along everybody who came meanwhile.

A synchronised write takes milliseconds, whatever is in it. So the first thread that may write takes all that wait, and
each gets what became of its own, after it is durable.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Generic, TypeVar

from isthmus.base.errors import IsthmusError

BROKEN = IsthmusError("this was broken off by somebody else's interrupt. Look whether it happened, then try again.")
Asked = TypeVar("Asked")
Given = TypeVar("Given")


@dataclass(slots=True)
class _Waiting(Generic[Asked, Given]):
    asked: Asked
    given: Given | None = None
    error: Exception | None = None
    is_done: bool = False


class Together(Generic[Asked, Given]):
    """A way to write that threads share. `write` is given what some ask, and gives for each what became of it.

    An exception that it gives is raised in the thread that asked; one that it raises, in all of them.
    """

    def __init__(self, write: Callable[[Sequence[Asked]], Sequence[Given | Exception]]) -> None:
        self._write = write
        self._queue: list[_Waiting[Asked, Given]] = []
        self._joining = Lock()
        self._writing = Lock()

    def ask(self, asked: Asked) -> Given:
        """What became of it."""
        waiting = _Waiting[Asked, Given](asked)
        with self._joining:
            self._queue.append(waiting)
        with self._writing:
            if not waiting.is_done:
                with self._joining:
                    taken, self._queue = self._queue, []
                self._turn(taken)
        if waiting.error is not None:
            raise waiting.error
        return waiting.given  # type: ignore[return-value]  # what `write` gave

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody writes for the length of a block."""
        with self._writing:
            yield

    def _turn(self, taken: Sequence[_Waiting[Asked, Given]]) -> None:
        found: Sequence[Given | Exception] = [BROKEN] * len(taken)
        try:
            found = self._write([one.asked for one in taken])
        except Exception as error:  # the disk, the journal: nothing was taken, and all must know
            found = [error] * len(taken)
        finally:
            for one, became in zip(taken, found, strict=True):
                one.is_done = True
                if isinstance(became, Exception):
                    one.error = became
                else:
                    one.given = became
