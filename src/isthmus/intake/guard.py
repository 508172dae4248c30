"""Streams out of containers: they count what comes out, and name what breaks."""

import io
import lzma
import os
import zipfile
import zlib
from collections.abc import Callable
from typing import Any, BinaryIO

from isthmus.base.errors import Unreadable

BOMB_SIZE = 64 << 20
BOMB_RATIO = 200
_BUFFER = 1 << 18

# zipfile raises NotImplementedError for a way of compressing that it does not know.
BROKEN = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, NotImplementedError, ValueError)


def is_bomb(expanded: int, packed: int) -> bool:
    """Whether so much came out of so little that it can only be meant to harm."""
    return expanded > BOMB_SIZE and expanded > BOMB_RATIO * max(packed, 1)


class Guarded(io.RawIOBase):
    """The content of a member. Reading raises `Unreadable` for a bomb and for a broken container.

    `packed` gives the compressed bytes that were used so far (or all there are).
    """

    def __init__(self, inner: Any, packed: Callable[[], int], below: BinaryIO | None = None) -> None:
        super().__init__()
        self._inner = inner
        self._below = below
        self._packed = packed
        self._out = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)
        try:
            # Not `read`: it would lose what came out before the break.
            piece = self._inner.read1(len(view))
        except EOFError:
            raise Unreadable("truncated", "the compressed data end too early; deliver the file again") from None
        except RuntimeError:  # zipfile's word for a password
            raise Unreadable("encrypted", "the member is protected by a password; deliver it without one") from None
        except BROKEN as error:
            detail = f"the compressed data are broken after {self._out} bytes ({type(error).__name__})"
            raise Unreadable("damaged", detail) from None
        self._out += len(piece)
        if is_bomb(self._out, self._packed()):
            detail = f"over {BOMB_SIZE >> 20} MiB come out of less than 1/{BOMB_RATIO} of that; it was not read further"
            raise Unreadable("bomb", detail)
        view[: len(piece)] = piece
        return len(piece)

    def tell(self) -> int:
        return self._out

    def close(self) -> None:
        self._inner.close()
        if self._below is not None:
            self._below.close()
        super().close()


def guarded(inner: BinaryIO, packed: Callable[[], int], below: BinaryIO | None = None) -> BinaryIO:
    """The guarded stream, buffered; closing it closes `below` too."""
    return io.BufferedReader(Guarded(inner, packed, below), _BUFFER)


class Kept(io.FileIO):
    """A file that lives as long as the parts that are read from it, and is closed with the last of them."""

    def _dealloc_warn(self, source: object) -> None:
        """Being closed by the collector is the intention here, and no leak."""

    def __del__(self) -> None:
        self.close()


def kept(file: BinaryIO) -> BinaryIO:
    """The same open file, to be closed when nobody refers to it any more."""
    with file:
        return io.BufferedReader(Kept(os.dup(file.fileno()), "rb"), _BUFFER)


class Window(io.RawIOBase):
    """A range of an open file, with a position of its own; it keeps the file open."""

    def __init__(self, file: BinaryIO, start: int, size: int) -> None:
        super().__init__()
        self._file = file
        self._start = start
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)
        wanted = max(0, min(len(view), self._size - self._at))
        piece = os.pread(self._file.fileno(), wanted, self._start + self._at)
        view[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        return self._at


def window(file: BinaryIO, start: int, size: int) -> BinaryIO:
    """The range, buffered."""
    return io.BufferedReader(Window(file, start, size), _BUFFER)
