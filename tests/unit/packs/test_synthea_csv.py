"""Rules of the pack synthea-csv: a line or two of an invented patient, and the rows that come of them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from isthmus.base.identity import digest63
from isthmus.flow.workspace import Workspace
from lib.workspace import loaded, outcomes, rows

PATIENTS = "Id,BIRTHDATE,DEATHDATE,RACE,ETHNICITY,GENDER,CITY\np1,1961-03-04,2020-02-03,white,nonhispanic,F,Anytown\n"
Load = Callable[..., Workspace]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """A workspace with files of these names and contents."""

    def run(**files: str) -> Workspace:
        folder = tmp_path / "export"
        folder.mkdir()
        for name, text in files.items():
            (folder / f"{name}.csv").write_text(text, encoding="utf-8")
        return loaded(tmp_path, {"csv": (folder, "synthea-csv")})[0]

    return run


def test_a_patient_becomes_a_person_a_location_and_a_death(load: Load) -> None:
    opened = load(patients=PATIENTS)
    (person,) = rows(opened, "person")
    assert (person["gender_concept_id"], person["race_concept_id"], person["day_of_birth"]) == (8532, 8527, 4)
    assert person["person_id"] == digest63("h01", "synthea", "person", "p1")
    assert person["location_id"] == rows(opened, "location")[0]["location_id"]
    assert str(rows(opened, "death")[0]["death_date"]) == "2020-02-03"


def test_old_and_new_columns_mean_the_same(load: Load, tmp_path: Path) -> None:
    """A procedure has DATE or START, an insurance years or days."""
    opened = load(
        procedures="DATE,PATIENT,ENCOUNTER,CODE,DESCRIPTION,BASE_COST\n2020-01-02T03:04:05Z,p1,e1,40701008,Echo,1\n",
        payer_transitions="PATIENT,START_YEAR,END_YEAR,PAYER,OWNERSHIP\np1,2014,2015,i1,Self\n",
        payers="Id,NAME\ni1,Alpha\n",
    )
    (procedure,) = rows(opened, "procedure_occurrence")
    assert (str(procedure["procedure_date"]), procedure["procedure_end_date"]) == ("2020-01-02", None)
    (period,) = rows(opened, "payer_plan_period")
    days = (str(period["payer_plan_period_start_date"]), str(period["payer_plan_period_end_date"]))
    assert (days, period["payer_source_value"]) == (("2014-01-01", "2015-12-31"), "Alpha")
    newer = tmp_path / "newer"
    newer.mkdir()
    (newer / "procedures.csv").write_text(
        "START,STOP,PATIENT,ENCOUNTER,SYSTEM,CODE,DESCRIPTION\n2020-01-02T03:04:05Z,2020-01-03T00:00:00Z,p1,e1,SNOMED-CT,40701008,E\n"
    )
    (newer / "payer_transitions.csv").write_text(
        "PATIENT,MEMBERID,START_DATE,END_DATE,PAYER\np1,m,2014-05-06T00:00:00Z,2015-05-06T00:00:00Z,i1\n"
    )
    opened = loaded(newer, {"csv": (newer, "synthea-csv")})[0]
    assert str(rows(opened, "procedure_occurrence")[0]["procedure_end_date"]) == "2020-01-03"
    (period,) = rows(opened, "payer_plan_period")
    assert (str(period["payer_plan_period_start_date"]), period["payer_source_value"]) == ("2014-05-06", "i1")


def test_identical_rows_without_a_key_are_one(load: Load) -> None:
    line = "2020-01-02,,p1,e1,38341003,Hypertension\n"
    opened = load(conditions="START,STOP,PATIENT,ENCOUNTER,CODE,DESCRIPTION\n" + line * 2)
    assert len(rows(opened, "condition_occurrence")) == 1


def test_a_number_is_a_measurement_and_an_answer_an_observation(load: Load) -> None:
    opened = load(
        observations="DATE,PATIENT,ENCOUNTER,CATEGORY,CODE,DESCRIPTION,VALUE,UNITS,TYPE\n"
        "2020-01-02T03:04:05Z,p1,e1,vital-signs,29463-7,Weight,70.5,kg,numeric\n"
        "2020-01-02T03:04:05Z,p1,e1,laboratory,own-1,Own,2,mg/dL,numeric\n"
        "2020-01-02T03:04:05Z,p1,e1,survey,own-2,Own,never,{nominal},text\n"
    )
    found = {row["measurement_source_value"]: row for row in rows(opened, "measurement")}
    assert (found["29463-7"]["value_as_number"], found["29463-7"]["unit_concept_id"]) == (70.5, 9529)
    assert (found["own-1"]["measurement_concept_id"], found["own-1"]["measurement_type_concept_id"]) == (0, 32856)
    (answer,) = rows(opened, "observation")
    assert (answer["value_as_string"], answer["value_as_number"]) == ("never", None)


def test_an_allergy_and_what_it_does(load: Load) -> None:
    head = "START,STOP,PATIENT,ENCOUNTER,CODE,SYSTEM,DESCRIPTION,TYPE,CATEGORY,REACTION1,DESCRIPTION1,SEVERITY1"
    opened = load(allergies=head + "\n2020-01-02,,p1,e1,111088007,SNOMED-CT,Latex,allergy,x,271807003,Rash,MILD\n")
    found = sorted((row["value_as_string"], row["qualifier_source_value"]) for row in rows(opened, "observation"))
    assert found == [("Latex", None), ("Rash", "MILD")]


def test_bills_are_kept_row_by_row(load: Load) -> None:
    opened = load(claims="Id,PATIENTID\nc1,p1\nc2,p1\n", claims_transactions="ID,CLAIMID\nt1,c1\n")
    assert outcomes(opened) == {"kept": 3}
    assert all(row["reason"].startswith("billing") for row in rows(opened, "record"))
