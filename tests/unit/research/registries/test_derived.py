"""What follows from items: formulas over formulas, scores, rules of quality."""

from pathlib import Path
from typing import Any

import pytest

from isthmus.base.errors import PackError
from isthmus.research.registries.pack import load
from isthmus.research.scores.patient import score
from lib import registries as lib
from lib.registries import (
    ALBUMIN,
    BILIRUBIN,
    GRAM_PER_DECILITRE,
    HEAD,
    MILLIGRAM_PER_DECILITRE,
    RESECTION,
    item,
    measured,
)  # fmt: skip

GROUPS = f"{HEAD}  - {{group: surgery, en: Surgery, zh: 手术, row: event, anchor: surgery_date}}\n"
PERSON = [item("birth_date", "date", "person birth"), item("age", "whole", "derived", unit="a"),
          item("old", "yesno", "derived"), item("kind", "text", "derived")]  # fmt: skip
LABORATORY = [
    item("albumin", "number", f"measurement {ALBUMIN}", unit="g/L"),
    item("bilirubin", "number", f"measurement {BILIRUBIN}", unit="umol/L"),
    item("albi", "number", "derived", unit="1"), item("worse", "yesno", "derived"),
]  # fmt: skip
SURGERY = [item("surgery_date", "date", f"procedure {RESECTION}"), item("after", "whole", "derived", unit="d"),
           item("old_then", "yesno", "derived")]  # fmt: skip
FORMULAS = """
old: {is: age >= 65}
kind: {is: case when old then 'old' else 'young' end}
age: {is: "years(birth_date, index)"}
albi: {score: albi, with: {albumin: albumin, bilirubin: bilirubin}}
worse: {is: albi_grade <> '1'}
after: {is: "days(index, surgery_date)"}
old_then: {is: "old and days(birth_date, surgery_date) > 25000"}
"""
RULES = """rule,items,when,en,zh,severity
low,albumin,albumin < 40,low,低,warning
early,surgery_date,"days(index, surgery_date) < 30",early,早,error
"""


def _tables(tmp_path: Path, *rows: dict[str, Any]) -> dict[str, Any]:
    cuts = [
        {"procedure_occurrence_id": at, "person_id": 1, "procedure_concept_id": RESECTION, "procedure_date": day,
         "site": "h1"}
        for at, day in enumerate(("2020-03-21", "2021-03-01"))
    ]  # fmt: skip
    folder = lib.write(
        tmp_path / "tiny", {"person": PERSON, "laboratory": LABORATORY, "surgery": SURGERY}, GROUPS,
        derived_yaml=FORMULAS, quality_csv=RULES,
    )  # fmt: skip
    data = lib.tables(procedure_occurrence=cuts, measurement=list(rows))
    return lib.built(tmp_path, folder, data)[1]


BOTH = (
    measured(1, ALBUMIN, "2020-03-01", 3.0, GRAM_PER_DECILITRE),
    measured(1, BILIRUBIN, "2020-03-02", 2.0, MILLIGRAM_PER_DECILITRE),
)


def test_formulas_are_worked_out_in_the_order_of_dependence(tmp_path: Path) -> None:
    (row,) = _tables(tmp_path)["person"]
    assert (row["age"], row["old"], row["kind"]) == (69, True, "old")


def test_a_row_of_an_event_may_name_items_of_the_patient(tmp_path: Path) -> None:
    found = [(row["after"], row["old_then"]) for row in _tables(tmp_path)["surgery"]]
    assert found == [(20, True), (365, True)]


def test_a_score_is_that_of_the_patient_with_its_inputs_and_days(tmp_path: Path) -> None:
    tables = _tables(tmp_path, *BOTH)
    told = score("albi", {"albumin": (3.0, "g/dL"), "bilirubin": (2.0, "mg/dL")})
    (row,) = tables["laboratory"]
    assert row["albi"] == pytest.approx(told.value, abs=1e-3)
    assert (row["albi_grade"], row["albi_missing"], row["worse"]) == (told.grade, None, True)
    (line,) = tables["score"]
    assert (line["item"], line["score"], line["version"]) == ("albi", "albi", told.version)
    assert line["inputs"] == (
        "albumin = 30.0 g/L, told as 3.0 g/dL (2020-03-01); "
        "bilirubin = 34.207915712 umol/L, told as 2.0 mg/dL (2020-03-02)"
    )


def test_a_score_that_cannot_be_told_says_what_is_missing(tmp_path: Path) -> None:
    (row,) = _tables(tmp_path, BOTH[0])["laboratory"]
    assert (row["albi"], row["albi_grade"], row["albi_missing"], row["worse"]) == (None, None, "bilirubin", None)


def test_rules_find_faults_in_rows_of_patients_and_of_events(tmp_path: Path) -> None:
    found = [(row["rule"], row["row"]) for row in _tables(tmp_path, *BOTH)["finding"]]
    assert found == [("low", 0), ("early", 1)]


def test_what_a_rule_cannot_decide_is_no_fault(tmp_path: Path) -> None:
    assert [row["rule"] for row in _tables(tmp_path)["finding"]] == ["early"]


def test_a_code_that_the_list_has_not_is_told_where_it_is_asked_or_given(tmp_path: Path) -> None:
    """A slip of the pen in a code would be false for everybody, and nobody would see it."""
    items = [
        item("stage", "choice", "observation 21", list="stage"), item("many", "many", "observation 21", list="stage"),
        item("late", "yesno", "derived"), item("group", "choice", "derived", list="stage"),
        item("either", "yesno", "derived"), item("right", "yesno", "derived"),
    ]  # fmt: skip
    formulas = """
late: {is: "stage = 'C'"}
group: {is: "case when stage = 'A' then 'A' else 'D' end"}
either: {is: "stage in ('A', 'E') or has(many, 'F')"}
right: {is: "stage <> 'B' and has(many, 'A')"}
"""
    lists = "list,code,en,zh,concepts,texts\nstage,A,A,,,\nstage,B,B,,,\n"
    rules = "rule,items,when,en,severity\nodd,stage,stage = 'G',odd,note\n"
    pack = lib.write(tmp_path / "tiny", {"person": items}, lists_csv=lists, derived_yaml=formulas, quality_csv=rules)
    with pytest.raises(PackError) as error:
        load(pack)
    said = str(error.value)
    assert "derived.yaml:2: item late: 'C' is no code of stage. Its codes: A, B." in said
    assert "quality.csv:2: rule odd: 'G' is no code of stage." in said
    assert [one for one in "ABCDEFG" if f"'{one}' is no code" in said] == ["C", "D", "E", "F", "G"]
