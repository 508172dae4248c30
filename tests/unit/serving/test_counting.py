"""Editions are counted beforehand, and again where that failed."""

import asyncio
import time
from pathlib import Path

import pytest

from isthmus.base.errors import InputError
from isthmus.serving.web import app, counted
from isthmus.serving.web.house import House
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
