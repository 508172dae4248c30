"""Records, keys or log are down, full, or a process is killed between log and answer: no row is served."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pytest

from isthmus.base.errors import IsthmusError
from isthmus.flow.workspace import Workspace
from isthmus.gate.office import unit
from isthmus.gate.office.unit import Office
from isthmus.ledger.log import Batch, Log, Receipt
from isthmus.records.acts import Acts
from lib import granted
from lib.command import apart, complaint, run
from lib.granted import House, showing

SQL = "select count(*) as n from person"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> House:
    return granted.granted(tmp_path_factory.mktemp("closed"), patients=3)


@pytest.fixture
def house(made: House, tmp_path: Path) -> House:
    """A copy to harm."""
    return made.copied(tmp_path / "ws")


def _gone(path: str) -> Callable[[House], None]:
    def harm(house: House) -> None:
        found = house.root / path
        shutil.rmtree(found) if found.is_dir() else found.unlink()

    return harm


def _readable(house: House) -> None:
    (house.root / "keys" / "uses.secret").chmod(0o644)


def _other(house: House) -> None:
    path = house.root / "keys" / "log.key"
    vault_key = unit.opened(house.root / "other", begun=False).log
    path.unlink()
    vault_key.save(path)


def _torn(house: House) -> None:
    for path in (house.root / "ledger").glob("journal.sqlite*"):
        path.write_bytes(b"no database" * 100)


DOWN: dict[str, Callable[[House], None]] = {
    "the log is gone": _gone("ledger"),
    "the journal of the log is gone": _gone("ledger/journal.sqlite"),
    "the journal of the log is torn": _torn,
    "the key of the log is gone": _gone("keys/log.key"),
    "the key of the log is another": _other,
    "the secret of the uses is gone": _gone("keys/uses.secret"),
    "others may read the secret of the uses": _readable,
    "the records are gone": _gone("records.db"),
}


@pytest.mark.parametrize("name", DOWN)
def test_what_is_down_serves_no_row(house: House, name: str) -> None:
    for left in house.root.glob("records.db-*"):
        left.unlink()
    DOWN[name](house)
    done = house.ask(SQL, "ann", "--json")
    assert done.code in {1, 3, 5, 7}, done
    assert complaint(done, done.code)
    assert done.out == ""


@pytest.mark.parametrize("name", sorted(DOWN.keys() - {"the records are gone"}))
def test_what_breaks_under_a_session_that_is_kept_serves_no_row(house: House, name: str) -> None:
    session = granted.session(house)
    assert session.sql(SQL).num_rows == 1
    DOWN[name](house)
    with pytest.raises(IsthmusError):
        session.sql(SQL)


def test_a_log_that_is_full_serves_no_row_and_keeps_no_act(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Log, *batches: Batch) -> list[Receipt]:
        raise IsthmusError("the log cannot be written, and nothing was logged (disk full). Mend it, try again.")

    with monkeypatch.context() as patch:
        patch.setattr(Log, "append", full)
        done = house.ask(SQL, "ann", "--json")
        assert "disk full" in complaint(done, 1)
        assert done.out == ""
        assert "disk full" in complaint(house.use("cai", "revoke", "--reason", "misuse"), 1)
    opened = Workspace(house.root)
    assert [act.act for act in Acts(opened.records).under(house.grant)] == ["grant"]
    assert house.ask(SQL).code == 0
    assert run("verify", house.root).code == 0


KILLED = """
import os, sys
from isthmus.gate.office import unit
from isthmus.ledger.log import Log
from isthmus.records.acts import Acts
from isthmus.serving.cli import main
owner, name, when = {"intended": (Acts, "intend", "after"), "logged": (Log, "append", "after"),
                     "noted": (Acts, "note", "after"), "before": (Log, "append", "before")}[sys.argv[1]]
former = getattr(owner, name)
def killed(self, *words):
    found = former(self, *words) if when == "after" else None
    os.kill(os.getpid(), 9)
    return found
setattr(owner, name, killed)
main(sys.argv[2:])
"""


@pytest.mark.parametrize("when", ["intended", "before", "logged", "noted"])
def test_a_process_killed_between_act_and_answer_leaves_a_log_that_holds(house: House, when: str) -> None:
    words = [when, "ask", str(house.root), "--grant", house.grant, "--sql", SQL, "--as", "ann", "--json"]
    done = subprocess.run(
        [sys.executable, "-c", KILLED, *words], capture_output=True, text=True, check=False,
        env=os.environ | {"ISTHMUS_TOKEN": house.tokens["ann"]},
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, done
    assert done.stdout == ""
    assert house.ask(SQL).code == 0
    assert run("verify", house.root).code == 0
    told = house.run("aud", "log", house.root, "--grant", house.grant, "--json").document()
    asked = [one for one in told if one["kind"] == "question"]
    assert len(asked) == (2 if when in {"logged", "noted"} else 1)


def test_a_question_that_another_process_answers_is_left_to_it_for_a_while(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = granted.session(house), granted.session(house)
    acts, seen = Acts(Workspace(house.root).records), []

    def answered(*_: object) -> pa.Table:
        for wait in (60.0, -1.0):
            monkeypatch.setattr(unit, "UNDER_WAY", wait)
            assert second.sql(SQL).to_pylist() == [{"n": 3}]
            seen.append(len(acts.intended(unit.KINDS)))
        return pa.table({"n": [3]})

    assert first.asking.answered("sql", SQL, lambda grant: {"person": frozenset()}, answered).to_pylist() == [{"n": 3}]
    assert seen == [2, 0]  # a session and a question
    assert [act.result["outcome"] for act in acts.under(house.grant) if act.act == "allowed"] == ["answered"] * 3
    assert run("verify", house.root).code == 0


def test_who_acts_at_once_acts_one_after_another(house: House) -> None:
    words = ("ask", house.root, "--grant", house.grant, "--sql", SQL, "--as", "ann", "--json")
    with showing(house.tokens["ann"]), ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: apart(*words, forked=False), range(4)))
    assert [one.document()["rows"] for one in done] == [[{"n": 3}]] * 4
    told = house.run("aud", "log", house.root, "--grant", house.grant, "--json").document()
    assert sum(one["act"] == "allowed" for one in told) == 4
    assert run("verify", house.root).code == 0


def test_the_office_begins_no_second_log(house: House) -> None:
    shutil.rmtree(house.root / "ledger")
    opened = Workspace(house.root)
    with pytest.raises(IsthmusError, match="none is begun anew"), Office(opened.root, opened.records, {}).open():
        pass


def test_a_failure_after_the_log_took_an_act_leaves_records_and_log_agreed(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = Log.append

    def late(log: Log, *batches: Batch) -> None:
        taken(log, *batches)
        raise OSError("the disk went away after the commit")

    monkeypatch.setattr(Log, "append", late)
    complaint(house.ask(SQL), 1)
    monkeypatch.undo()
    told = run("verify", house.root)
    assert told.code == 0, told
