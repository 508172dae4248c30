"""A witness: another organisation that signs a log's checkpoint once it has seen that nothing in it was changed.

It keeps, for each log it knows, the newest checkpoint it signed, and signs only what that one leads to. So a log cannot
show two histories to two people without either lacking its witnesses. The request and the answer are the texts of C2SP
tlog-witness (`add-checkpoint`); who carries them, a web server or a USB stick, does not matter.
"""

import base64
import binascii
import fcntl
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from isthmus.base.durable import replaced
from isthmus.base.errors import InputError, IntegrityError, RefusedError
from isthmus.ledger.key import KINDS, Key, Vkey
from isthmus.ledger.note import Checkpoint, Note, Signature, signed
from isthmus.ledger.tree import EMPTY, is_consistent

STEPS = 63


class Unwitnessed(RefusedError):
    """The witness does not sign. `status` is the answer that C2SP gives over HTTP; `size` what it has signed last."""

    def __init__(self, status: int, text: str, size: int | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.size = size


def request(old: int, proof: Sequence[bytes], note: Note) -> bytes:
    """What a log sends: the size that the witness signed last, the proof from there, and the checkpoint."""
    lines = [f"old {old}", *(base64.b64encode(one).decode() for one in proof), "", ""]
    return "\n".join(lines).encode() + note.content


def answer(content: bytes) -> list[Signature]:
    """The signatures in a witness's answer. Raises InputError when it is malformed."""
    return list(Note.parse(b"answer\n\n" + content).signatures)


class Witness:
    """A witness with its key, the logs it knows (origin → keys) and its memory, a folder that is its alone."""

    def __init__(self, folder: Path, key: Key, logs: Mapping[str, Sequence[Vkey]]) -> None:
        """Raises InputError for a key that is not made for cosigning."""
        if not KINDS[key.kind].timed:
            raise InputError(f"a witness needs a key that cosigns, not one of kind '{key.kind}'. Make one.")
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.key = key
        self.logs = logs

    def seen(self, origin: str) -> Note | None:
        """The newest checkpoint of a log that was signed here, with its signatures. IntegrityError if altered."""
        try:
            content = self._path(origin).read_bytes()
        except FileNotFoundError:
            return None
        try:
            note = Note.parse(json.loads(content)["note"].encode())
            ours = note.signed_by(self.key.vkey) and Checkpoint.parse(note.text).origin == origin
        except (InputError, ValueError, KeyError, TypeError, AttributeError):
            ours = False
        if not ours:
            raise IntegrityError(
                "the memory of the witness was altered. Restore it from a copy; sign nothing until then."
            )
        return note

    def add_checkpoint(self, content: bytes, *, time: int) -> bytes:
        """Check a request and sign; `time` in seconds since 1970. What was signed is remembered before it is given out.

        Raises Unwitnessed for whatever C2SP refuses. A checkpoint of a log's own key that contradicts what was signed
        before is kept as evidence of a fork.
        """
        old, proof, note = _parsed(content)
        checkpoint = self._of_known_log(note)
        if old > checkpoint.size:
            raise Unwitnessed(
                400, "the old size is larger than the checkpoint's. Ask for the size that was signed last."
            )
        with self._alone():
            before = self.seen(checkpoint.origin)
            last = Checkpoint.parse(before.text) if before else Checkpoint(checkpoint.origin, 0, EMPTY)
            if old != last.size:
                if checkpoint.size == last.size and checkpoint.root != last.root:
                    self._keep(note, before)
                raise Unwitnessed(409, f"size {last.size} was signed last. Send the proof from there.", last.size)
            if not _follows(last, checkpoint, proof):
                if before and proof_of_fork(last, checkpoint):
                    self._keep(note, before)
                raise Unwitnessed(
                    422, "this checkpoint does not continue what was signed. The log must explain itself."
                )
            mine = signed(note.text, self.key, time=time)
            logs = [one for one in note.signatures if any(_same(one, key) for key in self.logs[checkpoint.origin])]
            self._remember(checkpoint, Note(note.text, (*logs, mine)))
        return mine.line.encode()

    def forks(self) -> list[tuple[Note, Note]]:
        """Pairs of checkpoints of one log that contradict each other: what a log refused here has signed, and ours."""
        found = []
        for path in sorted(self.folder.glob("fork-*.json")):
            body = json.loads(path.read_bytes())
            found.append((Note.parse(body["refused"].encode()), Note.parse(body["signed"].encode())))
        return found

    def _of_known_log(self, note: Note) -> Checkpoint:
        try:
            checkpoint = Checkpoint.parse(note.text)
        except InputError as error:
            raise Unwitnessed(400, str(error)) from None
        keys = self.logs.get(checkpoint.origin)
        if keys is None:
            raise Unwitnessed(404, "this log is not known here. Its owner must register it with the witness.")
        try:
            known = [note.signed_by(key) for key in keys]
        except IntegrityError as error:
            raise Unwitnessed(403, str(error)) from None
        if not any(known):
            raise Unwitnessed(403, "the checkpoint is not signed by a key that is known of this log.")
        return checkpoint

    def _path(self, origin: str) -> Path:
        return self.folder / f"{hashlib.sha256(origin.encode()).hexdigest()}.json"

    def _remember(self, checkpoint: Checkpoint, note: Note) -> None:
        body = {"origin": checkpoint.origin, "size": checkpoint.size, "note": note.content.decode()}
        with replaced(self._path(checkpoint.origin)) as stream:
            stream.write(json.dumps(body).encode())

    def _keep(self, refused: Note, before: Note | None) -> None:
        body = {"refused": refused.content.decode(), "signed": before.content.decode() if before else ""}
        name = hashlib.sha256(refused.text.encode()).hexdigest()[:16]
        with replaced(self.folder / f"fork-{name}.json") as stream:
            stream.write(json.dumps(body).encode())

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Reading the last size and writing the next is one step, for all processes of this witness."""
        with (self.folder / ".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def proof_of_fork(one: Checkpoint, other: Checkpoint) -> bool:
    """Whether two checkpoints alone show that a log contradicted itself: equal sizes, unequal roots."""
    return one.origin == other.origin and one.size == other.size and one.root != other.root


def _follows(last: Checkpoint, checkpoint: Checkpoint, proof: Sequence[bytes]) -> bool:
    if checkpoint.size == 0 and checkpoint.root != EMPTY:
        return False
    if last.size == 0:
        return not proof
    return is_consistent(proof, last.size, last.root, checkpoint.size, checkpoint.root)


def _same(signature: Signature, key: Vkey) -> bool:
    return (signature.name, signature.id) == (key.name, key.id)


def _parsed(content: bytes) -> tuple[int, list[bytes], Note]:
    head, blank, tail = content.partition(b"\n\n")
    first, *rest = head.split(b"\n")
    number = first.removeprefix(b"old ")
    try:
        if not blank or number == first or not number.isdigit() or number != b"%d" % int(number) or len(rest) > STEPS:
            raise ValueError
        return int(number), [base64.b64decode(one, validate=True) for one in rest], Note.parse(tail)
    except (ValueError, binascii.Error):
        raise Unwitnessed(400, "the request is malformed: old size, proof and checkpoint are expected.") from None
    except InputError as error:
        raise Unwitnessed(400, str(error)) from None
