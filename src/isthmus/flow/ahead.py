"""Work done ahead of whoever takes it: reading goes on while the engine maps what was read."""

from collections import deque
from collections.abc import Callable, Iterator
from threading import Condition, Thread
from typing import Generic, TypeVar

Item = TypeVar("Item")


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
    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._items: deque[tuple[Item, int]] = deque()
        self._weight = 0
        self._change = Condition()
        self._full = self._abandoned = False
        self._error: BaseException | None = None

    def fill(self, items: Iterator[Item], weigh: Callable[[Item], int]) -> None:
        try:
            for item in items:
                with self._change:
                    self._change.wait_for(lambda: self._weight < self._limit or self._abandoned)
                    if self._abandoned:
                        return
                    self._items.append((item, weigh(item)))
                    self._weight += self._items[-1][1]
                    self._change.notify_all()
        except BaseException as error:  # handed over, whatever it is
            self._error = error
        finally:
            with self._change:
                self._full = True
                self._change.notify_all()

    def taken(self) -> Iterator[Item]:
        while True:
            with self._change:
                self._change.wait_for(lambda: bool(self._items) or self._full)
                if not self._items:
                    break
                item, weight = self._items.popleft()
                self._weight -= weight
                self._change.notify_all()
            yield item
        if self._error is not None:
            raise self._error

    def abandon(self) -> None:
        with self._change:
            self._abandoned = True
            self._change.notify_all()
