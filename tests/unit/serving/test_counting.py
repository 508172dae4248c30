"""Editions are counted beforehand, and again where that failed."""

import asyncio
import threading
import time
from pathlib import Path

import pytest

from isthmus.base.errors import InputError
from isthmus.serving.web import app, counted
from isthmus.serving.web.house import House
from isthmus.serving.web.memory import Memory
from lib import workspace


def test_an_edition_that_could_not_be_counted_is_tried_again_until_all_of_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    house, tries = House(workspace.empty(tmp_path / "ws", synthetic=True).root), list[int]()

    def warm(_: House) -> bool:
        tries.append(len(tries))
        if len(tries) <= 2:
            raise InputError("patient 4711 has no name")
        return len(tries) > 3  # the fourth time nothing is left to wait for

    monkeypatch.setattr(counted, "warm", warm)
    monkeypatch.setattr(app, "LOOK", 0.001)

    async def open_until(many: int) -> None:
        async with app.living(house)(app.FastAPI()):
            began = time.monotonic()
            while len(tries) < many and time.monotonic() < began + 20:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.2)  # time for more tries than there should be

    asyncio.run(open_until(4))
    assert tries == [0, 1, 2, 3]
    said = [one.getMessage() for one in caplog.records if one.name == "isthmus.web"]
    assert len(said) == 2 and all("could not be counted beforehand (InputError)" in one for one in said)
    assert "4711" not in caplog.text


def test_what_is_counted_later_and_fails_is_told_by_the_warming_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, fails = House(workspace.empty(tmp_path / "ws", synthetic=True).root), [True]

    def count(_: House) -> object:
        def make() -> int:
            if fails:
                raise InputError("a file is missing")
            return 1

        return house.memory.later("years", make)

    def warmed() -> bool:
        done = counted.warm(house)
        house.memory.wait(600)  # what was begun has ended
        return done

    monkeypatch.setattr(counted, "prepare", lambda _: None)
    monkeypatch.setattr(counted, "map_of", lambda _: object())
    monkeypatch.setattr(counted, "years", count)
    for name in ("checks", "findings"):
        monkeypatch.setattr(counted, name, lambda _: [])
    for name in ("edges", "find"):
        monkeypatch.setattr(counted, name, lambda *_: [])
    try:
        assert not warmed()
        with pytest.raises(InputError, match="a file is missing"):
            warmed()
        fails.clear()
        assert [warmed(), warmed()] == [False, True]
    finally:
        house.close()


def test_who_closes_the_workbench_does_not_wait_for_what_is_being_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(workspace.empty(tmp_path / "ws", synthetic=True).root)
    begun, go, ended = threading.Event(), threading.Event(), list[bool]()

    def warm(_: House) -> bool:
        begun.set()
        ended.append(go.wait(60))
        return True

    monkeypatch.setattr(counted, "warm", warm)

    async def opened_and_closed() -> None:
        async with app.living(house)(app.FastAPI()):
            while not begun.is_set():
                await asyncio.sleep(0.01)

    asyncio.run(opened_and_closed())
    assert ended == []
    go.set()


def test_what_is_being_made_is_known_until_it_is_there() -> None:
    memory, go, seen = Memory(), threading.Event(), list[bool]()

    def make() -> int:
        seen.append(memory.counting)
        return int(go.wait(60))

    assert not memory.counting and memory.later("years", make) is None
    go.set()
    memory.wait(60)
    assert (seen, memory.counting, memory.later("years", make)) == ([True], False, 1)
    memory.close()
