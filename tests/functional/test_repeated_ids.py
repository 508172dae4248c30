"""Ids that a source repeats are handed on and said; ids that we make may never meet."""

from pathlib import Path

import pytest

from isthmus.flow.attach import attach
from isthmus.flow.ingest import ingest
from isthmus.flow.verify import Finding, verify
from isthmus.flow.workspace import Workspace
from lib import packs, workspace

PERSON = (
    "person_id,gender_concept_id,year_of_birth,race_concept_id,ethnicity_concept_id\n1,8507,1950,0,0\n2,8532,1960,0,0\n"
)
CONDITION = "condition_occurrence_id,person_id,condition_concept_id,condition_start_date,condition_type_concept_id\n"


def _keys(opened: Workspace) -> Finding:
    (found,) = [one for one in verify(opened) if one.check == "primary keys are unique"]
    return found


def _cdm(folder: Path, *conditions: str) -> Path:
    folder.mkdir()
    (folder / "person.csv").write_text(PERSON)
    (folder / "condition_occurrence.csv").write_text(CONDITION + "".join(one + ",32817\n" for one in conditions))
    return folder


@pytest.fixture
def opened(tmp_path: Path) -> Workspace:
    return workspace.made(tmp_path / "ws", {})


def test_ids_that_a_cdm_repeats_are_noted_and_do_not_fail(tmp_path: Path, opened: Workspace) -> None:
    cdm = _cdm(tmp_path / "cdm", "7,1,201826,2020-01-01", "7,2,201826,2020-01-02", "8,2,201826,2020-01-03")
    report = attach(opened, cdm, name="old")
    said = "condition_occurrence: 2 rows share their condition_occurrence_id with another, as site old delivered them"
    assert report.notes == [said]
    assert [row["condition_occurrence_id"] for row in workspace.rows(opened, "condition_occurrence")] == [7, 7, 8]
    assert (_keys(opened).faults, _keys(opened).notes) == ((), (said,))


def test_a_cdm_with_ids_of_its_own_has_nothing_to_note(tmp_path: Path, opened: Workspace) -> None:
    report = attach(opened, _cdm(tmp_path / "cdm", "7,1,201826,2020-01-01", "8,2,201826,2020-01-02"), name="old")
    assert report.notes == []
    assert (_keys(opened).faults, _keys(opened).notes) == ((), ())


def test_ids_that_a_pack_computes_may_not_meet(tmp_path: Path, opened: Workspace) -> None:
    folder = packs.write(
        tmp_path / "packs",
        "own",
        """
        == one.yaml
        source: {files: ["*.csv"]}
        person: PID
        into:
          - table: condition_occurrence
            set:
              condition_occurrence_id: length(PID)
              condition_start_date: date(DAY)
        """,
    )
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.csv").write_text("PID,DAY\nP1,2020-01-01\nP2,2020-01-02\n")
    workspace.add(opened, {"a": (tmp_path / "in", folder)})
    ingest(opened)
    found = _keys(opened)
    assert found.notes == ()
    assert found.faults == ("condition_occurrence: 2 rows share their condition_occurrence_id with another",)
