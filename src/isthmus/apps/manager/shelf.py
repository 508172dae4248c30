"""Applications as they are installed: found, copied, looked at, enabled, and taken out of use.

Nothing runs here. What is decided goes into the records; a service that runs looks there once a second.
"""

import hashlib
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib import resources
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import isthmus.apps
from isthmus.apps.contract import InputError, Manifest, UsageError, manifest_of
from isthmus.apps.contract.manifest import FILE
from isthmus.apps.contract.schema import steps_of
from isthmus.apps.manager import fence
from isthmus.apps.manager.settings import read
from isthmus.base.clock import now
from isthmus.flow.workspace import Workspace
from isthmus.records.applications import Applications, Installed, State
from isthmus.records.own import Own

GROUP = "isthmus.apps"
FOLDER = "applications"
SECONDS = 30.0  # of a call
LEFT_OUT = ("__pycache__", ".*", "tests")


@dataclass(frozen=True, slots=True)
class Package:
    """A version of an application: where its files are, and the package that Python finds it by ("": its folder).

    `trusted`: it runs beside the gate; others run apart.
    """

    manifest: Manifest
    folder: Path
    package: str
    trusted: bool


class Shelf:
    """The applications of a workspace."""

    def __init__(self, opened: Workspace) -> None:
        self.opened = opened
        self.records = Applications(opened.records)
        said = _said(opened.settings.get("apps", {}))
        self._trusted = frozenset(said["trusted"])
        self.fenced = said["fenced"]
        self.seconds = float(said["seconds"])
        self.memory = int(said["memory_mib"]) << 20

    def house(self) -> Mapping[str, Manifest]:
        """The applications that come along."""
        found = Path(str(resources.files(isthmus.apps)))
        manifests = [manifest_of(path.parent) for path in sorted(found.glob(f"*/{FILE}"))]
        return {one.app: one for one in manifests}

    def install(self, source: str) -> Installed:
        """Install an application: one of the house by its name, a package by the name of its entry point, or a folder.

        A folder is copied, so that versions stay side by side; the same version with other content is refused. Raises
        InputError or PackError when it is not what the contract asks for.
        """
        folder = Path(source)
        if (folder / FILE).exists():
            return self._install_folder(folder)
        if source in self.house():
            place, origin = self._house(source), "house"
        else:
            place, origin = _folder_of(_entry(source)), "package"
        manifest = manifest_of(place)
        if manifest.app != source:
            raise InputError(f"the manifest names {manifest.app}, the entry point {source}. Make the two say the same.")
        return self._note(manifest, place, origin, source)

    def package(self, app: str, version: str) -> Package:
        """A version that is installed. Raises InputError when it is not, or when its files are gone or changed."""
        for one in self.records.installed(app):
            if one.version == version:
                break
        else:
            raise InputError(f"{app} {version} is not installed. `isthmus app list` shows what is.")
        if one.origin == "folder":
            folder, package = self.opened.root / FOLDER / app / version, ""
        elif one.origin == "house":
            folder, package = self._house(app), f"{isthmus.apps.__name__}.{self._house(app).name}"
        else:
            found = _entry(app)
            folder, package = _folder_of(found), found.value.partition(":")[0].rpartition(".")[0]
        manifest = manifest_of(folder)
        if one.origin != "folder" and manifest.version != version:
            raise InputError(
                f"{app} {version} was replaced by {manifest.version} where it is installed. Install that: `isthmus app "
                f"install WS {app}`."
            )
        if one.origin == "folder" and digest_of(folder) != one.digest:
            raise InputError(f"the files of {app} {version} were changed after it was installed. Install it again.")
        return Package(manifest, folder, package, one.origin == "house" or app in self._trusted)

    def newest(self, app: str) -> str:
        """The greatest version that is installed. Raises InputError when none is."""
        found = [one.version for one in self.records.installed(app)]
        if not found:
            raise InputError(f"there is no application '{app}' here. Install it: `isthmus app install WS {app}`.")
        return max(found, key=lambda version: tuple(map(int, version.split("."))))

    def own(self, package: Package) -> Own:
        """The own tables of an application: a file of its own, or the server of the records."""
        url = str(self.opened.settings.get("records", ""))
        if not url or url.startswith("sqlite"):
            place = self.opened.root / FOLDER / package.manifest.app / "records.db"
            place.parent.mkdir(parents=True, exist_ok=True)
            url = f"sqlite:///{place.resolve()}"
        return Own(url, package.manifest.app, steps_of(package.folder))

    def enable(self, app: str, version: str = "", *, grant: str = "", person: str = "") -> State:
        """Have a version run (the newest by default), in place of the one that runs: enable, and upgrade.

        Its steps of records.yaml are carried out first. Raises InputError or UsageError when it cannot run, or gives a
        service that another enabled one gives.
        """
        state, chosen = self.records.state(app), version or self.newest(app)
        package = self.package(app, chosen)
        grant, person = grant or state.grant, person or state.person
        if package.manifest.reads and not self.opened.synthetic and not grant:
            raise UsageError(
                f"{app} reads patients, for which it needs a grant like anyone: name it with --grant, and the account "
                "that it acts as with --as."
            )
        self._demand_free(package.manifest)
        own = self.own(package)
        own.migrate()
        own.close()
        return self.records.run(app, chosen, package.manifest.hooks, grant=grant, person=person)

    def disable(self, app: str) -> State:
        """Have no version run. Settings, records and versions stay."""
        self.records.state(app)
        return self.records.run(app, "")

    def roll_back(self, app: str) -> State:
        """Have the version run that ran before. Raises UsageError when there is none, InputError when it cannot run."""
        state = self.records.state(app)
        if not state.former or state.former == state.version:
            raise UsageError(f"no version of {app} ran before. `isthmus app list` shows what is installed.")
        manifest = self.package(app, state.former).manifest
        self._demand_free(manifest)
        return self.records.run(app, state.former, manifest.hooks)

    def give(self, app: str, scope: str, written: Mapping[str, str]) -> None:
        """Give settings in a scope as somebody wrote them; nothing written takes one back.

        Raises InputError for a value that is not admitted.
        """
        state = self.records.state(app)
        manifest = self.package(app, state.version or self.newest(app)).manifest
        self.records.give(app, scope, read(manifest, scope, written))

    def _demand_free(self, manifest: Manifest) -> None:
        """Raise InputError where another enabled application gives a service of the same id: callers know no more."""
        for app, state in self.records.changes().items():
            if app == manifest.app or not state.version:
                continue
            with suppress(InputError):  # what is gone gives nothing
                taken = sorted({*manifest.services} & {*self.package(app, state.version).manifest.services})
                if taken:
                    break
        else:
            return
        raise InputError(
            f"{manifest.app} {manifest.version} gives the service {taken[0]}, which {app} gives already. Give it "
            f"another id, or disable {app} first."
        )

    def _house(self, app: str) -> Path:
        base = Path(str(resources.files(isthmus.apps)))
        for path in base.glob(f"*/{FILE}"):
            if manifest_of(path.parent).app == app:
                return path.parent
        raise InputError(f"'{app}' does not come along with this version of Isthmus.")

    def _install_folder(self, folder: Path) -> Installed:
        manifest = manifest_of(folder)
        steps_of(folder)  # a wrong file is told before anything is copied
        if manifest.app in self.house():
            raise InputError(f"'{manifest.app}' is an application of the house. Give yours another name.")
        target = self.opened.root / FOLDER / manifest.app / manifest.version
        draft = target.with_name(f".{manifest.version}")
        shutil.rmtree(draft, ignore_errors=True)
        shutil.copytree(folder, draft, ignore=shutil.ignore_patterns(*LEFT_OUT), symlinks=True)
        if any(path.is_symlink() for path in draft.rglob("*")):
            shutil.rmtree(draft)
            raise InputError(f"{folder} has a symbolic link in it. Put the file itself there.")
        if target.exists() and digest_of(target) != digest_of(draft):
            shutil.rmtree(draft)
            raise InputError(
                f"{manifest.app} {manifest.version} is installed with other content. Give the new one a version of its "
                "own."
            )
        shutil.rmtree(target, ignore_errors=True)
        draft.replace(target)
        return self._note(manifest, target, "folder", str(folder))

    def _note(self, manifest: Manifest, folder: Path, origin: str, place: str) -> Installed:
        steps_of(folder)
        one = Installed(
            app=manifest.app, version=manifest.version, digest=digest_of(folder), origin=origin, place=place,
            installed_at=now(),
        )  # fmt: skip
        self.records.install(one)
        return one


def _said(given: Any) -> dict[str, Any]:
    """The table [apps] of isthmus.toml, whole. Raises InputError when it cannot be read."""
    usual: dict[str, Any] = {"trusted": [], "fenced": True, "seconds": SECONDS, "memory_mib": fence.MEMORY >> 20}
    said = {**usual, **given} if isinstance(given, dict) else {}
    right = said.keys() == usual.keys() and all(
        isinstance(one, list) and all(isinstance(name, str) for name in one) if key == "trusted"
        else isinstance(one, bool) if key == "fenced"
        else type(one) in (int, float) and one > 0
        for key, one in said.items()
    )  # fmt: skip
    if not right:
        raise InputError(
            "isthmus.toml: [apps] has `trusted`, a list of names; `fenced`, true or false; `seconds` and `memory_mib`, "
            "numbers above 0. Correct it."
        )
    return said


def digest_of(folder: Path) -> str:
    """SHA-256 over names and bytes of the files in a folder, but those that Python makes."""
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and "__pycache__" not in path.parts and not name.startswith(".") and "/." not in name:
            found.update(f"{name}\0{path.stat().st_size}\0".encode())
            found.update(path.read_bytes())
    return found.hexdigest()


def _entry(app: str) -> EntryPoint:
    for one in entry_points(group=GROUP):
        if one.name == app:
            return one
    raise InputError(
        f"'{app}' is neither a folder with an {FILE}, nor an application of the house, nor a package that is installed "
        f"with an entry point of the group {GROUP}."
    )


def _folder_of(entry: EntryPoint) -> Path:
    """The folder of a package, without running any of its code but that of packages around it."""
    found = find_spec(entry.module.rpartition(".")[0] or entry.module)
    if found is None or found.origin is None:
        raise InputError(f"the package of {entry.name} cannot be found. Install it again.")
    return Path(found.origin).parent
