"""What is wrong in a pack is told with file, line, item, cause and mend, all of it at once."""

from pathlib import Path

import pytest

from isthmus.base.errors import InputError
from isthmus.research.registries.layer import shipped
from isthmus.research.registries.pack import load
from lib import registries as lib
from lib.registries import HEAD, item

GOOD = item("albumin", "number", "measurement 3024561", unit="g/L")
FORMULA = item("twice", "number", "derived", unit="g/L")


def _fault(folder: Path) -> str:
    with pytest.raises(InputError) as caught:
        load(folder)
    return str(caught.value)


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        ({"type": "numbr"}, "'numbr' is no type. Write one of: number"),
        ({"unit": "gg/L"}, "'gg/L' is not a UCUM code known here."),
        ({"unit": ""}, "a number has a unit."),
        ({"from": "measurment 1"}, "'measurment 1' is no source."),
        ({"from": "person age"}, "a person has no 'age' here."),
        ({"from": "measurement 1 as date"}, "gives a date to a number."),
        ({"window": "30"}, "'30' is no window. Write days around the index"),
        ({"window": "30..-30"}, "the window 30..-30 ends before it begins."),
        ({"pick": "best"}, "'best' is no pick."),
        ({"pick": "count"}, "a count is a whole number"),
        ({"need": "much"}, "'much' is no need."),
        ({"list": "stages"}, "there is no list 'stages'."),
        ({"type": "choice", "unit": ""}, "a choice needs a list of codes."),
        ({"since": "2020"}, "'2020' is no day. Write it as 2024-12-31."),
        ({"since": "2021-01-01", "until": "2020-01-01"}, "the item ends before it begins."),
        ({"zh": ""}, "the name in column 'zh' is empty."),
        ({"from": "derived"}, "item albumin is derived, but derived.yaml does not say how."),
    ],
)
def test_a_fault_of_an_item_names_its_line(tmp_path: Path, cells: dict[str, str], told: str) -> None:
    folder = lib.write(tmp_path / "tiny", {"laboratory": [item("sex", "text"), GOOD | cells]})
    said = _fault(folder)
    assert said.startswith("tiny/items/laboratory.csv:3: ")
    assert told in said


def test_the_name_of_an_item_is_a_column(tmp_path: Path) -> None:
    for name in ("Albumin", "a b", "person_id", "1st"):
        folder = lib.write(tmp_path / "tiny", {"laboratory": [GOOD | {"item": name}]})
        assert f"laboratory.csv:2: item {name}: this is no name" in _fault(folder)


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    faulty = [GOOD | {"type": "x"}, GOOD | {"item": "other", "unit": "y"}]
    said = _fault(lib.write(tmp_path / "tiny", {"laboratory": faulty}))
    assert len(said.splitlines()) == 2
    assert "laboratory.csv:2: item albumin" in said
    assert "laboratory.csv:3: item other" in said


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"derived_yaml": "twice: {is: albumin + albumn}"}, "derived.yaml:1: item twice: at column 11 of"),
        ({"derived_yaml": "twice: {is: albumin > 1}"}, "the expression gives yes or no, an item of the type 'number'"),
        ({"derived_yaml": "twice: {is: twice + 1}"}, "formulas need each other: twice → twice."),
        ({"derived_yaml": "twice: {score: albumen}"}, "there is no score 'albumen'."),
        ({"derived_yaml": "twice: {score: albi, with: {bili: albumin}}"}, "albi has no input 'bili'."),
        (
            {"derived_yaml": "twice: {score: albi, with: {bilirubin: albumin}}"},
            "bilirubin is the analyte TBIL, and ALB is given",
        ),
        ({"derived_yaml": "albumin: {is: '1'}"}, "'albumin' is an item that is not `derived`."),
        ({"endpoints_yaml": "os: {events: [albumin]}"}, "item albumin is of the type 'number'. Name one of the type"),
        ({"endpoints_yaml": "os: {events: []}"}, "end point os has no `events`."),
        ({"endpoints_yaml": "os: {event: [death]}"}, "'os' has no 'event'. Known: en"),
        ({"quality_csv": "rule,when\nhigh,albumin\n"}, "quality.csv:2: rule high: a condition is yes or no"),
        ({"quality_csv": "rule,wen\nhigh,albumin\n"}, "quality.csv:1: of the columns 'wen' is not known."),
        ({"lists_csv": "list,code,concepts\na,1,x\n"}, "lists.csv:2: list a, code 1: 'x' is no concept."),
        ({"lists_csv": "list,code,concepts\na,1,5\na,2,5\n"}, "list a: '5' means 1 and 2."),
        ({"lines_yaml": "item: albumin"}, "item albumin is of the type 'number'."),
        ({"report_yml": ""}, "tiny/report.yml:1: nothing reads this file."),
    ],
)
def test_a_fault_of_another_file_names_its_line(tmp_path: Path, files: dict[str, str], told: str) -> None:
    usual = {"derived_yaml": "twice: {is: albumin * 2}"}
    folder = lib.write(tmp_path / "tiny", {"laboratory": [GOOD, FORMULA]}, **(usual | files))
    assert told in _fault(folder)


@pytest.mark.parametrize(
    ("head", "told"),
    [
        (HEAD.replace("cases:", "caes:"), "'caes' is not known here."),
        (HEAD.replace("row: patient}\n", "row: person}\n", 1), "'person' is no kind of row."),
        (HEAD.replace("group: laboratory", "group: lab"), "stands in a group 'laboratory' that is not declared."),
        (HEAD.replace("zh: 检验, row: patient", "zh: 检验, row: event"), "but it has no anchor."),
        (HEAD.replace("group: person", "group: value"), "'value' is the name of a table of every registry."),
        (HEAD + "drop: [nothing]\n", "'nothing' is dropped, but no pack below has it."),
        (HEAD + "periods: month\n", "'month' is no period."),
        (HEAD + "extends: nowhere\n", "there is no registry 'nowhere'"),
        (HEAD.replace("[11]", "[eleven]"), "cases: concepts.cancer[0]: 'eleven' is no concept."),
    ],
)
def test_a_fault_of_the_head_is_told(tmp_path: Path, head: str, told: str) -> None:
    folder = lib.write(tmp_path / "tiny", {"laboratory": [GOOD]}, head)
    said = _fault(folder)
    assert said.startswith("tiny/")
    assert told in said


def test_packs_that_extend_each_other_are_refused(tmp_path: Path) -> None:
    lib.write(tmp_path / "one", {}, HEAD + "extends: two\n")
    lib.write(tmp_path / "two", {}, HEAD + "extends: one\n")
    assert "one → two → one" in _fault(tmp_path / "one")


@pytest.mark.parametrize("name", shipped())
def test_every_pack_that_comes_along_can_be_read(name: str) -> None:
    pack = load(name)
    assert pack.items
    assert all(one.names["en"] and one.names["zh"] and one.references for one in pack.items.values())
