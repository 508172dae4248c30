"""One lake: its landing, its Delta tables and its editions under one folder, with one writer at a time."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from isthmus.base.errors import InputError
from isthmus.lake.delta import Deltas
from isthmus.lake.edition import Editions
from isthmus.lake.engine import Engine
from isthmus.lake.landing import Landing


class Lake:
    """The folder where bytes live."""

    def __init__(self, root: Path, *, landing: Path | None = None, memory: str = "900MB") -> None:
        self.root = root
        self.landing = Landing(landing or root.parent / "landing")
        self.deltas = Deltas(root)
        self.editions = Editions(root)
        self.memory = memory

    @property
    def staging(self) -> Path:
        """Where drafts lie; nothing in it is part of any table."""
        return self.root / ".staging"

    @property
    def scratch(self) -> Path:
        """Where engines spill, a folder for each."""
        return self.root / ".scratch"

    def _clear_scratch(self) -> None:
        """Throw away what engines of dead processes left. Those that live may be reading, and spill there."""
        for folder in self.scratch.glob("*"):
            process = folder.name.split(".")[0]
            if not (process.isdecimal() and _is_alive(int(process))):
                shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Be the only writer; drafts of an interrupted one are thrown away first.

        Raises InputError when another process is writing.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise InputError(
                    "another process is writing to this workspace. Wait until it has finished, then try again."
                ) from None
            shutil.rmtree(self.staging, ignore_errors=True)
            self._clear_scratch()
            self.landing.clear()
            self.editions.clear()
            self.staging.mkdir()
            try:
                with self.deltas.alone():
                    yield
            finally:
                shutil.rmtree(self.staging, ignore_errors=True)

    @contextmanager
    def engine(self, *, threads: int | None = None) -> Iterator[Engine]:
        """An engine for the length of a block, on so many cores (None: all that there are)."""
        scratch = self.scratch / f"{os.getpid()}.{uuid4().hex}"
        engine = Engine(scratch, memory=self.memory, threads=threads)
        try:
            yield engine
        finally:
            engine.close()
            shutil.rmtree(scratch, ignore_errors=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
