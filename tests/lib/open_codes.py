"""A hospital with thirty open codes, of which most have a name that the starter vocabulary knows."""

from pathlib import Path

from isthmus.cdm.starter import starter
from isthmus.flow.workspace import Workspace
from lib import packs
from lib.command import run
from lib.copies import copied
from lib.harbour import write_csv
from lib.workspace import made, rows

PACK = (
    """
== pack.yaml
pack: bay-his
format: {kind: csv}
"""
    + packs.PATIENTS
    + """
== diagnosis.yaml
source: {files: ["diagnosis*.csv"]}
key: number
person: id
into:
  - table: condition_occurrence
    set:
      condition_start_date: date(day)
      condition_concept_id: concept(code, 'diagnosis', name)
      condition_source_value: code
== codes/diagnosis.csv
code,name,concept_id
K76,fatty liver,4059290
"""
)
CODES = 30
UNCLEAR = 6  # of them, names that nobody knows


def _names() -> list[tuple[str, str, int]]:
    """Code, name and right concept (0: none) of each open code: names of the starter vocabulary, then nonsense."""
    table = starter()["concept"].to_pylist()
    known = [row for row in table if row["domain_id"] == "Condition" and row["standard_concept"] == "S"]
    by_name: dict[str, list[int]] = {}
    for row in known:
        by_name.setdefault(row["concept_name"].lower(), []).append(row["concept_id"])
    single = [(name, ids[0]) for name, ids in sorted(by_name.items()) if len(ids) == 1][: CODES - UNCLEAR]
    listed = [*single, *((f"zzz {number} qqq", 0) for number in range(UNCLEAR))]
    return [(f"D{number:02}", name, concept) for number, (name, concept) in enumerate(listed)]


NAMES = _names()


def hospital(root: Path) -> Workspace:
    """A hospital with 30 open codes; the first has most rows."""
    copied("open codes", _make, root)
    return Workspace(root / "ws")


def _make(root: Path) -> None:
    diagnoses, number = [], 0
    for place, (code, name, _) in enumerate(NAMES):
        for _ in range(CODES - place):
            number += 1
            diagnoses.append([str(number), f"P{number % 7}", code, f'"{name}"', "2024-03-05"])
    diagnoses.append(["9999", "P1", "K76", "fatty liver", "2024-03-05"])
    write_csv(root / "in" / "patient.csv", [["id"], *([f"P{at}"] for at in range(7))])
    write_csv(root / "in" / "diagnosis.csv", [["number", "id", "code", "name", "day"], *diagnoses])
    opened = made(root / "ws", {"his": (root / "in", packs.write(root / "packs", "bay-his", PACK))}, site="bay")
    assert run("ingest", opened.root, "--json").code == 0


def still_open(opened: Workspace) -> list[str]:
    """The codes of the work list, in its order."""
    listed = run("unmapped", opened.root, "--limit", "100", "--json")
    return [one["code"] for one in listed.document()]


def concepts(opened: Workspace) -> dict[str, set[int]]:
    """The concepts of each code in the lake."""
    found: dict[str, set[int]] = {}
    for row in rows(opened, "condition_occurrence"):
        found.setdefault(row["condition_source_value"], set()).add(row["condition_concept_id"])
    return found
