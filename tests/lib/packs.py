"""A pack written from one text: each file begins at a line `== NAME`."""

from pathlib import Path
from textwrap import dedent

PATIENTS = """
== patient.yaml
source: {files: ["patient*.csv"]}
key: id
person: id
into:
  - table: person
    set: {gender_concept_id: "8507", year_of_birth: "1960", person_source_value: id}
"""  # a record of a pack: the patients of a hospital that writes nothing but their numbers
BAY_LIS = """
== pack.yaml
pack: bay-lis
format: {kind: csv}
== patient.yaml
source: {files: ["patient*.csv"]}
key: 病人号
person: 病人号
into:
  - table: person
    set: {gender_concept_id: "8507", year_of_birth: "1960", person_source_value: 病人号}
== result.yaml
source: {files: ["result*.csv"]}
columns: {day: [报告时间]}
let: {reported: date(day)}
key: 序号
person: 病人号
into:
  - table: measurement
"""  # the beginning of a pack: a laboratory that writes Chinese headings, up to what a measurement is when


def write(root: Path, name: str, text: str) -> Path:
    """Write the files of a pack below `root`; returns its folder. `pack.yaml` is made if the text has none."""
    files = sections(text)
    files.setdefault("pack.yaml", f"pack: {name}\nderive: []\n")
    for file, body in files.items():
        path = root / name / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(body, encoding="utf-8")
    return root / name


def sections(text: str) -> dict[str, str]:
    """Names and contents of the files in a text."""
    files: dict[str, list[str]] = {}
    current: list[str] = []
    for line in dedent(text).strip("\n").splitlines():
        if line.startswith("== "):
            current = files.setdefault(line[3:].strip(), [])
        else:
            current.append(line)
    return {name: "\n".join(lines) + "\n" for name, lines in files.items()}
