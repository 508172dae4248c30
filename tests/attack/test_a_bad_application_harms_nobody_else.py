"""One application crashes, hangs, eats memory, floods and lies; the others answer every call meanwhile."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from isthmus.apps.contract import Asked, Told
from isthmus.apps.manager.running import PLACES, QUEUE, Manager
from lib.applications import managed, small

BAD = """
def fine(asked, at):
    return "fine"

def failing(asked, at):
    raise ValueError("patient 4711 is old")

def crash(asked, at):
    os._exit(1)

def loop(asked, at):
    while True:
        pass

def sleep(asked, at):
    time.sleep(600)

def memory(asked, at):
    return len([bytearray(64 << 20) for _ in range(200)])

def large(asked, at):
    return "x" * (32 << 20)

def strange(asked, at):
    return object()

def junk(asked, at):
    os.write(int(sys.argv[3]), b"\\xff" * 64)
    time.sleep(600)

def forged(asked, at):
    import json, struct
    text = json.dumps({"call": 999, "done": "for somebody else"}).encode()
    os.write(int(sys.argv[3]), struct.pack(">II", len(text), 0) + text)
    time.sleep(600)

def deep(asked, at):
    return deep(asked, at)
"""
GOOD = """
def people(asked, at):
    return at.session.ask("SELECT count(*) AS n FROM person")["n"].to_pylist()
"""
READS = "reads: {person: [person_id]}\n"


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Manager]:
    root = tmp_path_factory.mktemp("bad")
    sources = small(root, "bad", BAD), small(root, "good", GOOD, more=READS)
    with managed(root, *sources, settings="[apps]\nseconds = 3\n") as (_, made):
        yield made


def get(manager: Manager, app: str, path: str) -> Told:
    return manager.answer(app, Asked(path=f"api/{path}"))


def back(manager: Manager) -> None:
    """Wait until the bad one answers again: it rests after a failure, and is started anew."""
    until = time.monotonic() + 100
    while get(manager, "bad", "fine").status != 200:
        assert time.monotonic() < until
        time.sleep(0.2)


@pytest.mark.parametrize("deed", ["crash", "loop", "memory", "junk", "forged", "large", "strange", "deep"])
def test_whatever_it_does_the_other_answers_and_it_comes_back(manager: Manager, deed: str) -> None:
    back(manager)
    with ThreadPoolExecutor(4) as hands:
        doing = hands.submit(get, manager, "bad", deed)
        others = [hands.submit(get, manager, "good", "people") for _ in range(12)]
        assert [one.result().body for one in others] == [[2]] * 12
        told = doing.result()
    assert told.status == 503, told
    back(manager)


def test_an_error_names_its_line_and_nothing_of_a_patient(manager: Manager) -> None:
    back(manager)
    told = get(manager, "bad", "failing")
    assert told.status == 503
    assert "ValueError at app.py:" in told.body["error"]
    assert "4711" not in str(told)


def test_a_crowd_before_it_is_turned_away_at_once(manager: Manager) -> None:
    with ThreadPoolExecutor(QUEUE + PLACES) as hands:
        crowd = [hands.submit(get, manager, "bad", "sleep") for _ in range(QUEUE + PLACES)]
        began = time.monotonic()
        assert get(manager, "good", "people").body == [2]
        assert time.monotonic() - began < 20
        assert any("too many calls wait" in one.result().body["error"] for one in crowd)
        assert {one.result().status for one in crowd} <= {503, 504}
