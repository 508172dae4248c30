"""A log that threads share: their batches go in together (`isthmus.base.together`)."""

from collections.abc import Sequence

from isthmus.base.errors import InputError
from isthmus.base.together import Together
from isthmus.ledger.log import Batch, Log, Receipt
from isthmus.ledger.note import Note


class Gathering:
    """A log that threads share."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self._together: Together[Batch, Receipt] = Together(self._write)

    def append(self, batch: Batch) -> Receipt:
        """Take a batch; durable when it returns. Raises what `Log.append` raises, for this batch alone."""
        return self._together.ask(batch)

    def publish(self) -> Note:
        """As `Log.publish`."""
        with self._together.alone():
            return self.log.publish()

    def _write(self, taken: Sequence[Batch]) -> Sequence[Receipt | Exception]:
        try:
            return self.log.append(*taken)
        except InputError:  # one of them is wrong; the others shall not suffer for it
            return [self._alone(one) for one in taken]

    def _alone(self, one: Batch) -> Receipt | Exception:
        try:
            return self.log.append(one)[0]
        except Exception as error:  # it is raised in the thread that waits for it
            return error
