"""What many tests begin with is made once for all workers of a run, and copied for each of them."""

import fcntl
import os
import pickle
import shutil
import tempfile
from collections.abc import Callable, Hashable
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

SHELF = "ISTHMUS_TEST_SHELF"
_SEEN: dict[Hashable, tuple[Path, Any]] = {}


@cache
def _own() -> "tempfile.TemporaryDirectory[str]":
    """A shelf that stands until this process ends."""
    return tempfile.TemporaryDirectory(prefix="isthmus-copies-")


def shelf() -> Path:
    """Where the originals stand. Processes that are started after the first call find the same place."""
    if SHELF not in os.environ:
        os.environ[SHELF] = _own().name
    return Path(os.environ[SHELF])


def copied(key: Hashable, make: Callable[[Path], Any], folder: Path) -> Any:
    """What `make` leaves in a folder, in `folder`; what it returned, which tells nothing of the folder.

    `make` must do the same whenever it is called with the same key; a key is known by its `repr`, and what is returned
    must be fit to be pickled. A site's settings name the folders of its feeds; in a copy they name those of the copy.
    """
    if key not in _SEEN:
        _SEEN[key] = _made(key, make)
    original, told = _SEEN[key]
    shutil.copytree(original, folder, symlinks=True, dirs_exist_ok=True)
    for settings in folder.glob("**/sites/*.toml"):
        text = settings.read_text(encoding="utf-8")
        settings.write_text(text.replace(f"{original}/", f"{folder}/"), encoding="utf-8")
    return told


def _made(key: Hashable, make: Callable[[Path], Any]) -> tuple[Path, Any]:
    """The original of a key, by whichever worker came first; the others wait for it."""
    place = shelf() / sha256(repr(key).encode()).hexdigest()
    with place.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        note = place.with_suffix(".told")
        if not note.exists():
            shutil.rmtree(place, ignore_errors=True)  # of a worker that failed half-way
            place.mkdir()
            told = make(place)
            note.write_bytes(pickle.dumps(told))
        return place, pickle.loads(note.read_bytes())
