"""The landing: every delivery byte for byte, kept once under the name of its content, never changed."""

import hashlib
import os
import shutil
from collections.abc import Container
from pathlib import Path
from uuid import uuid4

from isthmus.base.durable import BLOCK, FULL, is_full, replaced, sha256_of, sync_folder
from isthmus.base.errors import InputError, IntegrityError

SMALL = 8 << 20  # bytes that are held at once; a larger file is copied block by block


class Landing:
    """A folder of objects named by SHA-256: `objects/ab/abcdef…`. A copy under way lies in `.drafts`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._drafts = root / ".drafts"

    def clear(self) -> None:
        """Throw away half copies of a process that was killed. Only the one writer of a lake may."""
        shutil.rmtree(self._drafts, ignore_errors=True)

    def path(self, sha256: str) -> Path:
        """Where the object of this content lies, whether or not it is there."""
        return self.root / "objects" / sha256[:2] / sha256

    def has(self, sha256: str, size: int) -> bool:
        """Whether the object is there in full length."""
        path = self.path(sha256)
        return path.is_file() and path.stat().st_size == size

    def put(self, source: Path, *, seen: Container[int] = ()) -> tuple[str, int]:
        """Keep a copy of a file; returns its SHA-256 and size in bytes. Durable when it returns.

        A large file of a size that was `seen` before is likely here already: it is read before it is copied. Several
        threads may put at once. Raises InputError when the file changes while it is read (a transfer still under way).
        """
        try:
            before = source.stat()
            if before.st_size <= SMALL:
                content = source.read_bytes()
                _unchanged(source, before, len(content))
                return self._keep(content)
            if before.st_size in seen:
                sha256 = sha256_of(source)
                if self.has(sha256, before.st_size):
                    return sha256, before.st_size
            return self._copy(source, before)
        except OSError as error:
            why = FULL if is_full(error) else f"{error.strerror}. Check its permissions."
            raise InputError(f"{source.name} cannot be landed: {why}") from None

    def _keep(self, content: bytes) -> tuple[str, int]:
        sha256 = hashlib.sha256(content).hexdigest()
        if not self.has(sha256, len(content)):
            with replaced(self.path(sha256), drafts=self._drafts) as copy:
                copy.write(content)
            self.path(sha256).chmod(0o440)
        return sha256, len(content)

    def _copy(self, source: Path, before: os.stat_result) -> tuple[str, int]:
        """Copy a file and learn its name on the way; the copy is dropped if its like is there."""
        digest, size = hashlib.sha256(), 0
        self._drafts.mkdir(parents=True, exist_ok=True)
        draft = self._drafts / f".{uuid4().hex}.tmp"
        try:
            with source.open("rb") as stream, draft.open("wb") as copy:
                while block := stream.read(BLOCK):
                    digest.update(block)
                    copy.write(block)
                    size += len(block)
                copy.flush()
                os.fsync(copy.fileno())
            _unchanged(source, before, size)
            path = self.path(digest.hexdigest())
            if not self.has(path.name, size):
                path.parent.mkdir(parents=True, exist_ok=True)
                draft.chmod(0o440)
                draft.replace(path)
                sync_folder(path.parent)
            return path.name, size
        finally:
            draft.unlink(missing_ok=True)

    def check(self, sha256: str, size: int) -> None:
        """Raise IntegrityError unless the object is there and its bytes are what its name says."""
        path = self.path(sha256)
        if not path.is_file():
            raise IntegrityError(f"landed object {sha256} is missing. Restore it from a backup of the landing.")
        if path.stat().st_size != size or sha256_of(path) != sha256:
            raise IntegrityError(f"landed object {sha256} was altered. Restore it from a backup of the landing.")


def _unchanged(source: Path, before: os.stat_result, size: int) -> None:
    after = source.stat()
    if (after.st_size, after.st_mtime_ns, size) != (before.st_size, before.st_mtime_ns, before.st_size):
        raise InputError(
            f"{source.name} changed while it was being landed. Wait until its transfer is complete, then ingest again."
        )
