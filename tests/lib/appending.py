"""A process that appends and publishes without end, for tests that kill it: `python -m lib.appending FOLDER KEY SEED`.

Every acknowledged batch is written to FOLDER/acknowledged, after the log has said yes; a batch that was handed in and
not acknowledged is handed in again by the next process, as a caller would.
"""

import os
import random
import sys
from pathlib import Path

from isthmus.ledger.key import Key
from isthmus.ledger.log import Batch, Log
from lib import logs

SIZES = (1, 3, 40, 300)


def count(number: int) -> int:
    """How many entries the batch of a number has."""
    return SIZES[number % len(SIZES)]


def batch(number: int) -> Batch:
    """The batch of a number, the same in every process."""
    return Batch(f"batch {number}", logs.entries(count(number), seed=1000 + number))


def main() -> None:
    """Append from the first batch that is not acknowledged."""
    folder, key, seed = Path(sys.argv[1]), Key.load(Path(sys.argv[2])), int(sys.argv[3])
    chance = random.Random(seed)
    record = os.open(folder / "acknowledged", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    number = (folder / "acknowledged").read_text().count("\n")
    log = Log(folder / "log", key)
    while True:
        (receipt,) = log.append(batch(number))
        os.write(record, f"{number} {receipt.first}\n".encode())
        number += 1
        if chance.random() < 0.5:
            log.publish()


if __name__ == "__main__":
    main()
