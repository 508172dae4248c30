"""The work list from outside: codes are decided by key, by sheet or automatically, reach their rows, and come back."""

import os
import pty
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from isthmus.flow.workspace import Workspace
from lib import lessons, open_codes, vocabularies
from lib.command import Done, complaint, run
from lib.harbour import write_csv
from lib.open_codes import CODES, NAMES
from lib.workspace import content, rows


def test_the_work_list_tells_code_name_place_rows_and_sites(hospital: Workspace) -> None:
    listed = run("unmapped", hospital.root, "--limit", "100", "--json").document()
    assert [(one["code"], one["name"], one["rows"]) for one in listed] == [
        (code, name, CODES - place) for place, (code, name, _) in enumerate(NAMES)
    ]
    assert listed[0] | {"code": "", "name": "", "rows": 0} == {
        "system": "list:bay-his/diagnosis", "code": "", "name": "", "table": "condition_occurrence",
        "column": "condition_concept_id", "rows": 0, "sites": ["bay"], "variants": 1,
    }  # fmt: skip
    shown = run("unmapped", hospital.root).out
    assert NAMES[0][1] in shown
    assert "isthmus decide" in shown


def test_twenty_keys_mend_the_rows_of_twenty_codes_and_revoking_them_restores_the_lake(
    hospital: Workspace, press: Callable[..., Done]
) -> None:
    # The rows of D00 are mapped again while nineteen decisions stand, and say so in their mapping's id.
    before = content(hospital, without=frozenset({"mapping_id"}))
    told = press("1" * 20 + "q", "decide", hospital.root, "--author", "li", "--json").document()
    assert (told["open"], told["decided"], told["rows"]) == (30, 20, sum(CODES - place for place in range(20)))
    assert open_codes.still_open(hospital) == [code for code, _, _ in NAMES[20:]]
    assert content(hospital, without=frozenset({"mapping_id"})) == before  # what was decided waits for the next ingest
    run("ingest", hospital.root)
    wanted = {code: {concept if place < 20 else 0} for place, (code, _, concept) in enumerate(NAMES)}
    assert open_codes.concepts(hospital) == wanted | {"K76": {4059290}}
    assert open_codes.still_open(hospital) == [code for code, _, _ in NAMES[20:]]
    listed = run("decisions", hospital.root, "--json").document()
    assert [(one["key"], one["author"], one["how"], one["site"]) for one in listed] == [
        (code, "li", "person", "") for code, _, _ in NAMES[:20]
    ]
    assert run("decisions", hospital.root, "--revoke", str(listed[0]["decision_id"]), "--reason", "wrong").code == 0
    assert open_codes.still_open(hospital) == ["D00", *(code for code, _, _ in NAMES[20:])]
    run("ingest", hospital.root)
    assert open_codes.concepts(hospital)["D00"] == {0}
    for one in listed[1:]:
        run("decisions", hospital.root, "--revoke", str(one["decision_id"]), "--reason", "all of it", "--author", "w")
    run("ingest", hospital.root)
    assert content(hospital, without=frozenset({"mapping_id"})) == before
    history = run("decisions", hospital.root, "--history", "--json").document()
    assert len(history) == 40
    assert {one["reason"] for one in history if one["revokes"]} == {"wrong", "all of it"}


def test_in_a_terminal_keys_need_no_enter_and_may_be_typed_ahead(hospital: Workspace) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "isthmus", "decide", str(hospital.root), "--author", "李"]
    done = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=os.environ | {"TERM": "xterm"})
    os.close(theirs)
    os.write(ours, b"11/zzz\nr\xe6\x9d\xa1\n1uq")
    shown = b""
    with suppress(OSError):  # how a terminal says that the other side has gone
        while piece := os.read(ours, 4096):
            shown += piece
    os.close(ours)
    assert done.wait(60) == 0
    assert "1 undone" in shown.decode()
    listed = run("decisions", hospital.root, "--json").document()
    assert [(one["key"], one["author"]) for one in listed] == [("D00", "李"), ("D01", "李")]
    history = run("decisions", hospital.root, "--history", "--json").document()
    assert [(one["key"], one["reason"]) for one in history[2:]] == [("D02", "条"), ("D02", "undone in review")]


def test_a_code_that_stands_for_several_things_is_told(hospital: Workspace, press: Callable[..., Done]) -> None:
    late = ["9000", "P1", "D00", f'"{NAMES[1][1]}"', "2024-04-01"]
    write_csv(hospital.root.parent / "in" / "diagnosis_2.csv", [["number", "id", "code", "name", "day"], late])
    run("ingest", hospital.root)
    first = run("unmapped", hospital.root, "--json").document()[0]
    assert (first["code"], first["name"], first["variants"], first["rows"]) == ("D00", NAMES[0][1], 2, CODES + 1)
    assert "2 different names stand beside this code" in press("q", "decide", hospital.root).out


def test_settled_without_a_concept_leaves_the_list_and_the_rows_alone(
    hospital: Workspace, press: Callable[..., Done]
) -> None:
    shown = press("ssn", "decide", hospital.root, "--limit", "3")
    assert shown.code == 0
    assert "1 decided (1 without a concept), 2 skipped" in shown.out
    assert "D02" not in open_codes.still_open(hospital)
    run("ingest", hospital.root)
    assert open_codes.concepts(hospital)["D02"] == {0}
    assert "D02" not in open_codes.still_open(hospital)


def test_several_concepts_together_give_a_row_each(hospital: Workspace, press: Callable[..., Done]) -> None:
    press("/liver\nm1 2\nq", "decide", hospital.root, "--json")
    (one,) = run("decisions", hospital.root, "--json").document()
    assert len(one["answer"]) == 2
    run("ingest", hospital.root)
    found = [row for row in rows(hospital, "condition_occurrence") if row["condition_source_value"] == "D00"]
    assert len(found) == 2 * CODES
    assert {row["condition_concept_id"] for row in found} == set(one["answer"])
    assert "D00" not in open_codes.still_open(hospital)


def test_concepts_of_several_searches_are_kept_and_chosen_together(
    hospital: Workspace, press: Callable[..., Done]
) -> None:
    told = press("/fatty liver\n+1/hepatitis\n+1+1=q", "decide", hospital.root).out
    assert "Kept: " in told
    (one,) = run("decisions", hospital.root, "--json").document()
    assert (one["key"], len(one["answer"]), 4059290 in one["answer"]) == ("D00", 2, True)
    press("/fatty liver\n+1c1=q", "decide", hospital.root)  # the last = finds nothing kept for the next item
    listed = run("decisions", hospital.root, "--json").document()
    assert [(two["key"], two["answer"]) for two in listed[1:]] == [("D01", [4059290, NAMES[1][2]])]


def test_after_a_search_the_candidates_come_back(hospital: Workspace, press: Callable[..., Done]) -> None:
    for back in ("c", "/\n"):
        press(f"/fatty liver\n{back}1q", "decide", hospital.root)
        (one,) = run("decisions", hospital.root, "--json").document()
        assert one["answer"] == [NAMES[0][2]]
        run("decisions", hospital.root, "--revoke", str(one["decision_id"]), "--reason", "again")


def test_what_is_only_called_nearly_so_is_marked(hospital: Workspace, press: Callable[..., Done]) -> None:
    nearly = press("/fatty livre\nq", "decide", hospital.root).out
    assert "≈ Fatty" in nearly or "≈ fatty" in nearly
    assert "may be something else" in nearly
    exactly = press("/fatty liver\nq", "decide", hospital.root).out
    assert "≈" not in exactly


def test_a_hospitals_codes_are_mapped_to_the_codes_of_a_list_that_was_loaded(
    hospital: Workspace, press: Callable[..., Done], tmp_path: Path
) -> None:
    codes = "code,name\nA00.9,霍乱\nA01.0,伤寒\n"
    plain = vocabularies.write(tmp_path, codes, vocabulary="NATION-2", hierarchy="none")
    assert run("terms", "load", hospital.root, plain).code == 0
    assert "Nothing in the vocabulary is called so" in press("/霍乱\nq", "decide", hospital.root).out
    own = vocabularies.write(tmp_path, codes, vocabulary="NATION-2", hierarchy="none", more="standard: yes\n")
    assert run("terms", "load", hospital.root, own).code == 0
    press("/霍乱\n1q", "decide", hospital.root)
    run("ingest", hospital.root)
    (cholera,) = [row for row in rows(hospital, "concept") if row["concept_code"] == "A00.9"]
    assert open_codes.concepts(hospital)["D00"] == {cholera["concept_id"]}
    mended = [row for row in rows(hospital, "condition_occurrence") if row["condition_source_value"] == "D00"]
    told = run("trace", hospital.root, "condition_occurrence", str(mended[0]["condition_occurrence_id"])).out
    (made,) = run("decisions", hospital.root, "--json").document()
    assert f"{cholera['concept_id']} 霍乱 (NATION-2 A00.9, edition 1)\n  by decision {made['decision_id']}" in told
    assert "person, search@" in told


def test_a_decision_of_a_site_is_for_it_alone(hospital: Workspace, press: Callable[..., Done]) -> None:
    press("1q", "decide", hospital.root, "--site", "bay", "--reason", "their list says so")
    (one,) = run("decisions", hospital.root, "--json").document()
    assert (one["site"], one["reason"]) == ("bay", "their list says so")
    assert "D00" not in open_codes.still_open(hospital)
    run("ingest", hospital.root)
    assert open_codes.concepts(hospital)["D00"] == {NAMES[0][2]}


def test_decisions_are_shared_and_ours_stand(hospital: Workspace, press: Callable[..., Done], tmp_path: Path) -> None:
    press("111q", "decide", hospital.root, "--author", "li")
    shared = tmp_path / "decisions.jsonl"
    assert run("decisions", hospital.root, "--export", shared, "--json").document()["decisions"] == 3
    other = open_codes.hospital(tmp_path / "other")
    press("n1q", "decide", other.root)  # D00 is settled otherwise, D01 the same
    taken = run("decisions", other.root, "--import", shared, "--json").document()
    assert taken == {"made": 1, "known": 1, "conflicting": 1, "elsewhere": 0}
    listed = {one["key"]: one for one in run("decisions", other.root, "--json").document()}
    assert listed["D00"]["answer"] == []
    assert (listed["D02"]["answer"], listed["D02"]["author"]) == ([NAMES[2][2]], "li")
    assert listed["D02"]["reason"].startswith("decided 20")
    assert run("decisions", other.root, "--import", shared, "--json").document()["made"] == 0
    shared.write_text('{"kind": "term"}\n', encoding="utf-8")
    assert "entry 1 is no decision" in complaint(run("decisions", other.root, "--import", shared), 3)


def test_nothing_is_automatic_before_it_was_measured_and_then_only_what_is_sure(
    hospital: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    lessons.shorten(monkeypatch)
    assert "--learn" in complaint(run("decide", hospital.root, "--automatic"), 3)
    opened = hospital.root / "sites" / "bay.toml"
    opened.write_text("automatic = 0.9\n" + opened.read_text(encoding="utf-8"), encoding="utf-8")
    patient = hospital.root.parent / "in" / "patient_2.csv"
    write_csv(patient, [["id"], ["P90"]])
    (note,) = run("ingest", hospital.root, "--json").document()["notes"]
    assert "--learn" in note
    assert run("decide", hospital.root, "--learn", "--json").document()["models"]
    assert run("decide", hospital.root, "--automatic", "--threshold", "0.9999", "--json").document()["decided"] == 0
    # The site's setting holds at the next delivery; another row of an open code brings it in.
    write_csv(
        hospital.root.parent / "in" / "diagnosis_2.csv",
        [["number", "id", "code", "name", "day"], ["5000", "P1", "D00", f'"{NAMES[0][1]}"', "2024-04-01"]],
    )
    report = run("ingest", hospital.root, "--json").document()
    (note,) = report["notes"]
    assert note.startswith("bay: ")
    listed = run("decisions", hospital.root, "--json").document()
    assert listed
    right = {code: concept for code, _, concept in NAMES}
    assert all(one["answer"] == [right[one["key"]]] for one in listed)
    assert {(one["how"], one["site"]) for one in listed} == {("automatic", "bay")}
    assert all(one["confidence"] >= 0.5 and "@" in one["model"] for one in listed)
    found = open_codes.concepts(hospital)
    assert all(found[one["key"]] == set(one["answer"]) for one in listed)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("decide", "--learn", "--automatic"), "choose one of"),
        (("decide", "--threshold", "0.9"), "belongs to --automatic"),
        (("decisions", "--revoke", "5"), "needs its reason"),
        (("decisions", "--revoke", "5", "--export", "x"), "choose one of"),
    ],
)
def test_wrong_use_is_told(hospital: Workspace, words: tuple[str, ...], told: str) -> None:
    assert told in complaint(run(words[0], hospital.root, *words[1:]), 2)


def test_a_decision_that_is_not_there_cannot_be_revoked(hospital: Workspace) -> None:
    assert "there is no decision 5" in complaint(run("decisions", hospital.root, "--revoke", "5", "--reason", "x"), 3)


def test_revoking_says_what_stands_now(hospital: Workspace, press: Callable[..., Done]) -> None:
    press("1q", "decide", hospital.root, "--site", "bay", "--author", "li")
    press("q", "decide", hospital.root)
    (first,) = run("decisions", hospital.root, "--json").document()
    shared = hospital.root.parent / "all.jsonl"
    run("decisions", hospital.root, "--export", shared)
    shared.write_text(shared.read_text(encoding="utf-8").replace('"site":"bay"', '"site":""'), encoding="utf-8")
    run("decisions", hospital.root, "--import", shared)
    told = run("decisions", hospital.root, "--revoke", str(first["decision_id"]), "--reason", "not theirs").out
    assert "stands now: " in told
    assert "all sites, li" in told
