"""What an application learns comes in by the front door: a feed of its own at the site, read by the pack it brings."""

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from isthmus.apps.contract import InputError, Rows, UsageError
from isthmus.apps.manager.shelf import FOLDER, Package
from isthmus.apps.manager.wire import plain
from isthmus.base.durable import replaced
from isthmus.flow.workspace import Feed, Workspace

PACK = "pack"
KIND = re.compile(r"[a-z][a-z0-9_]{0,39}")
IDENTIFIED = 4  # the grade of data from which identities are the house's own numbers, and no pseudonyms


def learner(opened: Workspace, package: Package, site: str) -> Callable[[str, Rows], None]:
    """What hands rows of an application to intake, as a delivery of its feed at a site; the next ingest takes it in.

    The same rows again are the same delivery. Raises UsageError where the application brings no pack, or reads
    pseudonyms, which intake cannot know again.
    """

    def learnt(kind: str, rows: Rows) -> None:
        if not KIND.fullmatch(kind):
            raise UsageError(f"'{kind}' is no kind of record. Use a-z, 0-9 and '_'.")
        if not (package.folder / PACK / "pack.yaml").exists():
            raise UsageError(f"{package.manifest.app} brings no pack that reads what it learns. Add pack/pack.yaml.")
        if not opened.synthetic and package.manifest.grade < IDENTIFIED:
            raise UsageError(
                f"below grade {IDENTIFIED} an application reads pseudonyms, which intake cannot know again. Ask for a "
                f"grant of grade {IDENTIFIED}, and declare it in app.yaml."
            )
        for where, some in _by_site(rows, site).items():
            _deliver(opened, package, where, kind, some)

    return learnt


def _by_site(rows: Rows, site: str) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        where = str(row.get("site") or site)
        if not where or (site and where != site):
            raise UsageError("what is learnt belongs to a site: give each row its `site`, in a call of no other site.")
        found.setdefault(where, []).append(plain(dict(row)))
    return found


def _deliver(opened: Workspace, package: Package, site: str, kind: str, rows: Rows) -> None:
    """Put rows as a file into the folder of the feed, under a name by which the same rows are known again."""
    folder = opened.root / FOLDER / package.manifest.app / "learnt" / site
    lines = sorted(f"{json.dumps(row, ensure_ascii=False, sort_keys=True)}\n" for row in rows)  # in any order the same
    text = "".join(lines).encode()
    path = folder / f"{kind}-{hashlib.sha256(text).hexdigest()[:32]}.ndjson"
    if not path.exists():
        _register(opened, package, site, folder)
        with replaced(path) as stream:
            stream.write(text)


def _register(opened: Workspace, package: Package, site: str, folder: Path) -> None:
    """See to it that the site has the feed, and the workspace the pack of this version."""
    name = f"app-{package.manifest.app}"
    found = opened.site(site)
    if all(feed.name != name for feed in found.feeds):
        folder.mkdir(parents=True, exist_ok=True)
        opened.keep_site(replace(found, feeds=(*found.feeds, Feed(name, str(folder.resolve()), name))))
    own, target = package.folder / PACK, opened.root / "packs" / name
    files = {path.relative_to(own): path.read_bytes() for path in own.rglob("*") if path.is_file()}
    kept = {path.relative_to(target): path.read_bytes() for path in target.rglob("*") if path.is_file()}
    if files != kept:
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(own, target)
    if opened.pack(name).name != name:
        raise InputError(f"the pack of {package.manifest.app} has to be named {name}. Correct pack/pack.yaml.")
