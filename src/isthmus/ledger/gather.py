"""Many threads, one transaction: who waits for the disk takes along everybody who came meanwhile.

A synchronised write takes milliseconds, whatever is in it. So the first thread that may write takes all batches that
wait, and each thread gets its own receipt, after its own entries are durable.
"""

from dataclasses import dataclass
from threading import Lock

from isthmus.base.errors import InputError
from isthmus.ledger.log import Batch, Log, Receipt
from isthmus.ledger.note import Note


@dataclass(slots=True)
class _Waiting:
    batch: Batch
    outcome: Receipt | Exception | None = None


class Gathering:
    """A log that threads share."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self._queue: list[_Waiting] = []
        self._joining = Lock()
        self._writing = Lock()

    def append(self, batch: Batch) -> Receipt:
        """Take a batch; durable when it returns. Raises what `Log.append` raises, for this batch alone."""
        waiting = _Waiting(batch)
        with self._joining:
            self._queue.append(waiting)
        with self._writing:
            if waiting.outcome is None:
                with self._joining:
                    taken, self._queue = self._queue, []
                self._write(taken)
        if isinstance(waiting.outcome, Receipt):
            return waiting.outcome
        assert waiting.outcome is not None
        raise waiting.outcome

    def publish(self) -> Note:
        """As `Log.publish`."""
        with self._writing:
            return self.log.publish()

    def _write(self, taken: list[_Waiting]) -> None:
        try:
            receipts = self.log.append(*(one.batch for one in taken))
        except InputError:
            for one in taken:  # one of them is wrong; the others shall not suffer for it
                self._alone(one)
        except Exception as error:  # the disk, the journal: nobody's entries were taken, and all must know
            for one in taken:
                one.outcome = error
        else:
            for one, receipt in zip(taken, receipts, strict=True):
                one.outcome = receipt

    def _alone(self, one: _Waiting) -> None:
        try:
            (one.outcome,) = self.log.append(one.batch)
        except Exception as error:  # it is raised in the thread that waits for it
            one.outcome = error
