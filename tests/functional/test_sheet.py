"""The work list as a table: exported, filled in with a spreadsheet program, and read back."""

import csv
from collections.abc import Callable
from pathlib import Path

from isthmus.flow.workspace import Workspace
from lib import open_codes
from lib.command import Done, complaint, run
from lib.open_codes import NAMES


def test_a_sheet_is_exported_filled_in_and_decided(hospital: Workspace, tmp_path: Path) -> None:
    sheet = tmp_path / "list.csv"
    told = run("decide", hospital.root, "--export", sheet, "--json").document()
    assert (told["items"], told["with_candidates"]) == (30, 24)
    with sheet.open(encoding="utf-8-sig", newline="") as stream:
        filled = list(csv.DictReader(stream))
    assert str(NAMES[0][2]) in filled[0]["candidate_1"]
    for row in filled[:10]:
        row["concept_ids"] = row["candidate_1"].partition(" ")[0]
    filled[-1] |= {"concept_ids": "none", "reason": "no diagnosis"}
    _write(sheet, filled)
    done = run("decide", hospital.root, "--decide", sheet, "--author", "wang", "--reason", "sheet of March", "--json")
    assert done.document() == {"decided": 11, "none": 1}
    listed = run("decisions", hospital.root, "--json").document()
    assert {(one["author"], one["reason"]) for one in listed} == {
        ("wang", "sheet of March"), ("wang", "no diagnosis"),
    }  # fmt: skip
    run("ingest", hospital.root)
    found = open_codes.concepts(hospital)
    assert all(found[code] == {concept} for code, _, concept in NAMES[:10])


def test_lists_can_be_written_to_the_standard_output(hospital: Workspace, press: Callable[..., Done]) -> None:
    told = run("decide", hospital.root, "--export", "-").out
    assert told.lstrip("\ufeff").splitlines()[0].startswith("system,code,name")
    press("1q", "decide", hospital.root)
    assert '"key":"D00"' in run("decisions", hospital.root, "--export", "-").out
    assert not Path("-").exists()


def test_a_sheet_with_a_concept_that_is_not_there_decides_nothing(hospital: Workspace, tmp_path: Path) -> None:
    sheet = tmp_path / "list.csv"
    run("decide", hospital.root, "--export", sheet)
    with sheet.open(encoding="utf-8-sig", newline="") as stream:
        filled = list(csv.DictReader(stream))
    filled[0]["concept_ids"], filled[1]["concept_ids"] = "4059290", "123456789"
    _write(sheet, filled)
    said = complaint(run("decide", hospital.root, "--decide", sheet), 3)
    assert "D01: concept 123456789 is not in the vocabulary" in said
    assert run("decisions", hospital.root, "--json").document() == []


def test_a_sheet_decides_open_codes_alone_and_concepts_of_their_domain(hospital: Workspace, tmp_path: Path) -> None:
    sheet = tmp_path / "list.csv"
    run("decide", hospital.root, "--export", sheet)
    with sheet.open(encoding="utf-8-sig", newline="") as stream:
        filled = list(csv.DictReader(stream))
    filled[0]["concept_ids"], filled[1]["concept_ids"], filled[2]["concept_ids"] = "8507", "123456789", "4059290"
    _write(sheet, filled)
    said = complaint(run("decide", hospital.root, "--decide", sheet), 3)
    assert "D00: concept 8507 male is of the domain Gender; the column takes Condition" in said
    assert "D01: concept 123456789 is not in the vocabulary" in said  # all faults at once
    filled[0]["concept_ids"], filled[1]["concept_ids"] = "", ""
    filled[2]["code"], filled[3]["concept_ids"] = "OP9999", "1.56225E+15"
    _write(sheet, filled)
    said = complaint(run("decide", hospital.root, "--decide", sheet), 3)
    assert "line 4 decides list:bay-his/diagnosis OP9999, which is no open code here" in said
    assert "line 5 holds in concept_ids what is no concept id" in said
    assert run("decisions", hospital.root, "--json").document() == []


def test_what_a_sheet_took_from_a_mapper_is_kept_with_its_version(hospital: Workspace, tmp_path: Path) -> None:
    sheet = tmp_path / "list.csv"
    run("decide", hospital.root, "--export", sheet)
    with sheet.open(encoding="utf-8-sig", newline="") as stream:
        filled = list(csv.DictReader(stream))
    filled[0]["concept_ids"] = filled[0]["candidate_1"].partition(" ")[0]
    filled[1]["concept_ids"] = "4059290"  # the terminologist's own
    _write(sheet, filled)
    run("decide", hospital.root, "--decide", sheet)
    made = {one["key"]: one["model"] for one in run("decisions", hospital.root, "--json").document()}
    assert made["D00"].startswith("names@")
    assert made["D01"] == ""


def _write(path: Path, filled: list[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        sheet = csv.DictWriter(stream, list(filled[0]))
        sheet.writeheader()
        sheet.writerows(filled)
