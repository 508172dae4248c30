"""How often one address may try to sign in, whatever the names are; an account has its own lock besides."""

import threading
from collections import OrderedDict
from time import monotonic

from isthmus.base.errors import RefusedError

TRIES, SECONDS = 30, 300.0
KEPT = 10_000  # addresses


class Throttle:
    """Counts tries by the address they come from."""

    def __init__(self) -> None:
        self._tries: OrderedDict[str, list[float]] = OrderedDict()
        self._lock = threading.Lock()

    def demand(self, address: str) -> None:
        """Count a try. Raises RefusedError for too many of them."""
        at = monotonic()
        with self._lock:
            tries = [one for one in self._tries.get(address, ()) if at - one < SECONDS]
            tries.append(at)
            self._tries[address] = tries[-TRIES - 1 :]
            self._tries.move_to_end(address)
            while len(self._tries) > KEPT:
                self._tries.popitem(last=False)
        if len(tries) > TRIES:
            raise RefusedError(f"too many tries to sign in came from this address. Wait {SECONDS // 60:.0f} minutes.")
