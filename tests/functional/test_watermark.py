"""A live database: read from its watermark on, row by row; what it cannot give is said."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from isthmus.flow import lists
from isthmus.flow.ingest import ingest
from isthmus.flow.trace import Tracer
from isthmus.flow.workspace import Feed, Site, Workspace
from lib import packs, workspace
from lib.command import complaint, run

PACK = """
== pack.yaml
pack: his
format: {kind: sql}
derive: []
== lab.yaml
source: {kind: LAB, watermark: ID}
key: ID
person: PID
into:
  - table: measurement
    set: {measurement_date: date(DAY), measurement_source_value: ID}
"""


def _add(path: Path, *ids: int) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE IF NOT EXISTS LAB (ID integer primary key, PID text, DAY text)")
        connection.executemany("INSERT INTO LAB VALUES (?, 'P1', '2024-01-02')", [(one,) for one in ids])


def _fed(tmp_path: Path, pack: str = PACK) -> tuple[Workspace, Path]:
    """A workspace with the feed of a database, and the database."""
    folder = packs.write(tmp_path / "packs", "his", pack)
    opened = workspace.made(tmp_path / "ws", {})
    opened.keep_site(Site("h01", "H", (Feed("his", f"sqlite:///{tmp_path / 'his.db'}", str(folder)),)))
    return opened, tmp_path / "his.db"


def test_ten_comes_after_nine(tmp_path: Path) -> None:
    opened, database = _fed(tmp_path)
    _add(database, 8, 9, 10)
    ingest(opened)
    assert opened.records.watermark("h01", "his", "LAB") == "10"
    _add(database, 11, 100)
    report = ingest(opened)
    assert not report.failed
    assert opened.records.watermark("h01", "his", "LAB") == "100"
    (account,) = report.accounts["h01", "his"]
    assert account["lab"] == {"duplicate": 1, "mapped": 2}  # the row at the mark comes again, and is known
    found = sorted(int(row["measurement_source_value"]) for row in workspace.rows(opened, "measurement"))
    assert found == [8, 9, 10, 11, 100]


def test_the_row_at_the_mark_alone_is_nothing_new(tmp_path: Path) -> None:
    opened, database = _fed(tmp_path)
    _add(database, 8, 9, 10)
    assert ingest(opened).edition is not None
    receipts = len(opened.records.receipts())
    report = ingest(opened)
    assert report.edition is None
    assert len(opened.records.receipts()) == receipts
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE LAB SET DAY = '2024-01-03' WHERE ID = 10")
    report = ingest(opened)
    assert report.edition is not None, "it was corrected"
    days = {
        row["measurement_source_value"]: str(row["measurement_date"]) for row in workspace.rows(opened, "measurement")
    }
    assert days["10"] == "2024-01-03"


def test_a_row_that_cannot_be_read_waits_in_quarantine_and_the_others_are_mapped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, database = _fed(tmp_path)
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("CREATE TABLE LAB (ID integer, PID text, DAY text)")
        connection.executemany("INSERT INTO LAB VALUES (?, ?, '2024-01-02')", [(1, "P1"), ("no id", "P2"), (3, "P3")])
    report = ingest(opened)
    assert not report.landed["h01"][0].refused
    assert sorted(row["measurement_source_value"] for row in workspace.rows(opened, "measurement")) == ["1", "3"]
    monkeypatch.setattr(type(opened.records), "part", None)  # parts are not asked for one by one
    (waiting,) = lists.quarantine(opened)
    monkeypatch.undo()
    assert (waiting.kind, waiting.records, waiting.reason[:11]) == ("LAB", 1, "wrong-type:")
    assert "'ID'" in waiting.reason
    assert waiting.first_seen is not None
    found = Tracer(opened).trace("record", waiting.record_id)
    assert found.passage.text == '{"ID": "no id", "PID": "P2", "DAY": "2024-01-02"}'


def test_a_table_that_is_not_there_ends_with_6_and_the_others_are_published(tmp_path: Path) -> None:
    more = PACK + "== other.yaml\nsource: {kind: OTHER}\nkey: ID\ninto: []\n"
    opened, database = _fed(tmp_path, more)
    _add(database, 1)
    done = run("ingest", opened.root, "--json")
    said = complaint(done, 6)
    assert "has no table 'OTHER'" in said
    assert "1 file(s) or table(s) were not taken; what succeeded is published." in said
    assert done.document()["tables"]["measurement"] == 1
