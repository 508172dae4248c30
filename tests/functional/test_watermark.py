"""A database is read from its watermark on, in the order of the column and not of its digits."""

import sqlite3
from contextlib import closing
from pathlib import Path

from isthmus.flow.ingest import ingest
from isthmus.flow.workspace import Feed, Site
from lib import packs, workspace

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


def test_ten_comes_after_nine(tmp_path: Path) -> None:
    database = tmp_path / "his.db"
    folder = packs.write(tmp_path / "packs", "his", PACK)
    opened = workspace.made(tmp_path / "ws", {})
    opened.keep_site(Site("h01", "H", (Feed("his", f"sqlite:///{database}", str(folder)),)))
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
