"""The landing: every delivery byte for byte, kept once under the name of its content, never changed."""

import hashlib
import shutil
from pathlib import Path

from isthmus.base.durable import BLOCK, replaced, sha256_of
from isthmus.base.errors import InputError, IntegrityError

SMALL = 8 << 20  # bytes that are read once; a larger file is read twice, to know it before it is copied


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

    def put(self, source: Path) -> tuple[str, int]:
        """Keep a copy of a file; returns its SHA-256 and size in bytes. Durable when it returns.

        Raises InputError when the file changes while it is read (a transfer still under way).
        """
        try:
            size = source.stat().st_size
            if size <= SMALL:
                return self._keep(source.read_bytes())
            sha256 = sha256_of(source)
            if not self.has(sha256, size):
                self._copy(source, sha256)
        except OSError as error:
            raise InputError(f"{source.name} cannot be landed: {error.strerror}. Check its permissions.") from None
        return sha256, size

    def _keep(self, content: bytes) -> tuple[str, int]:
        sha256 = hashlib.sha256(content).hexdigest()
        if not self.has(sha256, len(content)):
            with replaced(self.path(sha256), drafts=self._drafts) as copy:
                copy.write(content)
            self.path(sha256).chmod(0o440)
        return sha256, len(content)

    def _copy(self, source: Path, sha256: str) -> None:
        digest = hashlib.sha256()
        with source.open("rb") as stream, replaced(self.path(sha256), drafts=self._drafts) as copy:
            while block := stream.read(BLOCK):
                digest.update(block)
                copy.write(block)
            if digest.hexdigest() != sha256:
                raise InputError(
                    f"{source.name} changed while it was being landed. Wait until its transfer is complete, then "
                    "ingest again."
                )
        self.path(sha256).chmod(0o440)

    def check(self, sha256: str, size: int) -> None:
        """Raise IntegrityError unless the object is there and its bytes are what its name says."""
        path = self.path(sha256)
        if not path.is_file():
            raise IntegrityError(f"landed object {sha256} is missing. Restore it from a backup of the landing.")
        if path.stat().st_size != size or sha256_of(path) != sha256:
            raise IntegrityError(f"landed object {sha256} was altered. Restore it from a backup of the landing.")
