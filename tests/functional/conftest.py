"""What the tests of the work list share: a hospital with open codes, and keys on the standard input."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from isthmus.flow.workspace import Workspace
from lib import open_codes
from lib.command import Done, run


@pytest.fixture
def hospital(tmp_path: Path) -> Workspace:
    return open_codes.hospital(tmp_path)


@pytest.fixture
def press(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Done]:
    """Runs a command with keys on its standard input."""

    def pressed(keys: str, *words: str | Path) -> Done:
        monkeypatch.setattr("sys.stdin", io.StringIO(keys))
        return run(*words)

    return pressed
