"""From every row back to the text it came from, whatever it was packed in; and from a file to its rows."""

import gzip
import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from isthmus.base.errors import InputError, UsageError
from isthmus.cdm.tables import TABLES
from isthmus.flow import lists
from isthmus.flow.ingest import ingest
from isthmus.flow.trace import Tracer, key_of, rows_of_file
from isthmus.flow.workspace import Workspace
from lib import harbour, packs, workspace
from lib.copies import copied

SOURCE = {
    "person": "person_source_value",
    "visit_occurrence": "visit_source_value",
    "condition_occurrence": "condition_source_value",
    "measurement": "value_source_value",
}


@pytest.fixture
def opened(tmp_path: Path) -> Workspace:
    copied("traced", _made, tmp_path)
    return Workspace(tmp_path / "ws")


def _made(folder: Path) -> None:
    made = workspace.made(folder / "ws", harbour.feeds(folder / "packs", folder / "in"))
    for number in (1, 2):
        harbour.deliver(folder / "in", number=number, patients=5)
        ingest(made)


def _trace_all(opened: Workspace, table: str) -> int:
    tracer = Tracer(opened)
    rows = workspace.rows(opened, table)
    for row in rows:
        found = tracer.origin(table, row)
        assert row[SOURCE[table]] in found.passage.text
        assert found.mapping.split("@")[0] in ("harbour-his", "harbour-lis", "small")
    return len(rows)


def test_every_row_leads_back_to_the_line_it_came_from(opened: Workspace) -> None:
    assert all(_trace_all(opened, table) for table in SOURCE)


def test_the_bytes_named_are_the_bytes_of_the_line(opened: Workspace) -> None:
    tracer = Tracer(opened)
    for row in workspace.rows(opened, "condition_occurrence"):
        found = tracer.origin("condition_occurrence", row)
        landed = opened.lake.landing.path(found.receipt.sha256).read_bytes()
        text = landed[found.passage.start : found.passage.end].decode("gb18030")
        assert text.rstrip("\r\n") == found.passage.text.rstrip("\r\n")
        assert found.passage.start == row["place"]
        assert landed[: found.passage.start].count(b"\n") + 1 == found.passage.line


def test_a_derived_row_leads_to_the_event_that_opened_it(opened: Workspace) -> None:
    tracer = Tracer(opened)
    for row in workspace.rows(opened, "observation_period"):
        found = tracer.origin("observation_period", row)
        day = row["observation_period_start_date"]
        assert f"{day:%Y%m%d}" in found.passage.text or str(day) in found.passage.text


def test_a_row_is_traced_by_table_and_id_and_in_an_older_edition(opened: Workspace) -> None:
    row = workspace.rows(opened, "person")[0]
    assert Tracer(opened).trace("person", row["person_id"]).edition == 3
    assert Tracer(opened, edition=2).edition.number == 2
    for table in ("person", "death"):
        with pytest.raises(InputError, match=f"^edition 3 has no {table} row with person_id = 1"):
            Tracer(opened).trace(table, 1)
    with pytest.raises(UsageError, match=r"^rows of 'concept' come from no delivered file"):
        Tracer(opened).trace("concept", 8507)
    with pytest.raises(UsageError, match=r"^rows of 'nosuch' come from no"):
        Tracer(opened).trace("nosuch", 1)
    with pytest.raises(InputError, match=r"^there is no edition 9"):
        Tracer(opened, edition=9)


def test_every_landed_file_lists_its_rows(opened: Workspace) -> None:
    listed: dict[str, set[int]] = {}
    for receipt in opened.records.receipts():
        (found,) = rows_of_file(opened, receipt.sha256)
        for table, ids in found.rows.items():
            listed.setdefault(table, set()).update(ids)
        assert sum(sum(counts.values()) for counts in found.outcomes.values())
    for table in (*SOURCE, "observation_period"):
        assert listed[table] == {row[key_of(table)] for row in workspace.rows(opened, table)}
    with pytest.raises(InputError, match="no landed file has a digest beginning with zz"):
        rows_of_file(opened, "zz")


def test_a_row_of_an_earlier_mapping_keeps_the_name_of_it(tmp_path: Path, opened: Workspace) -> None:
    path = tmp_path / "packs" / "harbour-lis" / "lab.yaml"
    path.write_text(path.read_text() + "title: {en: changed}\n")
    harbour.deliver(tmp_path / "in", number=1, patients=9, seed=5)
    ingest(opened)
    tracer = Tracer(opened)
    names = {tracer.origin("measurement", row).mapping for row in workspace.rows(opened, "measurement")}
    assert len(names) == 2


SMALL = """
== pack.yaml
pack: small
derive: []
format: {kind: KIND}
== lab.yaml
source: {files: ["*.FILE"]}
key: number
person: patient
into:
  - table: measurement
    set: {measurement_date: date(day), value_source_value: value}
"""
ROWS = [{"number": f"N{n}", "patient": f"P{n}", "day": "2024-03-05", "value": f"value-{n}"} for n in range(7)]
CSV = "".join(",".join(line) + "\n" for line in [list(ROWS[0]), *(list(row.values()) for row in ROWS)]).encode()


def _tar(path: Path, mode: str) -> None:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name in ("one/a.csv", "two/b.csv"):
            content = CSV.replace(b"N", b"A") if "a.csv" in name else CSV
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def _zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("one/a.csv", CSV.replace(b"N", b"A"))
        archive.writestr("two/b.csv", CSV)


def _xlsx(path: Path) -> None:
    book = openpyxl.Workbook()
    sheet: Any = book.active
    sheet.append(list(ROWS[0]))
    for row in ROWS:
        sheet.append(list(row.values()))
    book.save(path)


PACKED: dict[str, tuple[str, str, str, Callable[[Path], object], int]] = {
    "gz": ("csv", "csv", "lab.csv.gz", lambda path: path.write_bytes(gzip.compress(CSV)), 7),
    "zip": ("csv", "csv", "labs.zip", _zip, 14),
    "tar": ("csv", "csv", "labs.tar", lambda path: _tar(path, "w"), 14),
    "tar.gz": ("csv", "csv", "labs.tar.gz", lambda path: _tar(path, "w:gz"), 14),
    "tgz": ("csv", "csv", "labs.tgz", lambda path: _tar(path, "w:gz"), 14),
    "xlsx": ("xlsx", "xlsx", "lab.xlsx", _xlsx, 7),
    "parquet": ("parquet", "parquet", "lab.parquet", lambda path: pq.write_table(pa.Table.from_pylist(ROWS), path), 7),
}  # fmt: skip


@pytest.mark.parametrize("name", list(PACKED))
def test_a_row_leads_back_through_whatever_it_was_packed_in(tmp_path: Path, name: str) -> None:
    kind, extension, file, write, rows = PACKED[name]
    (tmp_path / "in").mkdir()
    write(tmp_path / "in" / file)
    pack = packs.write(tmp_path / "packs", "small", SMALL.replace("KIND", kind).replace("FILE", extension))
    opened, _ = workspace.loaded(tmp_path, {"lis": (tmp_path / "in", pack)})
    assert workspace.outcomes(opened) == {"mapped": rows}
    assert _trace_all(opened, "measurement") == rows


def test_all_tables_that_rows_come_to_can_be_traced() -> None:
    for name, table in TABLES.items():
        if table.group not in ("vocabulary", "results"):
            assert key_of(name)


def test_a_quarantined_record_can_be_looked_at(tmp_path: Path) -> None:
    made = workspace.made(tmp_path / "ws", harbour.feeds(tmp_path / "packs", tmp_path / "in"))
    (tmp_path / "in" / "lis").mkdir(parents=True)
    (tmp_path / "in" / "his").mkdir()
    rows = ["R1,P1,V1,AFP,10,ng/mL,2024-03-01,2024-03-01 10:00:00,1-20", "R2,,V1,AFP,11,ng/mL,2024-03-01,,1-20", "R3"]
    harbour.write_csv(tmp_path / "in" / "lis" / "LIS_1.csv", [harbour.LIS_FILE, *(row.split(",") for row in rows)])
    ingest(made)
    waiting = {one.reason.split(":")[0]: one for one in lists.quarantine(made)}
    assert set(waiting) == {"no-person", "wrong-width"}
    for reason, row in (("no-person", rows[1]), ("wrong-width", rows[2])):
        found = Tracer(made).trace("record", waiting[reason].record_id)
        assert found.passage.text.rstrip() == row
        assert waiting[reason].example == f"LIS_1.csv at {found.passage.start}"


def test_what_was_not_read_at_all_is_named_and_not_shown(tmp_path: Path) -> None:
    made = workspace.made(tmp_path / "ws", harbour.feeds(tmp_path / "packs", tmp_path / "in"))
    (tmp_path / "in" / "his").mkdir(parents=True)
    (tmp_path / "in" / "lis").mkdir()
    (tmp_path / "in" / "lis" / "LIS_1.csv").write_bytes(b"PK\x03\x04 and nothing of a zip")
    (tmp_path / "in" / "lis" / "LIS_2.csv").write_bytes(b"")
    ingest(made)
    waiting = lists.quarantine(made)
    assert sorted(one.example for one in waiting) == ["LIS_1.csv", "LIS_2.csv"]
    for one in waiting:
        with pytest.raises(InputError, match="no record to show"):
            Tracer(made).trace("record", one.record_id)


def test_a_site_that_is_not_there_is_no_empty_list(opened: Workspace) -> None:
    with pytest.raises(InputError, match="there is no site 'nowhere' here"):
        lists.quarantine(opened, site="nowhere")
