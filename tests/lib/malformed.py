"""Files as no system should write them, each with the reason that the quarantine must give."""

import gzip
import io
import os
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq

HEADER = b"number,patient,day,value\n"
LINES = b"".join(b"N%d,P%d,2024-03-05,value-%d\n" % (n, n, n) for n in range(200))
CSV = HEADER + LINES
MIB = 1 << 20
Maker = Callable[[Path], object]


def _zip(*members: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return out.getvalue()


def _tar(*members: tarfile.TarInfo, content: bytes = CSV) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for member in members:
            member.size = len(content) if member.isfile() else 0
            archive.addfile(member, io.BytesIO(content) if member.isfile() else None)
    return out.getvalue()


def _member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, link
    return member


def _encrypted() -> bytes:
    """A zip whose member says that it is encrypted, as the flag of its headers does."""
    content = bytearray(_zip(("a.csv", CSV)))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = content.index(mark) + at
        content[place : place + 2] = struct.pack("<H", struct.unpack_from("<H", content, place)[0] | 1)
    return bytes(content)


def zip_bomb(path: Path, size: int = 256 * MIB) -> None:
    """Over 1,000:1."""
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("a.csv", "w", force_zip64=True) as stream,
    ):
        for _ in range(size // MIB):
            stream.write(bytes(MIB))


def gz_bomb(path: Path, size: int = 256 * MIB) -> None:
    """Over 1,000:1."""
    with gzip.open(path, "wb") as stream:
        stream.write(HEADER)
        for _ in range(size // MIB):
            stream.write(b"a" * MIB)


def parquet_bomb(path: Path, rows: int = 60_000_000) -> None:
    """One int64 column of a constant, over 1,700:1."""
    table = pa.table({"number": pa.array(np.zeros(rows // 10, np.int64))})
    with pq.ParquetWriter(path, table.schema, compression="zstd") as writer:
        for _ in range(10):
            writer.write_table(table, row_group_size=rows)


def parquet(path: Path) -> None:
    """A sound one."""
    names = HEADER.decode().strip().split(",")
    values = [line.split(",") for line in LINES.decode().splitlines()]
    pq.write_table(pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in values]), path)


def workbook(path: Path) -> None:
    """A sound one."""
    book = openpyxl.Workbook()
    sheet: Any = book.active
    for line in CSV.decode().splitlines():
        sheet.append(line.split(","))
    book.save(path)


def cut(maker: Maker, share: float = 0.6) -> Maker:
    """What the maker makes, ended early."""

    def write(path: Path) -> None:
        maker(path)
        os.truncate(path, int(path.stat().st_size * share))

    return write


def long_line(path: Path, size: int) -> None:
    """One record that never ends."""
    with path.open("wb") as stream:
        stream.write(HEADER + b"N1,P1,2024-03-05,")
        for _ in range(size // MIB):
            stream.write(b"a" * MIB)


def _bytes(content: bytes | Callable[[], bytes]) -> Maker:
    """What is large is made when it is written."""
    return lambda path: path.write_bytes(content if isinstance(content, bytes) else content())


# name → (file name, how it is written, reasons that may be given; none: all of it is read)
CASES: dict[str, tuple[str, Maker, tuple[str, ...]]] = {
    "empty csv": ("x.csv", _bytes(b""), ("empty",)),
    "empty gz": ("x.csv.gz", _bytes(gzip.compress(b"")), ("empty",)),
    "no bytes in a gz": ("x.csv.gz", _bytes(b""), ("empty", "truncated", "damaged")),
    "no bytes in a zip": ("x.zip", _bytes(b""), ("empty", "truncated", "damaged")),
    "no member in a zip": ("x.zip", _bytes(_zip()), ("empty",)),
    "truncated csv": ("x.csv", _bytes(CSV[:-15]), ("wrong-width",)),
    "csv that ends in a quote": ("x.csv", _bytes(CSV + b'N9,P9,2024-03-05,"open\n'), ("truncated", "too-long", "wrong-width")),
    "truncated gz": ("x.csv.gz", cut(_bytes(gzip.compress(CSV * 50))), ("truncated", "damaged", "wrong-width", "measurement_date")),
    "truncated zip": ("x.zip", cut(_bytes(_zip(("a.csv", CSV * 50)))), ("truncated", "damaged")),
    "truncated tar": ("x.tar", cut(_bytes(_tar(_member("a.csv"), content=CSV * 50))), ("truncated", "damaged")),
    "truncated parquet": ("x.parquet", cut(parquet), ("truncated", "damaged")),
    "truncated xlsx": ("x.xlsx", cut(workbook), ("truncated", "damaged")),
    "truncated json": ("x.json", _bytes(b'{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient",'), ("truncated", "not-json")),
    "json that is none": ("x.json", _bytes(b"<html>not json</html>"), ("not-json", "not-resource", "binary")),
    "json as deep as a well": ("x.json", _bytes(b"[" * 200_000), ("not-json", "truncated", "not-resource")),
    "utf-16 without a mark": ("x.csv", _bytes(CSV.decode().encode("utf-16-le")), ()),
    "gb18030 with stray bytes": (
        "x.csv", _bytes(HEADER + "N1,P1,2024-03-05,肝癌检查结果\n".encode("gb18030") * 9 + b"N2,P2,2024-03-05,\xff\xff\xfe\n"),
        ("undecodable",),
    ),
    "garbage": ("x.csv", _bytes(np.random.default_rng(1).bytes(1 << 16)), ("binary", "undecodable")),
    "garbage named gz": ("x.csv.gz", _bytes(np.random.default_rng(2).bytes(1 << 16)), ("damaged", "binary", "undecodable")),
    "garbage named zip": ("x.zip", _bytes(np.random.default_rng(3).bytes(1 << 16)), ("damaged", "binary", "undecodable")),
    "garbage named parquet": ("x.parquet", _bytes(np.random.default_rng(4).bytes(1 << 16)), ("damaged", "truncated")),
    "garbage named xlsx": ("x.xlsx", _bytes(np.random.default_rng(5).bytes(1 << 16)), ("damaged", "unsupported")),
    "garbage named hl7": ("x.hl7", _bytes(np.random.default_rng(6).bytes(1 << 16)), ("binary", "undecodable", "no-segment", "no-header")),
    "missing columns": ("x.csv", _bytes(CSV.replace(b"patient", b"patience", 1)), ("missing-column",)),
    "a header alone": ("x.csv", _bytes(HEADER), ()),
    "NUL bytes": ("x.csv", _bytes(CSV + b"N8,P8,2024-03-05,a\0b\n"), ("binary", "undecodable")),
    "NUL bytes alone": ("x.csv", _bytes(bytes(1 << 16)), ("binary",)),
    "zip bomb": ("x.zip", zip_bomb, ("bomb",)),
    "gz bomb": ("x.csv.gz", gz_bomb, ("bomb", "too-long")),
    "bomb in a zip in a zip": ("x.zip", _bytes(lambda: _zip(("a.zip", _zip(("a.csv", bytes(200 * MIB)))))), ("bomb", "nested")),
    "parquet bomb": ("x.parquet", parquet_bomb, ("bomb",)),
    "a line of 100 MB": ("x.csv", lambda path: long_line(path, 100 * MIB), ("too-long",)),
    "a first line of 100 MB": ("x.csv", _bytes(lambda: b"a" * (100 * MIB)), ("too-long", "truncated")),
    "a line of 100 MB in json": ("x.json", _bytes(lambda: b'{"a": "' + b"a" * (100 * MIB) + b'"}'), ("too-long", "not-resource")),
    "a member above the archive": ("x.zip", _bytes(_zip(("../a.csv", CSV))), ("unsafe-name",)),
    "a member with an absolute name": ("x.zip", _bytes(_zip(("/etc/a.csv", CSV))), ("unsafe-name",)),
    "a member on another drive": ("x.zip", _bytes(_zip(("C:\\a.csv", CSV))), ("unsafe-name",)),
    "a tar member above the archive": ("x.tar", _bytes(_tar(_member("../../a.csv"))), ("unsafe-name",)),
    "a symbolic link": ("x.tar", _bytes(_tar(_member("a.csv", tarfile.SYMTYPE, "/etc/passwd"))), ("unsafe-name", "unsupported")),
    "a hard link": ("x.tar", _bytes(_tar(_member("a.csv", tarfile.LNKTYPE, "/etc/passwd"))), ("unsafe-name", "unsupported")),
    "a device": ("x.tar", _bytes(_tar(_member("a.csv", tarfile.CHRTYPE))), ("unsafe-name", "unsupported")),
    "a named pipe": ("x.tar", _bytes(_tar(_member("a.csv", tarfile.FIFOTYPE))), ("unsafe-name", "unsupported")),
    "an encrypted zip": ("x.zip", _bytes(_encrypted()), ("encrypted",)),
    "archives three deep": ("x.zip", _bytes(_zip(("a.zip", _zip(("b.zip", _zip(("a.csv", CSV))))))), ("nested",)),
}  # fmt: skip
