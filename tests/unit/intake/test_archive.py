"""Rules of archives: what is opened, what is refused."""

import gzip
import io
import os
import tarfile
import zipfile
from pathlib import Path

import openpyxl
import pytest

from isthmus.base.errors import Unreadable
from isthmus.intake import archive
from isthmus.intake.archive import members, safe_name
from isthmus.intake.formats import read
from isthmus.intake.record import Batch, Format, Part, Reject

TABLE = b"a,b\n1,2\n"


def zipped(*files: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files:
            packed.writestr(name, content)
    return out.getvalue()


def tarred(*files: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as packed:
        for name, content in files:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            packed.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def opened(tmp_path: Path, data: bytes, name: str = "delivered") -> tuple[dict[str, bytes], list[Reject]]:
    path = tmp_path / name
    path.write_bytes(data)
    contents: dict[str, bytes] = {}
    rejects: list[Reject] = []
    for item in list(members(path)):
        if isinstance(item, Part):
            for _ in range(2):  # a part can be read again
                with item.open() as content:
                    contents[item.name] = content.read()
        else:
            rejects.append(item)
    return contents, rejects


def test_a_plain_file_is_its_own_part(tmp_path: Path) -> None:
    assert opened(tmp_path, TABLE, "lab.csv") == ({"lab.csv": TABLE}, [])


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("day.zip", zipped(("x/lab.csv", TABLE), ("b.json", b"{}"))),
        ("day.tar", tarred(("x/lab.csv", TABLE), ("b.json", b"{}"))),
        ("day.tar.gz", gzip.compress(tarred(("x/lab.csv", TABLE), ("b.json", b"{}")))),
        ("day.tgz", gzip.compress(tarred(("x/lab.csv", TABLE), ("b.json", b"{}")))),
    ],
    ids=["zip", "tar", "tar.gz", "tgz"],
)
def test_the_members_of_an_archive_are_parts(tmp_path: Path, name: str, data: bytes) -> None:
    assert opened(tmp_path, data, name) == ({"x/lab.csv": TABLE, "b.json": b"{}"}, [])


def test_a_compressed_file_loses_its_ending(tmp_path: Path) -> None:
    assert opened(tmp_path, gzip.compress(TABLE), "lab.csv.gz") == ({"lab.csv": TABLE}, [])


def test_an_archive_may_hold_archives_but_those_no_further_ones(tmp_path: Path) -> None:
    inner = zipped(("deep.csv", TABLE), ("deeper.gz", gzip.compress(TABLE)))
    for data in (zipped(("in.zip", inner), ("c.csv.gz", gzip.compress(TABLE))), tarred(("in.zip", inner))):
        contents, rejects = opened(tmp_path, data)
        assert contents["in.zip/deep.csv"] == TABLE
        assert [reject.reason for reject in rejects] == ["nested"]
    assert opened(tmp_path, zipped(("in.tar", tarred(("a", TABLE)))))[0] == {"in.tar/a": TABLE}
    assert opened(tmp_path, tarred(("in.tar", tarred(("a", TABLE)))))[0] == {"in.tar/a": TABLE}


@pytest.mark.parametrize(
    "name", ["../evil", "a/../../evil", "/etc/passwd", "C:\\evil", "..\\evil", "\\\\host\\evil", "a\nb", "\x1bx"]
)
def test_a_name_that_points_outside_is_refused(tmp_path: Path, name: str) -> None:
    assert safe_name(name) is None
    contents, rejects = opened(tmp_path, zipped((name, b"x"), ("good", TABLE)))
    assert (contents, [reject.reason for reject in rejects]) == ({"good": TABLE}, ["unsafe-name"])


def test_links_are_refused(tmp_path: Path) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as packed:
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        packed.addfile(link)
    assert [reject.reason for reject in opened(tmp_path, out.getvalue())[1]] == ["unsafe-name"]
    symbolic = zipfile.ZipInfo("link")
    symbolic.external_attr = 0o120777 << 16
    assert [reject.reason for reject in opened(tmp_path, zipped((symbolic, b"/etc/passwd")))[1]] == ["unsafe-name"]


def test_names_written_by_chinese_windows_are_read(tmp_path: Path) -> None:
    data = zipped(("four.csv", TABLE)).replace(b"four.csv", "检验".encode("gb18030") + b".csv")
    assert opened(tmp_path, data) == ({"检验.csv": TABLE}, [])


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name_are_told_apart(tmp_path: Path) -> None:
    assert opened(tmp_path, zipped(("a", b"1"), ("a", b"2")))[0] == {"a": b"1", "a (2)": b"2"}


def test_a_member_with_a_password_is_rejected(tmp_path: Path) -> None:
    data = bytearray(zipped(("secret.csv", TABLE)))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + offset] |= 1
    assert [reject.reason for reject in opened(tmp_path, bytes(data))[1]] == ["encrypted"]


def test_bombs_are_refused(tmp_path: Path) -> None:
    zeros = bytes(80 << 20)
    assert [reject.reason for reject in opened(tmp_path, zipped(("bomb", zeros)))[1]] == ["bomb"]
    for data in (gzip.compress(zeros), tarred(("a.gz", gzip.compress(zeros)))):
        path = tmp_path / "bomb.gz"
        path.write_bytes(data)
        part = next(item for item in members(path) if isinstance(item, Part))
        with pytest.raises(Unreadable) as error, part.open() as content:
            while content.read(1 << 20):
                pass
        assert error.value.reason == "bomb"


def test_a_workbook_is_no_archive(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    openpyxl.Workbook().save(path)
    assert [item.name for item in members(path) if isinstance(item, Part)] == ["book.xlsx"]


def test_a_compressed_file_that_breaks_off_gives_its_beginning(tmp_path: Path) -> None:
    rows = b"".join(b"%d,%s\n" % (number, os.urandom(8).hex().encode()) for number in range(20_000))
    path = tmp_path / "lab.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\n" + rows)[:-5_000])
    part = next(iter(members(path)))
    assert isinstance(part, Part)
    items = list(read(part, Format("csv")))
    assert sum(item.rows.num_rows for item in items if isinstance(item, Batch)) > 15_000
    assert [item.reason for item in items if isinstance(item, Reject)] == ["truncated"]


@pytest.mark.parametrize(
    "data",
    [
        zipped(("a", TABLE))[:-20],
        tarred(("a", TABLE), ("b", bytes(2000)))[:2000],
        gzip.compress(tarred(("a", os.urandom(40_000)), ("b", TABLE)))[:-2000],
        b"\x1f\x8b\x08\x00 and then garbage of some length",
    ],
    ids=["zip", "tar", "tar.gz", "gz"],
)
def test_a_broken_archive_is_told(tmp_path: Path, data: bytes) -> None:
    rejects = opened(tmp_path, data)[1]
    assert rejects
    assert {reject.reason for reject in rejects} <= {"damaged", "truncated"}


def test_one_member_is_found_by_name(tmp_path: Path) -> None:
    path = tmp_path / "day.zip"
    path.write_bytes(zipped(("a", b"1"), ("b", b"2")))
    with archive.member(path, "b").open() as content:
        assert content.read() == b"2"
    with pytest.raises(Unreadable):
        archive.member(path, "c")
