"""`isthmus registry`: a pack and an edition in, tables with a dictionary out, and what is said of a wrong pack."""

import csv
from pathlib import Path
from typing import Any

import orjson
import pyarrow.parquet as pq
import pytest

from lib import cdm
from lib import registries as lib
from lib.command import apart, complaint, run
from lib.registries import ALBUMIN, GRAM_PER_LITRE, item, measured

PEOPLE = (1, 2, 3)
BELOW = [item("albumin", "number", f"measurement {ALBUMIN}", unit="g/L") | {"zh": "白蛋白"}]
OWN = "registry: own\ntitle: {en: Own, zh: 自有}\nextends: tiny\n"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace of three persons with cancer, of two of whom albumin was measured."""
    folder = tmp_path_factory.mktemp("registry")
    rows = [measured(one, ALBUMIN, "2020-03-01", 30.0 + one, GRAM_PER_LITRE, measurement_id=one) for one in (1, 2)]
    (folder / "cdm").mkdir()
    for name, table in lib.tables(PEOPLE, measurement=rows).items():
        pq.write_table(cdm.table(name, [_whole(row) for row in table]), folder / "cdm" / f"{name}.parquet")
    assert run("init", folder / "ws", "--synthetic").code == 0
    assert run("attach", folder / "ws", folder / "cdm", "--name", "cdm").code in (0, 6)
    return folder / "ws"


def _whole(row: dict[str, Any]) -> dict[str, Any]:
    """A row with what the CDM requires and these tests do not look at."""
    usual = {
        "race_concept_id": 0, "ethnicity_concept_id": 0, "period_type_concept_id": 32817,
        "condition_type_concept_id": 32817, "concept_name": "unit", "domain_id": "Unit", "vocabulary_id": "Own",
        "concept_class_id": "Own", "concept_code": str(row.get("concept_id")), "valid_start_date": "1970-01-01",
        "valid_end_date": "2099-12-31",
    }  # fmt: skip
    return usual | row


@pytest.fixture
def packs(tmp_path: Path) -> Path:
    lib.write(tmp_path / "tiny", {"laboratory": BELOW})
    lib.write(tmp_path / "own", {"laboratory": [{"item": "albumin", "unit": "g/dL"}]}, OWN)
    return tmp_path


def test_tables_dictionary_and_manifest_are_written(workspace: Path, packs: Path, tmp_path: Path) -> None:
    done = apart("registry", workspace, packs / "tiny", "--out", tmp_path / "out")
    assert done.code == 0, done.err
    assert "A tiny registry: 3 patients of edition 2" in done.out
    with (tmp_path / "out" / "laboratory.csv").open() as stream:
        assert [row["albumin"] for row in csv.DictReader(stream)] == ["31", "32", ""]
    assert pq.read_table(tmp_path / "out" / "laboratory.parquet").column("albumin").to_pylist() == [31.0, 32.0, None]
    assert "白蛋白" in (tmp_path / "out" / "dictionary.zh.md").read_text(encoding="utf-8")
    manifest = orjson.loads((tmp_path / "out" / "manifest.json").read_bytes())
    assert (manifest["registry"], manifest["edition"], manifest["patients"]) == ("tiny", 2, 3)
    assert len(manifest["digest"]) == 64
    report = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "3 patients of 1 hospital," in report
    assert "来源：版次 2，数据包 tiny 1" in report
    assert not list((tmp_path / "out").glob(".*"))


def test_an_export_is_written_without_the_tables(workspace: Path, packs: Path, tmp_path: Path) -> None:
    before = sorted(path.name for path in workspace.iterdir())
    done = run("registry", workspace, packs / "tiny", "--export", "cbioportal", tmp_path / "study", "--quiet")
    assert done.code == 0, done.err
    assert "ALBUMIN" in (tmp_path / "study" / "data_clinical_patient.txt").read_text(encoding="utf-8")
    assert sorted(path.name for path in workspace.iterdir()) == before
    said = complaint(run("registry", workspace, packs / "tiny", "--export", "fhir", tmp_path / "a"), 2)
    assert "Name one of: cbioportal, redcap, mcode." in said


def test_the_document_has_counts_completeness_and_work_list(workspace: Path, packs: Path) -> None:
    told = run("registry", workspace, packs / "tiny", "--json").document()
    assert told["rows"]["laboratory"] == 3
    assert told["completeness"] == [{"site": "cdm", "core_rows": 3, "core_filled": 2}]
    assert [(row["item"], row["missing"]) for row in told["worklist"]] == [("albumin", 1)]


def test_the_same_edition_and_pack_give_the_same_files(workspace: Path, packs: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert run("registry", workspace, packs / "tiny", "--out", tmp_path / name, "--quiet").code == 0
    for path in (tmp_path / "one").glob("*.csv"):
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_what_a_pack_overrides_is_told_and_counted(workspace: Path, packs: Path) -> None:
    done = run("registry", workspace, packs / "own", "--difference")
    assert "own beside tiny" in done.out
    told = run("registry", workspace, packs / "own", "--difference", "--json").document()
    assert told["counts"] == {"item": {"added": 0, "overridden": 1, "dropped": 0}}
    (one,) = told["differences"]
    assert (one["name"], one["column"], one["below"], one["here"]) == ("albumin", "unit", "g/L", "g/dL")
    assert one["place"] == "own/items/laboratory.csv:2"


def test_a_pack_of_the_workspace_is_found_by_name(workspace: Path) -> None:
    lib.write(workspace / "registries" / "local", {"laboratory": BELOW}, lib.HEAD.replace("tiny", "local"))
    assert run("registry", workspace, "local", "--json").document()["patients"] == 3


def test_a_pack_that_is_wrong_is_told_line_by_line_and_nothing_is_written(
    workspace: Path, packs: Path, tmp_path: Path
) -> None:
    lib.write(packs / "tiny", {"laboratory": [BELOW[0] | {"unit": "g per L"}, item("other", "numbr")]})
    done = run("registry", workspace, packs / "tiny", "--out", tmp_path / "out")
    said = complaint(done, 3)
    assert "tiny/items/laboratory.csv:2: item albumin: 'g per L' is not a UCUM code known here." in said
    assert "tiny/items/laboratory.csv:3: item other: 'numbr' is no type." in said
    assert not (tmp_path / "out").exists()


def test_a_registry_that_is_not_there_is_said(workspace: Path) -> None:
    assert "there is no registry 'lung'" in complaint(run("registry", workspace, "lung"), 3)


def test_a_freeze_is_built_again_byte_for_byte_and_never_changed(workspace: Path, packs: Path) -> None:
    told = run("registry", workspace, packs / "tiny", "--freeze", "first", "--json").document()
    assert (told["edition"], told["packs"], len(told["code"])) == (2, ["tiny"], 64)
    (packs / "tiny" / "items" / "laboratory.csv").unlink()  # what was frozen does not need the pack any more
    lib.write(packs / "tiny", {"laboratory": [BELOW[0] | {"unit": "g/dL"}]})
    again = run("registry", workspace, packs / "tiny", "--again", "first", "--json")
    assert again.code == 0, again.err
    assert again.document()["differ"] == []
    assert "has a freeze 'first'" in complaint(run("registry", workspace, packs / "tiny", "--freeze", "first"), 2)
    assert "has no freeze 'second'" in complaint(run("registry", workspace, packs / "tiny", "--again", "second"), 3)


def test_two_freezes_are_compared_by_item_and_patient(workspace: Path, packs: Path) -> None:
    lib.write(packs / "tiny", {"laboratory": [BELOW[0], item("sex", "text", "person gender")]})
    assert run("registry", workspace, packs / "tiny", "--freeze", "before").code == 0
    lib.write(packs / "tiny", {"laboratory": [BELOW[0] | {"unit": "g/dL"}]})
    people = {nth: _number(workspace, packs / "tiny", nth) for nth in PEOPLE}
    for act, person in (("refute", 3), ("withdraw", 2)):
        done = run("cases", workspace, packs / "tiny", act, people[person], "--reason", "seen")
        assert done.code == 0, done.err
    assert run("registry", workspace, packs / "tiny", "--freeze", "after").code == 0
    told = run("registry", workspace, packs / "tiny", "--compare", "before", "after", "--json").document()
    assert (told["came"], told["gone"], told["in_both"]) == (0, 2, 1)
    assert told["because"] == ["digest", "rulings"]
    assert told["items"][0] == {"item": "albumin", "patients": 1, "new": 0, "gone": 0, "changed": 1}
    listed = run("registry", workspace, packs / "tiny", "--freezes", "--json").document()["freezes"]
    since = {one["name"]: one["withdrawn_since"] for one in listed}
    assert (since["before"], since["after"]) == (1, 0)


def test_a_freeze_that_was_altered_is_told(workspace: Path, packs: Path) -> None:
    assert run("registry", workspace, packs / "tiny", "--freeze", "altered").code == 0
    (workspace / "frozen" / "tiny" / "altered" / "laboratory.csv").write_text("person_id\n")
    said = complaint(run("registry", workspace, packs / "tiny", "--again", "altered"), 7)
    assert "laboratory.csv is not what was frozen" in said


def _number(workspace: Path, pack: Path, nth: int) -> int:
    """The number of the nth person whom a registry found."""
    found = run("cases", workspace, pack, "--json").document()["candidates"]
    numbers: list[int] = sorted(one["person_id"] for one in found)
    return numbers[nth - 1]


def test_cohorts_ask_a_registry_of_the_workspace(workspace: Path, tmp_path: Path) -> None:
    lib.write(workspace / "registries" / "local", {"laboratory": BELOW}, lib.HEAD.replace("tiny", "local"))
    (tmp_path / "low.yaml").write_text("registry: local\nwhere: albumin < 32\n")
    (tmp_path / "nested.yaml").write_text("of: low\nonly: [{person: {age: at least 18}}]\n")
    told = run("cohorts", workspace, tmp_path, "--json").document()
    assert told["cohorts"] == [
        {"cohort_id": name, "records": 1, "subjects": 1} for name in ("low", "nested")
    ]  # fmt: skip
    said = complaint(run("cohorts", workspace, tmp_path, "--keep"), 2)
    assert "cohort low asks a registry" in said
