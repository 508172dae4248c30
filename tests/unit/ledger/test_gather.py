"""Threads that share a log: each gets its own receipt, nothing is lost or doubled, and one wrong batch fails alone."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from isthmus.base.errors import InputError, IsthmusError
from isthmus.ledger.gather import Gathering
from isthmus.ledger.key import Key
from isthmus.ledger.log import Batch, Log
from lib import logs


def test_eight_threads_append_two_hundred_batches(tmp_path: Path) -> None:
    shared = Gathering(Log(tmp_path, Key.make("example.org/log")))
    whole = logs.entries(200)

    def act(number: int) -> int:
        if number % 50 == 0:
            shared.publish()
        return shared.append(Batch(str(number), [whole[number]])).first

    with ThreadPoolExecutor(8) as threads:
        places = list(threads.map(act, range(200)))
    shared.publish()
    held = list(shared.log.entries())
    assert [held[place] for place in places] == whole
    assert len(held) == 200


def test_a_wrong_batch_fails_alone(tmp_path: Path) -> None:
    shared = Gathering(Log(tmp_path, Key.make("example.org/log")))
    whole = logs.entries(60)

    def act(number: int) -> bool:
        try:
            shared.append(Batch(str(number), [b"Zhang San" if number % 7 == 0 else whole[number]]))
        except InputError:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        taken = list(threads.map(act, range(60)))
    assert taken == [number % 7 != 0 for number in range(60)]
    assert shared.log.size == sum(taken)


def test_a_journal_that_fails_is_told_to_who_waits(tmp_path: Path) -> None:
    shared = Gathering(Log(tmp_path, Key.make("example.org/log")))
    shared.log.close()
    with pytest.raises(IsthmusError, match="nothing was logged"):
        shared.append(Batch("a", logs.entries(1)))
