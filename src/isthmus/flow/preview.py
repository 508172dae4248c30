"""A dry run: what a site's mapping makes of the first records of each kind, without keeping anything."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from isthmus.base.errors import InputError
from isthmus.flow import vocabulary
from isthmus.flow.feed import format_of
from isthmus.flow.land import files_of
from isthmus.flow.statement import query
from isthmus.flow.workspace import Feed, Site, Workspace
from isthmus.intake import archive, formats
from isthmus.intake.record import Batch, Part
from isthmus.lake.engine import Engine
from isthmus.mapping.pack import Pack, Record
from isthmus.mapping.plan import Place, plan

RECORDS = 2


@dataclass(frozen=True, slots=True)
class After:
    """A row that a record would become, or why it would go into quarantine."""

    table: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sample:
    """Some records of one kind, each with the rows it would become."""

    feed: str
    record: str
    file: str
    pairs: Sequence[tuple[Mapping[str, Any], Sequence[After]]]


def samples(workspace: Workspace, site: Site) -> list[Sample]:
    """Before and after, for the first records of every kind that the feeds of a site hold."""
    found = []
    with workspace.lake.engine() as engine:
        for feed in site.feeds:
            if "://" not in feed.source:
                pack = workspace.pack(feed.pack)
                vocabulary.ready(engine, pack, vocabulary.files_of(workspace.lake))
                found += list(_of_feed(engine, site, feed, pack))
    return found


def _of_feed(engine: Engine, site: Site, feed: Feed, pack: Pack) -> Iterator[Sample]:
    seen: set[str] = set()
    for name, path in files_of(feed):
        if len(seen) == len(pack.records):
            return
        for part in archive.members(path, name):
            fmt = format_of(pack, part.name) if isinstance(part, Part) else None
            if not isinstance(part, Part) or fmt is None:
                continue
            try:
                for item in formats.read(part, fmt):
                    record = pack.record_of(part.name, item.kind) if isinstance(item, Batch) else None
                    if isinstance(item, Batch) and record and record.name not in seen:
                        seen.add(record.name)
                        yield Sample(feed.name, record.name, part.name, _pairs(engine, site, pack, record, item.rows))
                    elif record or not any(one.kind for one in pack.records):
                        break
            except InputError:
                continue  # the ingest will say why it cannot be read


def _pairs(
    engine: Engine, site: Site, pack: Pack, record: Record, rows: pa.Table
) -> list[tuple[dict[str, Any], list[After]]]:
    few = rows.slice(0, RECORDS)
    columns = [name for name in few.column_names if name != "_place"]
    numbers = {name: pa.array([0] * few.num_rows, pa.int64()) for name in ("_part", "_seq")}
    planned = plan(pack, record, columns, Place(site.name, 0))
    befores = few.select(columns).to_pylist()
    if planned.missing:
        return [(before, [After("quarantine", {"missing columns": ", ".join(planned.missing)})]) for before in befores]
    engine.load("raw", pa.table({**numbers, **{name: few.column(name) for name in few.column_names}}))
    empty = pa.table({name: pa.array([], pa.string()) for name in ("_record", "_key", "_fields")})
    engine.load("reference", empty)
    engine.create("source", planned.source)
    afters: dict[int, list[After]] = {}
    for rule in planned.rules:
        engine.create("after", rule.select)
        for row in engine.rows(query("SELECT * FROM after")).to_pylist():
            place, why = row.pop("place"), row.pop("_why")
            values = {
                key: value for key, value in row.items() if key not in ("part_id", "mapping_id") and value is not None
            }
            afters.setdefault(place, []).append(
                After("quarantine", {"reason": why}) if why else After(rule.table, values)
            )
        engine.drop("after")
    engine.drop("raw")
    engine.drop("reference")
    return [
        (before, afters.get(place, [])) for before, place in zip(befores, few.column("_place").to_pylist(), strict=True)
    ]
