"""Proper files with some bytes changed, cut out or doubled: reading ends in rows, rejects or one sentence."""

import gzip
import io
import json
import sqlite3
import tarfile
import zipfile
from functools import cache
from pathlib import Path

import openpyxl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from isthmus.base.errors import IsthmusError
from isthmus.intake.archive import members
from isthmus.intake.formats import READERS, locate
from isthmus.intake.record import PLACE, Batch, Format, Part

PATIENT = {"resourceType": "Patient", "id": "p", "name": [{"text": '王 "小明" \\ {'}]}
MESSAGE = "MSH|^~\\&|LIS|甲|||20240102||ORU^R01|M1|P|2.5\rPID|1||P1\rOBR|1\rOBX|1|NM|ALT||5\r"
TABLE = '病人ID,结果,单位\r\nP1,"5,2",μmol/L\r\nP2,"a\r\nb",g/L\r\n'


@cache
def samples() -> dict[str, tuple[str, bytes]]:
    bundle = {"resourceType": "Bundle", "entry": [{"resource": PATIENT}, {"resource": PATIENT}]}
    return {
        "csv": ("csv", TABLE.encode("gb18030")),
        "csv utf-16": ("csv", TABLE.encode("utf-16")),
        "bundle": ("fhir", json.dumps(bundle, indent=1, ensure_ascii=False).encode()),
        "ndjson": ("fhir", b"\n".join([json.dumps(PATIENT).encode()] * 3)),
        "hl7v2": ("hl7v2", (MESSAGE * 2).encode()),
        "hl7v2 json": ("hl7v2", b"\n".join([json.dumps({"message": MESSAGE}).encode()] * 2)),
        "xlsx": ("xlsx", workbook()),
        "parquet": ("parquet", table()),
        "sqlite": ("sql", database()),
    }


def workbook() -> bytes:
    out = io.BytesIO()
    book = openpyxl.Workbook()
    for row in (["a", "b"], [1, "x"], [2.5, None]):
        book.active.append(row)
    book.save(out)
    return out.getvalue()


def table() -> bytes:
    out = io.BytesIO()
    parquet.write_table(pa.table({"a": [1, 2, 3], "b": ["x", "y", None]}), out)
    return out.getvalue()


def database() -> bytes:
    connection = sqlite3.connect(":memory:")
    connection.executescript("create table t (a integer, b text); insert into t values (1, 'x'), (2, null);")
    data = connection.serialize()
    connection.close()
    return data


@cache
def archives() -> dict[str, bytes]:
    zipped, tarred = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("a/b.csv", TABLE)
        packed.writestr("c.gz", gzip.compress(TABLE.encode()))
    with tarfile.open(fileobj=tarred, mode="w") as taped:
        for name in ("a.csv", "b.csv"):
            entry = tarfile.TarInfo(name)
            entry.size = len(TABLE.encode())
            taped.addfile(entry, io.BytesIO(TABLE.encode()))
    return {"zip": zipped.getvalue(), "tar": tarred.getvalue(), "tar.gz": gzip.compress(tarred.getvalue())}


@st.composite
def changed(draw: st.DrawFn, data: bytes) -> bytes:
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        to = min(len(data), at + draw(st.integers(0, 8)))
        piece = draw(
            st.binary(max_size=4) | st.sampled_from([b'"', b"\n", b"\r", b"{", b"}", b"\\", b"|", data[at:to] * 2])
        )
        data = data[:at] + piece + data[to:]
    return data[: draw(st.integers(0, len(data)))] if draw(st.booleans()) else data


@pytest.mark.parametrize("name", list(samples()))
@given(data=st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_changed_file_never_surprises(name: str, data: st.DataObject) -> None:
    kind, proper = samples()[name]
    bytes_ = data.draw(changed(proper))
    part, fmt = Part("changed", lambda: io.BytesIO(bytes_), len(bytes_)), Format(kind)
    places: list[int] = []
    try:
        for item in READERS[kind](part, fmt):
            if isinstance(item, Batch):
                places += item.rows.column(PLACE).to_pylist()
            else:
                assert item.place >= 0 and item.length >= 0
        assert len(set(places)) == len(places)
        for place in places:
            assert locate(part, fmt, place).start == place
    except IsthmusError:
        pass


@pytest.mark.parametrize("name", list(archives()))
@given(data=st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_changed_archive_never_surprises(name: str, data: st.DataObject, tmp_path: Path) -> None:
    path = tmp_path / "changed"
    path.write_bytes(data.draw(changed(archives()[name])))
    for item in members(path):
        if isinstance(item, Part):
            try:
                with item.open() as content:
                    while content.read(1 << 16):
                        pass
            except IsthmusError:
                continue
