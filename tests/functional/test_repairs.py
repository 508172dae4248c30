"""Wrong units in a workspace: proposed, confirmed, mended, delivered again, taken back."""

import csv
import random
from pathlib import Path

import pytest
from tests.lib.command import run
from tests.lib.copies import copied
from tests.lib.workspace import content, loaded, rows

from isthmus.flow import units
from isthmus.flow.ingest import ingest
from isthmus.flow.replay import demand_same, rebuild, remap
from isthmus.flow.verify import demand, verify
from isthmus.flow.workspace import Workspace

HEADER = ("JGXH", "PATID", "JZH", "JYXMDM", "JYJG", "DW", "CKFW", "BGSJ", "SHSJ")
PLATELETS, ALBUMIN = "L1026", "L1002"


def deliver(folder: Path, name: str, seed: int, *, wrong: int) -> None:
    """60 counts of platelets of which the last `wrong` are per microlitre though they say 10^9/L, and albumin."""
    folder.mkdir(parents=True, exist_ok=True)
    source = random.Random(seed)
    with (folder / name).open("w", encoding="gbk", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(HEADER)
        for number in range(60):
            key, day = f"{seed}-{number}", f"2024-01-{1 + number % 28:02d} 08:00:00"
            count = source.randint(120, 320) * (1000 if number >= 60 - wrong else 1)
            writer.writerow((f"P{key}", f"B{key}", f"V{key}", PLATELETS, count, "10^9/L", "125-350", day, day))
            albumin = source.randint(36, 50)
            writer.writerow((f"A{key}", f"B{key}", f"V{key}", ALBUMIN, albumin, "g/L", "40-55", day, day))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    copied("wrong units", _made, tmp_path)
    return Workspace(tmp_path / "ws")


def _made(folder: Path) -> None:
    deliver(folder / "in", "LIS_1.csv", 1, wrong=6)
    loaded(folder, {"lis": (folder / "in", "sim-lis")})


def proposal(opened: Workspace) -> units.Proposal:
    """The proposal about platelets that would convert them."""
    found = [one for one in units.proposals(opened) if one.action == "convert"]
    assert len(found) == 1
    assert (found[0].analyte, found[0].family) == ("PLT", "wrong-unit")
    return found[0]


def confirmed(opened: Workspace) -> int:
    """Confirm it and carry it out; returns the decision's id."""
    one = proposal(opened)
    made = units.decide(
        opened, [one], confirm=[one.proposal_id], author="a technician", reason="the analyser's setting"
    )
    assert not ingest(opened).failed
    return made[0].decision_id


def test_confirmed_rows_are_mended_and_say_so(workspace: Workspace) -> None:
    before = {row["measurement_id"]: row for row in rows(workspace, "measurement")}
    decision = confirmed(workspace)
    repairs = {row["measurement_id"]: row for row in rows(workspace, "repair")}
    assert len(repairs) == 6
    for row in rows(workspace, "measurement"):
        former, repair = before[row["measurement_id"]], repairs.get(row["measurement_id"])
        if repair is None:
            assert row == former
            continue
        assert former["value_as_number"] == repair["was_value"] > 100_000
        assert row["value_as_number"] == repair["value"] == repair["was_value"] / 1000
        assert (row["value_source_value"], row["unit_source_value"]) == (f"{repair['was_value']:.0f}", "10^9/L")
        assert (repair["decision_id"], repair["family"], repair["set_aside"]) == (decision, "wrong-unit", False)
        assert (repair["part_id"], repair["place"]) == (row["part_id"], row["place"])
    demand(verify(workspace))


def test_rows_delivered_later_are_mended_in_the_same_edition(workspace: Workspace, tmp_path: Path) -> None:
    confirmed(workspace)
    edition = workspace.lake.editions.current()
    deliver(tmp_path / "in", "LIS_2.csv", 2, wrong=3)
    report = ingest(workspace)
    assert edition is not None
    assert report.edition is not None
    assert report.edition.number == edition.number + 1
    assert len(rows(workspace, "repair")) == 9
    high = [row for row in rows(workspace, "measurement") if (row["value_as_number"] or 0) > 1000]
    assert high == []
    demand_same(rebuild(workspace, tmp_path / "again"))
    demand(verify(workspace))


def test_nothing_is_done_twice(workspace: Workspace) -> None:
    confirmed(workspace)
    batches = len(workspace.records.batches())
    report = ingest(workspace)
    assert report.edition is None
    assert len(workspace.records.batches()) == batches


def test_a_revoked_repair_leaves_the_former_bytes(workspace: Workspace, tmp_path: Path) -> None:
    before, files = content(workspace), workspace.lake.deltas.files("measurement")
    decision = confirmed(workspace)
    workspace.decisions.revoke(decision, author="a technician", reason="it was the other analyser")
    assert not ingest(workspace).failed
    after = content(workspace)
    assert after.pop("repair", []) == []
    assert after == before
    assert workspace.lake.deltas.files("measurement") == files
    demand_same(rebuild(workspace, tmp_path / "again"))


def test_a_record_mapped_again_is_mended_again(workspace: Workspace) -> None:
    confirmed(workspace)
    before = content(workspace)
    assert remap(workspace, everything=True).edition is not None
    assert content(workspace) == before


def test_a_refused_proposal_changes_nothing_and_stays_refused(workspace: Workspace) -> None:
    before, one = content(workspace), proposal(workspace)
    units.decide(workspace, [one], refuse=[one.proposal_id], author="a technician")
    assert ingest(workspace).edition is None
    assert content(workspace) == before
    assert proposal(workspace).state == "refused"


def test_an_interrupted_repair_is_finished(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    one = proposal(workspace)
    units.decide(workspace, [one], confirm=[one.proposal_id], author="a technician")
    with monkeypatch.context() as patched:

        def stop(*_: object) -> None:
            raise KeyboardInterrupt

        patched.setattr("isthmus.flow.repairs._commit_measurements", stop)
        with pytest.raises(KeyboardInterrupt):
            ingest(workspace)
    assert not ingest(workspace).failed
    assert len(rows(workspace, "repair")) == 6
    assert [row for row in rows(workspace, "measurement") if (row["value_as_number"] or 0) > 1000] == []
    demand(verify(workspace))


def test_the_verb_lists_decides_and_takes_back(workspace: Workspace) -> None:
    root = str(workspace.root)
    one = proposal(workspace)
    assert str(one.proposal_id) in run("units", root).out
    told = run("units", root, "--rule", "--author", "night shift", "--json").document()
    assert told["decided"] == 1
    run("ingest", root, "--quiet")
    row = rows(workspace, "repair")[0]
    traced = run("trace", root, "measurement", str(row["measurement_id"]), "--json").document()
    assert traced["repairs"][0]["author"] == "night shift"
    assert run("units", root, "--revoke", str(one.proposal_id), "--json").document()["decided"] == 1
    run("ingest", root, "--quiet")
    assert rows(workspace, "repair") == []
    assert run("units", root, "--confirm", "12345").code == 2
