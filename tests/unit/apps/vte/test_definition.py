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
from isthmus.apps.vte.matrix import action, groups, read_cells, read_groups
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
        ("contraindications", "drug,salt,age > 75 and age < 40,x,y", "salt: `age > 75 and age < 40` can never hold"),
        ("contraindications", "drug,salt,age < 0,x,y", "salt: `age < 0` can never hold"),
        ("contraindications", "drug,salt,age > 140,x,y", "salt: `age > 140` can never hold"),
        ("contraindications", "drug,salt,age < 40 - 45,x,y", "can never hold"),
        ("contraindications", "drug,salt,platelets > 75 and platelets < 40,x,y", "can never hold"),
        ("contraindications", "drug,salt,platelets > 9000,x,y", "can never hold"),
        ("contraindications", "drug,salt,inr * 2 > 8 and inr * 2 < 3,x,y", "can never hold"),
        ("contraindications", "drug,salt,sex = 'man',x,y", "can never hold"),
        ("contraindications", "drug,salt,vte_now and not vte_now,x,y", "can never hold"),
        ("contraindications", "drug,salt,cancer_recent and not cancer,x,y", "can never hold"),
        ("contraindications", "drug,salt,vte_before and inr is null and inr > 2,x,y", "can never hold"),
        ("contraindications", "drug,salt,bed_days < 1,x,y", "can never hold"),
        ("contraindications", "drug,salt,inr < weight and weight < inr,x,y", "can never hold"),
        ("contraindications", "drug,salt,inr < 0,x,y", "can never hold"),
        ("contraindications", "drug,salt,sqrt(age) > 12,x,y", "can never hold"),
        ("contraindications", "drug,salt,case when inr > 3 then inr < 2 else inr > 5 end,x,y", "can never hold"),
        ("contraindications", "drug,salt,null,x,y", "salt: `null` is never known"),
        ("contraindications", "drug,salt,age >= 0,x,y", "salt: `age >= 0` always holds"),
        ("contraindications", "drug,salt,vte_now or (inr > 5 and inr < 3),x,y", "at column 13, can never hold"),
        ("facts", "bad,measurement,inr,stay,now,latest,,,delivered,x,y", "and it says 'delivered'. Write `unknown`"),
        ("facts", "bad,observation,bed_rest,stay,now,span,mg,,unknown,x,y", "has no unit but days"),
        ("facts", "bad,condition_occurrence,cancer,ever,now,any,mg,,recorded,x,y", "has no unit but days"),
        ("sets", "bad,443392,,443392", "set bad: concept 443392 is put in and taken away"),
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


@pytest.mark.parametrize(
    ("file", "was", "becomes", "said"),
    [
        ("items", "\nsex,sex\n", "\nsex,\"case when age > 5 then 'man' else 'woman' end\"\n",
         "items.csv:3: item sex: it is never male or female: its points are never reached"),
        ("items", "\nage,age\n", "\nage,age + 200\n", "items.csv:2: item age: it can be from 200 to 330, and the"),
        ("items", "factor_v,factor_v\n", "factor_v,factor_v and not cancer and cancer\n",
         "item factor_v: `factor_v and not cancer and cancer` can never hold"),
        ("items", "\nsepsis,sepsis\n", "\n", "items.csv:1: the score caprini takes sepsis, and no line says what it"),
        ("items", "gfr,\"142 ", "gfr,\"case when age < 0 then 1 else 2 end + 142 ", "at column 11, can never hold"),
        ("facts", "latest,umol/L,CREA", "latest,U/L,CREA", "fact creatinine: CREA is not measured in 'U/L'"),
        ("facts", "latest,umol/L,CREA", "latest,,CREA", "fact creatinine: CREA is not measured in ''"),
        ("facts", "latest,10*9/L,PLT", "latest,10*12/L,PLT",
         "item platelets: the score takes it in '10*9/L', and the fact platelets is in '10*12/L'"),
        ("facts", "bed_rest,stay,now,span", "bed_rest,1d,now,span", "item reduced_mobility"),
        ("facts", "\nvte_now,", "\nvte_then,", "facts.csv:1: the application asks for the fact vte_now, and no line"),
    ],
)  # fmt: skip
def test_what_cannot_come_to_bear_is_refused(tmp_path: Path, file: str, was: str, becomes: str, said: str) -> None:
    for one in HERE.glob("*.csv"):
        shutil.copy(one, tmp_path)
    path = tmp_path / f"{file}.csv"
    text = path.read_text(encoding="utf-8")
    assert text.count(was) == 1
    path.write_text(text.replace(was, becomes), encoding="utf-8")
    with pytest.raises(PackError) as caught:
        read(tmp_path)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("file", "was", "becomes", "said"),
    [
        ("groups", "padua,low,low", "padua,low,lowest", "groups.csv:2: padua low: 'lowest' is no group"),
        ("groups", "padua,low,low", "padua,tiny,low", "groups.csv:2: padua tiny: the score has no such grade"),
        ("groups", "padua,low,low", "padua,high,low", "groups.csv:3: "),
        ("groups", "padua,low,low", "wells,low,low", "groups.csv:2: wells low: that score is not asked here"),
        ("groups", "padua,low,low\n", "", "groups.csv:1: the grade low of padua has no group"),
        ("matrix", "low,low,no,no", "low,low,maybe,no", "matrix.csv:2: low low: maybe and no is no answer"),
        ("matrix", "low,low,no,no", "low,low,either,no", "matrix.csv:2: low low: one of the two is asked for by one"),
        ("matrix", "low,low,no,no", "low,little,no,no", "matrix.csv:2: low little: there is no such pair"),
        ("matrix", "low,low,no,no", "low,high,no,no", "matrix.csv:3: "),
        ("matrix", "moderate,high,no,yes,mechanical prophylaxis", "moderate,high,no,yes,",
         "matrix.csv:5: moderate high: it has no words in both languages"),
    ],
)  # fmt: skip
def test_a_wrong_group_or_cell_is_refused(tmp_path: Path, file: str, was: str, becomes: str, said: str) -> None:
    text = (HERE.parent / f"{file}.csv").read_text(encoding="utf-8")
    assert text.count(was) == 1
    (tmp_path / f"{file}.csv").write_text(text.replace(was, becomes), encoding="utf-8")
    with pytest.raises(PackError) as caught:
        {"groups": read_groups, "matrix": read_cells}[file](tmp_path / f"{file}.csv")
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
