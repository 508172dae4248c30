"""A small registry, written: three patients with stages, a measurement, a line of drugs and end points."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from isthmus.research.registries.build import build
from isthmus.research.registries.pack import load
from isthmus.research.registries.write import Writer, write_about
from isthmus.serving.registries.kept import Kept
from lib import cdm
from lib import registries as lib
from lib.registries import ALBUMIN, CANCER, DRUG, GRAM_PER_LITRE, MAN, STAGE, STAGE_A, STAGE_B, WOMAN, item

HEAD = lib.HEAD.replace('version: "1"', 'version: "7"') + (
    "  - {group: given, en: Drugs given, zh: 用药, row: event, anchor: given_date}\n"
)
MCODE = {"source": "mCODE STU4"}
ITEMS = {
    "person": [
        item("sex", "choice", "person gender", list="sex", **MCODE) | {"zh": "性别"},
        item("birth_date", "date", "person birth", **MCODE),
        item("death_date", "date", "death", **MCODE),
        item("stage", "choice", f"measurement {STAGE}", list="stage", **MCODE) | {"en": "stage group", "zh": "分期"},
        item("risks", "many", list="risks"),
    ],
    "laboratory": [item("albumin", "number", f"measurement {ALBUMIN}", unit="g/L", **MCODE) | {"zh": "白蛋白"}],
    "given": [
        item("given_date", "date", f"drug {DRUG} as date", pick="all", need="optional"),
        item("drug", "choice", f"drug {DRUG}", list="drug", window="0..0", **MCODE),
    ],
}
LISTS = f"""list,code,en,zh,concepts,texts
sex,female,female,女,{WOMAN},
sex,male,male,男,{MAN},
stage,A,stage A,A 期,{STAGE_A},
stage,B,stage B,B 期,{STAGE_B},
risks,smoke,smoking,吸烟,,
risks,drink,"alcohol, much",饮酒,,
drug,x,Drug X,药物 X,{DRUG},
"""
ENDPOINTS = """
follow_up: {death: [death_date], records: true}
os: {en: Overall survival, zh: 总生存期, about: From index to death., about_zh: 自索引日至死亡。, events: [death]}
"""
REPORT = """
patients: {table: baseline, en: Patients <at> diagnosis, zh: 基线, rows: [sex, albumin, risks], by: stage}
survival: {figure: survival, en: Survival by stage, zh: 生存曲线, endpoint: os, by: stage}
lines: {table: lines, en: Regimens, zh: 方案}
full: {table: completeness, en: Completeness, zh: 完整率, need: core}
"""
QUALITY = """rule,items,when,en,zh,mend_en,mend_zh,severity
low,albumin,albumin < 32,Albumin is low.,白蛋白偏低。,Look.,核对。,error
"""
FILES = {"lists_csv": LISTS, "endpoints_yaml": ENDPOINTS, "report_yaml": REPORT, "quality_csv": QUALITY,
         "lines_yaml": "item: drug\n",
         "regimens_csv": "regimen,en,zh,drugs,class,source\nX1,X alone,X 单药,x,,\n"}  # fmt: skip


def pack(folder: Path, **files: str) -> Path:
    """The pack, with other files where they are named."""
    return lib.write(folder, ITEMS, HEAD, **(FILES | files))


def kept(tmp_path: Path, **files: str) -> Kept:
    """The registry in a folder: 1 and 2 in stage A, 3 in B; 3 died after 400 days; 2 was given a drug."""
    read = load(pack(tmp_path / "tiny", **files))
    rows = [lib.measured(one, ALBUMIN, "2020-03-01", 30.0 + one, GRAM_PER_LITRE, measurement_id=one) for one in (1, 2)]
    rows += [
        lib.measured(one, STAGE, "2020-03-02", None, value_as_concept_id=concept, measurement_id=10 + one)
        for one, concept in ((1, STAGE_A), (2, STAGE_A), (3, STAGE_B))
    ]  # fmt: skip
    told = [lib.observed(1, 0, "2020-03-01", observation_source_value="tiny:risks", value_as_string="smoke"),
            lib.observed(1, 0, "2020-03-01", observation_source_value="tiny:risks", value_as_string="drink",
                         observation_id=2)]  # fmt: skip
    drugs = [{"drug_exposure_id": 1, "person_id": 2, "drug_concept_id": DRUG, "site": "h1",
              "drug_exposure_start_date": "2020-03-11", "drug_exposure_end_date": "2020-03-20",
              "drug_type_concept_id": 32817}]  # fmt: skip
    died = [{"person_id": 3, "death_date": "2021-04-05", "death_type_concept_id": 32817, "site": "h1"}]
    data = lib.tables((1, 2, 3), measurement=rows, observation=told, drug_exposure=drugs, death=died)
    data["person"][2]["gender_concept_id"] = MAN
    assert CANCER in {row["concept_id"] for row in data["concept"]}
    folder = tmp_path / "out"
    with cdm.desk(tmp_path, data) as desk, Writer(folder) as writer:
        built = build(desk, read, writer)
    about = {"registry": read.name, "version": read.version, "edition": 4, "digest": read.digest,
             "edition_digest": "abc", "patients": built.patients, "cases": built.cases}  # fmt: skip
    write_about(folder, read, about)
    return Kept(folder, read, about, synthetic=True)


def put(path: Path, table: pa.Table) -> None:
    """Write a table in the place of one that was there."""
    pq.write_table(table, path)
