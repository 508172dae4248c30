"""`isthmus profile`, as text, as JSON, and as files."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from lib import dirtycdm
from lib.command import apart, complaint, run


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace with an invented CDM in which everything happens."""
    folder = tmp_path / "cdm"
    folder.mkdir()
    for name, table in dirtycdm.made(1).items():
        pq.write_table(table, folder / f"{name}.parquet")
    assert run("init", tmp_path / "ws", "--synthetic").code == 0
    assert run("attach", tmp_path / "ws", folder, "--name", "cdm").code in (0, 6)
    return tmp_path / "ws"


def test_it_describes_an_edition_and_says_what_it_leaves_out(workspace: Path, tmp_path: Path) -> None:
    done = apart("profile", workspace, "--out", tmp_path / "out")
    assert (done.code, done.err) == (0, "")
    assert "Records inside observation, by year" in done.out
    assert "Counts up to 5 are left out." in done.out
    assert "are left out of them" in done.out
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "achilles_analysis.csv", "achilles_results.csv", "achilles_results_dist.csv",
    }  # fmt: skip


def test_json_is_one_document(workspace: Path) -> None:
    told = run("profile", workspace, "--json", "--small", "0", "--top", "2").document()
    assert told["people"]["persons"] == dirtycdm.PEOPLE
    assert told["left_out"] == {}
    assert max(sum(one["table"] == table for one in told["concepts"]) for table in ("measurement", "observation")) <= 2


def test_wrong_use_is_one_sentence(tmp_path: Path, workspace: Path) -> None:
    assert "is not a workspace" in complaint(run("profile", tmp_path / "nothing"), 3)
    assert "there is no edition 99" in complaint(run("profile", workspace, "--edition", "99"), 3)
    assert "is a file" in complaint(run("profile", workspace, "--out", workspace / "isthmus.toml"), 2)
