"""The check set run over an edition, once: its results are kept beside the edition, and compared with the former's."""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from isthmus.base.clock import now
from isthmus.base.errors import InputError
from isthmus.base.progress import Progress, Silence
from isthmus.cdm.tables import RENAMED_53, TABLES
from isthmus.flow.evaluation import evaluate
from isthmus.flow.schema import schema_of
from isthmus.flow.statement import listed, query
from isthmus.flow.workspace import Workspace
from isthmus.lake.edition import Edition
from isthmus.lake.engine import Engine
from isthmus.lake.footer import footers
from isthmus.quality.checks import catalogue
from isthmus.quality.checks.document import document
from isthmus.quality.checks.layout import Held, Layout, held
from isthmus.quality.checks.plan import Counts
from isthmus.quality.checks.verdict import Result

KEPT = pa.schema(
    [("check_id", pa.string()), ("violated", pa.int64()), ("of", pa.int64()), ("status", pa.string()),
     ("reason", pa.string())]
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Quality:
    """What the checks of a version of the CDM found in an edition; when that was computed, and how long it took.

    `results` are those of the dashboard's checks, then of our own. `site` '' stands for all sites together.
    """

    edition: Edition
    version: str
    results: Sequence[Result]
    computed_at: datetime
    seconds: float
    site: str = ""

    @property
    def dashboard(self) -> Sequence[Result]:
        """The results of the dashboard's checks."""
        return [one for one in self.results if one.check.type.level != catalogue.RULE]

    def counts(self) -> Mapping[tuple[str, str], int]:
        """How many checks by category and status."""
        return Counter((one.check.type.category, one.status) for one in self.results)

    def ids(self, status: str) -> set[str]:
        """The ids of the checks with a status."""
        return {one.check.check_id for one in self.results if one.status == status}


def quality(
    workspace: Workspace,
    *,
    edition: int | None = None,
    version: str | None = None,
    site: str = "",
    progress: Progress | None = None,
) -> Quality:
    """The results of an edition (the current one by default), computed if they are not kept yet.

    `site`: of its rows alone. `version` of the CDM is 5.3 or 5.4; by default what the edition's sources say that they
    are (`version_of`). Raises InputError before the first edition.
    """
    chosen = workspace.lake.editions.current() if edition is None else workspace.lake.editions.get(edition)
    if chosen is None:
        raise InputError("nothing is published yet, so there is nothing to check. Run `isthmus ingest` first.")
    if site:
        workspace.site(site)
    version = version or version_of(workspace, chosen, site)
    name = f"quality-{version}-{catalogue.digest(version)[:12]}" + (f"-site-{site}" if site else "")
    kept = workspace.lake.editions.kept(chosen, name)
    if kept is not None:
        return _read(kept, chosen, version, site)
    began, ticks = now(), perf_counter()
    results = _computed(workspace, chosen, version, site, progress or Silence())
    found = Quality(chosen, version, results, began, round(perf_counter() - ticks, 3), site)
    with suppress(OSError):  # where only reading is allowed, they are computed again the next time
        workspace.lake.editions.keep(chosen, name, _written(found))
    return found


def judged(workspace: Workspace, edition: Edition, version: str, site: str = "") -> Quality:
    """The results of an edition, published or not; computed anew, and not kept."""
    began, ticks = now(), perf_counter()
    results = _computed(workspace, edition, version, site, Silence())
    return Quality(edition, version, results, began, round(perf_counter() - ticks, 3), site)


def former(workspace: Workspace, found: Quality, *, progress: Progress | None = None) -> Quality | None:
    """The results of the edition before, by the same version of the CDM; None where it was the first."""
    if found.edition.number - 1 not in workspace.lake.editions.numbers():
        return None
    number = found.edition.number - 1
    return quality(workspace, edition=number, version=found.version, site=found.site, progress=progress)


def told(workspace: Workspace, found: Quality) -> dict[str, Any]:
    """Results in the JSON form of the OHDSI Data Quality Dashboard."""
    rows = sources(workspace, found.edition)
    first = {_camel(name): str(value) for name, value in rows[0].items() if value is not None} if rows else {}
    metadata = {
        "cdmSourceName": workspace.root.resolve().name, "cdmSourceAbbreviation": workspace.root.resolve().name,
        "cdmVersion": found.version, **(first if len(rows) == 1 else {}), "edition": found.edition.name,
    }  # fmt: skip
    ended = found.computed_at + timedelta(seconds=found.seconds)
    return document(found.results, metadata, started=found.computed_at, ended=ended)


def version_of(workspace: Workspace, edition: Edition, site: str = "") -> str:
    """The version that an edition is judged by: 5.3 where every source in `cdm_source` says so, else 5.4.

    A CDM 5.3 that was attached has its columns under their names of 5.4, but it was filled by the rules of 5.3.
    """
    said = {str(row["cdm_version"] or "") for row in sources(workspace, edition, site)}
    return "5.3" if said and all("5.3" in one for one in said) else "5.4"


def sources(workspace: Workspace, edition: Edition, site: str = "") -> list[dict[str, Any]]:
    """The rows of an edition's `cdm_source`, without where they came from."""
    names = [column.name for column in TABLES["cdm_source"].columns]
    with workspace.lake.engine() as engine:
        files = files_of(workspace, edition, "cdm_source", site)
        engine.view("cdm_source", files, empty=schema_of("cdm_source"))
        rows: list[dict[str, Any]] = engine.rows(query(f"SELECT {listed(names)} FROM cdm_source")).to_pylist()
        return rows


def measured(files: Sequence[Path], schema: pa.Schema) -> Held:
    """A table as its Parquet files tell it: its rows, and what their footers say of nulls and ranges."""
    told = footers(files, schema)
    return held(schema, told.rows, nulls=told.nulls, ranges=told.ranges)


def view(engine: Engine, name: str, files: Sequence[Path], schema: pa.Schema, version: str = "5.4") -> Held:
    """Make a table of the lake readable to an engine under the names of a version of the CDM."""
    there = measured(files, schema)
    renamed = {new: old for (table, old), new in RENAMED_53.items() if table == name and version == "5.3"}
    if not renamed:
        engine.view(name, files, empty=schema)
        return there
    engine.view(f"{name}_54", files, empty=schema)
    named = ", ".join(f'"{new}" AS "{old}"' for new, old in renamed.items())
    engine.create_view(name, query(f'SELECT * RENAME ({named}) FROM "{name}_54"'))
    return there.renamed(renamed)


def day_of(edition: Edition) -> date:
    """Today, for limits that move with the day: an edition's is the day of its publishing, so its result is one."""
    return date.fromisoformat(str(edition.body["published_at"])[:10])


def views(engine: Engine, workspace: Workspace, edition: Edition, version: str, site: str = "") -> Layout:
    """Make all tables of an edition readable to an engine, under the names of a version of the CDM.

    `site`: of its rows alone; the vocabulary is everyone's.
    """
    return {
        name: view(engine, name, files_of(workspace, edition, name, site), schema_of(name), version) for name in TABLES
    }


def files_of(workspace: Workspace, edition: Edition, table: str, site: str = "") -> list[Path]:
    """The files of a table, of one site (and of none) or of all."""
    return [workspace.lake.root / one.path for one in edition.files(table) if not site or one.site in (None, site)]


def _computed(workspace: Workspace, edition: Edition, version: str, site: str, progress: Progress) -> list[Result]:
    with workspace.lake.engine() as engine:
        layout = views(engine, workspace, edition, version, site)
        return evaluate(engine, layout, version, day_of(edition), progress=progress)


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.title() for word in others)


def _written(found: Quality) -> bytes:
    rows = [
        {"check_id": one.check.check_id, "violated": one.counts.violated if one.counts else None,
         "of": one.counts.of if one.counts else None, "status": one.status, "reason": one.reason}
        for one in found.results
    ]  # fmt: skip
    told = {"computed_at": found.computed_at.isoformat(), "seconds": f"{found.seconds:.3f}"}
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows, KEPT.with_metadata(told)), sink, compression="zstd")
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _read(content: bytes, edition: Edition, version: str, site: str) -> Quality:
    known = {check.check_id: check for check in (*catalogue.checks(version), *catalogue.rules(version))}
    table = pq.read_table(pa.BufferReader(content))
    told = table.schema.metadata
    results = [
        Result(known[row["check_id"]], None if row["of"] is None else Counts(row["violated"], row["of"]),
               row["status"], row["reason"])
        for row in table.to_pylist()
    ]  # fmt: skip
    began = datetime.fromisoformat(told[b"computed_at"].decode())
    return Quality(edition, version, results, began, float(told[b"seconds"]), site)
