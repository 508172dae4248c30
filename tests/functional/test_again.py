"""Doing it again: quarantine replayed under a mended pack, and the lake rebuilt from its landing."""

from pathlib import Path

import pytest

from isthmus.base.errors import InputError, IntegrityError, UsageError
from isthmus.flow import lists
from isthmus.flow.ingest import ingest
from isthmus.flow.replay import Compared, demand_same, rebuild, replay
from isthmus.flow.verify import verify
from isthmus.flow.workspace import Workspace
from lib import harbour, packs, workspace
from lib.copies import copied
from lib.harbour import LIS_FILE, write_csv

GOOD = "R1,P1,V1,AFP,10,ng/mL,2024-03-01,2024-03-01 10:00:00,1-20"
ODD = "R2,P1,V1,AFP,11,ng/mL,01~03~2024,2024-03-02 10:00:00,1-20"
ODDER = "R3,P1,V1,AFP,12,ng/mL,someday,2024-03-02 10:00:00,1-20"
NOBODY = "R4,,V1,AFP,13,ng/mL,2024-03-01,2024-03-02 10:00:00,1-20"
NARROW = "R5,P1,V1"
UNREADABLE = "measurement_date: unreadable or missing"


@pytest.fixture
def opened(tmp_path: Path) -> Workspace:
    copied("again", _made, tmp_path)
    return Workspace(tmp_path / "ws")


def _made(folder: Path) -> None:
    (folder / "in" / "his").mkdir(parents=True)
    rows = [row.split(",") for row in (GOOD, ODD, ODDER, NOBODY, NARROW)]
    write_csv(folder / "in" / "lis" / "LIS_1.csv", [LIS_FILE, *rows])
    ingest(workspace.made(folder / "ws", harbour.feeds(folder / "packs", folder / "in")))


def _mend(tmp_path: Path, *dates: str) -> None:
    head = f"== pack.yaml\npack: harbour-lis\nkeyspace: hospital\nderive: []\ndates: {list(dates)}\n"
    (tmp_path / "packs" / "harbour-lis" / "pack.yaml").write_text(packs.sections(head)["pack.yaml"])


def _waiting(opened: Workspace) -> dict[str, int]:
    return {one.reason.split(":")[0]: one.records for one in lists.quarantine(opened)}


def _holds(opened: Workspace) -> None:
    assert [fault for one in verify(opened) for fault in one.faults] == []


def test_what_cannot_be_mapped_waits_with_its_reason(opened: Workspace) -> None:
    assert _waiting(opened) == {"measurement_date": 2, "no-person": 1, "wrong-width": 1}
    assert [row["value_source_value"] for row in workspace.rows(opened, "measurement")] == ["10"]
    _holds(opened)


def test_a_replay_under_the_same_pack_changes_nothing(opened: Workspace) -> None:
    before = workspace.content(opened)
    replay(opened)
    assert workspace.content(opened) == before
    _holds(opened)


def test_a_mended_pack_empties_the_quarantine_of_what_it_mends(tmp_path: Path, opened: Workspace) -> None:
    _mend(tmp_path, "%d~%m~%Y")
    report = replay(opened)
    assert report.edition is not None
    assert _waiting(opened) == {"measurement_date": 1, "no-person": 1, "wrong-width": 1}
    found = {row["value_source_value"]: str(row["measurement_date"]) for row in workspace.rows(opened, "measurement")}
    assert found == {"10": "2024-03-01", "11": "2024-03-01"}
    assert len(workspace.rows(opened, "record")) == 5
    _holds(opened)


def test_a_replay_takes_only_the_reasons_asked_for(tmp_path: Path, opened: Workspace) -> None:
    _mend(tmp_path, "%d~%m~%Y")
    assert replay(opened, reason="no-person").accounts["h01", "lis"] == [{"lab": {"quarantined": 1}}]
    assert _waiting(opened)["measurement_date"] == 2
    assert replay(opened, site="h01", reason="measurement_date").accounts["h01", "lis"] == [
        {"lab": {"mapped": 1, "quarantined": 1}}
    ]
    _holds(opened)


def test_a_file_without_a_column_waits_and_a_new_name_for_the_column_mends_it(
    tmp_path: Path, opened: Workspace
) -> None:
    header = ["检验单" if name == "JGXH" else name for name in LIS_FILE]
    write_csv(
        tmp_path / "in" / "lis" / "LIS_2.csv",
        [header, GOOD.replace("R1", "R7").split(","), GOOD.replace("R1", "R8").split(",")],
    )
    ingest(opened)
    assert _waiting(opened)["missing-column"] == 2
    path = tmp_path / "packs" / "harbour-lis" / "lab.yaml"
    path.write_text(path.read_text() + "columns: {JGXH: [检验单]}\n")
    replay(opened, reason="missing-column")
    assert "missing-column" not in _waiting(opened)
    assert len(workspace.rows(opened, "measurement")) == 3
    _holds(opened)


def test_a_replayed_record_gives_way_to_a_newer_one_that_came_meanwhile(tmp_path: Path, opened: Workspace) -> None:
    newer = "R2,P1,V1,AFP,99,ng/mL,2024-03-02,2024-03-09 10:00:00,1-20"
    write_csv(tmp_path / "in" / "lis" / "LIS_2.csv", [LIS_FILE, newer.split(",")])
    ingest(opened)
    _mend(tmp_path, "%d~%m~%Y")
    replay(opened)
    assert {row["value_source_value"] for row in workspace.rows(opened, "measurement")} == {"10", "99"}
    _holds(opened)


def test_every_batch_rebuilt_from_the_landing_gives_identical_bytes(tmp_path: Path, opened: Workspace) -> None:
    for number in (1, 2):
        harbour.deliver(tmp_path / "in", number=number, patients=6)
        ingest(opened)
    _mend(tmp_path, "%d~%m~%Y")
    replay(opened)
    compared = rebuild(opened, tmp_path / "again")
    assert {one.table for one in compared} >= {"person", "measurement", "condition_occurrence", "record", "reference"}
    assert [one for one in compared if one.missing or one.extra] == []
    assert sum(one.same for one in compared) > 6
    demand_same(compared)
    _holds(opened)


def test_a_rebuild_needs_no_pack_but_those_kept(tmp_path: Path, opened: Workspace) -> None:
    """The packs as they were lie in the workspace; those of today do not matter."""
    (tmp_path / "packs" / "harbour-lis" / "lab.yaml").write_text("into: []\n")
    demand_same(rebuild(opened, tmp_path / "again"))


def test_a_rebuild_under_an_altered_mapping_is_refused(tmp_path: Path, opened: Workspace) -> None:
    for path in (opened.root / "mappings").rglob("lab.yaml"):
        path.write_text(path.read_text().replace("trim(JYJG)", "lower(JYJG)"))
    with pytest.raises(IntegrityError, match="is not what was kept"):
        rebuild(opened, tmp_path / "again")


def test_tables_that_a_rebuild_gave_otherwise_are_named() -> None:
    demand_same([Compared("person", 2, 2, 0, 0)])
    with pytest.raises(IntegrityError, match=r"^the rebuilt lake differs from the published one in: measurement\.$"):
        demand_same([Compared("person", 2, 2, 0, 0), Compared("measurement", 2, 1, 1, 1)])


def test_a_rebuild_goes_into_an_empty_folder_only(tmp_path: Path, opened: Workspace) -> None:
    with pytest.raises(UsageError, match="is not an empty folder"):
        rebuild(opened, tmp_path / "in")
    (tmp_path / "file").touch()
    with pytest.raises(UsageError):
        rebuild(opened, tmp_path / "file")


def test_a_mapping_that_is_not_kept_any_more_is_said(tmp_path: Path, opened: Workspace) -> None:
    for path in (opened.root / "mappings").iterdir():
        path.rename(tmp_path / path.name)
    with pytest.raises(InputError, match="Restore it from a backup"):
        rebuild(opened, tmp_path / "again")
