"""How often one address may fail to sign in, whatever the names are; an account has its own lock besides.

Who signs in rightly is not counted: a whole hospital may come from one address.
"""

import threading
from collections import OrderedDict
from time import monotonic

from isthmus.base.errors import RefusedError

TRIES, SECONDS = 30, 300.0
KEPT = 10_000  # addresses


class Throttle:
    """Counts failures by the address they come from."""

    def __init__(self) -> None:
        self._tries: OrderedDict[str, list[float]] = OrderedDict()
        self._lock = threading.Lock()

    def demand(self, address: str) -> None:
        """Raises RefusedError where too many tries failed lately."""
        at = monotonic()
        with self._lock:
            lately = sum(at - one < SECONDS for one in self._tries.get(address, ()))
        if lately >= TRIES:
            raise RefusedError(f"too many tries to sign in came from this address. Wait {SECONDS // 60:.0f} minutes.")

    def failed(self, address: str) -> None:
        """Count a try that failed."""
        with self._lock:
            tries = [*self._tries.get(address, ()), monotonic()]
            self._tries[address] = tries[-TRIES:]
            self._tries.move_to_end(address)
            while len(self._tries) > KEPT:
                self._tries.popitem(last=False)
