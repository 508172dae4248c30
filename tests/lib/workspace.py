"""Workspaces for tests: made, loaded, and read without going through the gate."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from isthmus.flow import start
from isthmus.flow.ingest import Report, ingest
from isthmus.flow.schema import schema_of
from isthmus.flow.workspace import Feed, Site, Workspace
from isthmus.lake.edition import Edition
from lib.copies import copied

SITE = "h01"


def empty(root: Path, *, synthetic: bool) -> Workspace:
    """A new workspace without a site."""

    def make(folder: Path) -> None:
        start.new(folder, synthetic=synthetic)

    copied(("empty", synthetic), make, root)
    return Workspace(root)


def made(root: Path, feeds: Mapping[str, tuple[Path, str | Path]], *, site: str = SITE) -> Workspace:
    """A new workspace of invented patients with one site: name of feed → (folder, name or folder of the pack)."""
    opened = empty(root, synthetic=True)
    add(opened, feeds, site=site)
    return opened


def add(opened: Workspace, feeds: Mapping[str, tuple[Path, str | Path]], *, site: str = SITE) -> None:
    """Register a site."""
    opened.keep_site(
        Site(
            site, "A test hospital", tuple(Feed(name, str(folder), str(pack)) for name, (folder, pack) in feeds.items())
        )
    )


def loaded(tmp_path: Path, feeds: Mapping[str, tuple[Path, str | Path]]) -> tuple[Workspace, Report]:
    """A workspace below `tmp_path`, with what the feeds hold ingested."""
    opened = made(tmp_path / "ws", feeds)
    report = ingest(opened)
    assert not report.failed, report.failed
    return opened, report


def read(opened: Workspace, table: str, *, edition: Edition | None = None) -> pa.Table:
    """A table of an edition (the newest by default) with its column `site`."""
    found = edition or opened.lake.editions.current()
    assert found is not None
    schema = schema_of(table)
    pieces = []
    for file in found.files(table):
        piece = pq.ParquetFile(opened.lake.root / file.path).read()
        if "site" in schema.names:
            piece = piece.append_column("site", pa.array([file.site] * piece.num_rows, pa.string()))
        pieces.append(piece.select(schema.names).cast(schema))
    return pa.concat_tables(pieces) if pieces else schema.empty_table()


def rows(opened: Workspace, table: str, *, edition: Edition | None = None) -> list[dict[str, Any]]:
    """The same as a list of dicts."""
    listed: list[dict[str, Any]] = read(opened, table, edition=edition).to_pylist()
    return listed


def outcomes(opened: Workspace, *, kind: str | None = None) -> dict[str, int]:
    """How many records of the ledger met which outcome."""
    counts: dict[str, int] = {}
    for row in rows(opened, "record"):
        if kind in (None, row["kind"]):
            counts[row["outcome"]] = counts.get(row["outcome"], 0) + 1
    return counts


def content(opened: Workspace, *, without: frozenset[str] = frozenset()) -> dict[str, list[tuple[str, ...]]]:
    """Every row of every table that came from a site, as sorted text: the state of a lake, whatever its files."""
    edition = opened.lake.editions.current()
    assert edition is not None
    state = {}
    for table in edition.tables():
        names = [name for name in schema_of(table).names if name not in without]
        if "part_id" not in schema_of(table).names:
            continue
        state[table] = sorted(tuple(repr(row[name]) for name in names) for row in rows(opened, table, edition=edition))
    return state


ORIGIN = frozenset({"part_id", "place", "mapping_id"})
