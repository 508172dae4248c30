"""Cohorts of real patients: counted under a grant, over what it holds, by numbers that no key changes."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from isthmus.flow.workspace import Workspace
from isthmus.gate.office import asking
from isthmus.gate.office.quota import Quota
from isthmus.gate.office.unit import Office
from lib import granted
from lib.command import complaint, run
from lib.granted import House

PERIOD = ["observation_period_id", "person_id", "observation_period_start_date", "observation_period_end_date"]
CONDITION = [
    *("condition_occurrence_id", "person_id", "condition_concept_id", "condition_source_concept_id"),
    *("condition_start_date", "condition_end_date", "visit_occurrence_id"),
]
PERSON = ["person_id", "gender_concept_id", "year_of_birth"]
TABLES = {"observation_period": PERIOD, "condition_occurrence": CONDITION, "person": PERSON}


def _definitions(folder: Path) -> Path:
    """All diagnoses, the first of each patient, and those of women."""
    folder.mkdir()
    for name, asked in (("all", {}), ("first", {"First": True}), ("women", {"Gender": [{"CONCEPT_ID": 8532}]})):
        primary: dict[str, Any] = {"CriteriaList": [{"ConditionOccurrence": asked}]}
        (folder / f"{name}.json").write_text(json.dumps({"ConceptSets": [], "PrimaryCriteria": primary}))
    return folder


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return granted.granted(tmp_path_factory.mktemp("cohorts"), tables=TABLES)


@pytest.fixture(scope="module")
def definitions(house: House) -> Path:
    return _definitions(house.root.parent / "definitions")


def _counts(house: House, definitions: Path, *words: str) -> Any:
    done = house.run("ann", "cohorts", house.root, definitions, "--grant", house.grant, "--json", *words)
    assert done.code == 0, done
    return done.document()["cohorts"]


def test_counts_are_those_of_the_patients(house: House, definitions: Path, tmp_path: Path) -> None:
    """Beside the same hospital with invented patients, whom anybody may count."""
    invented = house.copied(tmp_path / "ws")
    settings = invented.root / "isthmus.toml"
    settings.write_text(settings.read_text(encoding="utf-8").replace("synthetic = false", "synthetic = true"))
    expected = run("cohorts", invented.root, definitions, "--json").document()["cohorts"]
    assert min(one["records"] for one in expected) > 1, expected
    assert _counts(house, definitions) == expected
    assert all("steps" in one for one in _counts(house, definitions, "--steps"))


def test_new_keys_change_no_count(house: House, definitions: Path, tmp_path: Path) -> None:
    before = _counts(house, definitions)
    rotated = house.copied(tmp_path / "ws")
    (rotated.root / "keys" / "uses.secret").write_bytes(bytes(range(32)))
    assert _counts(rotated, definitions) == before


def test_the_log_has_the_question_in_words(house: House, definitions: Path) -> None:
    opened = Workspace(house.root)
    office = Office(opened.root, opened.records, opened.settings)
    before = len(office.acts.under(house.grant))
    _counts(house, definitions)
    added = [one for one in list(office.acts.under(house.grant)) if one.kind == "question"]
    last = max(added, key=lambda act: act.at)
    assert len(office.acts.under(house.grant)) == before + 2  # the session and the question
    assert "all: " in last.body["text"]
    assert set(TABLES) <= set(last.body["tables"])
    assert last.result is not None
    assert last.result["rows"] == 3
    assert run("verify", house.root).code == 0


def test_what_the_grant_does_not_hold_is_named(tmp_path: Path) -> None:
    house = granted.granted(tmp_path, patients=3, tables={**TABLES, "condition_occurrence": CONDITION[:-2]})
    definitions = _definitions(tmp_path / "definitions")
    done = house.run("ann", "cohorts", house.root, definitions, "--grant", house.grant)
    assert "does not hold condition_occurrence.condition_end_date" in complaint(done, 5)
    shutil.rmtree(definitions)
    granted.decided(granted.applied(house, tmp_path, tables={"person": PERSON, "condition_occurrence": CONDITION}))
    definitions = _definitions(tmp_path / "definitions")
    done = house.run("ann", "cohorts", house.root, definitions, "--grant", house.grant)
    assert "does not hold observation_period" in complaint(done, 5)


def test_nobody_else_counts_and_nothing_is_written(house: House, definitions: Path, tmp_path: Path) -> None:
    words = ("cohorts", house.root, definitions, "--grant", house.grant)
    assert "not among the people" in complaint(house.run("cai", *words), 5)
    assert "say who you are" in complaint(run(*words), 2)
    for option in ("--out", "--rows"):
        assert "isthmus release" in complaint(house.run("ann", *words, option, str(tmp_path / "x")), 5)
    assert not (tmp_path / "x").exists()


def test_steps_that_take_too_long_are_stopped(house: House, definitions: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "quota", lambda settings: Quota(longest=0.001))
    done = house.run("ann", "cohorts", house.root, definitions, "--grant", house.grant)
    assert "longer than" in complaint(done, 5)
