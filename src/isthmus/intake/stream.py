"""Bytes of a part in blocks of one size, and what is done when they break off."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from isthmus.base.errors import Unreadable
from isthmus.intake.record import Part, Reject

BLOCK = 4 << 20
HEAD = 1 << 20


class Blocks:
    """The blocks of a part, all of `size` bytes but the last, so that the same bytes are always cut alike.

    A stream that breaks gives everything before the break first; `failure` then holds the reason. One that breaks at
    its first byte raises `Unreadable`.
    """

    def __init__(self, part: Part, size: int = BLOCK) -> None:
        self.part = part
        self.size = size
        self.failure: Unreadable | None = None

    def __iter__(self) -> Iterator[bytes]:
        seen = False
        with self.part.open() as stream:
            while self.failure is None:
                block = self._fill(stream)
                if block:
                    seen = True
                    yield block
                if len(block) < self.size:
                    break
        if self.failure is not None and not seen:
            raise self.failure

    def _fill(self, stream: BinaryIO) -> bytes:
        pieces: list[bytes] = []
        missing = self.size
        known = missing if self.part.size is None else self.part.size + 1  # room for a whole block is costly to ask for
        read = getattr(stream, "read1", stream.read)  # `read` would lose what comes before a break
        try:
            while missing and (piece := read(min(missing, max(known, HEAD)))):
                pieces.append(piece)
                missing -= len(piece)
        except Unreadable as error:
            self.failure = error
        except OSError as error:
            self.failure = Unreadable("damaged", f"reading stopped with {type(error).__name__}; deliver the file again")
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def broken_off(self, place: int, length: int) -> Iterator[Reject]:
        """The reject for what follows `place`, if the stream broke."""
        if self.failure is not None:
            yield Reject(place, length, self.failure.reason, f"from byte {place} on: {self.failure.detail}")


def head_of(part: Part, size: int = HEAD) -> bytes:
    """The first bytes of the part.

    Raises `Unreadable` when not one can be read.
    """
    return next(iter(Blocks(part, size)), b"")


def copy_range(part: Part, start: int, size: int) -> bytes:
    """Up to `size` bytes from byte `start` of the part."""
    with part.open() as stream:
        skip(stream, start)
        pieces: list[bytes] = []
        while size > 0 and (piece := stream.read(size)):
            pieces.append(piece)
            size -= len(piece)
    return b"".join(pieces)


def skip(stream: BinaryIO, count: int) -> None:
    """Move a fresh stream forward, by seeking where that is possible."""
    if stream.seekable():
        stream.seek(count)
        return
    while count > 0 and (piece := stream.read(min(count, HEAD))):
        count -= len(piece)


def line_at(part: Part, place: int) -> int:
    """The number, from 1, of the line that holds byte `place`; CR, LF and CRLF end a line."""
    lines, before, left = 1, b"", place
    with part.open() as stream:
        while left > 0 and (piece := stream.read(min(left, HEAD))):
            left -= len(piece)
            lines += piece.count(b"\n") + piece.count(b"\r") - piece.count(b"\r\n")
            lines -= before == b"\r" and piece.startswith(b"\n")
            before = piece[-1:]
    return lines


@contextmanager
def seekable(part: Part) -> Iterator[BinaryIO]:
    """A seekable stream of the part, through a nameless file on disk where the part has none.

    Raises `Unreadable` when the part is empty.
    """
    _refuse_empty(part)
    with part.open() as stream:
        if stream.seekable():
            yield stream
            return
        with tempfile.TemporaryFile() as copy:
            shutil.copyfileobj(stream, copy, HEAD)
            copy.seek(0)
            yield copy


@contextmanager
def on_disk(part: Part) -> Iterator[Path]:
    """The part as a file of a private folder that is gone afterwards; its own name is never used.

    Raises `Unreadable` when the part is empty.
    """
    _refuse_empty(part)
    with tempfile.TemporaryDirectory(prefix="isthmus-") as folder:
        path = Path(folder) / "part"
        with part.open() as stream, path.open("wb") as copy:
            shutil.copyfileobj(stream, copy, HEAD)
        yield path


def _refuse_empty(part: Part) -> None:
    if not head_of(part, 1):
        raise Unreadable("empty", "the file has no bytes; ask the site whether the export ran")
