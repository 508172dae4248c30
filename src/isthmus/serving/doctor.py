"""What a machine or a workspace lacks, and how to mend it."""

import os
import shutil
import socket
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from shlex import quote

import vl_convert

from isthmus.base.errors import IsthmusError
from isthmus.flow import sites
from isthmus.flow.verify import verify
from isthmus.flow.workspace import Workspace
from isthmus.serving.page.tokens import fonts

LEAST_DISK = 5 << 30
LEAST_MEMORY = 2 << 30
LIBRARIES = (
    "duckdb",
    "deltalake",
    "pyarrow",
    "ibis-framework",
    "sqlglot",
    "sqlalchemy",
    "msgspec",
    "vl-convert-python",
)


@dataclass(frozen=True, slots=True)
class Line:
    """One thing looked at: `state` is ok, warn or fail; `mend` says what to do unless it is ok."""

    subject: str
    state: str
    found: str
    mend: str = ""


def examine(root: Path | None) -> list[Line]:
    """Look at the machine, and at a workspace if one is named."""
    checks: list[Callable[[Path], Iterator[Line]]] = [_python, _libraries, _memory, _disk, _clock, _font, _packs]
    lines = [line for check in checks for line in check(root or Path.cwd())]
    return lines + (list(_workspace(root)) if root is not None else [])


def _python(_: Path) -> Iterator[Line]:
    yield Line("Python", "ok", sys.version.split()[0])
    yield Line("SQLite", "ok", sqlite3.sqlite_version)


def _libraries(_: Path) -> Iterator[Line]:
    for name in LIBRARIES:
        try:
            yield Line(name, "ok", version(name))
        except PackageNotFoundError:
            yield Line(name, "fail", "absent", "Run `make env`.")


def _memory(_: Path) -> Iterator[Line]:
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    state = "ok" if free >= LEAST_MEMORY else "warn"
    yield Line(
        "free memory",
        state,
        f"{free / (1 << 30):.1f} GiB",
        "" if state == "ok" else "An ingest wants 2 GiB; close other programs.",
    )


def _disk(root: Path) -> Iterator[Line]:
    place = next(folder for folder in (root, *root.absolute().parents) if folder.exists())
    free = shutil.disk_usage(place).free
    state = "ok" if free >= LEAST_DISK else "warn"
    mend = "" if state == "ok" else "Landing and lake together want about twice the size of the exports."
    yield Line("free disk", state, f"{free / (1 << 30):.1f} GiB", mend)
    writable = os.access(place, os.W_OK)
    yield Line(
        "folder",
        "ok" if writable else "fail",
        "writable" if writable else "read-only",
        "" if writable else f"Give this user the right to write to {place}.",
    )


def _clock(_: Path) -> Iterator[Line]:
    year = datetime.now(UTC).year
    state = "ok" if 2024 <= year < 2100 else "fail"
    yield Line(
        "clock",
        state,
        datetime.now(UTC).isoformat(timespec="seconds"),
        "" if state == "ok" else "Set the machine's clock.",
    )
    yield Line("name of this machine", "ok", socket.gethostname())


def _font(_: Path) -> Iterator[Line]:
    """Draw a Chinese word: without a font for it, every character becomes the same empty box."""

    def drawn(word: str) -> bytes:
        spec = {"data": {"values": [{}]}, "mark": {"type": "text", "text": word, "font": fonts("zh")}}
        return bytes(vl_convert.vegalite_to_png(spec, allowed_base_urls=[]))

    if drawn("地峡") == drawn("肝癌"):
        yield Line(
            "Chinese font", "warn", "none", "Install one (Debian: fonts-noto-cjk), or Chinese exports show empty boxes."
        )
    else:
        yield Line("Chinese font", "ok", "drawn")


def _packs(_: Path) -> Iterator[Line]:
    for name in sites.shipped_packs():
        try:
            sites.check_pack(name)
        except IsthmusError as error:
            yield Line(f"pack {name}", "fail", str(error), "Reinstall Isthmus.")
    yield Line("packs that come along", "ok", ", ".join(sites.shipped_packs()))


def _workspace(root: Path) -> Iterator[Line]:
    try:
        workspace = Workspace(root)
        yield Line("workspace", "ok", "synthetic" if workspace.synthetic else "real data")
        if not workspace.synthetic and root.stat().st_mode & 0o007:
            yield Line(
                "folder rights",
                "warn",
                "others may enter",
                f"Run `chmod o-rwx {quote(str(root))}`: it holds patients' data.",
            )
        for site in workspace.sites():
            for feed in site.feeds:
                there = "://" in feed.source or Path(feed.source).exists()
                yield Line(
                    f"feed {site.name}/{feed.name}",
                    "ok" if there else "fail",
                    feed.source,
                    "" if there else "Mount the folder, or correct the site's file.",
                )
                workspace.pack(feed.pack)
        with tempfile.TemporaryDirectory(dir=root):
            pass
        for finding in verify(workspace):
            state = "fail" if finding.faults else "ok"
            yield Line(finding.check, state, str(finding.looked_at), "; ".join(finding.faults[:3]))
    except (IsthmusError, OSError) as error:
        yield Line("workspace", "fail", str(error), "Mend this first.")
