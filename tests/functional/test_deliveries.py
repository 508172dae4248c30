"""The same again, another version, a conflict: what becomes of deliveries that overlap."""

import itertools
from pathlib import Path

import pytest

from isthmus.flow.ingest import ingest
from isthmus.flow.known import CONFLICT
from isthmus.flow.verify import verify
from isthmus.flow.workspace import Workspace
from lib import harbour, workspace
from lib.harbour import LIS_FILE, write_csv
from lib.tables import said

DIAGNOSIS = harbour.HIS_FILES["诊断"]


def _lab(folder: Path, name: str, *rows: str) -> Path:
    return write_csv(folder / "lis" / name, [LIS_FILE, *(row.split(",") for row in rows)])


def _diagnoses(folder: Path, name: str, *rows: str) -> Path:
    return write_csv(folder / "his" / name, [DIAGNOSIS, *(row.split(",") for row in rows)], encoding="gb18030")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("his", "lis"):
        (tmp_path / "in" / name).mkdir(parents=True)
    return tmp_path / "in"


@pytest.fixture
def opened(tmp_path: Path, folder: Path) -> Workspace:
    return workspace.made(tmp_path / "ws", harbour.feeds(tmp_path / "packs", folder))


def _holds(opened: Workspace) -> None:
    assert [fault for one in verify(opened) for fault in one.faults] == []


def _results(opened: Workspace) -> list[dict[str, str | None]]:
    return said(workspace.rows(opened, "measurement"), ["value_source_value", "value_as_number", "measurement_date"])


FIRST = "R1,P1,V1,AFP,10,ng/mL,2024-03-01,2024-03-01 10:00:00,1-20"
NEWER = "R1,P1,V1,AFP,20,ng/mL,2024-03-01,2024-03-02 10:00:00,1-20"
NEWEST = "R1,P1,V1,AFP,30,ng/mL,2024-03-01,2024-03-03 10:00:00,1-20"
OTHER = "R2,P1,V1,ALB,40,g/L,2024-03-05,2024-03-05 10:00:00,35-55"


def test_the_same_bytes_again_are_the_same_receipt_and_no_new_edition(opened: Workspace, folder: Path) -> None:
    harbour.deliver(folder, number=1)
    assert ingest(opened).edition is not None
    receipts = [(one.receipt_id, one.received_at) for one in opened.records.receipts()]
    before = workspace.content(opened)
    again = ingest(opened)
    assert again.edition is None
    assert sum(one.new for one in again.landed["h01"]) == 0
    assert sum(one.repeated for one in again.landed["h01"]) == len(receipts)
    assert [(one.receipt_id, one.received_at) for one in opened.records.receipts()] == receipts
    assert workspace.content(opened) == before
    assert opened.lake.editions.numbers() == [1, 2]


def test_the_same_bytes_under_another_name_are_the_same_delivery(opened: Workspace, folder: Path) -> None:
    first = _lab(folder, "LIS_1.csv", FIRST, OTHER)
    ingest(opened)
    (folder / "lis" / "LIS_copy.csv").write_bytes(first.read_bytes())
    assert ingest(opened).edition is None
    assert len(opened.records.receipts()) == 1


def test_the_same_records_in_another_file_are_counted_and_not_doubled(opened: Workspace, folder: Path) -> None:
    _lab(folder, "LIS_1.csv", FIRST, OTHER)
    ingest(opened)
    before = workspace.content(opened)
    _lab(folder, "LIS_2.csv", OTHER, FIRST)
    report = ingest(opened)
    assert report.accounts["h01", "lis"] == [{"lab": {"duplicate": 2}}]
    assert workspace.content(opened) == before
    _holds(opened)


def test_a_repeat_within_one_file_is_counted_and_not_doubled(opened: Workspace, folder: Path) -> None:
    _lab(folder, "LIS_1.csv", FIRST, FIRST, OTHER, FIRST)
    report = ingest(opened)
    assert report.accounts["h01", "lis"] == [{"lab": {"duplicate": 2, "mapped": 2}}]
    assert len(workspace.rows(opened, "measurement")) == 2
    _holds(opened)


def test_a_newer_version_takes_the_place_of_the_older_and_both_stay_in_the_ledger(
    opened: Workspace, folder: Path
) -> None:
    first = _lab(folder, "LIS_1.csv", FIRST, OTHER)
    ingest(opened)
    _lab(folder, "LIS_2.csv", NEWER)
    ingest(opened)
    assert [row["value_source_value"] for row in _results(opened)] == ["20", "40"]
    ledger = {(row["outcome"], row["reason"]) for row in workspace.rows(opened, "record")}
    assert ledger == {("mapped", None), ("superseded", "newer version")}
    assert len(workspace.rows(opened, "record")) == 3
    receipt = opened.records.receipts()[0]
    assert opened.lake.landing.path(receipt.sha256).read_bytes() == first.read_bytes()
    _holds(opened)


def test_an_older_version_that_comes_late_changes_nothing_and_stays_in_the_ledger(
    opened: Workspace, folder: Path
) -> None:
    _lab(folder, "LIS_1.csv", NEWER)
    ingest(opened)
    before = workspace.rows(opened, "measurement")
    _lab(folder, "LIS_2.csv", FIRST)
    ingest(opened)
    assert workspace.rows(opened, "measurement") == before
    assert workspace.outcomes(opened) == {"mapped": 1, "superseded": 1}
    _holds(opened)


@pytest.mark.parametrize("together", [True, False], ids=["in one ingest", "one by one"])
def test_whatever_the_order_of_delivery_the_newest_version_stands(tmp_path: Path, together: bool) -> None:
    states = []
    for number, order in enumerate(itertools.permutations([FIRST, NEWER, NEWEST])):
        folder = tmp_path / f"in{number}"
        opened = workspace.made(tmp_path / f"ws{number}", harbour.feeds(tmp_path / "packs", folder))
        (folder / "his").mkdir(parents=True)
        for step, row in enumerate(order):
            _lab(folder, f"LIS_{step}.csv", row, OTHER)
            if not together:
                ingest(opened)
        ingest(opened)
        states.append(
            {
                table: rows
                for table, rows in workspace.content(opened, without=workspace.ORIGIN).items()
                if table not in ("record", "reference")
            }
        )
        assert workspace.outcomes(opened) == {"mapped": 2, "superseded": 2}, order
        _holds(opened)
    assert [row["value_source_value"] for row in _results(opened)] == ["30", "40"]
    assert all(state == states[0] for state in states)


def test_other_content_under_one_key_is_a_flagged_conflict_and_the_later_delivery_stands(
    opened: Workspace, folder: Path
) -> None:
    _diagnoses(folder, "诊断_1.csv", "D1,P1,V1,C22.0,20240301")
    ingest(opened)
    _diagnoses(folder, "诊断_2.csv", "D1,P1,V1,K74.6,20240301")
    ingest(opened)
    (row,) = workspace.rows(opened, "condition_occurrence")
    assert row["condition_source_value"] == "K74.6"
    ledger = sorted((row["outcome"], row["reason"] or "") for row in workspace.rows(opened, "record"))
    assert ledger == [("mapped", ""), ("superseded", CONFLICT)]
    assert all(opened.lake.landing.has(one.sha256, one.size) for one in opened.records.receipts())
    _holds(opened)


@pytest.mark.parametrize("together", [True, False], ids=["in one file", "one after the other"])
def test_other_content_of_an_equal_version_is_a_conflict_too(opened: Workspace, folder: Path, together: bool) -> None:
    """A source that changes a record without saying so: the later delivery stands, and it is flagged."""
    changed = FIRST.replace(",10,", ",11,")
    if together:
        _lab(folder, "LIS_1.csv", FIRST, changed)
    else:
        _lab(folder, "LIS_1.csv", FIRST)
        ingest(opened)
        _lab(folder, "LIS_2.csv", changed)
    ingest(opened)
    assert [row["value_source_value"] for row in _results(opened)] == ["11"]
    ledger = sorted((row["outcome"], row["reason"] or "") for row in workspace.rows(opened, "record"))
    assert ledger == [("mapped", ""), ("superseded", CONFLICT)]
    _holds(opened)


def test_a_conflict_within_one_file_keeps_the_last_and_flags_the_other(opened: Workspace, folder: Path) -> None:
    _diagnoses(folder, "诊断_1.csv", "D1,P1,V1,C22.0,20240301", "D1,P1,V1,K74.6,20240301")
    ingest(opened)
    (row,) = workspace.rows(opened, "condition_occurrence")
    assert row["condition_source_value"] == "K74.6"
    ledger = sorted((row["outcome"], row["reason"] or "") for row in workspace.rows(opened, "record"))
    assert ledger == [("mapped", ""), ("superseded", CONFLICT)]
    _holds(opened)


def test_content_that_returns_after_a_correction_stands_again(opened: Workspace, folder: Path) -> None:
    """Without a version, the latest delivery is right, also when it says what the first one said."""
    for number, code in enumerate(["C22.0", "K74.6", "C22.0"]):
        _diagnoses(folder, f"诊断_{number}.csv", f"D1,P1,V1,{code},20240301", f"D{number + 7},P1,V1,Z99,20240301")
        ingest(opened)
    standing = {row["condition_source_value"] for row in workspace.rows(opened, "condition_occurrence")}
    assert standing == {"C22.0", "Z99"}
    _holds(opened)


def test_observation_periods_follow_what_stands(opened: Workspace, folder: Path) -> None:
    write_csv(
        folder / "his" / "病人.csv",
        [harbour.HIS_FILES["病人"], ["P1", "男", "1950-01-01", "2024-01-01"]],
        encoding="gb18030",
    )
    _lab(folder, "LIS_1.csv", FIRST)
    _diagnoses(folder, "诊断_1.csv", "D1,P1,V1,C22.0,20240201")
    ingest(opened)
    (period,) = workspace.rows(opened, "observation_period")
    assert (str(period["observation_period_start_date"]), str(period["observation_period_end_date"])) == (
        "2024-02-01",
        "2024-03-01",
    )
    _diagnoses(folder, "诊断_2.csv", "D1,P1,V1,C22.0,20240215")  # corrected: two weeks later
    ingest(opened)
    (period,) = workspace.rows(opened, "observation_period")
    assert str(period["observation_period_start_date"]) == "2024-02-15"
    _holds(opened)


def test_two_sites_with_equal_numbers_are_two_people(tmp_path: Path, opened: Workspace, folder: Path) -> None:
    harbour.deliver(folder, number=1, patients=3)
    workspace.add(opened, harbour.feeds(tmp_path / "packs", folder), site="h02")
    ingest(opened)
    people = workspace.rows(opened, "person")
    assert len(people) == 6
    assert len({row["person_id"] for row in people}) == 6
    assert {row["site"] for row in people} == {"h01", "h02"}
    _holds(opened)


def test_a_site_that_fails_is_named_and_holds_up_no_other(tmp_path: Path, opened: Workspace, folder: Path) -> None:
    harbour.deliver(folder, number=1, patients=3)
    workspace.add(opened, {"lost": (tmp_path / "nowhere", "harbour-lis")}, site="h00")
    report = ingest(opened)
    assert list(report.failed) == ["h00"]
    assert "nowhere" in report.failed["h00"]
    assert report.edition is not None
    assert len(workspace.rows(opened, "person")) == 3
    _holds(opened)
