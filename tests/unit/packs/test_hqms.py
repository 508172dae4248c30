"""The pack `hqms` (住院病案首页), rule by rule: a page before, OMOP rows after."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.lib.workspace import loaded, rows

from isthmus.flow.workspace import Workspace
from isthmus.mapping import pack as packs

PAGE = {
    "A48": "0012345",
    "A49": "2",
    "A11": "某某",
    "A20": "11010519491231002X",
    "A12C": "1",
    "A13": "1949-12-31",
    "A14": "74",
    "A19C": "01",
    "A21C": "2",
    "A38C": "-",
    "A46C": "1",
    "B11C": "2",
    "B12": "2024-03-01 10:20:00",
    "B13C": "肝胆外科",
    "B15": "2024-03-12 09:00:00",
    "B16C": "ICU",
    "B34C": "5",
    "C01C": "C22.900",
    "C02N": "肝恶性肿瘤",
    "C03C": "C22.000",
    "C04N": "肝细胞癌",
    "C05C": "1",
    "C06x01C": "K74.602",
    "C07x01N": "乙型肝炎后肝硬化失代偿期",
    "C08x01C": "1",
    "C06x03C": "K72.000",
    "C07x03N": "急性和亚急性肝衰竭",
    "C08x03C": "4",
    "C06x40C": "Q99.999",
    "C07x40N": "未知病",
    "C08x40C": "-",
    "C09C": "M81700/3",
    "C10N": "肝细胞癌",
    "C12C": "-",
    "C24C": "2",
    "C25": "青霉素",
    "C26C": "2",
    "C27C": "2",
    "C14x01C": "50.2202",
    "C15x01N": "肝段切除术",
    "C16x01": "2024-03-03 08:00:00",
    "C17x01": "4",
    "C21x01C": "1",
    "C22x01C": "01",
    "C35x01C": "54.9101",
    "C36x01N": "腹腔穿刺引流术",
    "C37x01": "-",
    "C35x40C": "39.9500",
    "C37x40": "2024-03-10",
    "C28": "0",
    "C29": "1",
    "C30": "30",
    "D01": "50000.50",
    "D09": "1200",
    "D11": "800",
    "D20": "9000",
    "D20x01": "1500",
    "D34": "0",
}


def page(folder: Path, *pages: Mapping[str, str], encoding: str = "gb18030", name: str = "hqms_2024.csv") -> Path:
    """An upload file of some pages."""
    folder.mkdir(parents=True, exist_ok=True)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(dict.fromkeys(field for one in pages for field in one)))
    writer.writeheader()
    writer.writerows(pages)
    (folder / name).write_bytes(text.getvalue().encode(encoding))
    return folder


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """One page, in GB18030, ingested."""
    base = tmp_path_factory.mktemp("ward")
    opened, report = loaded(base, {"front": (page(base / "in", PAGE), "hqms")})
    assert report.accounts[("h01", "front")] == [{"frontpage": {"mapped": 1}}]
    return opened


def by(found: list[dict[str, Any]], name: str) -> dict[str, dict[str, Any]]:
    """Rows by the value of a column, which must be different in all of them."""
    named = {row[name]: row for row in found}
    assert len(named) == len(found)
    return named


def test_the_person_is_the_number_of_the_record(ward: Workspace) -> None:
    """A48 names the person; the resident's identity number is in no table."""
    (person,) = rows(ward, "person")
    assert (person["person_source_value"], person["gender_concept_id"], person["year_of_birth"]) == (
        "0012345",
        8507,
        1949,
    )
    for table in ("person", "visit_occurrence", "observation", "condition_occurrence", "note"):
        assert not [row for row in rows(ward, table) if "11010519491231002X" in map(str, row.values())]


def test_the_stay(ward: Workspace) -> None:
    """B12, B15, B34C."""
    (stay,) = rows(ward, "visit_occurrence")
    assert (stay["visit_concept_id"], stay["visit_source_value"]) == (9201, "0012345/2")
    assert (str(stay["visit_start_datetime"]), str(stay["visit_end_date"])) == ("2024-03-01 10:20:00", "2024-03-12")
    assert (stay["admitted_from_source_value"], stay["discharged_to_source_value"]) == ("2 肝胆外科", "5 ICU")
    assert str(rows(ward, "death")[0]["death_date"]) == "2024-03-12"
    details = by(rows(ward, "visit_detail"), "visit_detail_source_value")
    assert set(details) == {"B13C 入院科别 肝胆外科", "B16C 出院科别 ICU"}


def test_diagnoses_carry_their_edition(ward: Workspace) -> None:
    """A code of the edition's own first, else WHO's four characters; none: concept 0, the source value stays."""
    found = rows(ward, "condition_occurrence")
    main = next(row for row in found if row["condition_status_concept_id"] == 32903)
    assert (main["condition_source_value"], main["condition_concept_id"]) == ("icd10-cn:C22.000", 201519)
    named = by([row for row in found if row["condition_status_concept_id"] == 32896], "condition_source_value")
    assert named["icd10-cn:K74.602"]["condition_concept_id"] == 37396401
    assert named["icd10-cn:Q99.999"]["condition_concept_id"] == 0
    # Not there on admission: known on the day of discharge.
    assert str(named["icd10-cn:K72.000"]["condition_start_date"]) == "2024-03-12"
    assert str(named["icd10-cn:K74.602"]["condition_start_date"]) == "2024-03-01"
    assert {row["condition_source_value"] for row in found} >= {"icd-o:M81700/3", "icd10-cn:C22.900"}
    assert len(found) == 6


def test_procedures(ward: Workspace) -> None:
    """The main procedure and the first and last of forty others."""
    named = by(rows(ward, "procedure_occurrence"), "procedure_source_value")
    assert set(named) == {"icd9cm3-cn:50.2202", "icd9cm3-cn:54.9101", "icd9cm3-cn:39.9500"}
    main = named["icd9cm3-cn:50.2202"]
    assert (main["procedure_concept_id"], str(main["procedure_datetime"])) == (4067461, "2024-03-03 08:00:00")
    assert main["modifier_source_value"] == "手术级别4，切口愈合1，麻醉方式01"
    assert named["icd9cm3-cn:39.9500"]["procedure_concept_id"] == 4120120
    assert str(named["icd9cm3-cn:54.9101"]["procedure_date"]) == "2024-03-01"


def test_costs(ward: Workspace) -> None:
    """The total with what the patient paid, and every item that is not zero."""
    named = by(rows(ward, "cost"), "revenue_code_source_value")
    assert (named["D01 住院总费用"]["total_charge"], named["D01 住院总费用"]["paid_by_patient"]) == (50000.5, 1200.0)
    assert named["D20x01 其中：麻醉费"]["total_charge"] == 1500.0
    assert len(named) == 4
    assert {row["cost_event_id"] for row in named.values()} == {
        rows(ward, "visit_occurrence")[0]["visit_occurrence_id"]
    }


def test_blood_type_allergy_and_coma(ward: Workspace) -> None:
    """C26C, C27C, C24C with C25, C28-C30; a dash is nothing."""
    measured = by(rows(ward, "measurement"), "measurement_source_value")
    assert measured["C26C ABO血型"]["value_source_value"] == "2"
    assert measured["C27C Rh血型"]["value_as_concept_id"] == 9191
    observed = by(rows(ward, "observation"), "observation_source_value")
    assert observed["C24C 药物过敏"]["value_as_string"] == "青霉素"
    assert observed["C28-C30 入院前昏迷"]["value_as_number"] == 90.0
    assert "A38C 职业" not in observed


def test_the_edition_is_a_setting_of_the_site(tmp_path: Path) -> None:
    """K74.602 is cirrhosis after hepatitis B in the insurance's edition and after hepatitis C in Beijing's."""
    pack = tmp_path / "beijing"
    pack.mkdir()
    (pack / "pack.yaml").write_text("pack: beijing\nextends: hqms\nlet: {edition: \"'icd10-bj'\"}\n")
    one = {"A48": "1", "B12": "2024-03-01", "B15": "2024-03-02", "A13": "1950-01-01", "C03C": "K74.602"}
    opened, _ = loaded(tmp_path, {"front": (page(tmp_path / "in", one, encoding="utf-8-sig"), pack)})
    (main,) = rows(opened, "condition_occurrence")
    assert (main["condition_source_value"], main["condition_concept_id"]) == ("icd10-bj:K74.602", 43531723)


CHINESE = {
    "病案号": "1",
    "住院次数": "1",
    "入院时间": "2024-03-01",
    "出院时间": "2024-03-02",
    "出生日期": "1950-01-01",
    "出院主要诊断编码": "I10.x00",
    "出院其他诊断编码2": "E11.900",
    "主要手术操作编码": "50.2200",
}
PINYIN = {
    "BAH": "2",
    "ZYCS": "1",
    "RYSJ": "20110301",
    "RYSJS": "9",
    "CYSJ": "20110302",
    "CYSJS": "17",
    "CSRQ": "1950-01-01",
    "JBDM": "I10",
    "JBDM1": "E11.900",
    "SSJCZBM1": "50.2200",
    "SSJCZBM2": "54.9101",
    "SSJCZRQ2": "20110301",
}


def test_three_names_of_one_field(tmp_path: Path) -> None:
    """Chinese names, and the pinyin codes of 2011, whose first procedure is the main one; the hour stands apart."""
    folder = page(tmp_path / "in", CHINESE)
    page(folder, PINYIN, name="N041_HQMS_2011.csv")
    opened, _ = loaded(tmp_path, {"front": (folder, "hqms")})
    people = {row["person_id"]: row["person_source_value"] for row in rows(opened, "person")}
    seen = {(people[row["person_id"]], row["condition_source_value"]) for row in rows(opened, "condition_occurrence")}
    assert seen == {
        ("1", "icd10-cn:I10.x00"),
        ("1", "icd10-cn:E11.900"),
        ("2", "icd10-cn:I10"),
        ("2", "icd10-cn:E11.900"),
    }
    assert {row["condition_concept_id"] for row in rows(opened, "condition_occurrence")} == {320128, 201826}
    assert len(rows(opened, "procedure_occurrence")) == 3
    starts = {row["visit_source_value"]: str(row["visit_start_datetime"]) for row in rows(opened, "visit_occurrence")}
    assert starts == {"1/1": "None", "2/1": "2011-03-01 09:00:00"}


def test_every_field_is_read_or_says_why_not() -> None:
    """fields.csv says what becomes of each field: what it calls read is in the mapping, what it calls kept is not."""
    folder = packs.SHIPPED / "hqms"
    with (folder / "fields.csv").open(encoding="utf-8") as stream:
        uses = {row["code"]: row["use"] for row in csv.DictReader(stream)}
    text = (folder / "frontpage.yaml").read_text(encoding="utf-8").split("\ncolumns:")[0]
    record = packs.load("hqms").records[0]
    numbered = {
        str(pattern).format(n=number)
        for rule in record.rules
        if isinstance(rule.each, Mapping)
        for name, pattern in rule.each.items()
        if name != "count"
        for number in range(1, 41)
    }
    for code, use in uses.items():
        assert (code in numbered or code in text) == (use == "read"), code
        assert use == "read" or len(use) > len("kept: "), code
