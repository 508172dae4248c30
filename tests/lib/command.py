"""The command `isthmus` as a person or a script meets it: its exit code and what stands on its two streams."""

import io
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from isthmus.serving.cli import main
from lib.apart import Apart

# CAP_DAC_OVERRIDE lets root write where the mode forbids it; dropped, a read-only folder is one for root too.
HUMBLE = (
    "import ctypes, os, sys; os.geteuid() or ctypes.CDLL(None).prctl(24, 1, 0, 0, 0); "
    "os.execv(sys.executable, [sys.executable, '-m', 'isthmus', *sys.argv[1:]])"
)


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    def document(self) -> Any:
        """The one JSON document that is all of stdout."""
        return orjson.loads(self.out)


def run(*words: str | Path) -> Done:
    """The command in this process."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    code = 0
    with redirect_stdout(out), redirect_stderr(err):
        try:
            main([str(word) for word in words])
        except SystemExit as ended:
            assert isinstance(ended.code, int)
            code = ended.code
    return Done(code, _text(out), _text(err))


def apart(*words: str | Path, humble: bool = False, forked: bool = True) -> Done:
    """The command in a process of its own, `forked` from one that loaded it; from one thread only.

    `humble` holds root to the modes of files, in a process that is started anew.
    """
    if forked and not humble:
        process = Apart(*words)
        out, err = process.communicate()
        assert process.returncode is not None
        return Done(process.returncode, out.decode(), err.decode())
    done = subprocess.run(
        [sys.executable, *(("-c", HUMBLE) if humble else ("-m", "isthmus")), *(str(word) for word in words)],
        capture_output=True, text=True, encoding="utf-8", check=False, env=os.environ | {"PYTHONWARNINGS": "ignore"},
    )  # fmt: skip
    return Done(done.returncode, done.stdout, done.stderr)


def complaint(done: Done, code: int) -> str:
    """What a command that failed said: it ended with `code`, and said so in words, not with a traceback."""
    assert done.code == code, done
    said: Sequence[str] = done.err.strip().splitlines()
    assert said, "nothing was said on stderr"
    assert "Traceback" not in done.err
    assert "unforeseen" not in done.err
    return " ".join(said)


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue().decode("utf-8")
