"""What is kept as long as nothing has changed."""

import subprocess
import sys
import threading
import time
from collections.abc import Hashable
from pathlib import Path

import pytest

from isthmus.gate.office import people
from isthmus.records.commits import Commits
from isthmus.records.decisions import Draft
from isthmus.records.store import Records
from isthmus.serving.web import fresh
from isthmus.serving.web.fresh import Fresh
from isthmus.serving.web.house import House
from isthmus.serving.web.runs import Run
from lib import workspace

OTHER = """
import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as base:
    base.execute("CREATE TABLE other (one)")
base.close()
"""


def test_a_thing_is_made_once_under_a_stamp_and_anew_under_another() -> None:
    stamp, made = ["a"], list[str]()
    kept = Fresh(lambda: stamp[0])

    def make() -> str:
        made.append(stamp[0])
        return stamp[0]

    assert [kept.of("x", make), kept.of("x", make)] == ["a", "a"]
    stamp[0] = "b"
    assert [kept.of("x", make), kept.of("x", make)] == ["b", "b"]
    assert made == ["a", "b"]


def test_nothing_is_kept_without_a_stamp_nor_for_longer_than_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    made, stamp = list[int](), list[Hashable]([None])
    kept = Fresh(lambda: stamp[0])

    def make() -> int:
        made.append(1)
        return len(made)

    assert [kept.of("x", make), kept.of("x", make)] == [1, 2]
    stamp[0], moment = "a", time.monotonic()
    monkeypatch.setattr(fresh, "monotonic", lambda: moment)
    assert [kept.of("x", make), kept.of("x", make)] == [3, 3]
    moment += fresh.WHILE
    assert kept.of("x", make) == 4


def test_what_is_made_while_something_changes_is_made_anew_for_who_asks_after_it() -> None:
    stamp = ["a"]
    kept = Fresh(lambda: stamp[0])

    def slow() -> str:
        stamp[0] = "b"  # a commit while the old is being read
        return "old"

    assert kept.of("x", slow) == "old"
    assert kept.of("x", lambda: "new") == "new"


def test_what_raises_is_not_kept_and_who_asks_meanwhile_waits() -> None:
    kept, made = Fresh(lambda: "a"), list[int]()

    def fail() -> int:
        raise ValueError

    with pytest.raises(ValueError):
        kept.of("x", fail)

    def make() -> int:
        time.sleep(0.05)
        made.append(1)
        return len(made)

    found = list[int]()
    asking = [threading.Thread(target=lambda: found.append(kept.of("x", make))) for _ in range(8)]
    for one in asking:
        one.start()
    for one in asking:
        one.join()
    assert found == [1] * 8


def test_more_than_is_kept_is_made_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fresh, "MOST", 2)
    kept = Fresh(lambda: "a")
    assert [kept.of(key, lambda key=key: key) for key in range(5)] == list(range(5))
    assert kept.of(4, lambda: "again") == "again"
    assert kept.of(1, lambda: "again") == 1


def test_every_commit_of_any_process_gives_another_number(tmp_path: Path) -> None:
    opened = workspace.empty(tmp_path / "ws", synthetic=True)
    watched = Commits(opened.records)
    try:
        before = watched.number()
        assert watched.number() == before
        with opened.records.session() as session:  # read, and given up
            session.connection().exec_driver_sql("SELECT count(*) FROM account")
            session.rollback()
        assert watched.number() == before
        opened.decisions.add(Draft("finding", "a", "b", {"said": "c"}, "somebody"))
        after = watched.number()
        assert after != before
        subprocess.run([sys.executable, "-c", OTHER, str(opened.root / "records.db")], check=True)
        assert watched.number() not in (before, after)
    finally:
        watched.close()


def test_a_watch_leaves_no_mark_that_keeps_the_log_of_the_database_growing(tmp_path: Path) -> None:
    opened = workspace.empty(tmp_path / "ws", synthetic=True)
    watched = Commits(opened.records)
    try:
        watched.number()
        opened.decisions.add(Draft("finding", "a", "b", {"said": "c"}, "somebody"))
        with opened.records.session() as session:
            busy, pages, moved = session.connection().exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
        assert (busy, pages, moved) == (0, 0, 0)
    finally:
        watched.close()


def test_a_database_that_tells_no_number_has_nothing_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = workspace.empty(tmp_path / "ws", synthetic=True)
    monkeypatch.setattr(opened.records.engine.dialect, "name", "postgresql")
    assert Commits(Records("sqlite://")).number() is not None
    assert Commits(opened.records).number() is None


def test_whatever_pages_are_made_of_changes_the_stamp(tmp_path: Path) -> None:
    opened = workspace.empty(tmp_path / "ws", synthetic=True)
    house = House(opened.root)
    try:
        stamps = [house._stamp()]
        assert house._stamp() == stamps[0]
        opened.decisions.add(Draft("finding", "a", "b", {"said": "c"}, "somebody"))
        stamps.append(house._stamp())
        with house.acting() as office:
            people.add(office, "Admin", ("administrator",), (), None, by=None)
        stamps.append(house._stamp())
        run = Run("demo")
        assert house.begin(run)
        stamps.append(house._stamp())
        run.end()
        stamps.append(house._stamp())
        assert house.memory.later("count", lambda: 1) is None
        house.memory.wait(600)
        stamps.append(house._stamp())
        time.sleep(0.01)  # a tick of the clock of files
        (opened.root / "sites" / "new.toml").write_text("title = 'New'")
        stamps.append(house._stamp())
        assert len(set(stamps)) == len(stamps)
    finally:
        house.close()
