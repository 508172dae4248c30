"""Packs that are well formed and wrong: what is refused, with file, line, item, cause and mend."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from isthmus.base.errors import PackError
from isthmus.research.registries.pack import load
from lib import registries as lib
from lib.registries import HEAD, item

ALBUMIN = item("albumin", "number", "measurement 3024561", unit="g/L")
BILIRUBIN = item("bilirubin", "number", "measurement 3024128", unit="umol/L")
PERSON = [item("sex", "choice", "person gender", list="sex"), item("birth_date", "date", "person birth")]
TWICE = item("twice", "number", "derived", unit="g/L")
LISTS = "list,code,en,zh,concepts,texts\nsex,female,female,女,8532,\nsex,male,male,男,8507,\n"
RULE = "rule,items,when,en,zh,mend_en,mend_zh,severity\n"
SCORE = "twice: {score: albi, with: {bilirubin: bilirubin, albumin: albumin}}\n"
PLACE = re.compile(r"tiny/[a-z/]+\.(?:csv|yaml):\d+: .+")


def _told(folder: Path, cells: Mapping[str, str], more: list[Any], head: str, files: Mapping[str, str]) -> str:
    groups = {"person": PERSON, "laboratory": [ALBUMIN | cells, BILIRUBIN, TWICE, *more]}
    known = {"lists_csv": LISTS, "derived_yaml": "twice: {is: bilirubin * 2}\n"}
    with pytest.raises(PackError) as told:
        load(lib.write(folder / "tiny", groups, head, **(known | files)))
    return str(told.value)


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"from": "measurement 0"}, "items/laboratory.csv:2: item albumin: 0 is no concept. Write the id of one"),
        ({"from": "measurement 99999999999999999999"}, "99999999999999999999 is no concept."),
        ({"from": "measurement 3024561 | measurement 3024561"}, "measurement 3024561 is named twice. Name it once."),
        ({"from": "measurement 3024561 = 45877994"}, "asks for a value that is a concept, and a number is none."),
        ({"from": "condition 11"}, "rows of condition carry no number. Name a measurement"),
        ({"from": "person birth"}, "person birth is no number. Write the type date."),
        ({"window": "-99999999999..0"}, "the window reaches farther than a hundred years. Leave an end open"),
    ],
)
def test_a_source_that_cannot_fill_its_item_is_refused(tmp_path: Path, cells: dict[str, str], said: str) -> None:
    told = _told(tmp_path, cells, [], HEAD, {})
    assert said in told
    assert all(map(PLACE.fullmatch, told.splitlines())), told


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"lists_csv": f"{LISTS}sex,,other,其他,,\n"}, "lists.csv:4: the column 'code' is empty."),
        ({"lists_csv": f"{LISTS}sex,a|b,ab,甲,,\n"}, "lists.csv:4: list sex: the code 'a|b' holds a |"),
        ({"lists_csv": f"{LISTS}sex,Male,other,其他,,\n"}, "lists.csv:4: list sex: 'male' means male and Male."),
        ({"lists_csv": f"{LISTS}sex,third,male,第三,,\n"}, "list sex: 'male' means male and third. Call one"),
        ({"lists_csv": LISTS.replace("female,fe", "fem\0ale,fe")}, "lists.csv:2: there is a NUL character here."),
        (
            {"quality_csv": f"{RULE}r,albumin,albumin = null,A,甲,B,乙,error\n"},
            "quality.csv:2: rule r: nothing is `= null`",
        ),
        (
            {"quality_csv": f"{RULE}r,albumin,1 = 2,A,甲,B,乙,error\n"},
            "rule r: it asks nothing of a patient. Name an item",
        ),
        (
            {"derived_yaml": "twice: {is: case when albumin = null then 1 end}\n"},
            "derived.yaml:1: item twice: nothing is",
        ),
        ({"endpoints_yaml": "over all: {en: o, zh: o, events: [death]}\n"}, "endpoints.yaml:1: 'over all' is no name"),
        ({"endpoints_yaml": "os: {en: o, zh: o, events: death}\n"}, "endpoints.yaml:1: `events` is a list."),
        (
            {"endpoints_yaml": "follow_up: {records: maybe}\n"},
            "endpoints.yaml:1: `records` is true or false, and 'maybe'",
        ),
        ({"endpoints_yaml": "follow_up: {dead: [sex]}\n"}, "endpoints.yaml:1: `dead` is a map of items and codes."),
        ({"lines_yaml": "item: sex\nwithin: 200\ngap: 20\n"}, "lines.yaml:2: drugs within 200 days are one regimen"),
        (
            {"lines_yaml": "item: sex\nchange: maybe\n"},
            "lines.yaml:2: `change` is true or false, and 'maybe' is neither.",
        ),
        ({"lines_yaml": "item: sex\nwithin: true\n"}, "lines.yaml:2: `within` is a number of days."),
        (
            {"enrolment_yaml": "finding: {enough: 5, rules: {a: {en: a, zh: a}}}\n"},
            "all rules together give 1 points, and 5",
        ),
        (
            {"enrolment_yaml": "visits: {v: {day: 90, every: 30, until: 10, window: -5..5}}\n"},
            "visit v ends on day 10, before",
        ),
        (
            {"report_yaml": "a: {table: baseline, en: a, zh: a}\n"},
            "report.yaml:1: entry a of the report: `rows` is a list",
        ),
        (
            {"report_yaml": "a: {table: baseline, en: a, zh: a, rows: sex}\n"},
            "`rows` is a list of items, and not empty.",
        ),
    ],
)
def test_what_never_comes_about_is_refused(tmp_path: Path, files: dict[str, str], said: str) -> None:
    told = _told(tmp_path, {}, [], HEAD, files)
    assert said in told
    assert all(map(PLACE.fullmatch, told.splitlines())), told


def test_no_item_has_the_name_of_a_score_s_column(tmp_path: Path) -> None:
    for ending in ("grade", "missing"):
        told = _told(tmp_path / ending, {}, [ALBUMIN | {"item": f"twice_{ending}"}], HEAD, {"derived_yaml": SCORE})
        assert f"laboratory.csv:5: item twice_{ending} has the name of a column of the score twice." in told


GROUPS = HEAD[: HEAD.index("groups:")]


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (HEAD.replace("registry: tiny", "registry: ../tiny"), "registry.yaml:2: '../tiny' is no name of a registry."),
        (HEAD.replace("registry: tiny", "registry: ''"), "registry.yaml:2: '' is no name of a registry."),
        (HEAD.replace('version: "1"', "version: 1.10"), "registry.yaml:3: the version 1.1 was read as a number"),
        (HEAD.replace(", zh: 小登记", ""), "registry.yaml:4: a registry has a title in two languages."),
        (HEAD.replace("cancer: [11]", "cancer: []"), "concepts.cancer: the set names no concept"),
        (
            f"{HEAD}  - {{group: person, en: P, zh: 人, row: patient}}\n",
            "registry.yaml:11: group person stands already at",
        ),
        (f"{GROUPS}groups: {{person: 1}}\n", "registry.yaml:8: `groups` is a list, and not empty."),
        (f"{GROUPS}groups: []\n", "registry.yaml:8: `groups` is a list, and not empty."),
        (f"{HEAD}drop: albumin\n", "registry.yaml:11: `drop` is a list of items. Write [one, another]."),
        (f"{HEAD}assumed unit: [albumin]\n", "registry.yaml:11: `assumed unit` is a map."),
    ],
)
def test_a_head_that_means_nothing_is_refused(tmp_path: Path, head: str, said: str) -> None:
    told = _told(tmp_path, {}, [], head, {})
    assert said in told
    assert all(map(PLACE.fullmatch, told.splitlines())), told
