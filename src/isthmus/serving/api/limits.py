"""How much one caller may have of the API: pace, sizes, pages, questions at once. All of it is told, none is silent."""

import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from isthmus.base.settings import numbers
from isthmus.serving.api.problem import Problem

KNOWN = 10_000  # callers whose pace is remembered


@dataclass(frozen=True, slots=True)
class Limits:
    """The table [api] of isthmus.toml. `pace`: requests of one account within a minute, `wrong`: failed tokens of one
    address within a minute, `body`: bytes of a request, `page` and `longest`: rows of a page by default and at most,
    `at_once`: questions that are answered at the same time, `wait`: seconds that others wait for them."""

    pace: int = 600
    wrong: int = 30
    body: int = 1 << 20
    page: int = 1000
    longest: int = 50_000
    at_once: int = 2
    wait: float = 20.0


def limits(settings: Mapping[str, Any]) -> Limits:
    """The limits of a workspace. Raises InputError when they cannot be read."""
    return numbers(settings, "api", Limits)


class Pace:
    """A bucket for each caller that fills evenly over a minute; one request takes one out."""

    def __init__(self, per_minute: int) -> None:
        self._size = float(per_minute)
        self._lock = threading.Lock()
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, caller: str, at: float | None = None) -> int:
        """Take one out, and say how many are left. Raises Problem (429) when there is none."""
        at = time.monotonic() if at is None else at
        with self._lock:
            left = self._filled(caller, at)
            if left < 1:
                seconds = max(1, round((1 - left) * 60 / self._size + 0.5))
                raise Problem(
                    "fast", f"more than {self._size:,.0f} requests within a minute. Wait {seconds} s.",
                    headers={"Retry-After": str(seconds)},
                )  # fmt: skip
            self._keep(caller, left - 1, at)
            return int(left - 1)

    def _filled(self, caller: str, at: float) -> float:
        left, before = self._left.get(caller, (self._size, at))
        return min(self._size, left + (at - before) * self._size / 60)

    def _keep(self, caller: str, left: float, at: float) -> None:
        self._left[caller] = (left, at)
        self._left.move_to_end(caller)
        while len(self._left) > KNOWN:
            self._left.popitem(last=False)


class Desks:
    """So many questions are answered at once; others wait their time in front of the door, and lose nothing by it."""

    def __init__(self, many: int, wait: float) -> None:
        self._free = threading.BoundedSemaphore(many)
        self._wait = wait

    @contextmanager
    def one(self) -> Iterator[None]:
        """A desk for the length of a block. Raises Problem (503) when none was free for too long."""
        if not self._free.acquire(timeout=self._wait):
            raise Problem(
                "busy", f"no desk was free for {self._wait:g} s; nothing was asked.", headers={"Retry-After": "5"}
            )
        try:
            yield
        finally:
            self._free.release()
