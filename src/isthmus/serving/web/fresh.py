"""What was made of the workspace as it is now: kept until anything in it has changed, and for seconds at most."""

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, TypeVar, cast

Made = TypeVar("Made")
WHILE = 5.0  # seconds, for what changes without a mark: the time of day, and files that somebody edits in place
MOST = 512  # things at once; what is asked for beyond them is made and not kept


@dataclass(slots=True)
class Kept:
    """One thing: whoever asks while it is made waits for it."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    made: bool = False
    value: Any = None


class Fresh:
    """A memory of the present. `stamp` is equal as long as nothing has changed; None: nothing is kept."""

    def __init__(self, stamp: Callable[[], Hashable]) -> None:
        self._stamp = stamp
        self._lock = threading.Lock()
        self._held: dict[Hashable, Kept] = {}
        self._at: Hashable = None
        self._until = 0.0

    def of(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """What `make` gives now, or gave under this stamp. What raises is not kept."""
        stamp = self._stamp()  # before it is made: a change meanwhile gives another stamp to who asks next
        if stamp is None:
            return make()
        with self._lock:
            if stamp != self._at or monotonic() >= self._until:
                self._held, self._at, self._until = {}, stamp, monotonic() + WHILE
            held = self._held.get(key)
            if held is None and len(self._held) < MOST:
                held = self._held[key] = Kept()
        if held is None:
            return make()
        with held.lock:
            if not held.made:
                held.value = make()
                held.made = True
            return cast(Made, held.value)
