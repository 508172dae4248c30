"""Rules of how formats are told apart."""

import contextlib
import datetime as dt
import io
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pyarrow as pa
import pytest
import sqlalchemy as sa
from pyarrow import parquet

from isthmus.base.errors import Unreadable
from isthmus.intake import sql
from isthmus.intake.formats import LOCATORS, READERS, guess
from isthmus.intake.record import PLACE, REASONS, Batch, Reject
from lib.intake_parts import outcome


def workbook(**sheets: list[list[object]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def parquet_of(table: pa.Table) -> bytes:
    out = io.BytesIO()
    parquet.write_table(table, out, row_group_size=2)
    return out.getvalue()


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "vendor.db"
    connection = sqlite3.connect(path)
    connection.executescript(
        """
        create table lab (id integer primary key, result real, at text);
        insert into lab values (1, 5.5, '2024-01-01'), (2, 6, '2024-01-02'), (3, null, '2024-01-02'), (4, 7, null);
        create table "病人" (id integer, name text);
        insert into "病人" values (1, '王'), ('no number', '李');
        """
    )
    connection.close()
    return path


def test_every_format_can_be_read_and_located() -> None:
    assert READERS.keys() == LOCATORS.keys()


@pytest.mark.parametrize(
    ("name", "head", "kind"),
    [
        ("a.txt", b"a,b\n1,2\n", "csv"),
        ("a", b"[note],b\n1,2\n", "csv"),
        ("a.json", b'\xef\xbb\xbf{\n  "resourceType": "Bundle"', "fhir"),
        ("a.ndjson", b'{"resourceType":"Patient"}\n{"resourceType":"Patient"}\n', "fhir"),
        ("a.json", b'[{"resourceType": "Patient"}]', "fhir"),
        ("a.jsonl", b'{"a": 1}\n{"a": 2}\n', "ndjson"),
        ("a.jsonl", b'{"message": "MSH|^~\\\\&|A"}\n', "hl7v2"),
        ("a.hl7", b"\x0bMSH|^~\\&|A", "hl7v2"),
        ("a.dat", b"FHS|^~\\&|A\rBHS|", "hl7v2"),
        ("a", b"PAR1....", "parquet"),
        ("a", b"PK\x03\x04....", "xlsx"),
        ("a", b"SQLite format 3\0....", "sql"),
    ],
)
def test_a_format_is_seen_in_the_first_bytes(name: str, head: bytes, kind: str) -> None:
    assert guess(name, head) == kind


def test_a_reject_has_a_known_reason() -> None:
    with pytest.raises(ValueError, match="no class"):
        Reject(0, 0, "because", "it is so")
    assert all(reason == reason.lower() for reason in REASONS)


def test_each_sheet_is_a_kind_and_cells_are_text() -> None:
    data = workbook(
        检验=[
            [],
            ["病人ID", "结果", "时间"],
            ["P1", 5.0, dt.datetime.fromisoformat("2024-01-02 03:04")],
            [],
            ["P2", 5.25, True],
        ],
        空=[],
        药品=[["a"], [None], ["x"]],
    )
    found = outcome(data, "xlsx")
    assert found.table("检验") == [
        {"病人ID": "P1", "结果": "5", "时间": "2024-01-02 03:04:00"},
        {"病人ID": "P2", "结果": "5.25", "时间": "true"},
    ]
    assert found.table("药品") == [{"a": "x"}]
    assert [row[PLACE] for rows in found.rows.values() for row in rows] == [0, 1, 2]
    assert found.passage(1).text == "P2\t5.25\ttrue"
    assert found.passage(1).line == 5


def test_a_row_wider_than_the_header_of_its_sheet_is_rejected() -> None:
    found = outcome(workbook(s=[["a", "b"], [1, 2, 3], [4, 5]]), "xlsx")
    assert found.table("s") == [{"a": "4", "b": "5"}]
    assert [(item.reason, item.place, item.kind) for item in found.rejects] == [("wrong-width", 0, "s")]


def test_parquet_keeps_its_types_and_rows_their_number() -> None:
    table = pa.table({"id": [1, 2, 3], "at": pa.array([dt.date(2024, 1, 1)] * 3), "_place": ["x", "y", "z"]})
    found = outcome(parquet_of(table), "parquet")
    assert found.table()[2] == {"id": 3, "at": dt.date(2024, 1, 1), "_place (2)": "z"}
    assert [row[PLACE] for row in found.rows[""]] == [0, 1, 2]
    assert found.passage(2).text == '{"id": 3, "at": "2024-01-01", "_place": "z"}'


def test_a_delivered_database_is_read_table_by_table(database: Path) -> None:
    found = outcome(database.read_bytes(), "sql")
    assert [row["result"] for row in found.rows["lab"]] == [5.5, 6.0, None, 7.0]
    assert found.table("病人") == [{"id": 1, "name": "王"}]
    assert [(item.reason, item.place, item.kind) for item in found.rejects] == [("wrong-type", 5, "病人")]
    assert found.passage(4).text == '{"id": 1, "name": "王"}'
    assert found.passage(5).text == '{"id": "no number", "name": "李"}'


def test_what_no_type_fits_takes_only_its_own_row(tmp_path: Path) -> None:
    """The last row of a table is wrong, another is no text: places go on behind them, and nothing else is lost."""
    path = tmp_path / "odd.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            """
            create table a (id integer, name text);
            insert into a values (1, 'x'), (2, cast(x'ff41' as text)), ('none', 'y');
            create table b (id integer);
            insert into b values (7);
            """
        )
    found = outcome(path.read_bytes(), "sql")
    assert [(row[PLACE], row["id"]) for row in (*found.rows["a"], *found.rows["b"])] == [(0, 1), (3, 7)]
    assert [(item.place, item.reason) for item in found.rejects] == [(1, "wrong-type"), (2, "wrong-type")]
    assert "'name'" in found.rejects[0].detail
    assert found.passage(1).text == '{"id": 2, "name": "\\\\xffA"}'


def test_a_live_table_is_read_from_its_mark_on(database: Path) -> None:
    url = f"sqlite:///{database}"
    batches = [item for item in sql.read_table(url, "lab", "at", "2024-01-02") if isinstance(item, Batch)]
    assert [row["id"] for batch in batches for row in batch.rows.to_pylist()] == [2, 3]
    everything = [item for item in sql.read_table(url, "lab", "at") if isinstance(item, Batch)]
    assert sum(batch.rows.num_rows for batch in everything) == 4


@pytest.mark.parametrize(("table", "mark"), [("absent", None), ("lab", "absent")])
def test_what_a_database_has_not_is_said(database: Path, table: str, mark: str | None) -> None:
    with pytest.raises(Unreadable, match="absent"):
        list(sql.read_table(f"sqlite:///{database}", table, mark))


def test_a_password_is_never_shown() -> None:
    with pytest.raises(Unreadable) as error:
        list(sql.read_table("postgresql+psycopg://me:secret@127.0.0.1:1/none", "t"))
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("kind", ["xlsx", "parquet", "sql"])
@pytest.mark.parametrize("data", [b"", b"PAR1 broken", b"PK\x03\x04 broken", b"SQLite format 3\0" + bytes(200)])
def test_a_broken_container_is_unreadable(kind: str, data: bytes) -> None:
    with pytest.raises(Unreadable):
        outcome(data, kind)


# The local sockets of a development machine; elsewhere the addresses come from the environment.
SERVERS = {
    "postgresql": "postgresql+psycopg:///postgres?host=/var/run/postgresql",
    "mariadb": "mysql+pymysql://root@localhost/?unix_socket=/run/mysqld/mysqld.sock",
}


@pytest.fixture(params=sorted(SERVERS))
def server(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a server with a table `isthmus_intake.lab`."""
    pytest.importorskip("psycopg" if request.param == "postgresql" else "pymysql")
    url = os.environ.get(f"ISTHMUS_TEST_{request.param.upper()}", SERVERS[request.param])
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    cascade = " cascade" if request.param == "postgresql" else ""
    try:
        with engine.begin() as connection:
            connection.execute(sa.text(f"drop schema if exists isthmus_intake{cascade}"))
            connection.execute(sa.text("create schema isthmus_intake"))
            connection.execute(
                sa.text(
                    "create table isthmus_intake.lab (id integer primary key, result numeric(8,2), "
                    "name varchar(40), day date, at timestamp)"
                )
            )
            row = sa.text("insert into isthmus_intake.lab values (:id, 5.20, 'Wang', '2024-01-02', :at)")
            connection.execute(row, [{"id": number, "at": f"2024-01-02 03:04:{number:02}"} for number in range(3)])
    except sa.exc.OperationalError as error:
        pytest.skip(f"no {request.param} server answers: {type(error.orig).__name__}")
    yield url
    with engine.begin() as connection:
        connection.execute(sa.text(f"drop schema isthmus_intake{cascade}"))


@pytest.mark.services
def test_a_server_gives_the_same_rows(server: str) -> None:
    items = list(sql.read_table(server, "isthmus_intake.lab", "at", dt.datetime.fromisoformat("2024-01-02 03:04:01")))
    rows = [row for item in items if isinstance(item, Batch) for row in item.rows.to_pylist()]
    assert [row["id"] for row in rows] == [1, 2]
    assert rows[0] == {
        PLACE: 0,
        "id": 1,
        "result": "5.20",
        "name": "Wang",
        "day": dt.date(2024, 1, 2),
        "at": dt.datetime.fromisoformat("2024-01-02 03:04:01"),
    }
