"""The log: append in groups, publish as tiles, give proofs.

`append` returns when the entries and a signed checkpoint over them are on the disk: from then on they are part of the
log. `publish` moves what was appended into tiles and puts the checkpoint beside them. A process may be killed anywhere:
what was acknowledged is there, and a batch that is handed in again is found by its id and not taken twice.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from isthmus.base.durable import replaced
from isthmus.base.errors import InputError, IntegrityError
from isthmus.ledger import entry, tiles
from isthmus.ledger.journal import NAME, Journal, Tip
from isthmus.ledger.key import Key, Vkey
from isthmus.ledger.note import Checkpoint, Note, Signature, signed
from isthmus.ledger.proof import render
from isthmus.ledger.quorum import Quorum
from isthmus.ledger.tiles import LONGEST, Tiles
from isthmus.ledger.tree import Edge, consistency, inclusion, leaf_hash

CHECKPOINT = "checkpoint"
WITNESSED = "witnessed"
DRAFTS = ".drafts"


@dataclass(frozen=True, slots=True)
class Batch:
    """Entries that go in together or not at all. `name` tells it from every other one, also when it is tried again."""

    name: str
    entries: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Receipt:
    """Where a batch stands: its first index and its count. `repeated`: it had been taken before."""

    first: int
    count: int
    repeated: bool


class Log:
    """A log in a folder, opened to write. `check` refuses an entry by raising InputError."""

    def __init__(
        self, folder: Path, key: Key, *, former: Sequence[Vkey] = (), check: Callable[[bytes], object] = entry.decode
    ) -> None:
        """Open the log, or begin one. Its origin is the name of the key; `former` are keys it was written with before.

        Raises IntegrityError when tiles lie there without the journal: a log begun anew would contradict them.
        """
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / CHECKPOINT).exists() and not (folder / NAME).exists():
            raise IntegrityError("the log has tiles but no journal. Restore the journal from a copy before writing on.")
        self.folder = folder
        self.key = key
        self.former = tuple(former)
        self._known = b""  # the last checkpoint that was seen to be signed with one of the keys
        self._check = check
        self._journal = Journal(folder)
        with self._journal.writing():
            self._tip()

    def close(self) -> None:
        """Let go of the files."""
        self._journal.close()

    @property
    def size(self) -> int:
        """How many entries are durable, in tiles or not."""
        tip = self._journal.tip()
        return tip.edge.size if tip else 0

    def append(self, *batches: Batch) -> list[Receipt]:
        """Take batches, all in one transaction; durable when it returns. Repeated ones are told, not taken again.

        Raises InputError for an entry that the check refuses, or a name that stands for other entries already.
        """
        prepared = [(batch, [leaf_hash(one) for one in batch.entries]) for batch in batches]
        for batch in batches:
            if not batch.name or not batch.entries:
                raise InputError("a batch has a name and at least one entry. Leave the empty one out.")
            for one in batch.entries:
                if len(one) > LONGEST:
                    raise InputError(f"an entry has {len(one)} bytes, more than {LONGEST}. Log its hash instead.")
                self._check(one)
        with self._journal.writing():
            tip = self._tip()
            before = tip.edge.size
            receipts = [self._take(batch, leaves, tip.edge) for batch, leaves in prepared]
            if tip.edge.size > before:
                made = self._signed(tip.edge)
                self._journal.move(replace(tip, note=made))
                self._known = made
        return receipts

    def _take(self, batch: Batch, leaves: list[bytes], edge: Edge) -> Receipt:
        digest = hashlib.sha256(b"".join(leaves)).digest()
        known = self._journal.batch(batch.name)
        if known is None:
            receipt = Receipt(edge.size, len(leaves), repeated=False)
            self._journal.take(batch.name, edge.size, len(leaves), digest=digest, entries=tiles.bundle(batch.entries))
            edge.extend(leaves)
            return receipt
        first, count, before = known
        if before != digest:
            raise InputError(f"the batch '{batch.name}' was logged with other entries. Give the new ones another name.")
        return Receipt(first, count, repeated=True)

    def has(self, name: str) -> bool:
        """Whether a batch of this name was taken."""
        return self._journal.batch(name) is not None

    def publish(self) -> Note:
        """Bring everything appended into tiles and publish the checkpoint over it, which is given back.

        Cosignatures that this checkpoint has already stay on it.
        """
        with self._journal.writing():
            tip = self._tip()
            entries = [one for bundle in self._journal.pending() for one in tiles.unbundle(bundle)]
            size = tip.edge.size
            if tip.tiled + len(entries) != size:
                raise IntegrityError(
                    "the journal has lost entries. Restore it from a copy; witnesses know the last state."
                )
            self._sweep()
            if tiles.grow(self.folder, tip.tiled, entries, self.folder / DRAFTS) != tip.edge.root():
                raise IntegrityError(
                    "the tiles do not lead to the root of the log. Run verify, and restore from a copy."
                )
            note = Note.parse(tip.note)
            shown = self.published()
            if shown is None or shown.text != note.text:
                self._write(CHECKPOINT, note)
            else:
                note = shown
            self._journal.clear()
            self._journal.move(replace(tip, tiled=size))
        tiles.forget(self.folder, tip.tiled, size)
        return note

    def published(self) -> Note | None:
        """The published checkpoint with its signatures; None before the first."""
        return read(self.folder, CHECKPOINT)

    def cosign(self, note: Note, signatures: Iterable[Signature], quorum: Quorum) -> Note:
        """Add witnesses' signatures to a checkpoint that `publish` gave; signatures of other keys are dropped.

        They are put on the published checkpoint if no newer one has come meanwhile. Once the quorum is met, the
        checkpoint is kept as the newest that was witnessed. Raises IntegrityError for a false signature of a witness.
        """
        full = note.with_signatures(signatures)
        keys = [self.key.vkey, *self.former, *(one.vkey for one in quorum.witnesses())]
        trusted = {(one.name, one.id) for one in keys if full.signed_by(one)}
        full = Note(full.text, tuple(one for one in full.signatures if (one.name, one.id) in trusted))
        with self._journal.writing():
            shown = self.published()
            if shown is not None and shown.text == full.text:
                full = shown.with_signatures(full.signatures)
                self._write(CHECKPOINT, full)
            if quorum.is_met(full) and not self._is_older(full):
                self._write(WITNESSED, full)
        return full

    def _is_older(self, note: Note) -> bool:
        kept = read(self.folder, WITNESSED)
        return kept is not None and Checkpoint.parse(note.text).size < Checkpoint.parse(kept.text).size

    def inclusion(self, index: int) -> list[bytes]:
        """The path from an entry to the root of the published checkpoint. Raises InputError for an index beyond it."""
        held = self._held()
        if not 0 <= index < held.size:
            raise InputError(f"there is no published entry {index}; there are {held.size}. Publish, then ask again.")
        return inclusion(held.span, index, 0, held.size)

    def proof(self, index: int) -> bytes:
        """The proof file of an entry: under the newest checkpoint that a quorum has witnessed, if it is in there."""
        for note in (read(self.folder, WITNESSED), self.published()):
            size = Checkpoint.parse(note.text).size if note else 0
            if note and 0 <= index < size:
                held = Tiles(self.folder, size)
                return render(index, inclusion(held.span, index, 0, size), note, next(iter(held.entries(index))))
        raise InputError(f"there is no published entry {index}. Publish, then ask again.")

    def consistency(self, old: int) -> list[bytes]:
        """The proof that the log of `old` entries is the beginning of the published one."""
        held = self._held()
        if not 0 <= old <= held.size:
            raise InputError(f"the published log has {held.size} entries, fewer than {old}. Is it the right log?")
        return consistency(held.span, old, held.size)

    def entry(self, index: int) -> bytes:
        """A published entry."""
        held = self._held()
        if not 0 <= index < held.size:
            raise InputError(f"there is no published entry {index}; there are {held.size}. Publish, then ask again.")
        return next(iter(held.entries(index)))

    def entries(self, start: int = 0) -> Iterable[bytes]:
        """The published entries from an index on."""
        return self._held().entries(start)

    def _held(self) -> Tiles:
        note = self.published()
        return Tiles(self.folder, Checkpoint.parse(note.text).size if note else 0)

    def _tip(self) -> Tip:
        """Where the log ends, within a transaction; begins an empty log."""
        tip = self._journal.tip()
        if tip is None:
            tip = Tip(Edge(), self._signed(Edge()), 0)
            self._journal.move(tip)
        if tip.note != self._known:
            note = Note.parse(tip.note)
            if not any(note.signed_by(vkey) for vkey in (self.key.vkey, *self.former)):
                raise IntegrityError(
                    f"the log was not written with the key '{self.key.name}'. Open it with its own key."
                )
            self._known = tip.note
        return tip

    def _signed(self, edge: Edge) -> bytes:
        text = Checkpoint(self.key.name, edge.size, edge.root()).text
        return Note(text, (signed(text, self.key),)).content

    def _write(self, name: str, note: Note) -> None:
        with replaced(self.folder / name, drafts=self.folder / DRAFTS) as stream:
            stream.write(note.content)

    def _sweep(self) -> None:
        """Throw away drafts of a process that was killed. Only inside a transaction, so none is in use."""
        for left in (self.folder / DRAFTS).glob("*"):
            left.unlink()


def read(folder: Path, name: str = CHECKPOINT) -> Note | None:
    """A checkpoint file of a log: the published one, or `WITNESSED`, the newest with a quorum. None if absent."""
    try:
        return Note.parse((folder / name).read_bytes())
    except FileNotFoundError:
        return None
