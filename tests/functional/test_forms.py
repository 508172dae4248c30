"""Forms whose columns are items fill a registry: the mapping pack of docs/how-to/make-a-registry.md, through ingest."""

import csv
import re
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pytest
from openpyxl import Workbook

from isthmus.flow.ingest import ingest
from isthmus.flow.workspace import Feed, Site
from isthmus.gate.session import open_session
from isthmus.research.registries.build import build
from isthmus.research.registries.pack import load
from lib import workspace as lib
from lib.tree import ROOT

TEXT = (ROOT / "docs" / "how-to" / "make-a-registry.md").read_text(encoding="utf-8")
LIVER_CANCER = 201519
PATIENTS = """patient,born,sex,diagnosed
P1,1960-05-01,M,2022-03-01
P2,1971-01-20,F,2022-04-10
"""
FORMS = """record_id,form_date,smoking,afp,metastasis_sites___lung,metastasis_sites___bone
P1,2022-03-02,former,412.5,1,1
P2,2022-04-11,,,0,0
"""
OF_PATIENTS = {
    "pack.yaml": 'pack: his\nversion: "1"\nkeyspace: hospital\nformat: {kind: csv}\n',
    "patient.yaml": f"""
record: patient
source: {{files: ["patients.csv"]}}
key: patient
person: patient
into:
  - table: person
    set:
      year_of_birth: year(date(born))
      gender_concept_id: case sex when 'M' then 8507 else 8532 end
      person_source_value: patient
  - table: condition_occurrence
    set: {{condition_concept_id: "{LIVER_CANCER}", condition_start_date: date(diagnosed)}}
""",
}


def written(folder: Path) -> Path:
    """The mapping pack of the page."""
    for name, body in re.findall(r"```yaml\n# (liver-forms/\S+\.yaml)\n(.*?)```", TEXT, flags=re.DOTALL):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(body, encoding="utf-8")
    return folder / "liver-forms"


def put(folder: Path, files: dict[str, str]) -> Path:
    """Files in a folder."""
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def as_workbook(forms: Path, pack: Path) -> None:
    """The same form as a workbook, days as Excel keeps them, and the pack as the page says for one."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "answers"
    for at, row in enumerate(csv.reader(FORMS.splitlines())):
        sheet.append([datetime.fromisoformat(one) if at and column == 1 else one for column, one in enumerate(row)])
    book.save(forms / "liver_forms.xlsx")
    (forms / "liver_forms.csv").unlink()
    for path in pack.glob("*.yaml"):
        text = path.read_text(encoding="utf-8").replace("{kind: csv}", "{kind: xlsx}")
        text = text.replace('source: {files: ["liver_forms*.csv"]}', 'source: {files: ["*.xlsx"], kind: answers}')
        path.write_text(text.replace("liver_forms*.csv", "liver_forms*.xlsx"), encoding="utf-8")


@pytest.fixture(scope="module", params=["csv", "xlsx"])
def tables(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> dict[str, list[dict[str, object]]]:
    """The liver registry of two patients, each with a form."""
    folder = tmp_path_factory.mktemp("forms")
    exports, forms = put(folder / "his", {"patients.csv": PATIENTS}), put(folder / "forms", {"liver_forms.csv": FORMS})
    pack = written(folder / "packs")
    if request.param == "xlsx":
        as_workbook(forms, pack)
    opened = lib.start.new(folder / "ws", synthetic=True)
    feeds = (
        Feed("his", str(exports), str(put(folder / "packs" / "his", OF_PATIENTS))),
        Feed("forms", str(forms), str(pack)),
    )
    opened.keep_site(Site("east", "East", feeds))
    report = ingest(opened)
    assert not report.failed, report.failed
    pieces: dict[str, list[pa.Table]] = {}
    with open_session(opened.lake, synthetic=True).desk() as desk:
        build(desk, load("liver"), lambda name, one: pieces.setdefault(name, []).append(one))
    return {name: pa.concat_tables(each).to_pylist() for name, each in pieces.items()}


def test_a_form_fills_items_with_codes_numbers_and_several_answers(tables: dict[str, list[dict[str, object]]]) -> None:
    assert sorted(row["smoking"] or "" for row in tables["aetiology"]) == ["", "former"]
    assert sorted(row["afp"] or 0.0 for row in tables["laboratory"]) == [0.0, 412.5]
    assert sorted(row["metastasis_sites"] or "" for row in tables["imaging"]) == ["", "bone|lung"]


def test_what_a_form_filled_says_where_it_came_from(tables: dict[str, list[dict[str, object]]]) -> None:
    (value,) = [row for row in tables["value"] if row["item"] == "afp"]
    assert (value["site"], value["found_in"], value["unit"]) == ("east", "form", "ng/mL")
    assert value["part_id"] is not None
    assert not [row for row in tables["set_aside"] if row["item"] in {"afp", "smoking", "metastasis_sites"}]
