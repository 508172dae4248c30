"""What goes over the pipe between the gate and an application in a process of its own.

A frame is two lengths, a head in JSON, and a tail. The application sends heads only: plain values, SQL as text. The
gate answers with heads, and tables as Arrow IPC in the tail. Nothing that arrives is ever executed.
"""

import json
import struct
from collections.abc import Callable, Mapping
from contextlib import nullcontext, suppress
from dataclasses import asdict
from datetime import date, datetime
from threading import Lock
from typing import Any, BinaryIO

import pyarrow as pa

from isthmus.apps.contract import Within
from isthmus.base.errors import InputError

LENGTHS = struct.Struct(">II")
HEAD, TAIL = 16 << 20, 512 << 20  # bytes at most
READ: Mapping[str, Callable[[Any], Any]] = {
    "$time": datetime.fromisoformat, "$day": date.fromisoformat, "$within": lambda told: Within(*told),
}  # fmt: skip


class Wire:
    """One end of the pipe. Many threads may send; one receives."""

    def __init__(self, read: BinaryIO, write: BinaryIO, *, tails: bool) -> None:
        """`tails`: whether frames with a tail are taken at this end."""
        self._read, self._write, self._most = read, write, TAIL if tails else 0
        self._sending = Lock()

    def send(self, head: Mapping[str, Any], tables: Mapping[str, pa.Table] | None = None) -> None:
        """Send a head, and tables under their names. Raises OSError or ValueError when the other end is gone."""
        tails = {name: _packed(table) for name, table in (tables or {}).items()}
        sizes = {"tables": {name: len(tail) for name, tail in tails.items()}} if tails else {}
        text = json.dumps({**head, **sizes}, default=_said, separators=(",", ":")).encode()
        if len(text) > HEAD:
            raise InputError("an answer or a question of an application is too large. Send less at once.")
        with self._sending:
            self._write.write(LENGTHS.pack(len(text), sum(map(len, tails.values()))))
            self._write.write(text)
            for tail in tails.values():
                self._write.write(tail)
            self._write.flush()

    def receive(self) -> tuple[dict[str, Any], dict[str, pa.Table]] | None:
        """The next head with its tables; None when the other end is gone, or sends what is no frame."""
        lengths = self._exactly(LENGTHS.size)
        if lengths is None:
            return None
        head, tail = LENGTHS.unpack(lengths)
        if head > HEAD or tail > self._most:
            return None
        text, rest = self._exactly(head), self._exactly(tail)
        if text is None or rest is None:
            return None
        try:
            said = json.loads(text, object_hook=_meant)
        except (ValueError, TypeError, RecursionError):
            return None
        return (said, _unpacked(said.pop("tables", {}), rest) if tail else {}) if isinstance(said, dict) else None

    def close(self, *, reading: bool) -> None:
        """Close one direction. Only who receives closes what it reads."""
        with suppress(OSError, ValueError), nullcontext() if reading else self._sending:
            (self._read if reading else self._write).close()

    def _exactly(self, size: int) -> bytes | None:
        try:
            found = self._read.read(size) if size else b""
        except (OSError, ValueError):
            return None
        return found if len(found) == size else None


def plain(value: Any) -> Any:
    """A value as JSON has it: moments and days as ISO texts."""
    if isinstance(value, Mapping):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value.isoformat() if isinstance(value, date) else value


def _packed(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def _unpacked(sizes: Mapping[str, int], tail: bytes) -> dict[str, pa.Table]:
    found, at = {}, 0
    for name, size in sizes.items():
        found[name] = pa.ipc.open_stream(tail[at : at + size]).read_all()
        at += size
    return found


def _said(value: Any) -> Any:
    if isinstance(value, datetime):
        return {"$time": value.isoformat()}
    if isinstance(value, date):
        return {"$day": value.isoformat()}
    if isinstance(value, Within):
        return {"$within": list(asdict(value).values())}
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    raise TypeError(f"a value of type {type(value).__name__} cannot go over the pipe")


def _meant(value: dict[str, Any]) -> Any:
    if len(value) == 1:
        (name, told), *_ = value.items()
        if name in READ:
            return READ[name](told)
    return value
