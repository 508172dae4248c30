"""A decision about a code reaches the rows that have it, and no others; taken back, it leaves the tables as before."""

from pathlib import Path

import pytest

from isthmus.base.errors import InputError
from isthmus.flow import replay
from isthmus.flow.ingest import ingest
from isthmus.flow.trace import Tracer
from isthmus.flow.verify import demand, verify
from isthmus.flow.workspace import Workspace
from isthmus.lake.edition import Edition
from isthmus.records.decisions import Draft
from isthmus.records.models import Decision
from lib import harbour
from lib.copies import copied
from lib.workspace import content, loaded, outcomes, rows

XYZ = Draft("term", "list:harbour-lis/lab", "XYZ", [3006923], "li", reason="the package insert says ALT")


@pytest.fixture
def hospital(tmp_path: Path) -> Workspace:
    """Harbour hospital with its first delivery; its laboratory's code XYZ is in no list."""
    copied("decisions", _made, tmp_path)
    return Workspace(tmp_path / "ws")


def _made(folder: Path) -> None:
    harbour.deliver(folder / "exports", number=1)
    loaded(folder, harbour.feeds(folder / "packs", folder / "exports"))


def files_of(edition: Edition | None) -> dict[str, set[str]]:
    assert edition is not None
    return {name: {one.path for one in edition.files(name)} for name in edition.tables()}


def concepts(opened: Workspace) -> dict[str, set[int]]:
    """Concepts by code of the laboratory."""
    found: dict[str, set[int]] = {}
    for row in rows(opened, "measurement"):
        found.setdefault(row["measurement_source_value"], set()).add(row["measurement_concept_id"])
    return found


def decide(opened: Workspace, draft: Draft = XYZ) -> Decision:
    return opened.decisions.add(draft)[0]


def test_open_codes_stand_in_a_table_of_their_own(hospital: Workspace) -> None:
    waiting = rows(hospital, "coding")
    wanted = [row for row in rows(hospital, "measurement") if row["measurement_concept_id"] == 0]
    found = [(row["part_id"], row["place"]) for row in waiting if row["code"] == "XYZ"]
    assert sorted(found) == sorted((row["part_id"], row["place"]) for row in wanted)
    assert {(row["system"], row["column"], row["concept_id"], row["decision_id"]) for row in waiting} == {
        ("list:harbour-lis/lab", "measurement_concept_id", 0, None),
        ("list:harbour-his/diagnosis", "condition_concept_id", 0, None),
    }


def test_a_decision_reaches_the_rows_that_have_the_code_and_no_others(hospital: Workspace) -> None:
    before, counted = files_of(hospital.lake.editions.current()), outcomes(hospital)
    made = decide(hospital)
    report = ingest(hospital)
    assert concepts(hospital) == {"AFP": {3009306}, "ALB": {3024561}, "XYZ": {3006923}}
    after = files_of(report.edition)
    changed = {name for name in after if after[name] != before.get(name)}
    # The periods of the people concerned are derived anew; they come out the same.
    assert changed <= {"measurement", "coding", "record", "observation_period"}
    assert outcomes(hospital) == counted
    resolved = [row for row in rows(hospital, "coding") if row["code"] == "XYZ"]
    assert resolved
    assert {(row["concept_id"], row["decision_id"]) for row in resolved} == {(3006923, made.decision_id)}
    demand(verify(hospital))


def test_a_decision_taken_back_restores_the_former_state(hospital: Workspace) -> None:
    before = content(hospital)
    made = decide(hospital)
    ingest(hospital)
    assert content(hospital) != before
    hospital.decisions.revoke(made.decision_id, author="wang", reason="the insert was another analyser's")
    ingest(hospital)
    assert content(hospital) == before
    with pytest.raises(InputError, match="revoked before"):
        hospital.decisions.revoke(made.decision_id, author="wang", reason="again")
    demand(verify(hospital))


def test_nothing_is_published_where_no_answer_changed(hospital: Workspace) -> None:
    decide(hospital)
    assert replay.remap(hospital).edition is not None
    assert replay.remap(hospital).edition is None
    decide(hospital, Draft("term", "list:harbour-lis/lab", "never delivered", [3006923], "li"))
    assert replay.remap(hospital).edition is None
    assert ingest(hospital).edition is None


def test_what_comes_later_is_mapped_by_the_decision_at_once(hospital: Workspace, tmp_path: Path) -> None:
    decide(hospital)
    harbour.deliver(tmp_path / "exports", number=2)
    ingest(hospital)
    assert concepts(hospital)["XYZ"] == {3006923}
    demand(verify(hospital))


def test_a_decision_for_another_site_changes_nothing_here(hospital: Workspace) -> None:
    before = content(hospital)
    decide(hospital, Draft("term", "list:harbour-lis/lab", "XYZ", [3006923], "li", site="h02"))
    assert ingest(hospital).edition is None
    assert content(hospital) == before


def test_a_code_list_that_was_mended_reaches_rows_that_waited_for_it(hospital: Workspace, tmp_path: Path) -> None:
    with (tmp_path / "packs" / "harbour-lis" / "codes" / "lab.csv").open("a", encoding="utf-8") as stream:
        stream.write("XYZ,alanine aminotransferase,3006923\n")
    ingest(hospital)
    assert concepts(hospital)["XYZ"] == {3006923}
    assert not [row for row in rows(hospital, "coding") if row["code"] == "XYZ"]
    demand(verify(hospital))


def test_everything_may_be_mapped_again(hospital: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "packs" / "harbour-lis" / "codes" / "lab.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("3009306", "3020630"), encoding="utf-8")
    counted = outcomes(hospital)
    assert replay.remap(hospital).edition is None  # a code that was resolved waits for nothing
    replay.remap(hospital, everything=True)
    assert concepts(hospital)["AFP"] == {3020630}
    assert outcomes(hospital) == counted
    demand(verify(hospital))


def test_a_rebuilt_lake_follows_every_decision_at_its_time(hospital: Workspace, tmp_path: Path) -> None:
    made = decide(hospital)
    ingest(hospital)
    hospital.decisions.revoke(made.decision_id, author="wang", reason="wrong")
    harbour.deliver(tmp_path / "exports", number=2)
    ingest(hospital)
    decide(hospital)
    ingest(hospital)
    compared = replay.rebuild(hospital, tmp_path / "again")
    replay.demand_same(compared)
    assert {"measurement", "coding", "record"} <= {one.table for one in compared if one.same}


def test_the_trace_of_a_row_names_who_decided_and_why(hospital: Workspace) -> None:
    decide(hospital)
    ingest(hospital)
    row = next(row for row in rows(hospital, "measurement") if row["measurement_source_value"] == "XYZ")
    found = Tracer(hospital).trace("measurement", row["measurement_id"])
    (code,) = found.codes
    assert (code.code, code.concept_id, code.column) == ("XYZ", 3006923, "measurement_concept_id")
    assert code.decision is not None
    assert (code.decision.author, code.decision.reason) == ("li", "the package insert says ALT")


def test_a_code_with_several_concepts_gives_a_row_for_each(hospital: Workspace) -> None:
    one = {row["condition_occurrence_id"]: row for row in rows(hospital, "condition_occurrence")}
    before = [row for row in one.values() if row["condition_source_value"] == "Z99"]
    state = content(hospital)
    both = decide(hospital, Draft("term", "list:harbour-his/diagnosis", "Z99", [4001171, 4064161], "li"))
    ingest(hospital)
    after = [row for row in rows(hospital, "condition_occurrence") if row["condition_source_value"] == "Z99"]
    assert sorted(row["condition_concept_id"] for row in after) == sorted([4001171, 4064161] * len(before))
    # The row of the first concept is the row that was there; all ids differ.
    first = {row["condition_occurrence_id"] for row in after if row["condition_concept_id"] == 4001171}
    assert first == {row["condition_occurrence_id"] for row in before}
    assert len({row["condition_occurrence_id"] for row in rows(hospital, "condition_occurrence")}) == len(one) + len(
        before
    )
    assert replay.remap(hospital).edition is None
    demand(verify(hospital))
    hospital.decisions.revoke(both.decision_id, author="wang", reason="one is enough")
    ingest(hospital)
    assert content(hospital) == state
