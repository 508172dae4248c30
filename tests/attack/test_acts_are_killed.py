"""SIGKILL at any moment of an act at the gate, or while files are prepared for a use: it is done or not done, and said.

Of an ingest `tests/functional/test_kill.py` says the same.
"""

import time
from pathlib import Path
from random import Random

import pytest

from isthmus.flow.workspace import Workspace
from isthmus.gate.office import cases
from isthmus.gate.office.unit import Office
from lib import granted
from lib.apart import Apart
from lib.command import run
from lib.granted import House, showing

KILLS = 3
ASKED = "select count(visit_start_date) as n from visit_occurrence"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return granted.granted(tmp_path_factory.mktemp("killed"), patients=8)


def begun(house: House, who: str, *words: str | Path) -> Apart:
    with showing(house.tokens[who]):
        return Apart(*words, "--as", who)


def standing(house: House) -> str:
    """What the records say of the grant, once they, the log and the lake were seen to say the same."""
    opened = Workspace(house.root)
    office = Office(opened.root, opened.records, opened.settings)
    with office.open() as held:
        assert held._log is not None
        found = cases.file(held, house.case)
        logged = [entry for entry in (act.entry for act in found.acts) if entry]
        assert len(logged) == len(set(logged)) == len(found.acts), "each act has an entry of its own"
    checked = run("verify", house.root)
    assert checked.code == 0, checked
    return found.acts[-1].act


def test_an_act_that_is_killed_is_done_or_not_done(house: House) -> None:
    draw, turns = Random(3), {"suspend": "resume", "resume": "suspend"}
    act, seconds = "suspend", 0.0
    for number in range(KILLS + 1):
        words = ("use", act, house.root, house.case, "--reason", "an incident")
        process, since = begun(house, "stew", *words), time.monotonic()
        if number:
            time.sleep(draw.random() * seconds)
            process.kill()
        process.communicate()
        seconds = seconds or time.monotonic() - since
        done = standing(house) == act
        assert done or process.returncode != 0, "what was told as done is done"
        if not done:
            again = house.use("stew", act, "--reason", "an incident")
            assert again.code == 0, again
            assert standing(house) == act
        act = turns[act]


def test_preparing_that_is_killed_is_begun_anew(house: House) -> None:
    if standing(house) == "suspend":
        assert house.use("stew", "resume", "--reason", "mended").code == 0
    expected = house.ask(ASKED, "ann", "--json").document()["rows"]
    draw = Random(4)
    for _ in range(KILLS):
        process = Apart("use", "prepare", house.root, house.grant)
        time.sleep(draw.random() * 2)
        process.kill()
        process.communicate()
        assert house.ask(ASKED, "ann", "--json").document()["rows"] == expected
    assert run("use", "prepare", house.root, house.grant).code == 0
    assert house.ask(ASKED, "ann", "--json").document()["rows"] == expected
    left = [one for one in (house.root / "lake").rglob("*") if one.name.endswith((".tmp", ".part"))]
    assert left == []
