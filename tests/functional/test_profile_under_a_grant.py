"""The profile of real patients: counted under a grant, over what it holds; it is kept nowhere and written nowhere."""

from pathlib import Path
from typing import Any

import pytest

from lib import granted
from lib.command import complaint, run
from lib.granted import House

ALL = dict.fromkeys(
    ("person", "observation_period", "condition_occurrence", "measurement", "visit_occurrence", "death"), "all"
)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return granted.granted(tmp_path_factory.mktemp("profile"), patients=12, tables=ALL, grade=4)


def _told(house: House) -> dict[str, Any]:
    done = house.run("ann", "profile", house.root, "--grant", house.grant, "--json", "--small", "0")
    assert done.code == 0, done
    return dict(done.document())


def test_it_is_that_of_the_edition_where_all_is_granted(house: House, tmp_path: Path) -> None:
    invented = house.copied(tmp_path / "ws")
    settings = invented.root / "isthmus.toml"
    settings.write_text(settings.read_text(encoding="utf-8").replace("synthetic = false", "synthetic = true"))
    expected = run("profile", invented.root, "--json", "--small", "0").document()
    found = _told(house)
    for part in ("people", "sexes", "years", "concepts", "rows"):
        assert found[part] == expected[part], part
    assert found["people"]["persons"] == 12


def test_what_the_grant_does_not_hold_is_not_counted(house: House, tmp_path: Path) -> None:
    copied = house.copied(tmp_path / "ws")
    few = {name: ALL[name] for name in ("person", "observation_period", "visit_occurrence")}
    granted.decided(granted.applied(copied, tmp_path, tables=few, grade=4))
    found = _told(copied)
    assert {one["table"] for one in found["years"]} <= {"visit_occurrence"}
    assert "condition_concept_id" in found["lacking"]["condition_occurrence"]
    assert len(found["left_out"]) > len(_told(house)["left_out"])


def test_nothing_is_kept_or_written_and_nobody_else_counts(house: House, tmp_path: Path) -> None:
    _told(house)
    assert not (house.root / "profiles").exists()
    words = ("profile", house.root, "--grant", house.grant)
    assert "isthmus release" in complaint(house.run("ann", *words, "--out", tmp_path / "out"), 5)
    assert not (tmp_path / "out").exists()
    assert "not among the people" in complaint(house.run("cai", *words), 5)
    assert run("verify", house.root).code == 0
