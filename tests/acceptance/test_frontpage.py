"""The Chinese front page (住院病案首页) and Chinese files as hospitals write them.

Sources, all in the outside data: `cn/hqms_src` (the fields of the national upload, as two hospital systems name them);
`cn/opendrg_chs11` (ICD-10 and ICD-9-CM-3 of the insurance, 医保版); `cn/diagnosis_terms` (ICD-10 of Beijing, v6.01);
`ohdsi/concepts-seen.parquet`, `ohdsi/gibleed` and Synthea27Nj for concepts.
"""

import csv
import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from tests.lib.workspace import loaded, rows

from isthmus.intake import formats
from isthmus.intake.record import Batch, Format, Part
from isthmus.mapping import pack as packs

pytestmark = pytest.mark.acceptance
STAY = {
    "A48": "7",
    "A49": "1",
    "A12C": "2",
    "A13": "1950-02-03",
    "B12": "2024-03-01 08:00:00",
    "B15": "2024-03-09 08:00:00",
}


def table(path: Path) -> list[dict[str, str]]:
    """A CSV file in UTF-8."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def fields(outside: Path) -> list[dict[str, str]]:
    """The outside list of fields."""
    return table(outside / "cn" / "hqms_src" / "hqms_fields_from_code.csv")


def value(code: str, kind: str) -> str:
    """Something that may stand in a field of this kind."""
    if code in STAY:
        return STAY[code]
    if code.startswith(("C16", "C37")) or kind == "DateTime":
        return "2024-03-02 10:00:00"
    if kind in ("int", "decimal"):
        return "12"
    if code.startswith(("C14", "C35")):
        return f"50.22{code[-3:-1]}"
    return f"C22.0{code[-3:-1]}" if code.startswith(("C03", "C06", "C01C")) else f"值{code}"


def file_of(folder: Path, name: str, header: Sequence[str], lines: Sequence[Sequence[str]], encoding: str) -> Path:
    """A CSV file."""
    folder.mkdir(parents=True, exist_ok=True)
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows([header, *lines])
    (folder / name).write_bytes(text.getvalue().encode(encoding))
    return folder


def test_all_642_fields_are_known(fields: list[dict[str, str]]) -> None:
    """Every outside field stands in the pack's list under its code and name, with what becomes of it."""
    ours = {row["code"]: row for row in table(packs.SHIPPED / "hqms" / "fields.csv")}
    assert len(fields) == len(ours) == 642
    for field in fields:
        known = ours[field["field"]]
        assert known["name"] == field["name"]
        assert known["use"] == "read" or known["use"].startswith("kept: ")


@pytest.mark.parametrize(("naming", "encoding"), [("field", "gb18030"), ("name", "gb18030"), ("name", "utf-8-sig")])
def test_a_page_with_every_field_is_mapped(
    fields: list[dict[str, str]], tmp_path: Path, naming: str, encoding: str
) -> None:
    """Headers in codes and in Chinese: 41 discharge diagnoses, 41 procedures, all fee items; GB18030 and UTF-8."""
    header = [field[naming] for field in fields]
    line = [value(field["field"], field["dotnet_type"]) for field in fields]
    folder = file_of(tmp_path / "in", "病案首页_2024.csv", header, [line], encoding)
    opened, report = loaded(tmp_path, {"front": (folder, "hqms")})
    assert report.accounts[("h01", "front")] == [{"frontpage": {"mapped": 1}}]
    conditions = rows(opened, "condition_occurrence")
    assert len([row for row in conditions if row["condition_status_concept_id"] in (32903, 32896)]) == 41
    assert all(row["condition_source_value"].split(":")[0] in ("icd10-cn", "icd-o") for row in conditions)
    procedures = rows(opened, "procedure_occurrence")
    assert len(procedures) == 41
    assert all(row["procedure_source_value"].startswith("icd9cm3-cn:50.22") for row in procedures)
    assert {row["procedure_concept_id"] for row in procedures} <= {4322818, 46270641, 4067461, 4069129}
    assert len(rows(opened, "cost")) == 1 + len([field for field in fields if field["field"] > "D1"])
    assert rows(opened, "person")[0]["person_source_value"] == "7"


@pytest.mark.parametrize(
    ("edition", "listed", "column"),
    [
        ("icd10-cn", "cn/opendrg_chs11/tables/icd10_yb.csv", "icd"),
        ("icd10-bj", "cn/diagnosis_terms/icd10_beijing_v601.csv", "code"),
    ],
)
def test_codes_of_both_editions(outside: Path, tmp_path: Path, edition: str, listed: str, column: str) -> None:
    """Every code of an edition reaches the CDM with its edition; all primary liver diagnoses have a concept."""
    codes = [row[column] for row in table(outside / listed)]
    pack = tmp_path / "ours"
    pack.mkdir()
    (pack / "pack.yaml").write_text(f"pack: ours\nextends: hqms\nlet: {{edition: \"'{edition}'\"}}\n")
    others = [f"C06x{number:02}C" for number in range(1, 41)]
    pages = [codes[start : start + 40] for start in range(0, len(codes), 40)]
    lines = [
        [str(number), *list(STAY.values())[1:], *page, *[""] * (40 - len(page))] for number, page in enumerate(pages)
    ]
    folder = file_of(tmp_path / "in", "hqms.csv", [*STAY, *others], lines, "gb18030")
    opened, _ = loaded(tmp_path, {"front": (folder, pack)})
    found = rows(opened, "condition_occurrence")
    assert sorted(row["condition_source_value"] for row in found) == sorted(f"{edition}:{code}" for code in codes)
    liver = ("C22", "B18", "K70", "K71", "K72", "K73", "K74", "I85.0", "I85.9", "I81", "K76.0", "K76.6", "K76.7", "R18")
    unmapped = [
        row
        for row in found
        if row["condition_source_value"].split(":")[1].startswith(liver) and not row["condition_concept_id"]
    ]
    assert [row["condition_source_value"] for row in unmapped] == []


def concepts(outside: Path) -> dict[int, tuple[str, str | None]]:
    """Domain and standard flag of every concept that outside vocabularies show."""
    archive = zipfile.ZipFile(next((outside / "ohdsi" / "EunomiaDatasets").glob("*Parquet_5.4.zip")))
    synthea = io.BytesIO(archive.read("Synthea27NjParquet/concept.parquet"))
    found: dict[int, tuple[str, str | None]] = {}
    for source in (
        synthea,
        outside / "ohdsi" / "gibleed" / "concept.parquet",
        outside / "ohdsi" / "concepts-seen.parquet",
    ):
        seen = pq.read_table(source, columns=["concept_id", "domain_id", "standard_concept"]).to_pylist()
        found |= {int(row["concept_id"]): (row["domain_id"], row["standard_concept"]) for row in seen}
    return found


@pytest.mark.parametrize(("pack", "domains"), [("hqms", {"icd10": "Condition", "icd9": "Procedure"}), ("hl7v2", {})])
def test_concepts_of_the_code_lists_are_real(outside: Path, pack: str, domains: Mapping[str, str]) -> None:
    """Each concept id of a diagnosis or procedure list is a standard concept of the right domain; others exist."""
    known = concepts(outside)
    for name, codes in packs.load(pack).codes.items():
        wanted = next((domain for begin, domain in domains.items() if name.startswith(begin)), None)
        for row in codes:
            concept = int(row.get("concept_id") or 0)
            if concept and wanted:
                assert known[concept] == (wanted, "S"), (name, row["code"])
    sizes = {name: len(codes) for name, codes in packs.load("hqms").codes.items()}
    assert sizes["icd10"] + sizes["icd10-cn"] >= 150


# Six tables of another project are called GB2312: five are GB18030 and one is UTF-8; a seventh, without a hint in its
# name, is GB18030. Those tables are not among the outside data; these have the same contradictions.
MISNAMED = (
    ("1_ICD_GB2312.csv", "icd10_yb.csv", "gb18030"),
    ("2_MDC_to_ADRG_GB2312.csv", "mdc_code_lists.csv", "utf-8"),
    ("3_CC_GB2312.csv", "cc.csv", "gb18030"),
    ("4_MCC_GB2312.csv", "mcc.csv", "gb18030"),
    ("5_DRG_GB2312.csv", "drg.csv", "gb18030"),
    ("6_ICD9_GB2312.csv", "icd9_yb.csv", "gb18030"),
    ("1_5_ICD_to_MDC.csv", "adrg_code_lists.csv", "gb18030"),
)


@pytest.mark.parametrize(("name", "source", "encoding"), MISNAMED)
def test_files_are_read_by_content_not_by_name(outside: Path, name: str, source: str, encoding: str) -> None:
    """No replacement character, every value as it is; 㐂 and 𠮷 are outside of GB2312, and of GBK."""
    text = (outside / "cn" / "opendrg_chs11" / "tables" / source).read_text(encoding="utf-8-sig")
    header, *lines = list(csv.reader(io.StringIO(text)))
    lines.append(["㐂𠮷", *[""] * (len(header) - 1)])
    written = io.StringIO()
    csv.writer(written).writerows([header, *lines])
    data = written.getvalue().encode(encoding)
    part = Part(name, lambda: io.BytesIO(data), len(data))
    read: list[list[str]] = []
    for item in formats.read(part, Format("csv", {})):
        assert isinstance(item, Batch)
        columns = [item.rows[column].to_pylist() for column in item.rows.column_names if column != "_place"]
        read += [[cell or "" for cell in row] for row in zip(*columns, strict=True)]
    assert read == lines
    assert not any("\ufffd" in cell for row in read for cell in row)
