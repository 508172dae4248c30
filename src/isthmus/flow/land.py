"""Deliveries are landed: bytes first, then the receipt, and only then success is told."""

import os
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from isthmus.base.clock import now
from isthmus.base.errors import InputError
from isthmus.base.identity import digest63
from isthmus.base.progress import Progress
from isthmus.flow.workspace import Feed, Site, Workspace
from isthmus.intake import sql
from isthmus.records.models import Receipt, Watermark
from isthmus.records.store import latest

GROUP = 256  # receipts kept in one transaction
HANDS = 4  # files landed at once: most of it is waiting for the disk
IGNORED = (".tmp", ".part", ".crdownload", ".swp", "~")


@dataclass(frozen=True, slots=True)
class Landed:
    """What became of the files of one feed."""

    feed: str
    delivered: int
    new: int
    repeated: int
    refused: tuple[str, ...]


def land(workspace: Workspace, site: Site, feed: Feed, progress: Progress) -> Landed:
    """Land every file of a feed's folder that has not come before.

    The same bytes from the same feed are the same delivery, whatever they are called: they give the receipt that they
    had, and no new rows. A file that cannot be read is named in `refused` and does not hold up the others.
    """
    if "://" in feed.source:
        return _land_database(workspace, site, feed, progress)
    known = workspace.records.delivered(site.name, feed.name)
    came, refused, receipts = len(known), list[str](), list[Receipt]()
    task = f"{site.name} {feed.name}: landing"
    files = list(files_of(feed))
    progress.start(task, total=len(files), unit="files")
    with ThreadPoolExecutor(HANDS) as hands:
        put = partial(_put, workspace, seen=frozenset(known.values()))
        for name, outcome in zip((name for name, _ in files), hands.map(put, (path for _, path in files)), strict=True):
            if isinstance(outcome, InputError):
                refused.append(str(outcome))
            elif outcome[0] not in known:
                receipts.append(_receipt(site, feed, name, *outcome))
                known[outcome[0]] = outcome[1]
            if len(receipts) == GROUP:
                _keep(workspace, receipts)
                receipts = []
            progress.advance(task)
    _keep(workspace, receipts)
    progress.finish(task)
    new = len(known) - came
    return Landed(feed.name, len(files), new, len(files) - new - len(refused), tuple(refused))


def _land_database(workspace: Workspace, site: Site, feed: Feed, progress: Progress) -> Landed:
    """Read what is new in a database's tables, and land it: one Parquet file a table is the delivery."""
    pack = workspace.pack(feed.pack)
    tables = [record for record in pack.records if record.kind]
    delivered = new = 0
    refused: list[str] = []
    task = f"{site.name} {feed.name}: reading tables"
    progress.start(task, total=len(tables), unit="tables")
    for record in tables:
        try:
            found = extract(workspace, site, feed, table=record.kind, watermark=record.format.get("watermark"))
        except InputError as error:
            refused.append(str(error))
        else:
            delivered, new = delivered + (found is not None), new + bool(found)
        progress.advance(task)
    progress.finish(task)
    return Landed(feed.name, delivered, new, delivered - new, tuple(refused))


def extract(workspace: Workspace, site: Site, feed: Feed, *, table: str, watermark: str | None) -> bool | None:
    """Land the rows of a table beyond its watermark; None when there are none, else whether they are new."""
    since = workspace.records.watermark(site.name, feed.name, table)
    draft = workspace.lake.staging / f"{table}.parquet"
    highest: Any = None
    writer: pq.ParquetWriter | None = None
    for rows in sql.rows_of(feed.source, table, watermark, since):
        writer = writer or pq.ParquetWriter(draft, rows.schema, compression="zstd")
        writer.write_table(rows)
        if watermark and watermark in rows.column_names:
            # In the column's own order: as text, 9 would be greater than 10.
            last = pa.compute.max(rows[watermark]).as_py()
            highest = max((one for one in (highest, last) if one is not None), default=None)
    if writer is None:
        return None
    writer.close()
    if watermark and since is not None and _only_known(workspace, site, feed, draft, watermark):
        return False
    known = workspace.records.delivered(site.name, feed.name)
    sha256, size = workspace.lake.landing.put(draft)
    if sha256 not in known:
        mark = since if highest is None else str(highest)
        marks = [] if mark is None else [Watermark(site=site.name, feed=feed.name, table=table, value=mark)]
        _keep(workspace, [_receipt(site, feed, f"{table}.parquet", sha256, size)], *marks)
    return sha256 not in known


def _only_known(workspace: Workspace, site: Site, feed: Feed, draft: Path, watermark: str) -> bool:
    """Whether the rows at the mark came again and nothing else: those with which the last reading ended."""
    last = latest(workspace.records, site.name, feed.name, draft.name)
    ends = pa.compute.min_max(pq.read_table(draft, columns=[watermark])[watermark])
    if last is None or ends["min"] != ends["max"]:
        return False
    former = pq.read_table(workspace.lake.landing.path(last.sha256), filters=pa.compute.field(watermark) == ends["max"])
    return bool(pq.read_table(draft).equals(former))


def files_of(feed: Feed) -> Iterator[tuple[str, Path]]:
    """Names (below the feed's folder, '/'-separated) and paths of its files, in the order of their names.

    Hidden files, links that lead out of the folder, and transfers under way are passed over.
    """
    root = Path(feed.source)
    if root.is_file():
        yield _readable(root.name), root
        return
    if not root.is_dir():
        raise InputError(f"the folder {root} of feed '{feed.name}' is not there. Mount it, or correct the site's file.")
    inside = root.resolve()
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        hidden = any(piece.startswith(".") for piece in name.split("/"))
        if hidden or name.endswith(IGNORED) or not path.is_file() or not path.resolve().is_relative_to(inside):
            continue
        yield _readable(name), path


def _readable(name: str) -> str:
    """The name as text that records can hold: UTF-8, else GB18030, else its odd bytes as `%FF`."""
    raw = os.fsencode(name)
    for encoding in ("utf-8", "gb18030"):
        with suppress(UnicodeDecodeError):
            return raw.decode(encoding)
    return re.sub(
        "[\udc80-\udcff]", lambda found: f"%{ord(found[0]) - 0xDC00:02X}", raw.decode("utf-8", "surrogateescape")
    )


def _put(workspace: Workspace, path: Path, *, seen: frozenset[int]) -> tuple[str, int] | InputError:
    """Land a file's bytes; one that cannot be landed must not hold up the others."""
    try:
        return workspace.lake.landing.put(path, seen=seen)
    except InputError as error:
        return error


def _receipt(site: Site, feed: Feed, name: str, sha256: str, size: int) -> Receipt:
    """The receipt of landed bytes, not yet kept."""
    return Receipt(
        receipt_id=digest63(site.name, feed.name, sha256), site=site.name, feed=feed.name, name=name, sha256=sha256,
        size=size, received_at=now(),
    )  # fmt: skip


def _keep(workspace: Workspace, receipts: Sequence[Receipt], *more: Watermark) -> None:
    """Keep receipts whose bytes are durable, in one transaction: only now have they arrived."""
    first = workspace.records.next_sequence(Receipt)
    for sequence, receipt in enumerate(receipts, first):
        receipt.sequence = sequence
    workspace.records.keep(receipts, *more)
