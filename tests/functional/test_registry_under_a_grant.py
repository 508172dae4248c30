"""A registry of real patients: built under a grant, of what it holds; how many and how full is told, and no row."""

from pathlib import Path
from typing import Any

import pytest

from isthmus.flow.workspace import Workspace
from isthmus.gate.office.unit import Office
from lib import granted, granted_registry
from lib.command import complaint, run
from lib.granted import House
from lib.granted_registry import ALL, SITE


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return granted_registry.made(tmp_path_factory.mktemp("registry"))


def _told(house: House, *words: str) -> dict[str, Any]:
    pack = house.root.parent / "tiny"
    done = house.run("ann", "registry", house.root, pack, "--grant", house.grant, "--json", *words)
    assert done.code == 0, done
    return dict(done.document())


def test_it_is_as_large_and_as_full_as_without_a_grant(house: House, tmp_path: Path) -> None:
    """Beside the same patients declared to be invented."""
    invented = house.copied(tmp_path / "ws")
    settings = invented.root / "isthmus.toml"
    settings.write_text(settings.read_text(encoding="utf-8").replace("synthetic = false", "synthetic = true"))
    expected = run("registry", invented.root, house.root.parent / "tiny", "--json").document()
    found = _told(house)
    assert expected["patients"] == 3
    for part in ("patients", "rows", "completeness", "items"):
        assert found[part] == expected[part], part


def test_what_the_grant_does_not_hold_is_empty_and_named(house: House, tmp_path: Path) -> None:
    copied = house.copied(tmp_path / "ws")
    (tmp_path / "tiny").symlink_to(house.root.parent / "tiny")
    few = {name: columns for name, columns in ALL.items() if name != "measurement"}
    granted.decided(granted.applied(copied, tmp_path, sites=[SITE], tables=few, grade=4))
    found = _told(copied)
    assert found["patients"] == 3
    assert "value_as_number" in found["lacking"]["measurement"]
    assert found["completeness"][0]["core_filled"] + found["completeness"][0].get("wanted_filled", 0) == 0
    whole = _told(house)["lacking"]
    assert "measurement" not in whole
    assert "person_source_value" in whole["person"]  # nobody reads it, at no grade


def test_it_is_one_question_of_the_log(house: House) -> None:
    opened = Workspace(house.root)
    office = Office(opened.root, opened.records, opened.settings)
    before = {act.entry for act in office.acts.under(house.grant)}
    told = _told(house)
    added = [act for act in office.acts.under(house.grant) if act.entry not in before]
    (question,) = [act for act in added if act.kind == "question"]
    assert question.body["text"].startswith("registry tiny 1 (")
    assert question.result is not None
    assert 0 < question.result["rows"] <= 20  # those of completeness and work list: no row of a patient was taken
    assert told["patients"] == 3
    assert run("verify", house.root).code == 0


def test_nothing_is_written_and_nobody_else_builds_one(house: House, tmp_path: Path) -> None:
    words = ("registry", house.root, house.root.parent / "tiny", "--grant", house.grant)
    for more in (("--out", tmp_path / "out"), ("--export", "cbioportal", tmp_path / "out")):
        assert "isthmus release" in complaint(house.run("ann", *words, *more), 5)
    assert "not among the people" in complaint(house.run("cai", *words), 5)
    assert "say who you are" in complaint(run(*words), 2)
    assert not (tmp_path / "out").exists()
