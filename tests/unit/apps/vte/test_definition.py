"""The definitions: what is wrong in them is told with file, line, item, cause and mend, all at once."""

import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from isthmus.apps.contract import PackError
from isthmus.apps.contract.research import shipped_scores
from isthmus.apps.vte.evidence.definition import HERE, read, shipped
from isthmus.apps.vte.indicator import COUNTS
from isthmus.apps.vte.indicator import listed as indicators
from isthmus.apps.vte.matrix import action, groups
from isthmus.apps.vte.report import listed as report_items
from isthmus.apps.vte.words import words
from isthmus.cdm.starter import starter

SCORES = ("padua", "caprini", "caprini@accp9", "caprini@cn-quality", "improve_bleeding", "bleeding_medical",
          "bleeding_surgical")  # fmt: skip


@pytest.mark.parametrize(
    ("file", "line", "said"),
    [
        ("sets", "bad,12a,,", "set bad: '12a' is no concept"),
        ("sets", "bad,,,4", "set bad: nothing is in it"),
        ("facts", "bad,condition,cancer,ever,now,any,,,recorded,x,y", "'condition' is not known as table"),
        ("facts", "bad,condition_occurrence,tumour,ever,now,any,,,recorded,x,y", "'tumour' is not known as set"),
        ("facts", "bad,condition_occurrence,cancer,soon,now,any,,,recorded,x,y", "'soon' is no window"),
        ("facts", "bad,condition_occurrence,cancer,stay,admission,any,,,recorded,x,y", "nothing of a stay lies before"),
        ("facts", "bad,condition_occurrence,cancer,ever,now,latest,,,recorded,x,y", "have no number"),
        ("facts", "bad,measurement,bmi,ever,now,latest,kilos,,unknown,x,y", "'kilos' is no UCUM code"),
        ("facts", "age,condition_occurrence,cancer,ever,now,any,,,recorded,x,y", "the name is taken"),
        ("facts", "bad,condition_occurrence,cancer,ever,now,any,,,maybe,x,y", "'maybe' is not known as absent"),
        ("facts", "bad,condition_occurrence,cancer,999999999d,now,any,,,recorded,x,y", "'999999999d' is no window"),
        ("facts", "bad,measurement,bmi,ever,now,latest,kg/m2,luck,unknown,x,y", "there is no analyte 'luck'"),
        ("facts", "bad,condition_occurrence,cancer,ever,now,any,,,recorded,x,", "no name in both languages"),
        ("sets", "bad,0,,", "set bad: '0' is no concept"),
        ("contraindications", "drug,salt,age,x,y", "salt: it gives number"),
        ("contraindications", "drug,salt,cancer,,y", "salt: it has no name in both languages"),
        ("items", "luck,cancer", "no score has such an input"),
        ("items", "gfr2,cancers", "`cancers` is not known here"),
        ("contraindications", "food,salt,cancer,x,y", "there are no means 'food'"),
    ],
)
def test_a_wrong_line_is_refused_with_file_line_cause_and_mend(tmp_path: Path, file: str, line: str, said: str) -> None:
    for one in HERE.glob("*.csv"):
        shutil.copy(one, tmp_path)
    with (tmp_path / f"{file}.csv").open("a", encoding="utf-8") as out:
        out.write(line + "\n")
    number = len((tmp_path / f"{file}.csv").read_text(encoding="utf-8").splitlines())
    with pytest.raises(PackError, match=rf"{file}\.csv:{number}: ") as caught:
        read(tmp_path)
    assert said in str(caught.value)


def test_every_input_of_every_score_is_computed_from_rows() -> None:
    for name in SCORES:
        assert set(shipped_scores()[name].inputs) <= set(shipped().items)


def test_every_concept_of_our_own_is_in_the_starter_vocabulary() -> None:
    known = set(starter()["concept"]["concept_id"].to_pylist())
    named = {one for concepts in shipped().sets.values() for one in (*concepts.concepts, *concepts.less)}
    assert {one for one in named if one >= 2_000_000_000} <= known


def test_concepts_are_those_that_their_sets_are_called_after(outside: Path) -> None:
    """Against the names in the Phenotype Library, where it has the concept."""
    seen = pq.read_table(outside / "ohdsi" / "concepts-seen.parquet").to_pylist()
    names = {row["concept_id"]: row["concept_name"].lower() for row in seen}
    expected = {
        "vte": ("embol", "thromb"), "cancer": ("malignant",), "heart_failure": ("heart failure",),
        "respiratory_failure": ("respiratory failure",), "infarction": ("myocardial infarction",),
        "sepsis": ("sepsis",),
        "ischaemic_stroke": ("cerebral infarction",), "copd": ("obstructive",), "liver_failure": ("hepatic failure",),
        "bowel_disease": ("bowel", "crohn", "colitis"), "anticoagulants": ("xaban", "dabigatran", "warfarin"),
        "arthroplasty": ("arthroplasty", "replacement"), "bmi": ("body mass",), "platelets": ("platelets",),
    }  # fmt: skip
    for name, parts in expected.items():
        found = [names[one] for one in shipped().sets[name].concepts if one in names]
        assert found, name
        assert all(any(part in said for part in parts) for said in found), (name, found)


def test_every_grade_has_its_group_and_every_pair_its_cell() -> None:
    for name in SCORES[:4]:
        assert {(name, one.grade) for one in shipped_scores()[name].grades} <= set(groups())
    for risk in ("low", "moderate", "high"):
        for bleeding in ("low", "high"):
            assert action(risk, bleeding).words["en"]


def test_the_matrix_says_what_the_guidance_says() -> None:
    assert action("low", "high").means == ()
    assert action("moderate", "low").means == ("drug", "mechanical")
    assert action("moderate", "high").means == ("mechanical",)
    assert action("high", "low").means == ("drug",)
    assert action("high", "high").means == ("mechanical",)


def test_what_is_not_known_leaves_only_what_both_have_in_common() -> None:
    assert action("low", None).words["en"] == "early mobilisation and education"
    assert action("moderate", None).means == ("mechanical",)
    assert action("moderate", None).words == {}
    assert action(None, None).means == ()


def test_words_are_in_both_languages_and_definitions_name_what_there_is() -> None:
    assert set(words("en")) == set(words("zh"))
    assert {row[name] for row in indicators() for name in ("numerator", "denominator")} <= set(COUNTS)
    assert {row["group"] for row in report_items()} >= {"VTE-0", "VTE-1", "VTE-2", "VTE-3", "VTE-4", "CM-4", "CM-6"}
