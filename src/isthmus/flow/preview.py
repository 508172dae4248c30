"""A dry run: what a site's mapping makes of the first records of each kind, without keeping anything."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import pyarrow as pa

from isthmus.base.errors import InputError, Unreadable
from isthmus.flow import vocabulary
from isthmus.flow.feed import format_of
from isthmus.flow.land import files_of
from isthmus.flow.statement import query, stand
from isthmus.flow.workspace import Feed, Site, Workspace
from isthmus.intake import archive, formats, sql
from isthmus.intake.record import Batch, Part, Reject
from isthmus.lake.engine import Engine
from isthmus.mapping.pack import Pack, Record
from isthmus.mapping.plan import plan

RECORDS = 2
QUARANTINE = "quarantine"
NOTES = 12  # files named that give no sample


@dataclass(frozen=True, slots=True)
class After:
    """A row that a record would become, or why it would go into quarantine."""

    table: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sample:
    """Some records of one kind, each with the rows it would become; or a file without any, and in `note` why."""

    feed: str
    record: str
    file: str
    pairs: Sequence[tuple[Mapping[str, Any], Sequence[After]]] = ()
    note: str = ""

    @property
    def fits(self) -> bool:
        """Whether any of its records would leave the quarantine."""
        return any(one.table != QUARANTINE for _, rows in self.pairs for one in rows)


def samples(workspace: Workspace, site: Site) -> list[Sample]:
    """Before and after, for the first records of every kind that the feeds of a site hold; then what gives none.

    Raises PackError, naming file and line, for a pack that cannot be used.
    """
    found = []
    with workspace.lake.engine() as engine:
        for feed in site.feeds:
            pack = workspace.pack(feed.pack)
            vocabulary.ready(engine, pack, vocabulary.files_of(workspace.lake))
            look = _of_database if "://" in feed.source else _of_feed
            found += list(look(engine, site, feed, pack))
    return found


def demand_fit(site: Site, found: Sequence[Sample]) -> None:
    """Raise InputError when the pack that was guessed for a feed would map none of its sample records."""
    for feed in site.feeds:
        mine = [sample for sample in found if sample.feed == feed.name and sample.pairs]
        if mine and not any(sample.fits for sample in mine):
            why = next((one.values for sample in mine for _, rows in sample.pairs for one in rows), {})
            said = "; ".join(f"{key}: {value}" for key, value in why.items()) or "no rule applies"
            raise InputError(
                f"the files in {feed.source} are named like those of pack {feed.pack}, but not one sample record would "
                f"be mapped ({said}). Name another pack with --mapping, or write one: docs/how-to/write-a-pack.md."
            )


def _of_database(engine: Engine, site: Site, feed: Feed, pack: Pack) -> Iterator[Sample]:
    for record in pack.records:
        if record.kind:
            try:
                read = sql.read_table(feed.source, record.kind)
                rows = next((item.rows for item in read if isinstance(item, Batch)), None)
            except Unreadable as error:
                yield Sample(feed.name, "", f"table {record.kind}", note=f"cannot be read: {error}")
                continue
            if rows is not None:
                yield Sample(feed.name, record.name, record.kind, _pairs(engine, site, pack, record, rows))


def _of_feed(engine: Engine, site: Site, feed: Feed, pack: Pack) -> Iterator[Sample]:
    seen: set[str] = set()
    notes: dict[str, str] = {}
    for name, path in files_of(feed):
        if len(seen) == len(pack.records):
            break
        for part in archive.members(path, name):
            try:
                for record, item in _read(pack, part, notes):
                    if record.name not in seen:
                        seen.add(record.name)
                        pairs = _pairs(engine, site, pack, record, item.rows)
                        yield Sample(feed.name, record.name, name_of(part), pairs)
                    elif not any(one.kind for one in pack.records):
                        break
            except Unreadable as error:
                notes[name_of(part)] = f"cannot be read: {error}"
    for file, note in islice(notes.items(), NOTES):
        yield Sample(feed.name, "", file, note=note)
    if len(notes) > NOTES:
        yield Sample(feed.name, "", f"{len(notes) - NOTES} more files", note="the ingest will list them")


def name_of(part: Part | Reject) -> str:
    """What to call a part, or a member of an archive that is none."""
    return part.name if isinstance(part, Part) else f"a member at byte {part.place}"


def _read(pack: Pack, part: Part | Reject, notes: dict[str, str]) -> Iterator[tuple[Record, Batch]]:
    """Batches of a part with the record that reads each; what no record reads is noted by name."""
    if isinstance(part, Reject):
        notes[name_of(part)] = f"cannot be read: {part.reason}: {part.detail}"
        return
    fmt = format_of(pack, part.name)
    if fmt is None:
        notes[part.name] = f"no record of pack {pack.name} reads a file of this name; it would be kept and not mapped"
        return
    for item in formats.read(part, fmt):
        record = pack.record_of(part.name, item.kind) if isinstance(item, Batch) else None
        if isinstance(item, Batch) and record is not None:
            yield record, item
        elif isinstance(item, Batch) and item.kind not in pack.keep:
            notes[f"{part.name}, {item.kind or 'its rows'}"] = (
                f"no record of pack {pack.name} reads these; they would be kept and not mapped"
            )


def _pairs(
    engine: Engine, site: Site, pack: Pack, record: Record, rows: pa.Table
) -> list[tuple[dict[str, Any], list[After]]]:
    few = rows.slice(0, RECORDS)
    columns = [name for name in few.column_names if name != "_place"]
    numbers = {name: pa.array([0] * few.num_rows, pa.int64()) for name in ("_part", "_seq")}
    planned = plan(pack, record, columns)
    befores = few.select(columns).to_pylist()
    if planned.missing:
        return [(before, [After(QUARANTINE, {"missing columns": ", ".join(planned.missing)})]) for before in befores]
    stand(engine, site.name)
    engine.load("raw", pa.table({**numbers, **{name: few.column(name) for name in few.column_names}}))
    empty = pa.table({name: pa.array([], pa.string()) for name in ("_record", "_key", "_fields")})
    engine.load("reference", empty)
    engine.create("source", planned.source, wide=planned.wide)
    afters: dict[int, list[After]] = {}
    for rule in planned.rules:
        engine.create("after", rule.select)
        unseen = {"part_id", "mapping_id", *rule.hidden}
        for row in engine.rows(query("SELECT * FROM after")).to_pylist():
            place, why = row.pop("place"), row.pop("_why")
            values = {key: value for key, value in row.items() if key not in unseen and value is not None}
            if why and any("look(" in text for text in record.texts()):
                why += " (look() finds nothing in a dry run)"
            afters.setdefault(place, []).append(
                After(QUARANTINE, {"reason": why}) if why else After(rule.table, values)
            )
        engine.drop("after")
    engine.drop("raw")
    engine.drop("reference")
    return [
        (before, afters.get(place, [])) for before, place in zip(befores, few.column("_place").to_pylist(), strict=True)
    ]
