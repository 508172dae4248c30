"""What was counted of editions, made once and kept for pages; long counts are made beside the requests."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar, cast

Made = TypeVar("Made")
KEPT = 256  # things that were counted


class Memory:
    """Things by their key. `counted` is how many were made beside the requests."""

    def __init__(self) -> None:
        self.counted = 0
        self._memory: OrderedDict[Hashable, Any] = OrderedDict()
        self._locks: dict[Hashable, threading.Lock] = {}
        self._guard = threading.Lock()
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="counting")
        self._begun: dict[Hashable, Future[Any]] = {}

    def once(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """What `make` gives, made once for a key; whoever asks meanwhile waits for it."""
        with self._guard:
            if key in self._memory:
                self._memory.move_to_end(key)
                return cast(Made, self._memory[key])
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            with self._guard:
                if key in self._memory:
                    return cast(Made, self._memory[key])
            made = make()
            with self._guard:
                self._memory[key] = made
                self._locks.pop(key, None)
                while len(self._memory) > KEPT:
                    self._memory.popitem(last=False)
            return made

    @property
    def counting(self) -> bool:
        """Whether anything is being made."""
        with self._guard:
            return any(one.locked() for one in self._locks.values())

    def known(self, key: Hashable) -> Any:
        """What was made for a key, None where nothing was."""
        with self._guard:
            return self._memory.get(key)

    def begun(self, key: Hashable) -> bool:
        """Whether something is being made beside the requests, or failed and nobody was told."""
        with self._guard:
            return key in self._begun

    def later(self, key: Hashable, make: Callable[[], Made]) -> Made | None:
        """What `make` gives, made beside the requests, one thing after another; None until it is there.

        Where it failed, the next who asks is told why, and the one after that begins it again.
        """
        with self._guard:
            if key in self._memory:
                self._begun.pop(key, None)
                return cast(Made, self._memory[key])
            begun = self._begun.get(key)
            if begun is None:
                self._begun[key] = self._worker.submit(self._count, key, make)
            if begun is None or not begun.done():
                return None
            del self._begun[key]
        return cast(Made, begun.result())

    def _count(self, key: Hashable, make: Callable[[], Made]) -> Made:
        try:
            return self.once(key, make)
        finally:
            self.counted += 1  # only the one worker counts

    def wait(self, seconds: float) -> None:
        """Wait until what was begun beside the requests has ended. Raises TimeoutError when it has not by then."""
        self._worker.submit(lambda: None).result(timeout=seconds)

    def close(self) -> None:
        """Begin nothing more."""
        self._worker.shutdown(wait=False, cancel_futures=True)
