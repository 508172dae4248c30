"""Registries as they were built of an edition: kept beside the workspace's records, by edition and pack."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from isthmus.gate.session import open_session
from isthmus.research.registries.layer import shipped
from isthmus.research.registries.pack import Pack, load
from isthmus.serving.registered import registered
from isthmus.serving.registries.kept import Kept
from isthmus.serving.web.house import House

FOLDER = "built"
BASE = "tumour"  # extended by the others, and no registry of its own


def packs(house: House) -> Mapping[str, Pack]:
    """The packs of registries that come along, by name."""
    return house.once("packs", lambda: {name: load(name) for name in shipped() if name != BASE})


def of(house: House, name: str) -> Kept | None:
    """A registry of the newest edition, if it was built; nothing is built here."""
    number = house.edition
    if number is None or name not in packs(house):
        return None
    return house.known(("registry", name, number)) or _found(house, name, number)


def build(house: House, name: str) -> Kept | None:
    """A registry of the newest edition, built beside the requests; None until it is there.

    Raises RefusedError where patients are real: those are read under a grant, on the command line.
    """
    number = house.edition
    if number is None:
        return None
    open_session(house.workspace.lake, synthetic=house.synthetic)
    return of(house, name) or house.later(("registry", name, number), lambda: _built(house, name, number))


def _folder(house: House, name: str, number: int) -> Path:
    return house.workspace.root / FOLDER / name / f"e{number:06d}"


def _found(house: House, name: str, number: int) -> Kept | None:
    folder, pack = _folder(house, name, number), packs(house)[name]
    try:
        about = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if about["digest"] != pack.digest or about["edition"] != number:
        return None
    kept = Kept(folder, pack, about, house.synthetic)
    return house.once(("registry", name, number), lambda: kept)


def _built(house: House, name: str, number: int) -> Kept:
    folder = _folder(house, name, number)
    shutil.rmtree(folder, ignore_errors=True)  # what an interrupted one left
    folder.mkdir(parents=True)
    session = open_session(house.workspace.lake, synthetic=house.synthetic, edition=number)
    made = registered(session, name, folder)
    about = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return Kept(folder, made.pack, about, house.synthetic)
