"""Files that are either wholly there or not there, also after a crash."""

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import get_ident
from typing import BinaryIO

BLOCK = 1 << 20
FULL = (
    "the disk is full, so that the last step was not done; what was done before it is kept. Make room, as much as "
    "`isthmus doctor` asks for, and do the same again."
)
"""What is said where there is no room left."""


def sync_folder(folder: Path) -> None:
    """Make renames inside a folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_file(path: Path) -> None:
    """Make a file's content survive a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def replaced(path: Path, *, drafts: Path | None = None) -> Iterator[BinaryIO]:
    """A stream whose content appears at `path` in one step when the block ends well, and never in part.

    The draft is written beside `path`, or in the folder `drafts` of the same file system; a killed process leaves it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = (drafts or path.parent) / f".{path.name}.{os.getpid()}.{get_ident()}.tmp"
    temporary.parent.mkdir(parents=True, exist_ok=True)
    try:
        with temporary.open("wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def publish_once(path: Path, content: bytes) -> None:
    """Write `path` in one step. Raises FileExistsError when somebody was first. A killed process leaves a draft."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.link(temporary, path)
        sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def is_full(error: OSError) -> bool:
    """Whether there was no room left on a disk, or in somebody's share of it. Libraries may say so in words only."""
    return error.errno in {errno.ENOSPC, errno.EDQUOT} or "No space left on device" in str(error)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, as hexadecimal text."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
