"""An Athena export takes the place of what the starter vocabulary says of the same concepts."""

from pathlib import Path

import pyarrow as pa
import pytest

from isthmus.cdm.tables import TABLES
from isthmus.flow import start, vocabulary
from isthmus.flow.schema import schema_of
from isthmus.flow.statement import query
from isthmus.flow.terminology import pack as vocabulary_pack
from isthmus.flow.verify import verify
from isthmus.flow.workspace import Workspace
from lib import vocabularies, workspace

DATES = "19700101\t20991231\t"
OWN = 2_000_000_000
STARTED = 3006923  # ALT by LOINC 1742-6, which the starter has
EXPORT = {
    "concept": [
        f"{STARTED}\tname of the export\tMeasurement\tLOINC\tLab Test\tS\t1742-6\t{DATES}",
        f"900\tanother test\tMeasurement\tLOINC\tLab Test\tS\t9-9\t{DATES}",
        f"901\tan old code of it\tMeasurement\tLOINC\tLab Test\t\t8-8\t{DATES}",
    ],
    "concept_relationship": [f"901\t900\tMaps to\t{DATES}"],
    "concept_ancestor": [f"{STARTED}\t900\t1\t1"],
    "concept_synonym": [f"{STARTED}\tGPT\t4180186"],
    "vocabulary": ["LOINC\tnames of the export\t\t2.99\t44819102"],
    "domain": ["Measurement\tmeasurement of the export\t21"],
    "concept_class": ["Lab Test\tlab test\t44819144"],
    "relationship": ["Maps to\tmaps to\t0\t0\tMapped from\t44818977"],
    "drug_strength": [],
}


def _write(folder: Path, name: str, lines: list[str]) -> None:
    header = "\t".join(column.name for column in TABLES[name].columns)
    (folder / f"{name.upper()}.csv").write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")


@pytest.fixture
def export(tmp_path: Path) -> Path:
    (tmp_path / "athena").mkdir()
    for name, lines in EXPORT.items():
        _write(tmp_path / "athena", name, lines)
    return tmp_path / "athena"


@pytest.fixture
def opened(tmp_path: Path) -> Workspace:
    return start.new(tmp_path / "ws", synthetic=True)


def _concepts(opened: Workspace, vocabulary: str) -> dict[int, str]:
    return {
        row["concept_id"]: row["concept_name"]
        for row in workspace.rows(opened, "concept")
        if row["vocabulary_id"] == vocabulary
    }


def test_the_export_replaces_the_vocabularies_that_it_has_and_leaves_the_others(
    opened: Workspace, export: Path
) -> None:
    before = {name: _concepts(opened, name) for name in ("LOINC", "SNOMED", "Isthmus")}
    assert len(before["LOINC"]) > 2
    assert STARTED in before["LOINC"]
    start.load_athena(opened, export)
    assert _concepts(opened, "LOINC") == {
        STARTED: "name of the export", 900: "another test", 901: "an old code of it"
    }  # fmt: skip
    assert {name: _concepts(opened, name) for name in ("SNOMED", "Isthmus")} == {
        name: before[name] for name in ("SNOMED", "Isthmus")
    }
    ids = [row["concept_id"] for row in workspace.rows(opened, "concept")]
    assert len(ids) == len(set(ids))


def test_what_is_keyed_by_name_is_replaced_and_chinese_names_stay(opened: Workspace, export: Path) -> None:
    chinese = [row for row in workspace.rows(opened, "concept_synonym") if row["language_concept_id"] > OWN]
    start.load_athena(opened, export)
    said = {row["vocabulary_id"]: row["vocabulary_version"] for row in workspace.rows(opened, "vocabulary")}
    assert said["LOINC"] == "2.99"
    assert "Isthmus" in said
    standing = {row["concept_id"] for row in workspace.rows(opened, "concept")}
    after = [row for row in workspace.rows(opened, "concept_synonym") if row["language_concept_id"] > OWN]
    kept = [row for row in chinese if row["concept_id"] in standing]
    assert STARTED in {row["concept_id"] for row in kept}
    assert sorted(map(str, after)) == sorted(map(str, kept))


def test_a_newer_export_in_the_same_folder_is_loaded(opened: Workspace, export: Path) -> None:
    start.load_athena(opened, export)
    _write(export, "concept_relationship", [f"901\t{STARTED}\tMaps to\t{DATES}"])
    _write(export, "concept", [*EXPORT["concept"][:2], EXPORT["concept"][2].replace("an old code", "a retired code")])
    edition = start.load_athena(opened, export)
    assert edition.number == 3
    assert _concepts(opened, "LOINC")[901] == "a retired code of it"
    mapped = [row for row in workspace.rows(opened, "concept_relationship") if row["concept_id_1"] == 901]
    assert [row["concept_id_2"] for row in mapped] == [STARTED]


@pytest.mark.parametrize(("reason", "concept"), [("", 900), ("D", None)])
def test_a_relation_that_was_withdrawn_maps_nothing(
    opened: Workspace, export: Path, reason: str, concept: int | None
) -> None:
    _write(export, "concept_relationship", [f"901\t900\tMaps to\t{DATES}{reason}"])
    start.load_athena(opened, export)
    with opened.lake.engine() as engine:
        for name, files in vocabulary.files_of(opened.lake).items():
            engine.view(name, files, empty=schema_of(name))
        codes = engine.rows(query(vocabulary.STANDARD)).to_pylist()
    assert [row["concept"] for row in codes if row["source"] == 901] == [concept]


def test_the_same_export_again_publishes_nothing(opened: Workspace, export: Path) -> None:
    first = start.load_athena(opened, export)
    assert start.load_athena(opened, export).number == first.number
    assert opened.lake.editions.numbers() == [1, 2]
    assert [fault for one in verify(opened) for fault in one.faults] == []


def _local(tmp_path: Path, *targets: str) -> Path:
    """A list whose codes are equal to these tests of LOINC."""
    maps = "".join(f"{number},LOINC,{code},equal\n" for number, code in enumerate(targets))
    codes = "".join(f"{number},test {number}\n" for number in range(len(targets)))
    return vocabularies.write(
        tmp_path, f"code,name\n{codes}", hierarchy="none", maps=f"code,vocabulary,target,relation\n{maps}"
    )


def _mapped(opened: Workspace) -> set[tuple[str, str]]:
    """Codes of the list that map to a standard concept, and what the relation is called."""
    codes = {row["concept_id"]: row["concept_code"] for row in workspace.rows(opened, "concept")
             if row["vocabulary_id"] == "LOCAL-1"}  # fmt: skip
    return {
        (codes[row["concept_id_1"]], row["relationship_id"])
        for row in workspace.rows(opened, "concept_relationship") if row["concept_id_1"] in codes
    }  # fmt: skip


def test_maps_of_a_list_that_the_export_lacks_stay_while_their_target_stands(
    opened: Workspace, export: Path, tmp_path: Path
) -> None:
    start.load_athena(opened, export)
    vocabulary_pack.load(opened, _local(tmp_path, "1742-6", "9-9", "8-8"))
    assert _mapped(opened) == {
        (code, relation) for code in "012" for relation in ("Maps to", "Map equal")
    }  # of code 2, whose target 8-8 is no standard concept, to what that maps to
    # The next export: 9-9 is not standard any more, 8-8 is gone.
    kept, other, _ = EXPORT["concept"]
    _write(export, "concept", [kept, other.replace("\tS\t", "\t\t")])
    _write(export, "concept_relationship", [])
    start.load_athena(opened, export)
    assert _mapped(opened) == {("0", "Maps to"), ("0", "Map equal"), ("1", "Map equal")}


def test_what_names_a_concept_that_is_gone_goes_and_what_never_had_one_stays(opened: Workspace, export: Path) -> None:
    start.load_athena(opened, export)
    with opened.lake.writing():
        ancestor = {"ancestor_concept_id": 77, "descendant_concept_id": 78, "min_levels_of_separation": 1,
                    "max_levels_of_separation": 1}  # fmt: skip
        rows = pa.Table.from_pylist([ancestor], schema=schema_of("concept_ancestor"))  # of a CDM without its concepts
        vocabulary.keep(opened.lake, {"concept_ancestor": rows}, batch="attached")
    _write(export, "concept", EXPORT["concept"][1:])
    for name in ("concept_ancestor", "concept_synonym"):
        _write(export, name, [])
    start.load_athena(opened, export)
    above = {row["ancestor_concept_id"] for row in workspace.rows(opened, "concept_ancestor")}
    named = {row["concept_id"] for row in workspace.rows(opened, "concept_synonym")}
    assert 77 in above
    assert STARTED not in above | named
    targets = {row["target_concept_id"] for row in workspace.rows(opened, "source_to_concept_map")}
    assert targets <= {row["concept_id"] for row in workspace.rows(opened, "concept")}
