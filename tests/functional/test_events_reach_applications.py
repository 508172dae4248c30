"""Every hook reaches an application in a process of its own, and no application keeps who makes something happen."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from isthmus.apps.contract import Asked
from isthmus.apps.manager.running import Manager
from isthmus.base.clock import now
from isthmus.flow.ingest import ingest
from isthmus.flow.workspace import Workspace
from isthmus.records import owed
from isthmus.records.applications import Ran
from isthmus.records.happened import Owed
from isthmus.records.owed import TRIES, Owing
from isthmus.serving import told
from lib import harbour, workspace
from lib.command import run
from lib.listening import heard, plugged, running, ticked, written

HOSPITAL = "h01"
MESSAGES = "".join(
    f"MSH|^~\\&|APP|FAC|||20240301||{kind}|{number}|P|2.5\rPID|1||A{number}^^^^MR||Roe^Ann||19600229|F\r"
    for number, kind in enumerate(("ADT^A01", "ADT^A01^ADT_A01", "ADT^A03", ""))
)
LATE = "if len(at.records.find('told')) < 3: (at.records.add('told', [{'hook': 'try', 'said': '{}'}]), 1 / 0)"
BAD = {"hanging": "time.sleep(1000)", "dying": "os._exit(3)", "never": "1 / 0", "late": LATE}


def made(root: Path) -> Workspace:
    harbour.deliver(root / "in", number=1, patients=4)
    (root / "in/adt").mkdir()
    packs = harbour.feeds(root / "packs", root / "in")
    opened = workspace.made(root / "ws", {**packs, "adt": (root / "in/adt", "hl7v2")})
    ingest(opened)
    return opened


@dataclass(frozen=True)
class House:
    """A workspace whose listener has heard of a second delivery, which brought the edition of this number."""

    opened: Workspace
    manager: Manager
    edition: int

    def heard(self, hook: str) -> list[tuple[str, dict[str, Any]]]:
        return [(site, said) for name, site, said in heard(self.opened) if name == hook]

    def owed(self) -> dict[str, tuple[int, int]]:
        return Owing(self.opened.records, "").standing()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    root = tmp_path_factory.mktemp("listening")
    opened = made(root)
    plugged(opened, written(root))  # what was before it was enabled it is not told
    assert Owing(opened.records, "").standing() == {}
    harbour.deliver(root / "in", number=2, patients=4)
    (root / "in/adt/day.hl7").write_text(MESSAGES, encoding="utf-8", newline="")
    report = ingest(Workspace(opened.root))
    assert report.edition is not None
    assert heard(opened) == []
    with running(opened) as manager:
        assert set(ticked(manager)) == {None}
        yield House(opened, manager, report.edition.number)


def test_what_is_landed_is_told(house: House) -> None:
    assert {(site, one["feed"], one["deliveries"]) for site, one in house.heard("landed")} == {
        (HOSPITAL, "his", 3), (HOSPITAL, "lis", 1), (HOSPITAL, "adt", 1),
    }  # fmt: skip


def test_what_is_published_is_told_and_nothing_where_nothing_is_new(house: House) -> None:
    assert house.heard("published") == [("", {"edition": house.edition, "sites": [HOSPITAL]})]
    ingest(Workspace(house.opened.root))
    assert house.owed() == {}


def test_the_messages_of_a_delivery_are_told_by_their_kind_and_not_again(house: House) -> None:
    (receipt,) = [one for one in house.opened.records.receipts() if one.feed == "adt"]
    told_of = {one["kind"]: one["messages"] for _, one in house.heard("received")}
    assert told_of == {"ADT^A01": 2, "ADT^A03": 1, "": 1}
    assert {(site, one["feed"], one["receipt"]) for site, one in house.heard("received")} == {
        (HOSPITAL, "adt", receipt.receipt_id)
    }


def test_each_new_result_is_told_once_it_is_published(house: House) -> None:
    records = house.opened.records
    names = {
        part.part_id: one.name for one in records.receipts() for part in records.parts([one.receipt_id])
    }  # fmt: skip
    rows = workspace.rows(house.opened, "measurement")
    wanted = {(row["person_id"], row["measurement_concept_id"]) for row in rows if "_2" in names[row["part_id"]]}
    assert 0 < len(wanted) < len({(row["person_id"], row["measurement_concept_id"]) for row in rows})
    told_of = [(one["person"], one["concept"]) for site, one in house.heard("ready") if site == HOSPITAL]
    assert sorted(told_of) == sorted(wanted)


def test_that_time_has_passed_is_told_each_minute_without_a_gap(house: House) -> None:
    for _ in range(2):
        with house.opened.records.session.begin() as session:  # a minute goes by
            ran = session.get(Ran, ("listener", "(time)"))
            assert ran is not None
            ran.at -= timedelta(seconds=61)
            since = ran.at
        assert ticked(house.manager) == [None]
        assert ticked(house.manager) == []
        told_of = house.heard("passed")[-1][1]
        assert told_of["since"] == str(since)
        assert told_of["until"] > told_of["since"]


def test_who_was_opened_is_told(house: House) -> None:
    request = {"hook": "patient-view", "context": {"patientId": "7"}}
    shown = [
        house.manager.serve("listener-view", Asked(method="POST", body=request, site=HOSPITAL)),
        house.manager.answer("listener", Asked(path="api/patients/-8")),
        house.manager.answer("listener", Asked(path="api/patients/p9x")),
    ]
    assert [one.status for one in shown] == [200, 200, 200]
    assert house.manager.answer("listener", Asked(path="api/heard")).status == 200  # opens nobody
    assert house.manager.answer("listener", Asked(path="api/nowhere")).status == 404
    assert ticked(house.manager, seconds=2) == [None] * 3
    met = {(site, one["person"]) for site, one in house.heard("opened")}
    assert met == {(HOSPITAL, 7), ("", -8), ("", "p9x")}


def test_who_is_opened_too_long_ago_is_not_told(house: House) -> None:
    Owing(house.opened.records, "").fire("opened", now() - timedelta(minutes=2), apps=["listener"], person=1)
    assert ticked(house.manager) == []
    assert house.owed() == {}


def test_what_another_process_began_and_left_is_told(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    before = len(house.heard("published"))
    died = Owing(house.opened.records, "another:1")
    died.fire("published", now(), apps=["listener"], edition=99, sites=[])
    assert [one.app for one in died.claim("listener", now(), 4)] == ["listener"]
    assert died.claim("listener", now(), 4) == []
    assert ticked(house.manager) == []  # it may be under way
    ahead = now() + owed.LEASE
    monkeypatch.setattr("isthmus.apps.manager.running.now", lambda: ahead)
    assert [error for error in ticked(house.manager) if error is not None] == []
    assert len(house.heard("published")) == before + 1


def test_those_that_hang_die_or_fail_keep_nobody_and_are_told_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    opened = made(tmp_path)
    plugged(opened, *(written(tmp_path, name, ("published",), code) for name, code in BAD.items()))
    harbour.deliver(tmp_path / "in", number=2, patients=4)
    owing = Owing(opened.records, "")

    monkeypatch.setattr(told, "SECONDS", 0.5)  # a verb stays a while for applications, and no longer
    done = run("ingest", opened.root, "--json")
    assert done.code == 0, done
    assert "isthmus app tick" in " ".join(done.document()["notes"])
    assert owing.due(now()) == sorted(BAD)

    with running(opened) as manager:
        began = time.monotonic()
        begun = manager.tick()
        assert time.monotonic() - began < 1
        assert [one.exception(60) is None for one in begun] == [False] * len(BAD)
        assert ticked(manager) == []  # each rests for a minute
        monkeypatch.setattr(owed, "REST", timedelta(0))
        with opened.records.session.begin() as session:
            session.execute(update(Owed).where(Owed.app.in_(("late", "never"))).values(due=now()))
        assert len(ticked(manager)) == 3 + TRIES - 1
    assert [hook for hook, _, _ in heard(opened, "late")] == ["try", "try", "try", "published"]
    assert owing.standing() == {"dying": (1, 0), "hanging": (1, 0), "never": (0, 1)}
    assert "application never is not told again of event published" in caplog.text
    waiting = {one.app: one for one in owing.waiting()}
    assert {app: (one.lost, one.tries, one.due is None) for app, one in waiting.items()} == {
        "dying": (False, 1, False), "hanging": (False, 1, False), "never": (True, TRIES, True),
    }  # fmt: skip
    assert (waiting["hanging"].kind, waiting["never"].kind) == ("SlowError", "FailedError")
    assert waiting["dying"].kind in {"GoneError", "SlowError"}  # on a busy machine its two seconds end first
    assert {(one.hook, one.events, one.place) for one in waiting.values()} == {("published", 1, "")}, (
        "of unknown origin"
    )
    assert all(one.since <= now() for one in waiting.values())

    monkeypatch.setattr(owed, "REST", timedelta(minutes=1))
    with opened.records.session.begin() as session:
        session.execute(update(Owed).where(Owed.app == "hanging").values(due=now()))
    done = run("app", "tick", opened.root)
    assert done.code == 6, done
    assert "it took longer than 2 seconds" in done.err
    assert run("app", "disable", opened.root, "hanging").code == 0
    assert "hanging" not in owing.standing()
