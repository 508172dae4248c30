"""The command in a process of its own that did not have to load itself.

Loading the command takes longer than most of what it is asked here. A server loads it once and forks; what it forks
can be killed, leaves with its own code and writes to streams of its own, like a process that was started.
"""

import os
import re
import sys
import tempfile
from collections.abc import Mapping, Sequence
from multiprocessing.context import ForkServerContext
from pathlib import Path

from isthmus.serving.cli import main

WAIT = 300.0  # seconds after which a process is taken for one that hangs

_SERVER = ForkServerContext()
_SERVER.set_forkserver_preload(["isthmus.serving.cli.load", "isthmus.serving.cli.asking", "lib.apart"])


class Apart:
    """A command that runs; the methods are those of a `subprocess.Popen` with pipes."""

    def __init__(self, *words: str | Path) -> None:
        self.peak = 0  # bytes of memory that it held at most, when it has ended by itself
        self._folder = tempfile.TemporaryDirectory()
        self._streams = [Path(self._folder.name, name) for name in ("out", "err", "peak")]
        told = ([str(word) for word in words], [str(one) for one in self._streams], dict(os.environ))
        self._process = _SERVER.Process(target=_work, args=told)
        self._process.start()

    @property
    def returncode(self) -> int | None:
        """The code it ended with, the negative number of the signal that ended it, or None while it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """The same."""
        return self.returncode

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()

    def communicate(self) -> tuple[bytes, bytes]:
        """Wait for the end; what it wrote."""
        self._process.join(WAIT)
        assert self.returncode is not None, "the command does not end"
        out, err, peak = (one.read_bytes() if one.exists() else b"" for one in self._streams)
        self.peak = int(peak or 0)
        self._folder.cleanup()
        return out, err


def _work(words: Sequence[str], streams: Sequence[str], environment: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    out, err, peak = (Path(one) for one in streams)
    for number, path in enumerate((out, err), start=1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
    try:
        main(list(words))
    finally:
        sys.stdout.flush()
        # Not getrusage: a child is charged with what its parent held.
        (told,) = re.findall(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
        peak.write_text(str(int(told) * 1024), encoding="ascii")
