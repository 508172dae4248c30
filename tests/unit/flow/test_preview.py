"""What `site add` shows before anything is loaded, and what it refuses."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from isthmus.base.errors import InputError, PackError
from isthmus.flow import preview, start
from isthmus.flow.workspace import Feed, Site, Workspace
from lib import packs

LAB = """
== pack.yaml
pack: lab
order: [lab]
== lab.yaml
source: {files: ["LIS*.csv"]}
person: PID
into:
  - table: measurement
    when: VALUE <> ''
    set:
      measurement_date: date(DAY)
      measurement_concept_id: "3006923"
"""


@pytest.fixture
def opened(tmp_path: Path) -> Workspace:
    return start.new(tmp_path / "ws", synthetic=True)


def _site(tmp_path: Path, pack: str, **files: str) -> Site:
    (tmp_path / "in").mkdir()
    for name, content in files.items():
        (tmp_path / "in" / f"{name}.csv").write_text(content, encoding="utf-8")
    folder = packs.write(tmp_path / "packs", "lab", pack)
    return Site("east", "East", (Feed("lis", str(tmp_path / "in"), str(folder)),))


def test_a_file_that_no_record_reads_is_named(tmp_path: Path, opened: Workspace) -> None:
    site = _site(tmp_path, LAB, A="a,b\n1,2\n", LIS1="PID,DAY,VALUE\nP1,2024-01-02,3\n")
    assert [(one.record, one.file, one.note) for one in preview.samples(opened, site)] == [
        ("lab", "LIS1.csv", ""),
        ("", "A.csv", "no record of pack lab reads a file of this name; it would be kept and not mapped"),
    ]


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, opened: Workspace) -> None:
    site = _site(tmp_path, LAB, LIS1="")
    assert [one.note for one in preview.samples(opened, site)] == [
        "cannot be read: empty: the file has no bytes; ask the site whether the export ran"
    ]


def test_a_pack_that_cannot_be_used_is_an_error_and_no_silence(tmp_path: Path, opened: Workspace) -> None:
    site = _site(
        tmp_path, LAB.replace('"3006923"', "concept(ITEM, 'nowhere')"), LIS1="PID,DAY,VALUE,ITEM\nP1,2024-01-02,3,A\n"
    )
    with pytest.raises(PackError, match=r"lab/lab\.yaml:\d+: there is no code system 'nowhere'"):
        preview.samples(opened, site)


def test_a_guess_of_which_every_sample_is_quarantined_is_refused(tmp_path: Path, opened: Workspace) -> None:
    site = _site(tmp_path, LAB, LIS1="PID,VALUE\nP1,3\n")
    found = preview.samples(opened, site)
    assert not any(one.fits for one in found)
    with pytest.raises(InputError, match=r"not one sample record would be mapped \(missing columns: DAY\)"):
        preview.demand_fit(site, found)


def test_a_guess_that_maps_some_records_stands(tmp_path: Path, opened: Workspace) -> None:
    site = _site(tmp_path, LAB, LIS1="PID,DAY,VALUE\nP1,2024-01-02,3\nP1,unknown,3\n")
    preview.demand_fit(site, preview.samples(opened, site))


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("postgresql+psycopg://reader:secret@his:5432/his", "postgresql+psycopg://reader:***@his:5432/his"),
        ("sqlite:////data/his.db", "sqlite:////data/his.db"),
        ("/exports/a:b@c", "/exports/a:b@c"),
    ],
)
def test_the_password_of_a_database_is_not_shown(source: str, shown: str) -> None:
    assert Feed("his", source, "his").shown == shown


DATABASE = """
== pack.yaml
pack: his
format: {kind: sql}
order: [stay]
== stay.yaml
source: {kind: STAY}
key: ID
into:
  - table: reference
    set: {key: ID, pid: PID}
== lab.yaml
source: {kind: LAB, watermark: ID}
key: ID
person: look('stay', STAY, 'pid')
into:
  - table: measurement
    set: {measurement_date: date(DAY), measurement_source_value: ITEM}
== gone.yaml
source: {kind: GONE}
into:
  - table: measurement
    set: {measurement_date: date(DAY)}
"""


def test_a_database_is_shown_too(tmp_path: Path, opened: Workspace) -> None:
    with closing(sqlite3.connect(tmp_path / "his.db")) as connection, connection:
        connection.execute("CREATE TABLE STAY (ID integer, PID integer)")
        connection.execute("CREATE TABLE LAB (ID integer, STAY integer, DAY text, ITEM text)")
        connection.execute("INSERT INTO STAY VALUES (1, 7)")
        connection.execute("INSERT INTO LAB VALUES (1, 1, '2024-01-02', 'ALT')")
    folder = packs.write(tmp_path / "packs", "his", DATABASE)
    site = Site("east", "East", (Feed("his", f"sqlite:///{tmp_path / 'his.db'}", str(folder)),))
    stay, gone, lab = preview.samples(opened, site)
    assert (stay.file, stay.pairs[0][0]) == ("STAY", {"ID": 1, "PID": 7})
    assert "has no table 'GONE'" in gone.note
    (after,) = lab.pairs[0][1]
    assert after.values == {"reason": "no-person (look() finds nothing in a dry run)"}
