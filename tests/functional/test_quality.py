"""`isthmus quality`: what it prints, writes and keeps, and what it says when it cannot."""

import json
from pathlib import Path

import pytest

from isthmus.cdm.tables import TABLES
from isthmus.flow.workspace import Workspace
from lib import harbour, workspace
from lib.command import complaint, run


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace of two editions with patients."""
    folder = tmp_path_factory.mktemp("quality")
    harbour.deliver(folder / "in", number=1, patients=6)
    opened, _ = workspace.loaded(folder, harbour.feeds(folder / "packs", folder / "in"))
    harbour.deliver(folder / "in", number=2, patients=6)
    assert run("ingest", opened.root, "--json").code == 0
    return opened.root


def test_the_worst_come_first_with_the_files_they_are_from(root: Path) -> None:
    done = run("quality", root, "--limit", "3", "--json")
    assert (done.code, done.err) == (0, "")
    told = done.document()
    assert (told["edition"], told["cdm"], told["checks"], told["former"]) == (3, "5.4", 2552, 2)
    assert sum(told[state] for state in ("passed", "failed", "not_applicable", "error")) == 2552
    assert told["error"] == 0
    assert len(told["worst"]) == min(3, told["failed"])
    percents = [one["violated"] / one["of"] for one in told["worst"] if one["severity"] == "fatal"]
    assert percents == sorted(percents, reverse=True)


def test_what_no_hospital_can_mend_comes_last(root: Path) -> None:
    listed = run("quality", root, "--limit", "500", "--json").document()["worst"]
    ours = [TABLES[one["table"]].group == "vocabulary" for one in listed]
    assert ours == sorted(ours) and True in ours and False in ours


def test_for_people_it_is_a_table(root: Path) -> None:
    done = run("quality", root)
    assert done.code == 0
    for word in ("Conformance", "Completeness", "Plausibility", "not applicable", "failed in e000002"):
        assert word in done.out
    assert "h01/" in done.out  # the site's file that most wrong rows of a check are from
    assert "isthmus quality" in done.out


def test_all_results_are_written_in_the_dashboards_form(root: Path, tmp_path: Path) -> None:
    path = tmp_path / "quality.json"
    assert run("quality", root, "--out", path, "--json").code == 0
    told = json.loads(path.read_text(encoding="utf-8"))
    assert len(told["CheckResults"]) == told["Overview"]["countTotal"][0] == 2535
    assert told["Metadata"][0]["edition"] == "e000003"


def test_an_edition_is_computed_once(root: Path) -> None:
    assert run("quality", root, "--json").code == 0
    kept = sorted(path.name for path in (root / "lake" / "editions").glob("*.quality-*.parquet"))
    assert run("quality", root, "--json").code == 0
    assert sorted(path.name for path in (root / "lake" / "editions").glob("*.quality-*.parquet")) == kept
    assert Workspace(root).lake.editions.numbers() == [1, 2, 3]  # what is kept is no edition


def test_results_that_were_altered_are_not_shown(root: Path) -> None:
    assert run("quality", root, "--json").code == 0
    path = next((root / "lake" / "editions").glob("000003.quality-5.4-*.parquet"))
    content = path.read_bytes()
    path.write_bytes(content[:-1] + b"?")
    try:
        assert "was altered" in complaint(run("quality", root), 7)
    finally:
        path.write_bytes(content)


def test_wrong_use_is_said(root: Path, tmp_path: Path) -> None:
    assert "5.3, 5.4" in complaint(run("quality", root, "--cdm", "6.0"), 2)
    assert "there is no edition 9" in complaint(run("quality", root, "--edition", "9"), 3)
    (tmp_path / "file").write_text("")
    assert "cannot be written" in complaint(run("quality", root, "--out", tmp_path / "file" / "q.json"), 2)
