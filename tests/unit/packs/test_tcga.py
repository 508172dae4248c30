"""Rules of the TCGA packs, on tiny files of made-up patients: what is typed, and the rows that come of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from isthmus.flow.ingest import ingest
from isthmus.flow.start import new
from isthmus.flow.workspace import Feed, Site

Rows = Callable[[str], list[Any]]
PATIENT = {
    "bcr_patient_uuid": "u1",
    "bcr_patient_barcode": "TCGA-H1-0001",
    "form_completion_date": "2014-1-9",
    "gender": "MALE",
    "histological_type": "Made up",
    "days_to_birth": "-20000",
    "race": "ASIAN",
    "ethnicity": "[Not Available]",
    "age_at_initial_pathologic_diagnosis": "54",
    "year_of_initial_pathologic_diagnosis": "2010",
    "vital_status": "Alive",
    "days_to_last_followup": "100",
    "days_to_death": "[Not Applicable]",
    "icd_10": "C25.0",
    "icd_o_3_histology": "8500/3",
    "icd_o_3_site": "C25.0",
    "tumor_tissue_site": "Pancreas",
}
FOLLOW_UP = {
    "bcr_patient_barcode": "TCGA-H1-0001",
    "bcr_followup_barcode": "TCGA-H1-0001-F1",
    "form_completion_date": "2014-11-3",
    "vital_status": "Dead",
    "days_to_death": "400",
    "days_to_last_followup": "[Not Available]",
}


def table(*rows: dict[str, str]) -> str:
    """A biotab file: names as the form has them, names of the dictionary, CDE numbers, rows."""
    names = list(rows[0])
    return "".join(
        "\t".join(line) + "\n"
        for line in ([f"form_{n}" for n in names], names, ["CDE_ID:1"] * len(names), *(list(r.values()) for r in rows))
    )


@pytest.fixture
def loaded(tmp_path: Path) -> Callable[..., Rows]:
    def load(pack: str = "tcga-biotab", **files: str) -> Rows:
        exports = tmp_path / "exports"
        exports.mkdir()
        for name, text in files.items():
            (exports / f"nationwidechildrens.org_clinical_{name.replace('__', '.')}.txt").write_text(text)
        workspace = new(tmp_path / "ws")
        workspace.keep_site(Site("tcga", "TCGA", (Feed("biotab", str(exports), pack),)))
        report = ingest(workspace)
        assert not report.failed
        assert report.edition is not None
        sql = duckdb.connect()
        for name in report.edition.tables():
            paths = [str(workspace.lake.root / file.path) for file in report.edition.files(name)]
            if paths:
                sql.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet({paths})")
        return lambda statement: sql.execute(statement).fetchall()

    return load


def test_days_count_from_the_first_of_july(loaded: Callable[..., Rows]) -> None:
    rows = loaded(patient_paad=table(PATIENT))
    assert rows("SELECT CAST(condition_start_date AS TEXT), condition_source_value FROM condition_occurrence") == [
        ("2010-07-01", "C25.0")
    ]
    assert rows("SELECT CAST(visit_start_date AS TEXT) FROM visit_occurrence") == [("2010-10-09",)]
    assert rows("SELECT year_of_birth, month_of_birth, day_of_birth FROM person") == [(1955, 9, 28)]


@pytest.mark.parametrize(
    ("birth", "age", "year", "expected"),
    [
        ("[Not Available]", "54", "2010", 1956),
        ("[Not Available]", "[Unknown]", "2010", 1800),
        ("[Not Available]", "50", "[Not Available]", 1960),
    ],
)
def test_birth_without_its_day(loaded: Callable[..., Rows], birth: str, age: str, year: str, expected: int) -> None:
    row = PATIENT | {
        "days_to_birth": birth,
        "age_at_initial_pathologic_diagnosis": age,
        "year_of_initial_pathologic_diagnosis": year,
    }
    rows = loaded(patient_paad=table(row))
    assert rows("SELECT year_of_birth, month_of_birth FROM person") == [(expected, None)]


def test_the_hospital_is_the_second_piece_of_the_barcode(loaded: Callable[..., Rows]) -> None:
    other = PATIENT | {"bcr_patient_barcode": "TCGA-H1-0002", "bcr_patient_uuid": "u2"}
    rows = loaded(patient_paad=table(PATIENT, other))
    assert rows("SELECT care_site_source_value FROM care_site") == [("H1",)]
    assert rows("SELECT count(*) FROM person JOIN care_site USING (care_site_id)") == [(2,)]


def test_a_death_told_by_a_follow_up_of_any_version_counts_once(loaded: Callable[..., Rows]) -> None:
    dead = PATIENT | {"vital_status": "Dead", "days_to_death": "390"}
    later = FOLLOW_UP | {
        "bcr_followup_barcode": "TCGA-H1-0001-F2",
        "form_completion_date": "2013-2-1",
        "days_to_death": "395",
    }
    rows = loaded(patient_paad=table(dead), follow_up_v4__4_paad=table(FOLLOW_UP, later))
    # The form completed last (November 2014) stands.
    assert rows("SELECT CAST(death_date AS TEXT) FROM death") == [("2011-08-05",)]
    assert rows("SELECT count(*) FROM death_statement") == [(3,)]


def test_a_follow_up_without_any_day_is_kept_with_the_reason(loaded: Callable[..., Rows]) -> None:
    rows = loaded(
        patient_paad=table(PATIENT),
        follow_up_v4__4_paad=table(FOLLOW_UP | {"vital_status": "[Unknown]", "days_to_death": "[Not Available]"}),
    )
    ((outcome, reason),) = rows("SELECT outcome, reason FROM record WHERE kind = 'follow_up'")
    assert outcome == "kept"
    assert "has a date" in reason


def test_new_tumour_events_of_a_follow_up_are_not_follow_ups(loaded: Callable[..., Rows]) -> None:
    event = {
        "bcr_patient_barcode": "TCGA-H1-0001",
        "bcr_followup_barcode": "TCGA-H1-0001-F1",
        "days_to_new_tumor_event_after_initial_treatment": "50",
        "new_neoplasm_event_type": "Locoregional Recurrence",
    }
    undated = event | {"days_to_new_tumor_event_after_initial_treatment": "[Not Available]"}
    rows = loaded(patient_paad=table(PATIENT), follow_up_v4__4_nte_paad=table(event, undated))
    assert rows(
        "SELECT observation_source_value, CAST(observation_date AS TEXT), value_as_concept_id > 0 FROM observation "
        "WHERE value_source_value = 'Locoregional Recurrence' ORDER BY 1"
    ) == [("new_tumor_event", "2010-08-20", True), ("new_tumor_event_undated", "2010-07-01", True)]


DRUG = {
    "bcr_patient_barcode": "TCGA-H1-0001",
    "bcr_drug_barcode": "D1",
    "form_completion_date": "2014-1-1",
    "drug_name": "GEMCITABINE",
    "clinical_trail_drug_classification": "[Not Available]",
    "therapy_type": "Chemotherapy",
    "days_to_drug_therapy_start": "10",
    "days_to_drug_therapy_end": "[Not Available]",
    "measure_of_response": "Stable Disease",
    "prescribed_dose": "",
    "prescribed_dose_units": "",
    "regimen_indication": "",
    "total_dose": "",
    "total_dose_units": "",
    "route_of_administration": "",
}


def test_drugs_of_plain_spelling_have_their_ingredient(loaded: Callable[..., Rows]) -> None:
    regimen = DRUG | {"bcr_drug_barcode": "D2", "drug_name": "FOLFIRINOX"}
    undated = DRUG | {"bcr_drug_barcode": "D3", "days_to_drug_therapy_start": "[Not Available]"}
    rows = loaded(patient_paad=table(PATIENT), drug_paad=table(DRUG, regimen, undated))
    exposures = rows(
        "SELECT drug_source_value, drug_concept_id, CAST(drug_exposure_start_date AS TEXT) "
        "FROM drug_exposure ORDER BY 1"
    )
    assert exposures == [("FOLFIRINOX", 0, "2010-07-11"), ("GEMCITABINE", 1314924, "2010-07-11")]
    told = rows("SELECT value_as_string FROM observation WHERE observation_source_value = 'treatment_undated'")
    assert told == [("GEMCITABINE",)]


LIVER = [
    "fetoprotein_outcome_value",
    "fetoprotein_outcome_lower_limit",
    "fetoprotein_outcome_upper_limit",
    "platelet_result_count",
    "platelet_result_lower_limit",
    "platelet_result_upper_limit",
    "prothrombin_time_result_value",
    "inter_norm_ratio_lower_limit",
    "intern_norm_ratio_upper_limit",
    "albumin_result_lower_limit",
    "albumin_result_upper_limit",
    "albumin_result_specified_value",
    "total_bilirubin_upper_limit",
    "bilirubin_lower_limit",
    "bilirubin_upper_limit",
    "creatinine_lower_level",
    "creatinine_upper_limit",
    "creatinine_value_in_mg_dl",
    "hist_hepato_carc_fact",
    "hist_hepato_carcinoma_risk",
    "child_pugh_classification_grade",
    "viral_hepatitis_serology",
    "vascular_tumor_cell_type",
    "fibrosis_ishak_score",
    "adjacent_hepatic_tissue_inflammation_extent_type",
]


def test_liver_answers_between_bars_and_limits_as_typed(loaded: Callable[..., Rows]) -> None:
    liver = (
        PATIENT
        | dict.fromkeys(LIVER, "[Not Available]")
        | {
            "bilirubin_upper_limit": "13",
            "total_bilirubin_upper_limit": "17",
            "creatinine_value_in_mg_dl": "0.8",
            "hist_hepato_carc_fact": "Hepatitis B|Alcohol consumption",
            "child_pugh_classification_grade": "A",
        }
    )
    rows = loaded("tcga-lihc", patient_lihc=table(liver))
    risks = rows("SELECT value_as_string FROM observation WHERE observation_source_value = 'hist_hepato_carc_fact'")
    assert sorted(risks) == [("Alcohol consumption",), ("Hepatitis B",)]
    assert rows(
        "SELECT measurement_concept_id, value_as_number, range_low, range_high, unit_source_value, unit_concept_id "
        "FROM measurement WHERE value_as_number IS NOT NULL ORDER BY 1"
    ) == [(3016723, 0.8, None, None, "mg/dL", 8840), (3024128, 13.0, None, 17.0, None, None)]
    classes = rows("SELECT value_as_concept_id FROM observation WHERE observation_concept_id = 2000001104")
    assert classes == [(2000001141,)]
