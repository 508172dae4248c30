"""Rules of the front page (病案首页) H01 to H27 and of the settlement list, one broken at a time.

Sources: the rule table H01 to H27 as two public checkers of the national upload state it, and the worked values there:
the credit code 91350100M000100Y43 (GB 32100), the resident number 11010519491231002X (GB 11643), 12 to 15 June is a
stay of 3 days. Settlement list: messages of a public checker (2,000 g is a weight, 100 g is none). Which rule was seen
where stands in the rule's own row.
"""

from collections.abc import Mapping
from pathlib import Path

import pytest

from isthmus.quality.rules import catalogue, ratio
from lib.pages import PAGE
from lib.ruled import broken

MAN = {"A12C": "1", "A20": "110105194912310011"}

CASES: list[tuple[str, Mapping[str, str], set[str]]] = [
    ("nothing is wrong", {}, set()),
    ("a credit code whose check character is wrong", {"A01": "91350100M000100Y44"}, {"H01"}),
    ("a required field is empty", {"A11": " "}, {"H02.A11"}),
    ("a value outside its domain", {"B34C": "7"}, {"H02.B34C.domain"}),
    ("the stay has number 0", {"A49": "0"}, {"H03"}),
    ("out before in", {"B15": "2018-06-11 10:00:00", "B20": "1", "C16x01": "2018-06-12 09:00:00"},
     {"H04.stay", "H04.operation"}),
    ("in and out on one day, told by days", {"B12": "2018-06-12", "B15": "2018-06-12", "B20": "1",
     "C16x01": "2018-06-12"}, set()),
    ("operated after leaving", {"C16x01": "2018-06-16"}, {"H04.operation"}),
    ("the age by years alone, before the birthday", {"A14": "69"}, {"H05"}),
    ("a child of 0 years without its days", {"A13": "2018-06-01", "A14": "0", "A20": "", "A33C": "3", "A21C": "1"},
     {"H06", "H02.A20"}),
    ("a newborn of 10 days without weight", {"A13": "2018-06-02", "A14": "0", "A16": "10", "A20": "-"}, {"H07"}),
    ("a newborn of 3,255 g: not in tens", {"A13": "2018-06-02", "A14": "0", "A16": "10", "A17": "3255", "A20": "-"},
     {"H07"}),
    ("a newborn of 3,250 g", {"A13": "2018-06-02", "A14": "0", "A16": "10", "A17": "3250", "A20": "-"}, set()),
    ("a living child was born", {"C06x01C": "Z37.0", "C07x01N": "单胎活产"}, {"H08"}),
    ("an identity number with another check", {"A20": "110105194912310021"}, {"H09"}),
    ("an identity number of another birth", {"A13": "1949-12-30"}, {"H09.birth"}),
    ("an identity number of the other sex", {"A12C": "1"}, {"H09.sex"}),
    ("an identity number of 15 digits", {"A20": "110105491231002"}, set()),
    ("the spouse of somebody unmarried", {"A21C": "1"}, {"H10"}),
    ("an address without a province", {"A26": "朝阳区"}, {"H11"}),
    ("employed without employer", {"A38C": "11"}, {"H12"}),
    ("a tumour without pathology number", {"C11": ""}, {"H13"}),
    ("an injury without cause", {"C03C": "S72.0", "C04N": "股骨颈骨折"}, {"H14"}),
    ("an injury with its cause", {"C03C": "S72.0", "C04N": "股骨颈骨折", "C12C": "W01.0"}, set()),
    ("an allergy without drug", {"C24C": "2"}, {"H15"}),
    ("moved to nowhere", {"B34C": "2"}, {"H16"}),
    ("died without word of an autopsy", {"B34C": "5"}, {"H16.autopsy"}),
    ("a plan to return for nothing", {"B36C": "2"}, {"H17"}),
    ("an operation without operator", {"C18x01": ""}, {"H18.operator"}),
    ("an operation without anaesthetist", {"C23x01": ""}, {"H18.anaesthetist"}),
    ("more items than in all", {"D01": "5000"}, {"H19.sum"}),
    ("paid more than it cost", {"D09": "10001"}, {"H19.own"}),
    ("it cost nothing", {"D01": "0", "D09": "0"}, {"H19.total", "H19.sum"}),
    ("nursed for nothing", {"D13": "0"}, {"H20"}),
    ("anaesthesia for nothing", {"D20x01": "0"}, {"H21.anaesthesia"}),
    ("an operation of grade 4 for nothing", {"D20": "1000", "D20x02": "0"}, {"H21.surgery"}),
    ("a procedure without a grade for nothing", {"D20": "1000", "D20x02": "0", "C17x01": ""}, {"H18.grade"}),
    ("an operation that costs less than its parts", {"D20": "4000"}, {"H21.operation"}),
    ("drugs that cost less than antibiotics", {"D23": "50"}, {"H21.antibiotic"}),
    ("blood, and nothing transfused", {"D26": "300"}, {"H22"}),
    ("blood and what was transfused", {"D26": "300", "F21": "2"}, set()),
    ("24 hours in coma", {"C29": "24"}, {"H23.before"}),
    ("a code that is none", {"C06x01C": "肝硬化"}, {"H24.form"}),
    ("a man with a tumour of the cervix", {**MAN, "C06x01C": "C53.9", "C07x01N": "宫颈癌"}, {"H25.female"}),
    ("a woman with a tumour of the prostate", {"C06x01C": "C61", "C07x01N": "前列腺癌"}, {"H25.male"}),
    ("pregnant at 68", {"C06x01C": "O26.9", "C07x01N": "妊娠"}, {"H25.pregnancy"}),
    ("an external cause as main diagnosis", {"C03C": "W01.0"}, {"H26"}),
    ("a stay of 4 days between 12 and 15 June", {"B20": "4"}, {"H27"}),
]  # fmt: skip


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[set[str]]:
    return broken(tmp_path_factory.mktemp("rules"), "frontpage", [{**PAGE, **change} for _, change, _ in CASES])


@pytest.mark.parametrize("number", range(len(CASES)), ids=[case[0] for case in CASES])
def test_a_page_breaks_the_rules_that_it_should_and_no_others(told: list[set[str]], number: int) -> None:
    assert told[number] == CASES[number][2]


def test_every_rule_of_the_table_is_there_and_says_where_it_comes_from() -> None:
    ids = {one.rule_id.split(".")[0] for one in catalogue.sets()["frontpage"].rules}
    assert ids == {f"H{number:02}" for number in range(1, 28)}
    for rules in catalogue.sets().values():
        for one in rules.rules:
            assert one.source in catalogue.sources()
            assert one.checked in catalogue.CHECKED
            assert one.type in catalogue.TYPES
            assert one.dimension in catalogue.DIMENSIONS


def test_what_was_seen_nowhere_cites_no_copy() -> None:
    """A rule of the field does not borrow the source of those that were seen; and no line of the sources is unused."""
    listed = [(one.source, one.checked) for rules in catalogue.sets().values() for one in (*rules.rules, *rules.points)]
    seen = {source for source, checked in listed if checked == "S"}
    assert not seen & {source for source, checked in listed if checked == "K"}
    listed += [(one.source, one.checked) for one in (*ratio.items(), *ratio.requirements())]
    assert {source for source, _ in listed} == set(catalogue.sources())


def test_a_code_that_the_declared_edition_lacks_is_told_where_its_list_is_loaded(tmp_path: Path) -> None:
    pages = [PAGE, {**PAGE, "C03C": "C22.999"}]
    assert broken(tmp_path, "frontpage", pages, {"icd10": ["C22.001", "K74.6"]}) == [set(), {"H24.edition"}]


def test_what_the_export_has_no_column_for_is_not_asked(tmp_path: Path) -> None:
    short = {name: value for name, value in PAGE.items() if name not in ("A11", "D13", "C11")}
    assert broken(tmp_path, "frontpage", [short]) == [set()]


LIST: Mapping[str, str] = {
    "setl_begndate": "2024-03-01", "setl_enddate": "2024-03-05", "adm_time": "2024-03-01 08:00:00",
    "dscg_time": "2024-03-05 10:00:00", "diag_code": "C22.0", "anst_begntime": "2024-03-02 08:00:00",
    "anst_endtime": "2024-03-02 09:00:00", "anst_way": "1", "emp_poscode": "100000", "nwb_bir_wt": "2000",
    "nwb_adm_wt": "2100", "nwb_age": "3", "bfadm_coma_days": "0", "bfadm_coma_h_cnt": "5", "bfadm_coma_m_cnt": "5",
    "afadm_coma_days": "0", "afadm_coma_h_cnt": "0", "afadm_coma_m_cnt": "0", "dscg_way": "1",
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "rules"),
    [
        ({}, set()), ({"diag_code": ""}, {"L08"}), ({"nwb_bir_wt": "100"}, {"L04.birth"}),
        ({"nwb_bir_wt": "2000,1900"}, set()), ({"nwb_bir_wt": "2000，1900"}, {"L04.birth"}),
        ({"nwb_adm_wt": "x"}, {"L04.admission"}),
        ({"emp_poscode": "10000"}, {"L03"}), ({"anst_endtime": "2024-03-06 09:00:00"}, {"L06.anaesthesia"}),
        ({"setl_enddate": "2024-03-06"}, {"L06.period"}), ({"bfadm_coma_h_cnt": "25"}, {"L05.coma"}),
        ({"dscg_way": "8"}, {"L02.dscg_way"}), ({"nwb_bir_wt": ""}, {"L01.nwb_bir_wt"}),
    ],
)  # fmt: skip
def test_a_settlement_list_breaks_the_rules_that_it_should(
    tmp_path: Path, change: Mapping[str, str], rules: set[str]
) -> None:
    (found,) = broken(tmp_path, "settlement", [{**LIST, **change}])
    assert found == rules
