"""`isthmus cohorts`: definitions in, counts and members out, and what is said of definitions that are wrong."""

import csv
import json
import tarfile
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from lib import cdm
from lib.command import apart, complaint, run

FEVER, WOMAN = 437663, 8532


def _document(concept: int, **body: Any) -> dict[str, Any]:
    return {
        "ConceptSets": [{"id": 0, "expression": {"items": [{"concept": {"CONCEPT_ID": concept}}]}}],
        "PrimaryCriteria": {"CriteriaList": [{"ConditionOccurrence": {"CodesetId": 0, **body}}]},
    }


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace of three persons, two of whom had a fever, one of them twice."""
    folder = tmp_path_factory.mktemp("cohorts")
    (folder / "cdm").mkdir()
    days = ((1, "2020-02-01"), (1, "2020-05-01"), (2, "2020-03-01"))
    tables: dict[str, list[dict[str, Any]]] = {
        "person": [
            {
                "person_id": one, "gender_concept_id": WOMAN, "year_of_birth": 1950 + one, "race_concept_id": 0,
                "ethnicity_concept_id": 0,
            }
            for one in (1, 2, 3)
        ],
        "observation_period": [
            {
                "observation_period_id": one, "person_id": one, "observation_period_start_date": "2020-01-01",
                "observation_period_end_date": "2020-12-31", "period_type_concept_id": 32817,
            }
            for one in (1, 2, 3)
        ],
        "condition_occurrence": [
            {
                "condition_occurrence_id": at, "person_id": person, "condition_concept_id": FEVER,
                "condition_start_date": day, "condition_type_concept_id": 32817,
            }
            for at, (person, day) in enumerate(days, start=1)
        ],
        "concept": [
            {
                "concept_id": FEVER, "concept_name": "Fever", "domain_id": "Condition", "vocabulary_id": "SNOMED",
                "concept_class_id": "Disorder", "standard_concept": "S", "concept_code": "386661006",
                "valid_start_date": "1970-01-01", "valid_end_date": "2099-12-31",
            }
        ],
    }  # fmt: skip
    for name, rows in tables.items():
        pq.write_table(cdm.table(name, rows), folder / "cdm" / f"{name}.parquet")
    assert run("init", folder / "ws", "--synthetic").code == 0
    assert run("attach", folder / "ws", folder / "cdm", "--name", "cdm").code in (0, 6)
    return folder / "ws"


@pytest.fixture
def definitions(tmp_path: Path) -> Path:
    folder = tmp_path / "definitions"
    folder.mkdir()
    every = _document(FEVER) | {name: {"Type": "All"} for name in ("QualifiedLimit", "ExpressionLimit")}
    every["PrimaryCriteria"]["PrimaryCriteriaLimit"] = {"Type": "All"}
    every["EndStrategy"] = {"DateOffset": {"DateField": "StartDate", "Offset": 7}}
    for name, document in (("10", _document(FEVER)), ("9", every), ("11", _document(1))):
        (folder / f"{name}.json").write_text(json.dumps(document))
    return folder


def test_counts_and_members_are_written(workspace: Path, definitions: Path, tmp_path: Path) -> None:
    done = apart("cohorts", workspace, definitions, "--out", tmp_path / "c.csv", "--rows", tmp_path / "m.parquet")
    assert done.code == 0
    assert "Cohorts of edition" in done.out
    with (tmp_path / "c.csv").open() as stream:
        assert list(csv.reader(stream)) == [
            ["cohort_id", "records", "subjects"], ["9", "3", "2"], ["10", "2", "2"], ["11", "0", "0"],
        ]  # fmt: skip
    rows = pq.read_table(tmp_path / "m.parquet")
    assert rows.column_names == ["cohort_definition_id", "subject_id", "cohort_start_date", "cohort_end_date"]
    told = [(row["cohort_definition_id"], *map(str, list(row.values())[2:])) for row in rows.to_pylist()]
    assert told == [
        (9, "2020-02-01", "2020-02-08"), (9, "2020-05-01", "2020-05-08"), (9, "2020-03-01", "2020-03-08"),
        (10, "2020-02-01", "2020-12-31"), (10, "2020-03-01", "2020-12-31"),
    ]  # fmt: skip


def test_an_archive_is_a_folder(workspace: Path, definitions: Path, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "all.tar.xz", "w:xz") as archive:
        archive.add(definitions, "cohorts")
    told = [run("cohorts", workspace, one, "--json").document() for one in (definitions, tmp_path / "all.tar.xz")]
    assert told[0] == told[1]
    assert [one["subjects"] for one in told[0]["cohorts"]] == [2, 2, 0]


def test_a_definition_that_cannot_be_answered_is_named_and_the_others_are_done(
    workspace: Path, definitions: Path
) -> None:
    (definitions / "12.json").write_text(json.dumps(_document(FEVER, Colour={"Value": 1, "Op": "gt"})))
    (definitions / "13.json").write_text('{"PrimaryCriteria": \n nonsense}')
    done = apart("cohorts", workspace, definitions, "--json")
    assert done.code == 6
    told = done.document()
    assert len(told["cohorts"]) == 3
    colour, broken = told["refused"]
    assert colour.startswith("12.json:1: PrimaryCriteria.CriteriaList[0].ConditionOccurrence.Colour: ")
    assert "ConditionOccurrence has no 'Colour' here. Take it out, or correct its name" in colour
    assert broken.startswith("13.json: line 2: this is not JSON")


def test_only_bad_definitions_are_an_error(workspace: Path, tmp_path: Path) -> None:
    (tmp_path / "1.json").write_text("{}")
    done = run("cohorts", workspace, tmp_path / "1.json")
    assert "there is no PrimaryCriteria" in complaint(done, 3)


def test_two_files_of_one_name_are_refused(workspace: Path, definitions: Path) -> None:
    (definitions / "again").mkdir()
    (definitions / "again" / "9.json").write_text("{}")
    assert "would both be cohort 9" in complaint(run("cohorts", workspace, definitions), 2)


@pytest.mark.parametrize("name", ["absent.json", "notes.txt", "broken.tar.xz"])
def test_what_is_no_definition_is_said(workspace: Path, tmp_path: Path, name: str) -> None:
    if not name.startswith("absent"):
        (tmp_path / name).write_bytes(b"nothing of the kind")
    assert name in complaint(run("cohorts", workspace, tmp_path / name), 3)


DESIGN = """
title: Fever again
targets: {everybody: seen}
outcomes: {fever: {cohort: fevers, clean: 7}}
at risk: {while seen: start to end}
by: {sex: true}
"""
COHORTS = {
    "seen": "{enter: [{observation period: any}]}",
    "fevers": f"{{concepts: {{f: [{FEVER}]}}, enter: [{{condition: f}}], take: all, leave: 0 days after start}}",
    "later": "{of: {cohort: fevers, its start: at least 2020-03-01}}",
}


@pytest.fixture
def beside(tmp_path: Path) -> Path:
    for name, text in COHORTS.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    (tmp_path / "design.yml").write_text(DESIGN)
    return tmp_path


def test_incidence_overlap_and_description_are_told_and_written(workspace: Path, beside: Path) -> None:
    (beside / "asked").mkdir()
    design = (beside / "design.yml").rename(beside / "asked" / "design.yaml")
    asked = [beside / f"{name}.yaml" for name in COHORTS]
    tables = ("--incidence", design, "--overlap", "--describe", "fevers,seen")
    told = run("cohorts", workspace, *asked, *tables, "--json").document()
    whole, women = told["incidence"]
    assert (whole["persons"], whole["persons_with"], whole["outcomes"], whole["days"]) == (3, 2, 3, 3 * 366 - 3 * 7)
    assert whole["rate"] == pytest.approx(100 * 3 / (1077 / 365.25))
    assert women["sex"] == WOMAN
    assert {(row["one"], row["other"]): row["both"] for row in told["overlap"]} == {
        ("fevers", "later"): 2, ("fevers", "seen"): 2, ("later", "seen"): 2,
    }  # fmt: skip
    assert told["description"][0]["n_1"] == 2
    done = run("cohorts", workspace, *asked, *tables, "--into", beside / "out", "--language", "zh")
    assert {path.name for path in (beside / "out").iterdir()} == {"incidence.csv", "overlap.csv", "description.csv"}
    for word in ("Fever again", "风险人日", "女", "队列重叠", "标准化差"):
        assert word in done.out


def test_tables_that_cannot_be_made_are_said(workspace: Path, beside: Path) -> None:
    fevers = beside / "fevers.yaml"
    for asked, code, said in (
        (["--describe", "absent"], 2, "no cohort absent"),
        (["--describe", "fevers,fevers,fevers"], 2, "more than two"),
        (["--into", beside / "out"], 2, "none was asked for"),
        (["--incidence", beside / "nothing.yaml"], 3, "cannot be read"),
        (["--overlap", "--language", "fr"], 2, "words in 'fr'"),
    ):
        assert said in complaint(run("cohorts", workspace, fevers, *asked), code)
    (beside / "design.yml").rename(beside / "design.yaml")
    assert "names seen, which no" in complaint(
        run("cohorts", workspace, fevers, "--incidence", beside / "design.yaml"), 3
    )


def test_negative_controls_are_cohorts_among_others(workspace: Path, beside: Path) -> None:
    (beside / "controls.csv").write_text(
        f"cohort_id,concept_id,occurrence,descendants\n901,{FEVER},all,no\n902,{FEVER},first,no\n903,1,,\n"
    )
    asked = (beside / "seen.yaml", "--controls", beside / "controls.csv")
    told = run("cohorts", workspace, *asked, "--json").document()["cohorts"]
    assert [(one["cohort_id"], one["records"]) for one in told] == [("901", 3), ("902", 2), ("903", 0), ("seen", 3)]
    said = run("cohorts", workspace, *asked, "--words", "zh", "--json").document()
    assert said["902"][0].startswith("阴性对照")
    for text, problem in (
        ("cohort_id,concept\n1,2\n", "line 1: concept, concept_id is unknown or absent"),
        ("cohort_id,concept_id\n1,2\n2,fever\n", "line 3: a control needs"),
        ("cohort_id,concept_id,occurrence\n1,2,last\n", "line 2: occurrence is first or all"),
        ("cohort_id,concept_id\nseen,2\n", "would both be cohort seen"),
    ):
        (beside / "wrong.csv").write_text(text)
        done = run("cohorts", workspace, beside / "seen.yaml", "--controls", beside / "wrong.csv")
        assert problem in complaint(done, 2 if "both" in problem else 3)


def test_members_are_kept_with_the_edition(workspace: Path, beside: Path) -> None:
    asked = (beside / "fevers.yaml", beside / "later.yaml", "--keep")
    first, again = (run("cohorts", workspace, *asked, "--json").document() for _ in range(2))
    assert first["kept"] == {"looked_at": None, "since": None}
    assert again["kept"] == {"looked_at": 0, "since": again["edition"]}
    assert first["cohorts"] == again["cohorts"]
    assert f"as kept with edition {again['edition']}" in run("cohorts", workspace, *asked).out


def _aged(low: int) -> dict[str, Any]:
    return {"Type": "ALL", "DemographicCriteriaList": [{"Age": {"Value": low, "Op": "gte"}}]}


@pytest.fixture
def stepped(tmp_path: Path) -> Path:
    """Fever, three rules of which the second leaves one person and the third nobody more; then the year is cut."""
    document = _document(FEVER) | {
        "InclusionRules": [
            {"name": " at least  60 ", "expression": _aged(60)},
            {"name": "at least 69", "expression": _aged(69)},
            {"name": "", "expression": _aged(68)},
        ],
        "CensorWindow": {"StartDate": "2021-01-01"},
    }
    path = tmp_path / "20.json"
    path.write_text(json.dumps(document))
    return path


def test_steps_tell_how_many_each_condition_leaves_and_how_many_meet_it_alone(workspace: Path, stepped: Path) -> None:
    """Born in 1951 and 1952, with a fever in 2020: 69 and 68 years old."""
    (told,) = run("cohorts", workspace, stepped, "--steps", "--json").document()["cohorts"]
    assert told["steps"] == [
        {"step": "an event lets in", "left": 2, "alone": None},
        {"step": "at least 60", "left": 2, "alone": 2},
        {"step": "at least 69", "left": 1, "alone": 1},
        {"step": "rule 3", "left": 1, "alone": 2},
        {"step": "censoring, calendar", "left": told["subjects"], "alone": None},
    ]
    shown = run("cohorts", workspace, stepped, "--steps").out
    assert "20: persons step by step" in shown and "50.0%" in shown


def test_a_definition_is_said_in_words_of_two_languages(workspace: Path, stepped: Path) -> None:
    english = run("cohorts", workspace, stepped, "--words", "en").out
    assert "Rule 2: at least 69" in english
    assert "the person then has age at least 69" in english
    assert "Only days from 2021-01-01 to open count." in english
    chinese = run("cohorts", workspace, stepped, "--words", "zh", "--json").document()["20"]
    assert chinese[:2] == ["满足以下任一事件者入组", "  诊断“0”"]
    assert "words in 'fr'" in complaint(run("cohorts", workspace, stepped, "--words", "fr"), 2)


def test_a_phenotype_is_counted_as_its_circe_document_is(workspace: Path, tmp_path: Path) -> None:
    told = (
        f"concepts: {{fever: [{FEVER}]}}\nenter: [{{condition: fever}}]\nrules: {{old: [person: {{age: above 68}}]}}\n"
    )
    (tmp_path / "30.yaml").write_text(told)
    (ours,) = run("cohorts", workspace, tmp_path / "30.yaml", "--json").document()["cohorts"]
    assert ours["subjects"] == 1
    written = run("cohorts", workspace, tmp_path / "30.yaml", "--circe", tmp_path / "circe", "--json").document()
    assert written == {"written": [str(tmp_path / "circe" / "30.json")]}
    (theirs,) = run("cohorts", workspace, tmp_path / "circe", "--json").document()["cohorts"]
    assert theirs == ours
    assert "no phenotype" in complaint(run("cohorts", workspace, tmp_path / "circe", "--circe", tmp_path), 2)
