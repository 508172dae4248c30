"""The import contracts of .importlinter are kept."""

import os
import subprocess
import sys
from configparser import ConfigParser

from lib.tree import ROOT, rooms


def test_every_import_contract_is_kept() -> None:
    code = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    run = subprocess.run(
        [sys.executable, "-c", code, "--no-cache"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_every_room_has_a_floor() -> None:
    contract = ConfigParser()
    contract.read(ROOT / ".importlinter")
    floors = contract["importlinter:contract:rooms"]["layers"].replace("|", " ").split()
    assert set(floors) == rooms()
    assert len(floors) == len(set(floors))


def test_only_the_lake_may_name_an_engine() -> None:
    contract = ConfigParser()
    contract.read(ROOT / ".importlinter")
    bound = contract["importlinter:contract:engines"]["source_modules"].split()
    assert {name.removeprefix("isthmus.") for name in bound} == rooms() - {"lake"}
