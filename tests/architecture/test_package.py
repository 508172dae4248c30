"""What leaves the house: the wheel, its dependencies and their licences, and nothing of one machine."""

import hashlib
import re
import tomllib
from functools import cache
from importlib import metadata
from pathlib import Path, PurePosixPath

import pytest
from hatchling.builders.wheel import WheelBuilder
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from lib.tree import ROOT, files

# Code, templates, mapping packs, code lists, texts. A data file of another kind has to be admitted here on purpose.
SHIPPED = {".csv", ".css", ".html", ".j2", ".js", ".json", ".md", ".py", ".sql", ".svg", ".typ", ".typed", ".yaml"}
WHEEL_BYTES = 8_000_000

LOCKED = re.compile(r"^(?P<name>[A-Za-z0-9][\w.-]*)==(?P<version>[^\s;]+)", re.MULTILINE)
MACHINE = re.compile(r"(?<![\w.~})/])/(?:" + "|".join(["home", "Users", "root", "opt", "work", "mnt", "srv"]) + r")/\w")
INDEX = re.compile(r"https?://[^\s/]*(?:pypi|pythonhosted|npmjs|crates\.io)|https?://\S*/simple\b")


@cache
def _wheel() -> dict[str, Path]:
    builder = WheelBuilder(str(ROOT))
    return {found.distribution_path: Path(found.path) for found in builder.recurse_included_files()}


@cache
def _locked(name: str) -> dict[str, set[str]]:
    versions: dict[str, set[str]] = {}
    for found in LOCKED.finditer((ROOT / "requirements" / name).read_text()):
        versions.setdefault(canonicalize_name(found["name"]), set()).add(found["version"])
    return versions


def _texts() -> list[tuple[str, str]]:
    texts = []
    for path in files():
        raw = path.read_bytes()
        if b"\0" not in raw[:8192]:
            texts.append((path.relative_to(ROOT).as_posix(), raw.decode("utf-8", errors="replace")))
    return texts


def test_the_wheel_holds_the_package_and_nothing_else() -> None:
    assert _wheel()
    assert {PurePosixPath(name).parts[0] for name in _wheel()} == {"isthmus"}
    assert {PurePosixPath(name).suffix for name in _wheel()} <= SHIPPED
    assert sum(path.stat().st_size for path in _wheel().values()) < WHEEL_BYTES


def test_the_wheel_holds_every_file_of_the_package() -> None:
    kept = {path.relative_to(ROOT / "src").as_posix() for path in files() if path.is_relative_to(ROOT / "src")}
    assert kept <= set(_wheel())


@pytest.mark.acceptance
def test_no_file_of_the_project_is_a_copy_of_outside_data(outside: Path) -> None:
    ours = {hashlib.sha256(path.read_bytes()).digest(): path for path in files() if path.stat().st_size > 64}
    sizes = {path.stat().st_size for path in ours.values()}
    theirs = (path for path in outside.rglob("*") if path.is_file() and path.stat().st_size in sizes)
    copies = [path for path in theirs if hashlib.sha256(path.read_bytes()).digest() in ours]
    # A licence text is the one thing that may be the same everywhere.
    assert not [path.relative_to(outside) for path in copies if not path.name.upper().startswith("LICENSE")]


@pytest.mark.parametrize("name", ["uv.txt", "run.txt", "dev.txt"])
def test_every_locked_package_has_its_hashes_and_names_no_host(name: str) -> None:
    text = (ROOT / "requirements" / name).read_text()
    entries = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]
    assert entries
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in text


def test_the_lock_fits_what_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    asked = project["project"]["dependencies"]
    wanted = [("run.txt", line) for line in asked]
    wanted += [("dev.txt", line) for line in project["dependency-groups"]["dev"] if isinstance(line, str)]
    wanted += [("uv.txt", line) for line in project["dependency-groups"]["installer"]]
    for name, line in wanted:
        requirement = Requirement(line)
        versions = _locked(name).get(canonicalize_name(requirement.name), set())
        assert versions, f"{line} is not in requirements/{name}: run `make lock`"
        assert all(requirement.specifier.contains(version) for version in versions), f"{line}: run `make lock`"


def test_what_is_tested_is_what_is_installed() -> None:
    for package, versions in _locked("run.txt").items():
        assert versions <= _locked("dev.txt")[package]


def test_no_dependency_asks_for_more_than_the_licence_of_the_project_gives() -> None:
    refused = []
    for package in _locked("run.txt"):
        try:
            found = metadata.metadata(package)
        except metadata.PackageNotFoundError:
            continue  # locked for another platform
        stated = [found.get("License-Expression") or "", *found.get_all("Classifier", [])]
        if re.search(r"\bA?GPL|General Public License", " ".join(stated).replace("LGPL", "").replace("Lesser ", "")):
            refused.append(package)
    assert not refused


def test_nothing_names_a_folder_of_one_machine() -> None:
    assert not [f"{name}: {found[0]}" for name, text in _texts() for found in MACHINE.finditer(text)]


def test_nothing_names_the_host_of_a_package_index() -> None:
    assert not [f"{name}: {found[0]}" for name, text in _texts() for found in INDEX.finditer(text)]
    assert not (ROOT / "uv.lock").exists()
