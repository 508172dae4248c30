"""Who installs an application sees what it can ask for, and upgrades to what was named or not at all."""

from pathlib import Path

from isthmus.flow.invented import invented
from isthmus.flow.workspace import Workspace
from lib.applications import MANIFEST, PEOPLE, write
from lib.command import run


def _version(folder: Path, version: str, reads: str = "") -> Path:
    manifest = MANIFEST.replace("version: 1.0.0", f"version: {version}")
    return write(folder / version, manifest=manifest.replace("year_of_birth]}", f"year_of_birth]{reads}}}"))


def test_what_it_reads_is_shown_before_any_of_it_runs(tmp_path: Path) -> None:
    root = invented(tmp_path / "ws", {"person": PEOPLE}).root
    done = run("app", "install", root, _version(tmp_path, "1.0.0"))
    assert done.code == 0 and "It reads person: person_id, year_of_birth." in done.out
    assert Workspace(root).records is not None
    more = _version(tmp_path, "1.1.0", ", death: [person_id, death_date]")
    done = run("app", "upgrade", root, "elders", more)
    assert done.code == 0 and "It reads death: death_date, person_id." in done.out
    assert "1.1.0 is enabled" in done.out


def test_an_older_version_is_not_taken_for_an_upgrade(tmp_path: Path) -> None:
    root = invented(tmp_path / "ws", {"person": PEOPLE}).root
    assert run("app", "install", root, _version(tmp_path, "1.1.0")).code == 0
    done = run("app", "upgrade", root, "elders", _version(tmp_path, "1.0.9"))
    assert (done.code, "1.1.0 is installed, which is newer" in done.err) == (2, True), done
    assert run("app", "list", root, "--json").document()["applications"][1]["enabled"] == ""
