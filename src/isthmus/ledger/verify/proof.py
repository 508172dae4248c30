"""A proof file alone: the entry was in the log, and a quorum of witnesses had seen the log with it."""

import base64
from dataclasses import dataclass

from .note import Refuted, decode, read_checkpoint
from .policy import Policy
from .tree import hash_leaf, included


@dataclass(frozen=True)
class Proven:
    """What a proof file proves."""

    entry: bytes
    index: int
    origin: str
    size: int
    witnesses: tuple[str, ...]


def check_proof(content: bytes, policy: Policy, entry: bytes | None = None) -> Proven:
    """Check a proof file. `entry` is needed when the file does not bring it. Raises Refuted for anything wrong."""
    head, blank, tail = content.partition(b"\n\n")
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError:
        lines = []
    if not blank or lines[:1] != ["c2sp.org/tlog-proof@v1"]:
        raise Refuted("this is no proof file")
    lines = lines[1:]
    if lines and lines[0].startswith("extra "):
        brought = decode(lines.pop(0)[len("extra ") :])
        if entry is not None and entry != brought:
            raise Refuted("the proof is of another entry")
        entry = brought
    if entry is None:
        raise Refuted("the proof does not bring its entry; give the entry too")
    number = lines.pop(0).removeprefix("index ") if lines else ""
    if not (number.isascii() and number.isdigit()) or str(int(number)) != number:
        raise Refuted("the proof names no index")
    statement = read_checkpoint(tail)
    witnesses = policy.accepts(statement)
    if not policy.suffices(witnesses):
        raise Refuted("too few of the witnesses that the policy asks for have signed")
    path = [decode(line) for line in lines]
    if not included(path, hash_leaf(entry), int(number), statement.size, statement.root):
        raise Refuted("the path does not lead from the entry to the root of the checkpoint")
    return Proven(entry, int(number), statement.origin, statement.size, tuple(witnesses))


def shown(proven: Proven) -> str:
    """The entry as text, for people; Base 64 when it is not ASCII."""
    if proven.entry.isascii():
        return proven.entry.decode("ascii")
    return base64.b64encode(proven.entry).decode()
