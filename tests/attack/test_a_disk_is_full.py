"""There is no room left: a step is done or not done, people are told in words, and the same command goes on later."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import event

from isthmus.base.clock import now
from isthmus.base.durable import FULL
from isthmus.base.errors import IsthmusError
from isthmus.flow.verify import verify
from isthmus.flow.workspace import Workspace
from isthmus.lake import edition, landing
from isthmus.records.models import Receipt
from isthmus.records.store import Records
from lib import harbour, workspace
from lib.command import run

ROOM = 20_000  # bytes of a file: less than SQLite's readers share


def receipts(many: int) -> list[Receipt]:
    return [
        Receipt(
            receipt_id=number, site="h01", feed="his", name=f"{number}.csv", sha256=f"{number:064}", size=1,
            received_at=now(), sequence=number,
        )
        for number in range(many)
    ]  # fmt: skip


def small(connection: sqlite3.Connection, _: object) -> None:
    """The database may not grow: SQLite says the same as where the disk is full."""
    (pages,) = connection.execute("pragma page_count").fetchone()
    connection.execute(f"pragma max_page_count = {pages}")


def test_records_that_have_no_room_take_nothing_and_say_so(tmp_path: Path) -> None:
    records = Records(f"sqlite:///{tmp_path}/records.db")
    records.keep(receipts(3))
    records.engine.dispose()
    event.listen(records.engine, "connect", small)
    with pytest.raises(IsthmusError) as told:
        records.keep(receipts(300)[3:])
    assert str(told.value) == FULL
    assert len(records.receipts()) == 3
    event.remove(records.engine, "connect", small)
    records.engine.dispose()
    records.keep(receipts(300)[3:])
    assert len(records.receipts()) == 300


def test_a_question_to_records_without_room_for_what_readers_share_says_so(tmp_path: Path) -> None:
    opened = workspace.empty(tmp_path / "ws", synthetic=True)
    opened.records.engine.dispose()
    for left in opened.root.glob("records.db-*"):
        left.unlink()
    limited = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({ROOM}, {ROOM}))"
    asked = f"from isthmus.serving.cli.app import main; main(['editions', {str(opened.root)!r}])"
    words = f"{limited}; {asked}"
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=False)
    assert "the disk is full" in done.stderr and done.returncode == 1, done
    assert run("editions", opened.root).code == 0


@pytest.mark.parametrize(("place", "step"), [(landing, "replaced"), (edition, "publish_once")])
def test_an_ingest_without_room_says_so_and_goes_on_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: object, step: str
) -> None:
    harbour.deliver(tmp_path / "in", number=1, patients=5)
    opened = workspace.empty(tmp_path / "ws", synthetic=True)
    workspace.add(opened, harbour.feeds(tmp_path / "packs", tmp_path / "in"))

    before = opened.lake.editions.numbers()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(place, step, full)
        done = run("ingest", opened.root)
    assert done.code != 0 and "disk is full" in done.err and "unforeseen" not in done.err, done
    assert opened.lake.editions.numbers() == before
    assert run("ingest", opened.root).code == 0
    assert [fault for one in verify(Workspace(opened.root)) for fault in one.faults] == []
    assert not [*opened.root.rglob("*.tmp")]
