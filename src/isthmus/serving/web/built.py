"""Registries as they were built of an edition: kept beside the workspace's records, by edition and rulings."""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from isthmus.base.errors import PackError
from isthmus.gate.session import open_session
from isthmus.research.registries.enrolment.said import lasts, rulings
from isthmus.research.registries.layer import HEAD, shipped
from isthmus.research.registries.pack import Pack, load
from isthmus.serving.registered import registered
from isthmus.serving.registries.kept import Kept
from isthmus.serving.web.house import House

FOLDER, OWN = "built", "registries"
BASE = "tumour"  # extended by the others, and no registry of its own


def packs(house: House) -> Mapping[str, Pack]:
    """The packs of registries that come along and those of the workspace, by name."""
    return _read(house)[0]


def refused(house: House) -> Sequence[str]:
    """What is wrong in packs of the workspace, a line a fault."""
    return _read(house)[1]


def of(house: House, name: str) -> Kept | None:
    """A registry of the newest edition as people have ruled on its cases until now, if it was built.

    Nothing is built here but what was built of the same edition before something was said of its cases: that is not
    shown any more, and is built anew beside the requests.
    """
    if house.edition is None or name not in packs(house):
        return None
    return _found(house, name) or (build(house, name) if renewing(house, name) else None)


def renewing(house: House, name: str) -> bool:
    """Whether a registry of the newest edition was built, and something was said of its cases since."""
    folder = _folder(house, name)
    edition = folder.name.partition("-")[0]
    return not folder.exists() and any(folder.parent.glob(f"{edition}-*"))


def build(house: House, name: str) -> Kept | None:
    """A registry of the newest edition, built beside the requests; None until it is there.

    Raises RefusedError where patients are real: those are read under a grant, on the command line.
    """
    if house.edition is None:
        return None
    open_session(house.workspace.lake, synthetic=house.synthetic)
    folder, pack = _folder(house, name), packs(house)[name]
    return _found(house, name) or house.memory.later(
        ("registry", folder, pack.digest), lambda: _built(house, pack, folder)
    )


def _read(house: House) -> tuple[Mapping[str, Pack], Sequence[str]]:
    """Packs and faults; those of the workspace are read anew when a file of theirs changed."""
    folder = house.workspace.root / OWN
    found = sorted(one for one in folder.rglob("*") if one.is_file()) if folder.is_dir() else []
    state = tuple((str(one), one.stat().st_mtime_ns, one.stat().st_size) for one in found)
    return house.memory.once(("packs", state), lambda: _loaded(folder))


def _loaded(folder: Path) -> tuple[Mapping[str, Pack], Sequence[str]]:
    own = [path.parent.name for path in sorted(folder.glob(f"*/{HEAD}"))]
    read: dict[str, Pack] = {}
    faults: list[str] = []
    for name in dict.fromkeys([*(one for one in shipped() if one != BASE), *own]):
        try:
            read[name] = load(name, [folder])
        except PackError as error:
            faults += str(error).splitlines()
    return read, faults


def _folder(house: House, name: str) -> Path:
    """Where a registry of the newest edition is kept, as it is after the last ruling on its cases."""
    last = lasts(house.workspace).get(packs(house)[name].name, 0)
    return house.workspace.root / FOLDER / name / f"e{house.edition or 0:06d}-{last}"


def _found(house: House, name: str) -> Kept | None:
    folder, pack = _folder(house, name), packs(house)[name]
    key = ("registry", folder, pack.digest)
    known: Kept | None = house.memory.known(key)
    if known is not None:
        return known
    try:
        about = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if about["digest"] != pack.digest:
        return None
    return house.memory.once(key, lambda: Kept(folder, pack, about, house.synthetic))


def _built(house: House, pack: Pack, folder: Path) -> Kept:
    edition, _, until = folder.name.partition("-")
    session = open_session(house.workspace.lake, synthetic=house.synthetic, edition=int(edition[1:]))
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent, prefix=".") as draft:
        said = rulings(house.workspace, pack.name, int(until))
        made = registered(session, pack, Path(draft) / "made", said, int(until))
        for one in folder.parent.glob("e*"):  # other editions and rulings are not shown any more
            shutil.rmtree(one, ignore_errors=True)
        (Path(draft) / "made").rename(folder)
    return Kept(folder, pack, made.about, house.synthetic)
