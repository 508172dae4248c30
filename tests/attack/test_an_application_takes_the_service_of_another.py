"""A service of CDS Hooks has one giver: whoever comes later is refused, and the one that was there goes on."""

from pathlib import Path

import pytest

from isthmus.apps.contract import InputError
from isthmus.apps.manager.running import Manager
from lib.applications import CODE, MANIFEST, managed, write


def _youth(folder: Path, version: str, service: str) -> str:
    """An application of another name whose version gives a service."""
    manifest = MANIFEST.replace("app: elders", "app: youth").replace("1.0.0", version)
    there = write(
        folder / version,
        manifest=manifest.replace("elders-view", service),
        code=CODE.replace('"elders-view"', f'"{service}"'),
    )
    return str(there)


def test_a_version_that_gives_it_too_is_not_enabled_and_the_other_answers_after_a_restart(tmp_path: Path) -> None:
    with managed(tmp_path, write(tmp_path), Path(_youth(tmp_path, "1.0.0", "youth-view"))) as (shelf, manager):
        shelf.install(_youth(tmp_path, "2.0.0", "elders-view"))
        with pytest.raises(InputError, match="gives the service elders-view, which elders gives already"):
            shelf.enable("youth")
        assert shelf.records.state("youth").version == "1.0.0"
        manager.close()
        again = Manager(shelf.opened)
        try:
            assert (again.giver("elders-view"), again.giver("youth-view")) == ("elders", "youth")
        finally:
            again.close()


def test_what_is_rolled_back_to_may_not_give_it_either(tmp_path: Path) -> None:
    with managed(tmp_path, write(tmp_path)) as (shelf, _):
        shelf.disable("elders")
        for version, service in (("1.0.0", "elders-view"), ("2.0.0", "youth-view")):
            shelf.install(_youth(tmp_path, version, service))
            shelf.enable("youth")
        shelf.enable("elders")
        with pytest.raises(InputError, match="disable elders first"):
            shelf.roll_back("youth")
        shelf.disable("elders")
        assert shelf.roll_back("youth").version == "1.0.0"
