"""The deliveries of one feed, read part by part and handed to the stage in chunks of one kind of record."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
from sqlglot import exp

from isthmus.base.errors import Unreadable
from isthmus.base.identity import digest63
from isthmus.base.progress import Progress
from isthmus.flow.ahead import ahead
from isthmus.flow.schema import REFERENCE
from isthmus.flow.stage import Stage
from isthmus.flow.statement import query
from isthmus.intake import archive, formats, message
from isthmus.intake.record import Batch, Format, Part, Reject
from isthmus.mapping.pack import Pack, Record
from isthmus.records.models import Part as PartRecord
from isthmus.records.models import Receipt

CHUNK_ROWS = 524_288
CHUNK_BYTES = 256 << 20
CHUNK_CELLS = CHUNK_ROWS * 20  # of wide tables fewer rows are mapped at once: 16,000 of 640 columns
PIECE_ROWS = 2_048  # what one core takes at a time
AHEAD_BYTES = 96 << 20  # read ahead while the engine maps what was read before
LOOK = re.compile(r"\blook\(\s*'([^']+)'", re.IGNORECASE)  # the record that an expression looks up
ARCHIVES = (".gz", ".tgz", ".tar", ".zip")
WHOLE = -1  # the place of a file as a whole
TOLD = ("part_id", "kind", "outcome", "reason")  # of a note, to the ledger


@dataclass(frozen=True, slots=True)
class Note:
    """What is told of a record, or of a part as a whole, that was not handed to the pack's rules."""

    part_id: int
    place: int
    kind: str
    outcome: str
    reason: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class Taken:
    """A batch of records out of a part of this name."""

    part_id: int
    sequence: int
    name: str
    batch: Batch


@dataclass(slots=True)
class Buffer:
    """Batches of one kind of record, waiting to be mapped together."""

    record: Record
    taken: list[Taken] = field(default_factory=list)
    rows: int = 0
    size: int = 0


class FeedRun:
    """One feed's share of a batch."""

    def __init__(self, stage: Stage, pack: Pack, *, mapping_id: int) -> None:
        self.lake = stage.lake
        self.stage = stage
        self.pack = pack
        self.mapping_id = mapping_id
        self._buffers: dict[tuple[int, str, tuple[str, ...]], Buffer] = {}
        self._notes: list[Note] = []
        self.messages: Counter[tuple[int, str]] = Counter()  # by part and kind
        self._ranks = {id(record): rank for rank, record in enumerate(pack.records)}

    def take(
        self, receipts: Sequence[Receipt], progress: Progress, *, places: Mapping[int, set[int]] | None = None
    ) -> list[PartRecord]:
        """Read and map all parts of some deliveries; returns what is known of each part.

        With `places`, only those records of those parts are taken (a replay).
        """
        parts: list[PartRecord] = []
        task = f"{self.stage.site} {self.pack.name}: mapping"
        progress.start(task, total=sum(receipt.size for receipt in receipts), unit="bytes")
        for item in ahead(self._items(receipts, places), weigh=_weight, limit=AHEAD_BYTES):
            if isinstance(item, Receipt):
                progress.advance(task, item.size)
            elif isinstance(item, PartRecord):
                parts.append(item)
            elif isinstance(item, Note):
                self._note(item)
            else:
                self._buffer(item)
        self._drain()
        self._hand_over_notes()
        progress.finish(task)
        return parts

    def _items(
        self, receipts: Sequence[Receipt], places: Mapping[int, set[int]] | None
    ) -> Iterator[Receipt | PartRecord | Note | Taken]:
        """What the deliveries hold: each part before its batches and notes, each receipt after its parts."""
        for _, receipt in self._ordered(receipts):
            nothing = Reject(
                0, 0, "empty", "the archive holds no file; ask the site whether the export ran", kind="file"
            )
            held = archive.members(self.lake.landing.path(receipt.sha256), receipt.name)
            for one in chain([next(held, nothing)], held):
                part = self._part(receipt, one)
                if places is None or part.part_id in places:
                    yield part
                    # A file that could not be read at all is noted at place -1: then all of it is taken.
                    wanted = None if places is None or WHOLE in places[part.part_id] else places[part.part_id]
                    yield from self._read(part.part_id, receipt, one, wanted=wanted)
            yield receipt

    def _ordered(self, receipts: Sequence[Receipt]) -> list[tuple[int, Receipt]]:
        """Deliveries in the pack's order of records, so that look-ups find what they need, then as they arrived."""
        ranks = {record.name: index for index, record in enumerate(self.pack.records)}

        def rank(receipt: Receipt) -> int:
            record = next((one for one in self.pack.records if one.files and one.reads(receipt.name, one.kind)), None)
            record = record or self._kind_in(receipt.name)
            return ranks[record.name] if record else len(ranks)

        return sorted(((rank(receipt), receipt) for receipt in receipts), key=lambda one: (one[0], one[1].sequence))

    def _kind_in(self, name: str) -> Record | None:
        """The record whose kind the file's name begins or contains as a word: bulk exports say `Patient.ndjson`."""
        words = re.split("[^a-z0-9]+", name.rsplit("/", 1)[-1].lower())
        named = [
            one for one in self.pack.records if one.shape and any(word.startswith(one.kind.lower()) for word in words)
        ]
        return max(named, key=lambda one: len(one.kind), default=None)

    def _part(self, receipt: Receipt, one: Part | Reject) -> PartRecord:
        member = one.name if isinstance(one, Part) else f"?{one.place}"
        fmt = format_of(self.pack, member)
        return PartRecord(
            part_id=digest63(str(receipt.receipt_id), member), receipt_id=receipt.receipt_id, batch_id="",
            member=member, format=fmt.kind if fmt else "", options=dict(fmt.options) if fmt else {}, account={},
        )  # fmt: skip

    def _read(
        self, part_id: int, receipt: Receipt, one: Part | Reject, *, wanted: set[int] | None
    ) -> Iterator[Note | Taken]:
        if isinstance(one, Reject):
            yield _refused(part_id, one)
            return
        fmt = format_of(self.pack, one.name)
        if fmt is None and one.name.lower().endswith(ARCHIVES):
            reason, detail = (
                ("damaged", "its name says archive, its bytes do not") if receipt.size else ("empty", "no bytes")
            )
            yield _refused(part_id, Reject(WHOLE, 0, reason, f"{detail}; deliver the file again", kind="file"))
            return
        if fmt is None:
            yield Note(part_id, WHOLE, "file", "kept", f"no record of pack {self.pack.name} reads a file of this name")
            return
        try:
            for item in formats.read(one, fmt):
                if isinstance(item, Batch):
                    batch = item if wanted is None else _only(item, wanted)
                    yield Taken(part_id, receipt.sequence, one.name, batch)
                elif wanted is None or item.place in wanted:
                    yield _refused(part_id, item)
        except Unreadable as error:
            yield _refused(part_id, Reject(WHOLE, 0, error.reason, error.detail, kind="file"))

    def _buffer(self, taken: Taken) -> None:
        batch = taken.batch
        if not batch.rows.num_rows:
            return
        for kind, many in message.kinds(batch).items():
            self.messages[taken.part_id, kind] += many
        record = self.pack.record_of(taken.name, batch.kind) or _kept(batch.kind)
        columns = tuple(f"{field.name} {field.type}" for field in batch.rows.schema)
        key = (self._ranks.get(id(record), len(self._ranks)), record.name, columns)
        before = self._buffers.get(key)
        if before is not None and before.rows + batch.rows.num_rows > most_rows(len(columns)):
            self._drain()  # whole batches: what would be left over of one costs as many statements as a chunk
        buffer = self._buffers.setdefault(key, Buffer(record))
        buffer.taken.append(taken)
        buffer.rows += batch.rows.num_rows
        buffer.size += batch.size
        if sum(one.size for one in self._buffers.values()) >= CHUNK_BYTES:
            self._drain()

    def _drain(self) -> None:
        """Map what waits, all kinds in the pack's order."""
        for key in sorted(self._buffers):
            self._map(self._buffers.pop(key))

    def _map(self, buffer: Buffer) -> None:
        for chunk in _chunks(buffer.taken):
            looked_up = {name for text in _texts(buffer.record) for name in LOOK.findall(text)}
            if looked_up:
                self._view_reference(looked_up)
            self.stage.take(self.pack, buffer.record, chunk, mapping_id=self.mapping_id)

    def _view_reference(self, records: Iterable[str]) -> None:
        """What these records keep for look-ups, and no more: others may keep as much as the lake has patients."""
        engine = self.stage.engine
        files = [self.lake.root / one.path for one in self.lake.deltas.files("reference", site=self.stage.site)]
        files += [path for path, _ in self.stage.drafts.get("reference", [])]
        engine.view("reference_files", files, empty=REFERENCE)
        waiting = (
            " UNION ALL SELECT _record, _key, _fields, part_id, place, keyspace FROM stage_reference"
            if "stage_reference" in engine.tables()
            else ""
        )
        keyspace, *names = (exp.Literal.string(name).sql() for name in (self.pack.keyspace, *sorted(records)))
        engine.create(
            "reference",
            query(f"""
                SELECT _record, _key, arg_max(_fields, (part_id, place)) AS _fields
                FROM (SELECT _record, _key, _fields, part_id, place, keyspace FROM reference_files{waiting}) r
                ANTI JOIN gone g USING (part_id, place)
                WHERE keyspace = {keyspace} AND _record IN ({", ".join(names)}) GROUP BY _record, _key
            """),
        )

    def _note(self, note: Note) -> None:
        self._notes.append(note)
        if len(self._notes) > 10_000 or note.count > 10_000:
            self._hand_over_notes()

    def _hand_over_notes(self) -> None:
        """A note that tells of several records gives a row for each: their places follow one another."""
        if self._notes:
            notes, self._notes = self._notes, []
            counts = np.array([note.count for note in notes])
            first = np.repeat([note.place for note in notes] - np.cumsum(counts) + counts, counts)
            told = pa.table({name: [getattr(note, name) for note in notes] for name in TOLD})
            rows = told.take(pa.array(np.repeat(np.arange(len(notes)), counts)))
            rows = rows.append_column("place", pa.array(first + np.arange(len(first))))
            self.stage.reject(rows, mapping_id=self.mapping_id)


def format_of(pack: Pack, name: str) -> Format | None:
    """How a part of this name is read: as its record says, else as the pack says; None when no record reads it."""
    anything = any(record.kind and not record.files for record in pack.records)  # a file of any name may hold its kind
    named = next((one for one in pack.records if (one.files or not one.kind) and one.reads(name, one.kind)), None)
    options = dict(named.format if named else pack.format)
    kind = str(options.pop("kind", "csv"))
    if named is None and not anything:
        return None
    if kind == "sql" and name.endswith(".parquet"):  # read from a live database, and landed as one file a table
        return Format("parquet", {"table": Path(name).stem})
    return Format(kind, options)


def _refused(part_id: int, reject: Reject) -> Note:
    reason = f"{reject.reason}: {reject.detail}"
    return Note(part_id, reject.place, reject.kind or "row", "quarantined", reason, count=max(reject.count, 1))


def _weight(item: Receipt | PartRecord | Note | Taken) -> int:
    """Bytes; of wide rows, of which few are mapped at once, no more than as many as that wait."""
    if not isinstance(item, Taken):
        return 1
    rows = item.batch.rows
    share: int = rows.num_rows * AHEAD_BYTES // most_rows(rows.num_columns)
    return max(item.batch.size, share)


def _kept(kind: str) -> Record:
    return Record(
        name=kind or "row", title={}, files=(), kind=kind, format={}, columns={}, optional=(), shape=None, key=None,
        version=None, person=None, let={}, rules=(), place="",
    )  # fmt: skip


def _only(batch: Batch, places: set[int]) -> Batch:
    mask = pa.compute.is_in(batch.rows["_place"], value_set=pa.array(sorted(places), pa.int64()))
    return replace(batch, rows=batch.rows.filter(mask))


def most_rows(columns: int) -> int:
    """How many rows of so many columns are mapped at once."""
    return max(1, min(CHUNK_ROWS, CHUNK_CELLS // max(columns, 1)))


def _chunks(taken: list[Taken]) -> Iterator[pa.Table]:
    """Batches of equal columns joined into chunks of at most `most_rows`, each row with its `_part` and `_seq`.

    The list is emptied, for a batch would else be held beside the chunk that it is copied into.
    """
    counts, most = [one.batch.rows.num_rows for one in taken], most_rows(taken[0].batch.rows.num_columns)
    whole = pa.concat_tables([one.batch.rows for one in taken])
    for name, values in (("_seq", [one.sequence for one in taken]), ("_part", [one.part_id for one in taken])):
        whole = whole.add_column(0, name, pa.array(np.repeat(np.array(values, np.int64), counts)))
    taken.clear()
    while whole.num_rows:
        # A file each of a thousand patients would come as a thousand pieces, and engines pay for each; but one piece
        # alone would keep one core busy.
        together, whole = whole.slice(0, most).combine_chunks(), whole.slice(most)
        yield pa.Table.from_batches(together.to_batches(PIECE_ROWS), together.schema)


def _texts(record: Record) -> Iterator[str]:
    yield from filter(None, (record.key, record.version, record.person, *record.let.values()))
    for rule in record.rules:
        yield from filter(None, (rule.when, rule.each if isinstance(rule.each, str) else None, *rule.set.values()))
