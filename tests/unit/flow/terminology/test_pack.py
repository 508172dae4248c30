"""Vocabulary packs in the lake: what they become, how editions stand beside each other, and what is refused."""

from pathlib import Path

import openpyxl
import pytest

from isthmus.base.errors import PackError
from isthmus.cdm.starter import CHINESE, ENGLISH, OWN
from isthmus.flow import start
from isthmus.flow.terminology import pack as vocabulary_pack
from isthmus.flow.terminology.service import Terminology
from isthmus.flow.verify import verify
from isthmus.flow.workspace import Workspace
from isthmus.lake.edition import Edition
from lib import vocabularies, workspace

CODES = """\
code,name,name_en,parent,status,synonyms,valid_to
A,肝病,,,,,
A.1,肝硬化,cirrhosis,A,,硬变肝|liver scar,
A.1.1,代偿期肝硬化,,A.1,,,
A.2,旧码,,A,retired,,2020-12-31
"""
FATTY_LIVER = "197321007"  # SNOMED, standard in the starter: 4059290
MAPS = f"""\
code,vocabulary,target,relation
A.1,SNOMED,{FATTY_LIVER},equal
A,SNOMED,{FATTY_LIVER},narrower
"""


@pytest.fixture
def opened(tmp_path: Path) -> Workspace:
    return start.new(tmp_path / "ws", synthetic=True)


def _concepts(opened: Workspace, vocabulary: str = "LOCAL-1") -> dict[str, dict[str, object]]:
    rows = workspace.rows(opened, "concept")
    return {row["concept_code"]: row for row in rows if row["vocabulary_id"] == vocabulary}


def _relations(opened: Workspace) -> set[tuple[str, str, str]]:
    codes = {
        row["concept_id"]: f"{row['vocabulary_id']} {row['concept_code']}" for row in workspace.rows(opened, "concept")
    }
    return {
        (codes[row["concept_id_1"]], row["relationship_id"], codes[row["concept_id_2"]])
        for row in workspace.rows(opened, "concept_relationship")
    }


def _files(edition: Edition) -> dict[str, list[str]]:
    return {name: [one.path for one in edition.files(name)] for name in edition.tables()}


def test_a_pack_becomes_concepts_synonyms_relations_and_ancestors(opened: Workspace, tmp_path: Path) -> None:
    loaded = vocabulary_pack.load(opened, vocabularies.write(tmp_path, CODES))
    found = _concepts(opened)
    assert {code: (row["concept_name"], row["invalid_reason"]) for code, row in found.items()} == {
        "A": ("肝病", None), "A.1": ("肝硬化", None), "A.1.1": ("代偿期肝硬化", None), "A.2": ("旧码", "D"),
    }  # fmt: skip
    assert {row["standard_concept"] for row in found.values()} == {None}
    ids = {int(str(row["concept_id"])): code for code, row in found.items()}
    assert all(OWN < concept < 1 << 53 for concept in ids)
    synonyms = {
        (ids[row["concept_id"]], row["concept_synonym_name"], row["language_concept_id"])
        for row in workspace.rows(opened, "concept_synonym") if row["concept_id"] in ids
    }  # fmt: skip
    assert synonyms == {("A.1", "cirrhosis", ENGLISH), ("A.1", "硬变肝", CHINESE), ("A.1", "liver scar", ENGLISH)}
    above = {
        (ids[row["ancestor_concept_id"]], ids[row["descendant_concept_id"]], row["min_levels_of_separation"])
        for row in workspace.rows(opened, "concept_ancestor") if row["ancestor_concept_id"] in ids
    }  # fmt: skip
    assert above == {
        ("A", "A", 0), ("A.1", "A.1", 0), ("A.1.1", "A.1.1", 0), ("A.2", "A.2", 0), ("A", "A.1", 1), ("A", "A.2", 1),
        ("A.1", "A.1.1", 1), ("A", "A.1.1", 2),
    }  # fmt: skip
    assert ("LOCAL-1 A.1", "Is a", "LOCAL-1 A") in _relations(opened)
    assert ("LOCAL-1 A", "Subsumes", "LOCAL-1 A.1") in _relations(opened)
    assert loaded.rows["concept_ancestor"] == len(above)
    assert [fault for one in verify(opened) for fault in one.faults] == []


def test_levels_are_the_shortest_and_the_longest_way(opened: Workspace, tmp_path: Path) -> None:
    codes = "code,name,parent\nA,a,\nB,b,A\nC,c,B|A\n"
    vocabulary_pack.load(opened, vocabularies.write(tmp_path, codes))
    ids = {str(row["concept_id"]): code for code, row in _concepts(opened).items()}
    ways = {
        (ids[str(row["ancestor_concept_id"])], ids[str(row["descendant_concept_id"])]): (
            row["min_levels_of_separation"], row["max_levels_of_separation"],
        )
        for row in workspace.rows(opened, "concept_ancestor")
    }  # fmt: skip
    assert ways["A", "C"] == (1, 2)


def test_only_an_equal_map_to_a_standard_concept_maps_to_it(opened: Workspace, tmp_path: Path) -> None:
    vocabulary_pack.load(opened, vocabularies.write(tmp_path, CODES, maps=MAPS))
    led = {(one, relation) for one, relation, other in _relations(opened) if other == f"SNOMED {FATTY_LIVER}"}
    assert led >= {("LOCAL-1 A.1", "Maps to"), ("LOCAL-1 A.1", "Map equal"), ("LOCAL-1 A", "Map narrower")}
    assert ("LOCAL-1 A", "Maps to") not in led
    assert (f"SNOMED {FATTY_LIVER}", "Mapped from", "LOCAL-1 A.1") in _relations(opened)


def test_codes_of_a_list_are_standard_where_it_says_so_but_those_that_are_retired_or_mean_a_standard_concept(
    opened: Workspace, tmp_path: Path
) -> None:
    vocabulary_pack.load(opened, vocabularies.write(tmp_path, CODES, maps=MAPS, more="standard: yes\n"))
    found = {code: row["standard_concept"] for code, row in _concepts(opened).items()}
    assert found == {"A": "S", "A.1": None, "A.1.1": "S", "A.2": None}  # A.1 is SNOMED's, A.2 retired


def test_a_code_means_what_the_code_that_it_is_equal_to_means(opened: Workspace, tmp_path: Path) -> None:
    vocabulary_pack.load(opened, vocabularies.write(tmp_path, CODES, maps=MAPS))
    maps = "code,vocabulary,target,relation\nB,LOCAL-1,A.1,equal\nC,LOCAL-1,A.1,wider\nD,LOCAL-1,A,equal\n"
    newer = vocabularies.write(
        tmp_path, "code,name\nB,b\nC,c\nD,d\n", vocabulary="LOCAL-2", hierarchy="none", maps=maps,
        more="standard: yes\n",
    )  # fmt: skip
    vocabulary_pack.load(opened, newer)
    led = {one: other for one, relation, other in _relations(opened) if relation == "Maps to"}
    assert led["LOCAL-2 B"] == f"SNOMED {FATTY_LIVER}"
    assert not {"LOCAL-2 C", "LOCAL-2 D"} & set(led)
    found = {code: row["standard_concept"] for code, row in _concepts(opened, "LOCAL-2").items()}
    assert found == {"B": None, "C": "S", "D": "S"}


def test_another_edition_does_not_take_the_place_of_one_unasked(opened: Workspace, tmp_path: Path) -> None:
    vocabulary_pack.load(opened, vocabularies.write(tmp_path, CODES))
    newer = vocabularies.write(tmp_path, "code,name,parent\nA,肝病,\n", edition="2")
    with pytest.raises(
        PackError, match=r"yaml:1: the workspace has edition 1 under LOCAL-1, and this is 2\. Give each"
    ):
        vocabulary_pack.load(opened, newer)
    assert len(_concepts(opened)) == 4
    vocabulary_pack.load(opened, newer, instead=True)
    assert len(_concepts(opened)) == 1


def test_a_vocabulary_that_came_from_no_pack_is_not_replaced_by_one(opened: Workspace, tmp_path: Path) -> None:
    before = _concepts(opened, "SNOMED")
    for name in ("SNOMED", "snomed"):
        with pytest.raises(PackError, match=r"SNOMED is a vocabulary of the workspace already"):
            vocabulary_pack.load(opened, vocabularies.write(tmp_path, CODES, vocabulary=name), instead=True)
    assert _concepts(opened, "SNOMED") == before


def test_editions_stand_beside_each_other_and_maps_lead_both_ways(opened: Workspace, tmp_path: Path) -> None:
    vocabulary_pack.load(opened, vocabularies.write(tmp_path, CODES))
    newer = vocabularies.write(
        tmp_path, "code,name\nA,肝脏疾病\nB,肝硬化病\n", vocabulary="LOCAL-2", edition="2", hierarchy="none",
        maps="code,vocabulary,edition,target,relation\nB,LOCAL-1,1,A.1,equal\nA,LOCAL-1,1,A.1,narrower\n",
    )  # fmt: skip
    vocabulary_pack.load(opened, newer)
    assert _concepts(opened)["A"]["concept_id"] != _concepts(opened, "LOCAL-2")["A"]["concept_id"]
    with Terminology.of(opened) as terms:
        forth = [(one.relation, one.target.code) for one in terms.translate("LOCAL-2", "A")]
        back = [(one.relation, one.target.code) for one in terms.translate("LOCAL-1", "A.1", to="LOCAL-2")]
    assert forth == [("narrower", "A.1")]
    assert back == [("equal", "B"), ("wider", "A")]


def test_the_same_pack_again_changes_nothing(opened: Workspace, tmp_path: Path) -> None:
    pack = vocabularies.write(tmp_path, CODES, maps=MAPS)
    first = vocabulary_pack.load(opened, pack).edition
    vocabulary_pack.load(opened, pack)
    again = vocabulary_pack.load(opened, opened.root / "vocabularies" / "LOCAL-1").edition  # as it was kept
    assert (again.number, _files(again)) == (first.number, _files(first))


def test_a_code_that_is_dropped_goes_with_all_that_names_it(opened: Workspace, tmp_path: Path) -> None:
    vocabulary_pack.load(opened, vocabularies.write(tmp_path, CODES, maps=MAPS))
    ids = {row["concept_id"] for row in _concepts(opened).values()}
    other = vocabularies.write(
        tmp_path, "code,name\nX,x\n", vocabulary="OTHER", hierarchy="none",
        maps="code,vocabulary,target\nX,LOCAL-1,A.1\n",
    )  # fmt: skip
    vocabulary_pack.load(opened, other)
    vocabulary_pack.load(opened, vocabularies.write(tmp_path, "code,name,parent\nA,肝病,\nA.1,肝硬化,A\n"))
    left = {row["concept_id"] for row in _concepts(opened).values()}
    assert len(left) == 2
    gone = ids - left
    for table, columns in (
        ("concept_relationship", ("concept_id_1", "concept_id_2")),
        ("concept_ancestor", ("ancestor_concept_id", "descendant_concept_id")),
        ("concept_synonym", ("concept_id",)),
    ):
        assert not [row for row in workspace.rows(opened, table) if gone & {row[one] for one in columns}]
    relations = _relations(opened)
    assert not [one for one in relations if one[0].startswith("LOCAL-1") and one[1] in ("Map equal", "Maps to")]
    assert ("OTHER X", "Map equal", "LOCAL-1 A.1") in relations  # another's map to a code that is still there


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_a_spreadsheet_program_may_have_written_the_list(opened: Workspace, tmp_path: Path, encoding: str) -> None:
    text = "诊断代码\t诊断名称\r\nK76.0\t脂肪肝\r\nB18.1\t慢性乙型病毒性肝炎\r\n"
    more = "codes: {columns: {code: 诊断代码, name: 诊断名称}}\n"
    pack = vocabularies.write(tmp_path, text.encode(encoding), hierarchy="none", more=more)
    vocabulary_pack.load(opened, pack)
    assert {code: row["concept_name"] for code, row in _concepts(opened).items()} == {
        "K76.0": "脂肪肝", "B18.1": "慢性乙型病毒性肝炎",
    }  # fmt: skip


def test_a_workbook_is_read_from_the_sheet_that_is_named(opened: Workspace, tmp_path: Path) -> None:
    more = "codes: {file: list.xlsx, sheet: 诊断, columns: {code: 代码, name: 名称}}\n"
    pack = vocabularies.write(tmp_path, "", hierarchy="code", more=more)
    book = openpyxl.Workbook()
    book.active.append(["说明"])
    book.active.append(["请勿使用"])
    sheet = book.create_sheet("诊断")
    for row in (["代码", "名称"], ["K76", "其他肝病"], ["K76.0", "脂肪肝"], ["K76.0", "again"]):
        sheet.append(row)
    book.save(pack / "list.xlsx")
    with pytest.raises(PackError, match=r"LOCAL-1/list\.xlsx:4: code 'K76\.0' stands already on line 3"):
        vocabulary_pack.load(opened, pack)
    sheet.delete_rows(4)
    book.save(pack / "list.xlsx")
    vocabulary_pack.load(opened, pack)
    assert ("LOCAL-1 K76.0", "Is a", "LOCAL-1 K76") in _relations(opened)


def test_a_list_without_headings_keeps_its_first_code(opened: Workspace, tmp_path: Path) -> None:
    text = "A00.0,霍乱\nA00.1,埃尔托霍乱\n"
    pack = vocabularies.write(tmp_path, text, hierarchy="none", more="codes: {columns: {code: A00.0, name: 霍乱}}\n")
    with pytest.raises(PackError, match=r"codes\.csv:1: 'A00\.0' looks like a code, not like the heading"):
        vocabulary_pack.load(opened, pack)
    more = "codes: {header: none, columns: {code: 1, name: 2}}\n"
    vocabulary_pack.load(opened, vocabularies.write(tmp_path, text, hierarchy="none", more=more))
    assert {code: row["concept_name"] for code, row in _concepts(opened).items()} == {
        "A00.0": "霍乱", "A00.1": "埃尔托霍乱",
    }  # fmt: skip


def test_a_workbook_without_headings_keeps_its_first_code(opened: Workspace, tmp_path: Path) -> None:
    more = "codes: {file: list.xlsx, header: none, columns: {code: 1, name: 2}}\n"
    pack = vocabularies.write(tmp_path, "", hierarchy="none", more=more)
    book = openpyxl.Workbook()
    for row in (["K76", "其他肝病"], ["K76.0", "脂肪肝"], ["K76.0", "again"]):
        book.active.append(row)
    book.save(pack / "list.xlsx")
    with pytest.raises(PackError, match=r"LOCAL-1/list\.xlsx:3: code 'K76\.0' stands already on line 2"):
        vocabulary_pack.load(opened, pack)
    book.active.delete_rows(3)
    book.save(pack / "list.xlsx")
    vocabulary_pack.load(opened, pack)
    assert set(_concepts(opened)) == {"K76", "K76.0"}


@pytest.mark.parametrize(
    ("codes", "maps", "said"),
    [
        ("code,name,parent\nA,a,\nB,b,\nA,c,\n", "", r"codes\.csv:4: code 'A' stands already on line 2"),
        ('code,name,parent\nA,"a\nb",\nB,b,\nB,c,\n', "", r"codes\.csv:5: code 'B' stands already on line 4"),
        ("code,name,parent\nA,a,C\nB,b,A\nC,c,B\n", "", r"codes\.csv:2: the hierarchy runs in a ring: A → C → B → A"),
        ("code,name,parent\nA,a,A\n", "", r"codes\.csv:2: the hierarchy runs in a ring: A → A"),
        ("code,name,parent\nA,a,B\n", "", r"codes\.csv:2: parent 'B' of code 'A' is no code of this list"),
        ("code,name,parent\n,a,\n", "", r"codes\.csv:2: the code is empty"),
        ("code,name,parent\nA,  ,\n", "", r"codes\.csv:2: code 'A' has no name"),
        (f"code,name,parent\n{'A' * 51},a,\n", "", r"codes\.csv:2: the code has 51 characters"),
        ("code,name,parent\nA,a\n", "", r"codes\.csv:2: the row cannot be read"),
        (b"code,name,parent\nA,\xc0\xcf\xff,\nB,\xb8\xce,\n", "", r"codes\.csv:2: the row cannot be read"),
        ("kode,name,parent\nA,a,\n", "", r"codes\.csv:1: there is no column code\. The columns are: kode, name"),
        ("code,name\nA,a\n", "", r"codes\.csv:1: there is no column parent"),
        ("code,name,parent,status\nA,a,,gone\n", "", r"codes\.csv:2: status 'gone' is not known"),
        ("code,name,parent,valid_from\nA,a,,2021-02-30\n", "", r"codes\.csv:2: '2021-02-30' is no date"),
        ("code,name,parent,domain\nA,a,,Disease\n", "", r"codes\.csv:2: 'Disease' is no domain"),
        ("code,name,parent\n1E+05,a,\n", "", r"codes\.csv:2: code '1E\+05' is what a spreadsheet program makes of"),
        ("code,name,parent\n1月2日,a,\n", "", r"codes\.csv:2: code '1月2日' is what a spreadsheet program makes of"),
        ("code,name,parent\n", "", r"codes\.csv:1: there is no row in it"),
        ("", "", r"codes\.csv:1: it cannot be read"),
        ("A", "B,SNOMED,1,equal", r"maps/m\.csv:2: 'B' is no code of LOCAL-1"),
        ("A", "A,SNOMEDCT,1,equal", r"maps/m\.csv:2: vocabulary 'SNOMEDCT' is not in this workspace\. Load it first"),
        ("A", f"A,SNOMED,{FATTY_LIVER},same", r"maps/m\.csv:2: 'same' is no relation"),
        ("A", "A,SNOMED,1,equal", r"maps/m\.csv:2: '1' is no code of SNOMED"),
        ("A", "A,LOCAL-1,A,equal", r"maps/m\.csv:2: the target's vocabulary is this one"),
        ("A", f"A,SNOMED,{FATTY_LIVER},equal\nA,SNOMED,{FATTY_LIVER},wider", r"m\.csv:3: the map .* already on line 2"),
    ],
)  # fmt: skip
def test_a_fault_is_refused_with_its_line_and_nothing_is_loaded(
    opened: Workspace, tmp_path: Path, codes: str | bytes, maps: str, said: str
) -> None:
    table = "code,name,parent\nA,a,\n" if codes == "A" else codes
    pack = vocabularies.write(tmp_path, table, maps=f"code,vocabulary,target,relation\n{maps}\n" if maps else "")
    with pytest.raises(PackError, match=said) as refused:
        vocabulary_pack.load(opened, pack)
    assert "LOCAL-1/" in str(refused.value)
    assert opened.lake.editions.numbers() == [1]
    assert not (opened.root / "vocabularies").exists()


def test_an_edition_that_is_not_here_is_refused(opened: Workspace, tmp_path: Path) -> None:
    vocabulary_pack.load(opened, vocabularies.write(tmp_path, CODES))
    maps = "code,vocabulary,edition,target\nX,LOCAL-1,1,A\nX,LOCAL-1,2,A.1\n"
    other = vocabularies.write(tmp_path, "code,name\nX,x\n", vocabulary="OTHER", hierarchy="none", maps=maps)
    with pytest.raises(PackError, match=r"m\.csv:3: edition '2' of LOCAL-1 is not in this workspace, which has 1"):
        vocabulary_pack.load(opened, other)


def test_all_faults_are_told_up_to_a_number_in_the_order_of_their_lines(opened: Workspace, tmp_path: Path) -> None:
    rows = "".join(f"A{number},,\nB,b,\n" for number in range(15))
    with pytest.raises(PackError) as refused:
        vocabulary_pack.load(opened, vocabularies.write(tmp_path, f"code,name,parent\n{rows}"))
    told = str(refused.value).splitlines()
    assert told[0] == "LOCAL-1 has 29 faults; nothing was loaded."
    lines = [int(one.split(":")[1]) for one in told[1:-1]]
    assert lines == sorted(lines)
    assert len(lines) == 20
    assert told[-1] == "… and 9 more."


def test_a_file_outside_the_folder_is_not_read(opened: Workspace, tmp_path: Path) -> None:
    (tmp_path / "else.csv").write_text("code,name\nA,a\n")
    pack = vocabularies.write(tmp_path, "", hierarchy="none", more="codes: {file: ../else.csv}\n")
    with pytest.raises(PackError, match=r"vocabulary\.yaml:8: there is no file \.\./else\.csv"):
        vocabulary_pack.load(opened, pack)
