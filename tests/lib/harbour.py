"""Harbour hospital: a small hospital of our own making, whose two systems deliver twice.

The HIS writes GB18030 with Chinese headers; the laboratory writes UTF-8 with pinyin initials. The second delivery
corrects some results under the same number (a newer version), repeats others byte for byte, sends a late older version,
and writes some diagnoses anew under a number that was used before, which is a conflict.
"""

import random
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from lib import packs

HIS = """
== pack.yaml
pack: harbour-his
keyspace: hospital
format: {kind: csv, encoding: gb18030}
order: [department, patient, visit]
== department.yaml
source: {files: ["科室*.csv"]}
key: 科室代码
into:
  - table: reference
    set: {key: 科室代码, name: 科室名称}
== patient.yaml
source: {files: ["病人*.csv"]}
key: 病人ID
version: datetime(更新时间)
person: 病人ID
into:
  - table: person
    set:
      gender_concept_id: concept(性别, 'sex')
      gender_source_value: 性别
      year_of_birth: year(date(出生日期))
      person_source_value: 病人ID
== visit.yaml
source: {files: ["就诊*.csv"]}
key: 就诊号
version: datetime(更新时间)
person: 病人ID
into:
  - table: visit_occurrence
    set:
      visit_concept_id: "9201"
      visit_start_date: date(入院时间)
      visit_start_datetime: datetime(入院时间)
      visit_end_date: date(出院时间)
      visit_end_datetime: datetime(出院时间)
      visit_source_value: 就诊号
      discharged_to_source_value: look('department', 科室代码, 'name')
== diagnosis.yaml
source: {files: ["诊断*.csv"]}
key: 诊断号
person: 病人ID
into:
  - table: condition_occurrence
    set:
      condition_start_date: date(诊断日期)
      condition_concept_id: concept(诊断编码, 'diagnosis')
      condition_source_value: 诊断编码
      visit_occurrence_id: id('visit_occurrence', 就诊号)
== codes/sex.csv
code,name,concept_id
男,male,8507
女,female,8532
== codes/diagnosis.csv
code,name,concept_id
C22.0,liver cell carcinoma,4001171
K74.6,cirrhosis,4064161
"""

LIS = """
== pack.yaml
pack: harbour-lis
keyspace: hospital
derive: []
== lab.yaml
source: {files: ["LIS*.csv"]}
optional: [CKFW]
key: JGXH
version: datetime(SHSJ)
person: BRID
let: {result: trim(JYJG)}
into:
  - table: measurement
    when: result is not null
    set:
      measurement_date: date(BGSJ)
      measurement_datetime: datetime(BGSJ)
      measurement_concept_id: concept(JYXMDM, 'lab')
      measurement_source_value: JYXMDM
      value_as_number: number(result)
      operator_concept_id: comparator(result)
      value_source_value: result
      unit_source_value: DW
      visit_occurrence_id: id('visit_occurrence', JZH)
== codes/lab.csv
code,name,concept_id
AFP,alpha fetoprotein,3009306
ALB,albumin,3024561
"""

LABS = (("AFP", "ng/mL"), ("ALB", "g/L"), ("XYZ", "U/L"))
HIS_FILES = {
    "科室": ("科室代码", "科室名称"),
    "病人": ("病人ID", "性别", "出生日期", "更新时间"),
    "就诊": ("就诊号", "病人ID", "入院时间", "出院时间", "科室代码", "更新时间"),
    "诊断": ("诊断号", "病人ID", "就诊号", "诊断编码", "诊断日期"),
}
LIS_FILE = ("JGXH", "BRID", "JZH", "JYXMDM", "JYJG", "DW", "BGSJ", "SHSJ", "CKFW")
Rows = list[list[str]]


def write_packs(root: Path) -> dict[str, Path]:
    """The hospital's two packs below `root`, by feed."""
    return {"his": packs.write(root, "harbour-his", HIS), "lis": packs.write(root, "harbour-lis", LIS)}


def feeds(root: Path, folder: Path) -> dict[str, tuple[Path, Path]]:
    """Its feeds, reading from the folders below `folder`; the packs are written below `root`."""
    return {name: (folder / name, pack) for name, pack in write_packs(root).items()}


def deliver(folder: Path, *, number: int, patients: int = 20, seed: int = 1) -> list[Path]:
    """Write the first or the second delivery of both systems; returns the files."""
    tables = first(patients, seed) if number == 1 else second(patients, seed)
    written = []
    for name, rows in tables.items():
        header = HIS_FILES.get(name, LIS_FILE)
        feed, encoding = ("his", "gb18030") if name in HIS_FILES else ("lis", "utf-8")
        written.append(write_csv(folder / feed / f"{name}_{number}.csv", [header, *rows], encoding=encoding))
    return written


def write_csv(path: Path, rows: Iterable[Sequence[str]], *, encoding: str = "utf-8") -> Path:
    """A CSV file, its folder made if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(",".join(row) + "\r\n" for row in rows).encode(encoding))
    return path


def first(patients: int, seed: int) -> dict[str, Rows]:
    """Rows of the first delivery by file."""
    chance = random.Random(seed)
    tables: dict[str, Rows] = {
        "科室": [["01", "肝胆外科"], ["02", "介入科"]],
        "病人": [],
        "就诊": [],
        "诊断": [],
        "LIS": [],
    }
    for number in range(patients):
        person = f"P{number:05}"
        born = f"19{chance.randint(30, 89)}-0{chance.randint(1, 9)}-1{chance.randint(0, 9)}"
        tables["病人"].append([person, chance.choice("男女"), born, "2024-01-01 08:00:00"])
        for visit in range(chance.randint(1, 3)):
            first = datetime(2024, 1, 1)  # noqa: DTZ001 - local time of a site, as exports write it
            begins = first + timedelta(days=chance.randint(0, 300), minutes=chance.randint(0, 1400))
            ends = begins + timedelta(days=chance.randint(1, 20))
            key = f"V{number:05}-{visit}"
            tables["就诊"].append([key, person, str(begins), str(ends), chance.choice(("01", "02")), "2024-12-01"])
            code = chance.choice(("C22.0", "K74.6", "Z99"))
            tables["诊断"].append([f"D{key}", person, key, code, f"{begins:%Y%m%d}"])
            for result in range(chance.randint(1, 6)):
                item, unit = chance.choice(LABS)
                value = f"{chance.choice(('', '', '<'))}{chance.randint(1, 900) / 10}"
                day = begins + timedelta(hours=result)
                tables["LIS"].append([f"R{key}-{result}", person, key, item, value, unit, str(day), str(day), "1-20"])
    return tables


def second(patients: int, seed: int) -> dict[str, Rows]:
    """Rows of the second delivery: corrections, repeats, late older versions, conflicts and new patients."""
    chance = random.Random(seed + 1)
    before = first(patients, seed)
    results: Rows = []
    for row in before["LIS"]:
        kind = chance.random()
        if kind < 0.2:  # a corrected result, signed two days later
            signed = datetime.fromisoformat(row[7]) + timedelta(days=2)
            results.append([*row[:4], "77.7", *row[5:7], str(signed), row[8]])
        elif kind < 0.3:  # an older version that comes late
            signed = datetime.fromisoformat(row[7]) - timedelta(days=2)
            results.append([*row[:4], "11.1", *row[5:7], str(signed), row[8]])
        elif kind < 0.6:  # the same again
            results.append(row)
    diagnoses = [[*row[:3], "K74.6", row[4]] for row in before["诊断"] if chance.random() < 0.2]
    people = [[*row[:3], "2024-06-01 08:00:00"] for row in before["病人"] if chance.random() < 0.3]
    more = first(patients + max(patients // 4, 1), seed)
    fresh = {f"P{number:05}" for number in range(patients, patients + max(patients // 4, 1))}
    return {
        "病人": [*people, *(row for row in more["病人"] if row[0] in fresh)],
        "就诊": [row for row in more["就诊"] if row[1] in fresh],
        "诊断": [*diagnoses, *(row for row in more["诊断"] if row[1] in fresh)],
        "LIS": [*results, *(row for row in more["LIS"] if row[1] in fresh)],
    }
