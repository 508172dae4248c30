"""Signed notes, checkpoints and cosignatures (C2SP signed-note, tlog-checkpoint, tlog-cosignature).

A checkpoint says in three lines which log it is, how many entries it has, and the root of its tree; under it stand the
signatures of the log and of the witnesses.
"""

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass

from isthmus.base.errors import InputError, IntegrityError
from isthmus.ledger.key import KINDS, NAME, Key, Vkey
from isthmus.ledger.tree import SIZE

DASH = "\u2014 "
SIGNATURES = 64


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line: who says to have signed, the key id, and what follows it."""

    name: str
    id: bytes
    body: bytes

    @property
    def line(self) -> str:
        """As it stands in a note."""
        return f"{DASH}{self.name} {base64.b64encode(self.id + self.body).decode()}\n"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of a log: `origin` names the log, `size` counts its entries, `root` is the hash over them."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The lines that are signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @classmethod
    def parse(cls, text: str) -> "Checkpoint":
        """Read the signed lines; extension lines are refused, since no monitor could check them. Raises InputError."""
        lines = text.split("\n")
        if len(lines) == 4 and lines[0] and lines[1].isdecimal() and lines[1] == str(int(lines[1])):
            try:
                found = cls(lines[0], int(lines[1]), base64.b64decode(lines[2], validate=True))
            except binascii.Error:
                found = None
            if found and len(found.root) == SIZE and found.text == text:
                return found
        raise InputError("this note is no checkpoint: origin, size and root are expected, a line each.")


@dataclass(frozen=True, slots=True)
class Note:
    """A text with signatures. Nothing in it may be believed before `signed_by` says so."""

    text: str
    signatures: tuple[Signature, ...]

    @property
    def content(self) -> bytes:
        """The note as it is stored and sent."""
        return (self.text + "\n" + "".join(one.line for one in self.signatures)).encode()

    @classmethod
    def parse(cls, content: bytes) -> "Note":
        """Read a note. Raises InputError for anything that C2SP does not allow, and for more than 64 signatures."""
        try:
            whole = content.decode("utf-8")
        except UnicodeDecodeError:
            whole = "\0"
        text, blank, tail = whole.rpartition("\n\n")
        controls = any(letter < " " and letter != "\n" for letter in whole)
        lines = tail.split("\n")
        if controls or not blank or lines.pop() or not 0 < len(lines) <= SIGNATURES:
            raise InputError("this is no signed note: text, an empty line, and signature lines are expected.")
        return cls(text + "\n", tuple(_signature(line) for line in lines))

    def with_signatures(self, more: Iterable[Signature]) -> "Note":
        """The note with further signatures; each key's newest counts."""
        kept = {(one.name, one.id): one for one in self.signatures}
        kept |= {(one.name, one.id): one for one in more}
        return Note(self.text, tuple(kept.values()))

    def signed_by(self, vkey: Vkey) -> bool:
        """Whether the key signed this note. Raises IntegrityError when a line in its name and id is false."""
        lines = [one for one in self.signatures if (one.name, one.id) == (vkey.name, vkey.id)]
        for one in lines:
            if not _holds(one.body, self.text, vkey):
                raise IntegrityError(f"a signature of {vkey.name} does not fit its text. One of the two was altered.")
        return bool(lines)


def _signature(line: str) -> Signature:
    name, _, body = line.removeprefix(DASH).partition(" ")
    try:
        raw = base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if not line.startswith(DASH) or not NAME.fullmatch(name) or len(raw) < 5:
        raise InputError("a signature line of this note is malformed.")
    return Signature(name, raw[:4], raw[4:])


def signed(text: str, key: Key, *, time: int = 0) -> Signature:
    """Sign a note's text. `time`: seconds since 1970, only for keys that cosign (they sign checkpoints only)."""
    vkey = key.vkey
    if not KINDS[key.kind].timed:
        return Signature(key.name, vkey.id, key.sign(text.encode()))
    return Signature(key.name, vkey.id, time.to_bytes(8, "big") + key.sign(_cosigned(text, vkey, time)))


def _holds(body: bytes, text: str, vkey: Vkey) -> bool:
    if not KINDS[vkey.kind].timed:
        return vkey.verifies(body, text.encode())
    time = int.from_bytes(body[:8], "big")
    return time < 1 << 63 and vkey.verifies(body[8:], _cosigned(text, vkey, time))


def _cosigned(text: str, vkey: Vkey, time: int) -> bytes:
    """What a cosigner signs: with Ed25519 the time and the text, with ML-DSA a structure of names, time and root."""
    if vkey.kind == "ed25519-cosign":
        return f"cosignature/v1\ntime {time}\n{text}".encode()
    checkpoint = Checkpoint.parse(text)
    parts = [b"subtree/v1\n\0"]
    for name, stamp in ((vkey.name, time), (checkpoint.origin, 0)):
        raw = name.encode()
        parts += [bytes([len(raw)]), raw, stamp.to_bytes(8, "big")]
    return b"".join([*parts, checkpoint.size.to_bytes(8, "big"), checkpoint.root])
