"""Exports of a registry: the structure that the other program reads, every patient, and values as they were."""

import csv
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from fhir.resources.R4B.bundle import Bundle

from isthmus.base.errors import UsageError
from isthmus.research.registries.pack import load
from isthmus.serving.registries import export
from isthmus.serving.registries.kept import Kept
from lib import kept as lib

PATIENTS = {"1", "2", "3"}


@pytest.fixture
def made(tmp_path: Path) -> Kept:
    return lib.kept(tmp_path)


def sheet(path: Path) -> list[dict[str, str]]:
    """Rows of a file of cBioPortal, without the four rows above the names."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


def meta(path: Path) -> dict[str, str]:
    """A file of keys and values."""
    return dict(line.split(": ", 1) for line in path.read_text(encoding="utf-8").splitlines())


def test_a_study_of_cbioportal_has_its_files_and_four_rows_of_headers(made: Kept, tmp_path: Path) -> None:
    export.export(made, "cbioportal", tmp_path / "study")
    study = meta(tmp_path / "study" / "meta_study.txt")
    assert study["cancer_study_identifier"] == "tiny_isthmus_4"
    for path in (tmp_path / "study").glob("meta_*.txt"):
        told = meta(path)
        if path.name != "meta_study.txt":
            assert (tmp_path / "study" / told["data_filename"]).exists()
            assert told.get("cancer_study_identifier", "tiny_isthmus_4") == "tiny_isthmus_4"
    for name in ("patient", "sample"):
        lines = (tmp_path / "study" / f"data_clinical_{name}.txt").read_text(encoding="utf-8").splitlines()
        heads = [line.removeprefix("#").split("\t") for line in lines[:5]]
        assert [line.startswith("#") for line in lines[:5]] == [True] * 4 + [False]
        assert len({len(one) for one in heads}) == 1
        assert set(heads[2]) <= {"STRING", "NUMBER", "BOOLEAN"}
        assert all(one.isdigit() for one in heads[3])
        assert heads[4][0] == "PATIENT_ID"
        assert {row["PATIENT_ID"] for row in sheet(tmp_path / "study" / f"data_clinical_{name}.txt")} == PATIENTS


def test_values_stages_and_survival_come_back_from_cbioportal(made: Kept, tmp_path: Path) -> None:
    export.export(made, "cbioportal", tmp_path / "study")
    rows = {row["PATIENT_ID"]: row for row in sheet(tmp_path / "study" / "data_clinical_patient.txt")}
    assert [rows[one]["STAGE"] for one in "123"] == ["A", "A", "B"]
    assert [rows[one]["ALBUMIN"] for one in "123"] == ["31", "32", ""]
    assert (rows["3"]["OS_STATUS"], rows["3"]["OS_MONTHS"]) == ("1:DECEASED", "13.14")  # 400 days
    assert rows["1"]["OS_STATUS"] == "0:LIVING"
    assert rows["3"]["DEATH_DATE_DAYS"] == "400"
    assert "BIRTH_DATE_DAYS" not in rows["1"]
    (line,) = sheet(tmp_path / "study" / "data_timeline_treatment.txt")
    assert (line["PATIENT_ID"], line["START_DATE"], line["EVENT_TYPE"], line["AGENT"]) == ("2", "10", "TREATMENT", "X1")
    tests = sheet(tmp_path / "study" / "data_timeline_lab.txt")
    assert {(one["PATIENT_ID"], one["TEST"], one["RESULT"], one["UNIT"]) for one in tests} == {
        ("1", "albumin", "31", "g/L"), ("2", "albumin", "32", "g/L"),
    }  # fmt: skip


def test_the_dictionary_of_redcap_has_a_field_for_every_item_that_is_asked(made: Kept, tmp_path: Path) -> None:
    export.export(made, "redcap", tmp_path / "forms.csv")
    with (tmp_path / "forms.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = {row["Variable / Field Name"]: row for row in csv.DictReader(stream)}
    assert list(rows) == ["record_id", *made.pack.items]
    assert len(rows["sex"]) == 18
    assert (rows["stage"]["Field Type"], rows["stage"]["Form Name"]) == ("dropdown", "person")
    choices = rows["risks"]["Choices, Calculations, OR Slider Labels"]
    assert choices == "smoke, smoking / 吸烟 | drink, alcohol, much / 饮酒"
    checked = "Text Validation Type OR Show Slider Number"
    assert [rows[one][checked] for one in ("albumin", "birth_date")] == ["number", "date_ymd"]
    assert (rows["albumin"]["Field Note"], rows["albumin"]["Field Label"]) == ("g/L", "albumin / 白蛋白")
    assert rows["birth_date"]["Identifier?"] == "y"


@pytest.mark.parametrize("name", ["tumour", "liver", "stomach", "colorectum", "pancreas", "oesophagus", "biliary"])
def test_dictionaries_of_packs_that_come_along_can_be_read_by_redcap(tmp_path: Path, name: str) -> None:
    pack = load(name)
    export.FORMS["redcap"](Kept(tmp_path, pack, {}, synthetic=True), tmp_path / "forms.csv")
    with (tmp_path / "forms.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    forms = [row["Form Name"] for row in rows]
    assert list(dict.fromkeys(forms)) == [key for at, key in enumerate(forms) if at == 0 or key != forms[at - 1]]
    for row in rows:
        choices = row["Choices, Calculations, OR Slider Labels"]
        assert bool(choices) == (row["Field Type"] in {"dropdown", "radio", "checkbox"})
        codes = [one.split(", ", 1)[0] for one in choices.split(" | ")] if choices else []
        assert len(codes) == len(set(codes))


def resources(path: Path) -> dict[str, list[dict[str, Any]]]:
    """By patient the resources of a Bundle; every reference leads to an entry of it."""
    found = {}
    for line in path.read_bytes().splitlines():
        bundle = orjson.loads(line)
        assert (bundle["resourceType"], bundle["type"]) == ("Bundle", "collection")
        urls = [one["fullUrl"] for one in bundle["entry"]]
        assert len(urls) == len(set(urls))
        held = [one["resource"] for one in bundle["entry"]]
        for one in held:
            told = [one.get("subject"), *one.get("focus", []), *one.get("reasonReference", [])]
            assert all(each["reference"] in urls for each in told if each)
        found[held[0]["identifier"][0]["value"]] = held
    return found


def test_another_library_reads_the_bundles_of_mcode(made: Kept, tmp_path: Path) -> None:
    """fhir.resources holds every element to FHIR R4B, of which R4 differs in no resource that is written here."""
    export.export(made, "mcode", tmp_path / "all.ndjson")
    read = [Bundle.model_validate_json(line) for line in (tmp_path / "all.ndjson").read_text("utf-8").splitlines()]
    assert [one.type for one in read] == ["collection"] * len(PATIENTS)
    patients = {type(one.entry[0].resource).__name__ for one in read}
    assert patients == {"Patient"}


def test_redcap_takes_every_name_and_choice_of_the_liver(tmp_path: Path) -> None:
    """REDCap's rules: names of small letters, once, not ending in `_` nor with `__`; `code, name` with codes once."""
    made = lib.kept(tmp_path)
    export.export(replace(made, pack=load("liver")), "redcap", tmp_path / "liver.csv")
    with (tmp_path / "liver.csv").open(encoding="utf-8-sig", newline="") as stream:
        fields = list(csv.DictReader(stream))
    names = [one["Variable / Field Name"] for one in fields]
    assert len(names) > 900
    assert len(set(names)) == len(names)
    assert not [one for one in names if not re.fullmatch(r"[a-z](?!.*__)[a-z0-9_]*[a-z0-9]", one) or len(one) > 100]
    for one in fields:
        told = one["Choices, Calculations, OR Slider Labels"]
        if one["Field Type"] in {"radio", "dropdown", "checkbox"}:
            codes = [choice.split(",", 1)[0].strip() for choice in told.split("|")]
            assert all("," in choice for choice in told.split("|")), one
            assert all(re.fullmatch(r"[A-Za-z0-9_.+-]+", code) for code in codes), one
            assert len({code.lower() for code in codes}) == len(codes), one  # exports name checkboxes in small letters


def test_bundles_of_mcode_have_every_patient_and_what_the_pack_marks(made: Kept, tmp_path: Path) -> None:
    export.export(made, "mcode", tmp_path / "all.ndjson")
    found = resources(tmp_path / "all.ndjson")
    assert set(found) == PATIENTS
    patient, condition = found["3"][:2]
    assert patient["meta"]["profile"] == ["http://hl7.org/fhir/us/mcode/StructureDefinition/mcode-cancer-patient"]
    assert (patient["gender"], patient["birthDate"], patient["deceasedDateTime"]) == (
        "male",
        "1950-06-15",
        "2021-04-05",
    )
    assert (condition["resourceType"], condition["onsetDateTime"]) == ("Condition", "2020-03-01")
    values = {one["code"]["text"]: one for one in found["1"][2:]}
    assert values["albumin"]["valueQuantity"]["value"] == 31.0
    assert values["albumin"]["valueQuantity"]["code"] == "g/L"
    assert values["stage group"]["valueCodeableConcept"]["coding"][0]["code"] == "A"
    assert values["stage group"]["effectiveDateTime"] == "2020-03-02"
    assert "risks" not in values  # not marked in the pack


def test_items_of_the_table_of_profiles_are_those_of_the_packs() -> None:
    pack = load("liver")
    for name, row in export.mcode.profiles().items():
        assert any("mCODE" in said for said in pack.items[name].references)
        assert row["profile"].startswith("mcode-")
        assert bool(row["code"]) == (row["resource"] == "Observation")


@pytest.mark.parametrize(
    ("form", "name", "said"),
    [
        ("fhir", "a.ndjson", "'fhir' is no form of an export. Name one of: cbioportal, redcap, mcode."),
        ("redcap", "a.xlsx", "a.xlsx does not end in .csv."),
        ("mcode", "a.json", "a.json does not end in .ndjson."),
    ],
)
def test_what_cannot_be_exported_is_said_before_anything_is_built(
    tmp_path: Path, form: str, name: str, said: str
) -> None:
    with pytest.raises(UsageError) as told:
        export.check(form, tmp_path / name)
    assert said in str(told.value)
