"""The memory of an opened workspace: what is counted beside the requests."""

import time
from pathlib import Path

import pytest

from isthmus.base.errors import InputError
from isthmus.serving.web.house import House
from lib import workspace


def test_a_count_that_fails_is_told_to_who_asks_next_and_then_begun_again(tmp_path: Path) -> None:
    house, tries = House(workspace.empty(tmp_path / "ws", synthetic=True).root), list[int]()

    def make() -> int:
        tries.append(len(tries))
        if tries == [0]:
            raise InputError("a file is missing")
        return 7

    def asked() -> int:
        while (found := house.memory.later("count", make)) is None:
            time.sleep(0.01)
        return found

    try:
        with pytest.raises(InputError, match="a file is missing"):
            asked()
        assert (asked(), asked(), tries) == (7, 7, [0, 1])
    finally:
        house.close()
