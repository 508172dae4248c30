"""What many tests begin with is made once in a process, and copied for each of them."""

import shutil
import tempfile
from collections.abc import Callable, Hashable
from functools import cache
from pathlib import Path
from typing import Any

_MADE: dict[Hashable, tuple[Path, Any]] = {}


@cache
def _shelf() -> "tempfile.TemporaryDirectory[str]":
    """Where the originals stand until the process ends."""
    return tempfile.TemporaryDirectory(prefix="isthmus-copies-")


def copied(key: Hashable, make: Callable[[Path], Any], folder: Path) -> Any:
    """What `make` leaves in a folder, in `folder`; what it returned, which tells nothing of the folder.

    `make` must do the same whenever it is called with the same key. A site's settings name the folders of its feeds;
    in a copy they name those of the copy.
    """
    if key not in _MADE:
        original = Path(tempfile.mkdtemp(dir=_shelf().name))
        _MADE[key] = (original, make(original))
    original, told = _MADE[key]
    shutil.copytree(original, folder, symlinks=True, dirs_exist_ok=True)
    for settings in folder.glob("**/sites/*.toml"):
        text = settings.read_text(encoding="utf-8")
        settings.write_text(text.replace(f"{original}/", f"{folder}/"), encoding="utf-8")
    return told
