"""Work done ahead of whoever takes it: reading goes on while the engine maps what was read."""

from collections import deque
from collections.abc import Callable, Iterator
from threading import Condition, Thread
from typing import Generic, TypeVar

Item = TypeVar("Item")
TRAYS = 16  # that the shelf has room for
ITEMS = 256  # at most on one tray


def ahead(items: Iterator[Item], *, weigh: Callable[[Item], int], limit: int) -> Iterator[Item]:
    """The same items in the same order, made by a thread that waits while those not yet taken weigh `limit` or more.

    An error of `items` is raised after the items before it. When the taker gives up, so does the thread.
    """
    shelf = _Shelf[Item](limit)
    thread = Thread(target=shelf.fill, args=(items, weigh), name="ahead", daemon=True)
    thread.start()
    try:
        yield from shelf.taken()
    finally:
        shelf.abandon()
        thread.join()


class _Shelf(Generic[Item]):
    """Items are put down and taken in trays, for handing over costs more than making a small one."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._trays: deque[tuple[list[Item], int]] = deque()
        self._weight = 0
        self._change = Condition()
        self._full = self._abandoned = False
        self._error: BaseException | None = None

    def fill(self, items: Iterator[Item], weigh: Callable[[Item], int]) -> None:
        tray, weight = list[Item](), 0
        try:
            for item in items:
                tray.append(item)
                weight += weigh(item)
                if weight >= self._limit // TRAYS or len(tray) >= ITEMS:
                    if not self._put_down(tray, weight):
                        return
                    tray, weight = [], 0
        except BaseException as error:  # handed over, whatever it is
            self._error = error
        finally:
            self._put_down(tray, weight)
            with self._change:
                self._full = True
                self._change.notify_all()

    def _put_down(self, tray: list[Item], weight: int) -> bool:
        """Wait for room; False when the taker has given up."""
        with self._change:
            self._change.wait_for(lambda: self._weight < self._limit or self._abandoned)
            self._trays.append((tray, weight))
            self._weight += weight
            self._change.notify_all()
            return not self._abandoned

    def taken(self) -> Iterator[Item]:
        while True:
            with self._change:
                self._change.wait_for(lambda: bool(self._trays) or self._full)
                if not self._trays:
                    break
                tray, weight = self._trays.popleft()
                self._weight -= weight
                self._change.notify_all()
            yield from tray
        if self._error is not None:
            raise self._error

    def abandon(self) -> None:
        with self._change:
            self._abandoned = True
            self._change.notify_all()
