"""One writer at a time, and what a killed one left."""

from pathlib import Path

import pytest

from isthmus.base.errors import InputError
from isthmus.lake.lake import Lake


def test_a_second_writer_is_told_to_wait(tmp_path: Path) -> None:
    first, second = Lake(tmp_path / "lake"), Lake(tmp_path / "lake")
    with first.writing(), pytest.raises(InputError, match="another process is writing"), second.writing():
        pass
    with second.writing():
        pass


def test_a_writer_begins_by_clearing_away_what_a_killed_one_left(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    edition = lake.editions.publish({}, batches=["b1"], notes={})
    left = [
        lake.editions.folder / ".000001.json.4711.tmp",  # published, but killed before its draft was taken away
        lake.landing.root / ".drafts" / ".abc.4711.tmp",
        lake.staging / "b2" / "person" / "draft.parquet",
        lake.root / ".scratch" / f"{2**22 + 1}.left" / "spill",
    ]
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    with lake.writing():
        assert not [path for path in left if path.exists()]
    assert lake.editions.current() == edition


def test_a_writer_leaves_the_scratch_of_those_who_read(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    gone = tmp_path / "lake" / ".scratch" / f"{2**22 + 1}.left"  # no process has a number beyond the kernel's limit
    gone.mkdir(parents=True)
    with lake.engine():
        (mine,) = [path for path in gone.parent.iterdir() if path != gone]
        with lake.writing():
            assert mine.is_dir()
            assert not gone.exists()
