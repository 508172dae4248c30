"""What a row of a table stands for: a patient, a visit, an event, a line of treatment."""

from pathlib import Path
from typing import Any

from isthmus.research.registries.pack import load
from isthmus.research.registries.treated import treated
from lib import cdm
from lib import registries as lib
from lib.registries import ALBUMIN, DRUG, GRAM_PER_LITRE, HEAD, RESECTION, item, measured

GROUPS = f"""{HEAD}
  - {{group: surgery, en: Surgery, zh: 手术, row: event, anchor: surgery_date}}
  - {{group: visits, en: Visits, zh: 就诊, row: visit}}
  - {{group: systemic, en: Systemic treatment, zh: 系统治疗, row: line}}
"""
LINE = ("line", "start_date", "end_date", "regimen", "drugs", "days_given")
ALBUMINS = [
    measured(1, ALBUMIN, day, value, GRAM_PER_LITRE, visit_occurrence_id=visit)
    for day, value, visit in (("2020-04-01", 30.0, 7), ("2020-04-20", 36.0, None), ("2020-06-10", 40.0, None))
]


def _cut(day: str, number: int) -> dict[str, Any]:
    return {
        "procedure_occurrence_id": number, "person_id": 1, "procedure_concept_id": RESECTION, "procedure_date": day,
        "site": "h1",
    }  # fmt: skip


def _built(tmp_path: Path, rows: dict[str, list[dict[str, str]]], **data: Any) -> dict[str, Any]:
    folder = lib.write(
        tmp_path / "tiny", {"systemic": SYSTEMIC, **rows}, GROUPS, lines_yaml="item: drug\nwithin: 28\ngap: 60\n",
        lists_csv="list,code,en,zh,concepts,texts\ndrug,sor,sorafenib,索拉非尼,41,\ndrug,len,lenvatinib,仑伐替尼,42,\n",
        regimens_csv="regimen,en,zh,drugs\nboth,both,两药,len|sor\n",
    )  # fmt: skip
    return lib.built(tmp_path, folder, lib.tables(**data))[1]


SURGERY = [item("surgery_date", "date", f"procedure {RESECTION}")]
SYSTEMIC = [item("drug", "choice", f"drug {DRUG}, 42", list="drug")]


def test_an_event_has_a_row_and_values_in_its_own_days(tmp_path: Path) -> None:
    before = item("before", "number", f"measurement {ALBUMIN}", unit="g/L", window="-30..-1", pick="last")
    near = item("near", "number", f"measurement {ALBUMIN}", unit="g/L")
    cuts = [_cut("2020-04-10", 1), _cut("2020-04-10", 2), _cut("2020-06-05", 3)]
    tables = _built(
        tmp_path, {"surgery": [*SURGERY, before, near]}, procedure_occurrence=cuts, measurement=ALBUMINS
    )  # fmt: skip
    found = [(row["row"], str(row["surgery_date"]), row["before"], row["near"]) for row in tables["surgery"]]
    assert found == [(1, "2020-04-10", 30.0, 30.0), (2, "2020-06-05", None, 40.0)]


def test_a_visit_has_the_values_of_that_visit_or_of_its_days(tmp_path: Path) -> None:
    visits = [
        {"visit_occurrence_id": 7, "person_id": 1, "visit_start_date": "2020-03-01", "visit_end_date": "2020-03-02"},
        {"visit_occurrence_id": 8, "person_id": 1, "visit_start_date": "2020-04-19", "visit_end_date": "2020-04-21"},
        {"visit_occurrence_id": 9, "person_id": 1, "visit_start_date": "2020-05-01"},
    ]
    asked = {"visits": [item("albumin", "number", f"measurement {ALBUMIN}", unit="g/L")]}
    tables = _built(tmp_path, asked, visit_occurrence=visits, measurement=ALBUMINS)
    found = [(row["visit_occurrence_id"], row["albumin"]) for row in tables["visits"]]
    assert found == [(7, 30.0), (8, 36.0), (9, None)]


def _doses(*given: tuple[int, str, str]) -> list[dict[str, Any]]:
    return [
        {
            "drug_exposure_id": at, "person_id": 1, "drug_concept_id": concept, "drug_exposure_start_date": start,
            "drug_exposure_end_date": end, "site": "h1",
        }
        for at, (concept, start, end) in enumerate(given)
    ]  # fmt: skip


def _lines(tmp_path: Path, *given: tuple[int, str, str]) -> list[tuple[str, str, str]]:
    tables = _built(tmp_path, {}, drug_exposure=_doses(*given))
    assert len(tables["systemic"]) == len(tables["line"])
    with cdm.desk(tmp_path, lib.tables(drug_exposure=_doses(*given))) as desk:  # of one person, by the same rules
        own = treated(desk, load(tmp_path / "tiny"), 1).to_pylist()
    assert own == [{name: row[name] for name in LINE} for row in tables["line"]]
    return [(str(row["start_date"]), str(row["end_date"]), row["regimen"]) for row in tables["line"]]


def test_drugs_begun_together_are_one_line_with_the_name_of_the_regimen(tmp_path: Path) -> None:
    found = _lines(tmp_path, (41, "2020-04-01", "2020-04-28"), (42, "2020-04-20", "2020-05-10"))
    assert found == [("2020-04-01", "2020-05-10", "both")]


def test_a_new_drug_later_opens_a_line_and_ends_the_one_before(tmp_path: Path) -> None:
    found = _lines(tmp_path, (41, "2020-04-01", "2020-05-28"), (42, "2020-05-20", "2020-06-10"))
    assert found == [("2020-04-01", "2020-05-19", "sor"), ("2020-05-20", "2020-06-10", "len")]


def test_a_gap_opens_a_line_of_the_same_drug(tmp_path: Path) -> None:
    found = _lines(
        tmp_path, (41, "2020-04-01", "2020-04-28"), (41, "2020-06-20", "2020-06-30"), (41, "2020-12-01", "2020-12-02")
    )
    assert found == [("2020-04-01", "2020-06-30", "sor"), ("2020-12-01", "2020-12-02", "sor")]
