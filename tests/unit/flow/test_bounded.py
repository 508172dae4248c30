"""Wide records are mapped few at a time and what they fill is written early: what is written stays the same."""

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from isthmus.flow import feed, stage
from isthmus.flow.workspace import Workspace
from isthmus.simulation.frontpage import fields
from lib.pages import PAGE
from lib.workspace import content, loaded, outcomes

COLUMNS = list(dict.fromkeys([*PAGE, *fields()]))
PAGES, AT_ONCE = 60, 7


def _exported(folder: Path, pages: Iterable[Mapping[str, str]]) -> Path:
    folder.mkdir()
    with (folder / "hqms_2018.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS, restval="")
        writer.writeheader()
        writer.writerows(pages)
    return folder


def _files(opened: Workspace, table: str) -> int:
    edition = opened.lake.editions.current()
    assert edition is not None
    return len(edition.files(table))


@pytest.mark.parametrize("again", [0, 9])
def test_pages_in_many_chunks_with_early_drafts_give_the_same_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, again: int
) -> None:
    """`again`: how many pages come a second time with another diagnosis, in a later chunk: the first give way."""
    pages = [{**PAGE, "A48": f"P{number}"} for number in range(PAGES)]
    folder = _exported(tmp_path / "in", pages + [{**one, "C03C": "K74.600"} for one in pages[:again]])
    for name in ("whole", "pieces"):
        (tmp_path / name).mkdir()
    whole, _ = loaded(tmp_path / "whole", {"front": (folder, "hqms")})
    monkeypatch.setattr(feed, "CHUNK_CELLS", AT_ONCE * (len(COLUMNS) + 1))
    monkeypatch.setattr(stage, "FLUSH_CELLS", 1)
    pieces, _ = loaded(tmp_path / "pieces", {"front": (folder, "hqms")})
    assert outcomes(whole) == {"mapped": PAGES, **({"superseded": again} if again else {})}
    assert content(pieces) == content(whole)
    assert _files(whole, "condition_occurrence") == 1
    assert _files(pieces, "condition_occurrence") > PAGES // AT_ONCE
