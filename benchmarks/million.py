"""The pages of a workspace with a million persons: what the first reader of an edition waits for, and the next.

The tables are written as Parquet by the engine and published as any edition is; receipts and parts say where they came
from. Persons have 20 results each at two hospitals, and every result has its line in `record`.
"""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.calling import took
from benchmarks.claim import Bench, Row
from benchmarks.gate import EACH, GIVEN, SITES, TYPES
from benchmarks.workbench import COUNTING, peak, served
from isthmus.base.clock import now
from isthmus.base.durable import sha256_of
from isthmus.flow import start
from isthmus.flow.schema import schema_of
from isthmus.flow.workspace import Feed, Site, Workspace
from isthmus.lake.delta import DataFile
from isthmus.records.models import Batch, Part, Receipt

PAGES = ("/", "/quality", "/requests")
LIMIT = 0.3
PATIENCE = 120.0  # seconds that checks and findings are waited for
RECORD = {
    "record_id": "i", "part_id": "{part}", "place": "i", "kind": "'result'", "outcome":
    "CASE WHEN hash(i) % 500 = 0 THEN 'quarantined' ELSE 'mapped' END", "reason":
    "CASE WHEN hash(i) % 500 = 0 THEN 'unit is missing' END", "mapping_id": "1",
}  # fmt: skip
TABLES = {**GIVEN, "record": RECORD}


def make(root: str, persons: int) -> dict[str, Any]:
    """The job: a workspace of invented patients with an edition of so many."""
    opened = start.new(Path(root), synthetic=True)
    edition = opened.lake.editions.current()
    assert edition is not None
    for number, site in enumerate(SITES):
        opened.keep_site(Site(site, site.title(), (Feed("lab", f"/exports/{site}", "generic"),)))
        _received(opened, site, number, persons * EACH // len(SITES))
    tables = {name: (body["version"], edition.files(name)) for name, body in edition.body["tables"].items()}
    for table in TABLES:
        rows = persons if table == "person" else persons * EACH
        tables[table] = 0, list(_written(opened.lake.root, table, rows, persons))
    notes = {name: edition.body[name] for name in ("isthmus", "cdm", "published_at")}
    made = opened.lake.editions.publish(tables, batches=SITES, notes=notes)
    opened.records.published(SITES, made.number, made.digest)
    return {"edition": made.number}


def look(root: str) -> dict[str, Any]:
    """The job: serve it, and look at its pages for the first time and again."""
    with served(Path(root)) as (address, process), httpx.Client(base_url=address, timeout=600) as web:
        began = time.perf_counter()
        while True:
            try:
                web.get("/static/none")
                break
            except httpx.ConnectError:
                time.sleep(0.1)
        ready = time.perf_counter() - began
        first = {page: _timed(web, page) for page in PAGES}
        while COUNTING in web.get("/quality").text and time.perf_counter() - began < PATIENCE:
            time.sleep(1)
        settled = time.perf_counter() - began
        before = took([process])
        again = {page: max(_timed(web, page) for _ in range(20)) for page in PAGES}
        cpu, memory = (took([process]) - before) / (20 * len(PAGES)), peak(process)
    return {"ready": ready, "first": first, "settled": settled, "again": again, "cpu": cpu, "memory": memory}


def million(bench: Bench) -> Iterator[Row]:
    """The first look at an edition after the server has begun, and later ones."""
    persons, root = bench.pick(20_000, 1_000_000), str(bench.folder / "ws")
    bench.job(f"{persons:,} persons", "million.make", root=root, persons=persons)
    found = bench.job("pages of them", "million.look", root=root).found
    for name, said in (("first", "pages at first"), ("again", "pages, the slowest of 20")):
        worst = max(found[name].values())
        note = ", ".join(f"{page} {one:.3f} s" for page, one in found[name].items())
        yield Row(said, f"{persons:,} persons", f"{worst:.3f} s", limit=f"≤ {LIMIT:g} s", holds=worst <= LIMIT,
                  memory=found["memory"], cpu=f"{found['cpu'] * 1000:.1f} ms each" if name == "again" else "",
                  note=f"{note}; checks and findings were counted after {found['settled']:.0f} s")  # fmt: skip


def _timed(web: httpx.Client, page: str) -> float:
    began = time.perf_counter()
    web.get(page, headers={"Accept": "text/html"}).raise_for_status()
    return time.perf_counter() - began


def _received(opened: Workspace, site: str, number: int, rows: int) -> None:
    """A delivery of a site, and what became of it."""
    receipt = Receipt(
        receipt_id=number + 1, site=site, feed="lab", name="results.csv", sha256=f"{number:064x}", size=rows * 60,
        received_at=now(), sequence=number + 1, batch_id=None,
    )  # fmt: skip
    opened.records.keep([receipt])
    batch = Batch(
        batch_id=site, site=site, sequence=number + 1, state="open", replays=None, mappings={}, mapping_ids={},
        opened_at=now(), edition=None,
    )  # fmt: skip
    opened.records.open_batch(batch, [receipt])
    wrong = rows // 500
    part = Part(part_id=number + 1, receipt_id=number + 1, batch_id=site, member="results.csv", format="csv",
                options={}, account={"result": {"mapped": rows - wrong, "quarantined": wrong}})  # fmt: skip
    opened.records.staged(site, [part])


def _written(root: Path, table: str, count: int, persons: int) -> Iterator[DataFile]:
    fields = [field for field in schema_of(table) if field.name != "site"]
    with duckdb.connect(config={"memory_limit": "2GB", "threads": 2}) as connection:
        for number, site in enumerate(SITES):
            folder = root / table / f"site={site}"
            folder.mkdir(parents=True)
            connection.execute(
                f"COPY (SELECT {_columns(table, fields, persons, number + 1)} "
                f"FROM range({count * number // len(SITES)}, {count * (number + 1) // len(SITES)}) r(i)) "
                f"TO '{folder}/made.parquet' (FORMAT parquet, COMPRESSION zstd)"
            )
            path = (folder / "made.parquet").rename(folder / f"{sha256_of(folder / 'made.parquet')}.parquet")
            held = pq.read_metadata(path).num_rows
            yield DataFile(table, path.relative_to(root).as_posix(), site, held, path.stat().st_size)


def _columns(table: str, fields: Sequence[pa.Field], persons: int, part: int) -> str:
    said = {name: one.format(persons=persons, part=part) for name, one in TABLES[table].items()}
    said["part_id"] = str(part)
    kinds = (TYPES.get(str(one.type), "TIMESTAMP") for one in fields)
    return ", ".join(
        f"CAST({said.get(one.name, 'NULL')} AS {kind}) AS {one.name}" for one, kind in zip(fields, kinds, strict=True)
    )
