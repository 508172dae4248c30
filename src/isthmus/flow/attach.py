"""An existing OMOP CDM becomes a site of the workspace, as it is."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from isthmus.base.durable import replaced, sha256_of
from isthmus.base.errors import InputError
from isthmus.base.progress import Progress
from isthmus.cdm.tables import TABLES
from isthmus.flow import vocabulary
from isthmus.flow.ingest import Report, ingest
from isthmus.flow.keys import repeated
from isthmus.flow.land import files_of
from isthmus.flow.workspace import Feed, Site, Workspace
from isthmus.intake import formats
from isthmus.intake.record import Batch, Format, Part
from isthmus.mapping import omop


def attach(
    workspace: Workspace, folder: Path, *, name: str, title: str = "", progress: Progress | None = None
) -> Report:
    """Register the CDM (5.3 or 5.4, Parquet or CSV) in a folder as a site, load its vocabulary, and ingest it.

    The first CDM attached keeps the ids of its rows, so that results stay comparable with those of other tools on the
    same data; a further one gets derived ids, for two CDMs count from one each. Ids that the CDM itself repeats are
    kept, and named in the report's notes. Raises InputError when the folder holds no CDM.
    """
    people = [file for file, _ in files_of(Feed("omop", str(folder), "")) if stem_of(file) == "person"]
    if not people:
        raise InputError(f"{folder} holds no OMOP CDM: there is no person.parquet or person.csv in it.")
    kind = "parquet" if people[0].lower().endswith(".parquet") else "csv"
    pack = f"{name}-omop"
    kept = not any(feed.name == "omop" for site in workspace.sites() if site.name != name for feed in site.feeds)
    for file, content in omop.files(name, ids_kept=kept, kind=kind).items():
        path = workspace.root / "packs" / pack / file
        if not path.exists():
            with replaced(path) as stream:
                stream.write(content.encode())
    site = Site(name, title or name, (Feed("omop", str(folder.resolve()), pack),))
    workspace.keep_site(site)
    with workspace.lake.writing():
        for table in vocabulary.VOCABULARY:
            for file, path in files_of(site.feeds[0]):
                if stem_of(file) == table:
                    batch = f"v{sha256_of(path)[:16]}"
                    vocabulary.keep(workspace.lake, {table: _batches(table, path)}, batch=batch)
    report = ingest(workspace, sites=[name], progress=progress)
    if report.edition is not None:
        report.notes += [str(one) for one in repeated(workspace, report.edition) if one.site == name]
    return report


def stem_of(file: str) -> str:
    """The table that a file of this name holds: `PERSON.csv.gz` → `person`."""
    return file.rsplit("/", 1)[-1].split(".", 1)[0].lower()


def _batches(table: str, path: Path) -> pa.RecordBatchReader:
    schema = TABLES[table].schema
    text = pa.schema([(field.name, pa.string()) for field in schema])
    return pa.RecordBatchReader.from_batches(text, _texts(path, text))


def _texts(path: Path, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """The file's rows as text under the CDM's lower-case names; absent columns are null."""
    for rows in _tables(path):
        named = {name.lower(): rows.column(name) for name in rows.column_names}
        columns = [
            named[name].cast(pa.string()) if name in named else pa.nulls(rows.num_rows, pa.string())
            for name in schema.names
        ]
        yield from pa.table(columns, schema=schema).to_batches()


def _tables(path: Path) -> Iterator[pa.Table]:
    if path.suffix == ".parquet":
        for batch in pq.ParquetFile(path).iter_batches():
            yield pa.Table.from_batches([batch])
        return
    part = Part(path.name, lambda: path.open("rb"), path.stat().st_size)
    for item in formats.read(part, Format("csv", {})):
        if isinstance(item, Batch):
            yield item.rows
