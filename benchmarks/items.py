"""What simulated notes state, against what the rule layer finds in them, item by item.

The truth is `truth/liver.parquet`: the patient as he was at diagnosis. Which items a kind of note states is a fact of
the simulation, listed in `STATED`; in which words it states them is not looked at here. A note's findings of an item
are brought to one value (`READ`); an item that the truth says is absent is right when nothing present was found.
"""

import csv
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from isthmus.mapping.text.structure import structure
from isthmus.simulation import simulate

Finding = Mapping[str, Any]
CAUSES = {"hepatitis_b": "hbv", "hepatitis_c": "hcv", "fatty_liver": "nafld"}
STATED = {
    "入院记录": ("bclc", "cnlc", "child_pugh_class", "points", "ecog", "ascites", "cause"),
    "影像报告": ("number", "size", "vascular", "spread"),
    "病理报告": ("size", "microvascular", "margin", "ki67"),
    "手术记录": ("number", "size", "resection", "blood_loss"),
    "介入记录": ("number", "size", "tace", "epirubicin"),
}
ALWAYS = {"margin": "negative", "ki67": 20.0, "resection": True, "blood_loss": 300.0, "tace": True, "epirubicin": 30.0}
ASCITES = {0.0: False, 1.0: "mild", 2.0: "severe"}


@dataclass(slots=True)
class Row:
    """One item in one kind of note: how often the truth has it, how often it was found, how often rightly."""

    note: str
    item: str
    told: int = 0
    found: int = 0
    right: int = 0

    @property
    def precision(self) -> float:
        """Right among found; 1 where nothing was found."""
        return self.right / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        """Right among told; 1 where nothing was told."""
        return self.right / self.told if self.told else 1.0


@dataclass(slots=True)
class Notes:
    """Notes with the truth of their patients."""

    kind: list[str] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    truth: list[Mapping[str, Any]] = field(default_factory=list)


def simulated(folder: Path, patients: int) -> None:
    """Make a simulation of four hospitals."""
    simulate(folder, sites=4, patients=patients, seed=7)


def read(folder: Path) -> Notes:
    """Every note that can be read and whose patient the truth knows."""
    people = pq.read_table(folder / "truth" / "liver.parquet").to_pylist()
    known = {(one["site"], one["person_key"]): one for one in people}
    notes = Notes()
    for path in sorted(folder.glob("exports/*/emr/*.csv")):
        site = path.parts[-3]
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
            for row in csv.DictReader(lines):
                truth = known.get((site, row["病人ID"] or ""))
                if truth is not None and row["文书类型"] in STATED and row["文书内容"]:
                    notes.kind.append(row["文书类型"])
                    notes.text.append(row["文书内容"])
                    notes.truth.append(truth)
    return notes


def compared(folder: Path) -> list[Row]:
    """Precision and recall of every item in every kind of note that states it."""
    notes = read(folder)
    batches = structure(pa.array(range(len(notes.text)), pa.int64()), pa.array(notes.text, pa.string()))
    found: dict[int, list[Finding]] = defaultdict(list)
    for one in pa.Table.from_batches(batches).to_pylist():
        found[one["note_id"]].append(one)
    rows = {(kind, item): Row(kind, item) for kind, items in STATED.items() for item in items}
    for number, kind in enumerate(notes.kind):
        for item in STATED[kind]:
            _count(rows[kind, item], _truth(item, notes.truth[number]), READ[item](found[number]))
    return list(rows.values())


def _count(row: Row, truth: object, guess: object) -> None:
    told, found = (value is not None and value is not False for value in (truth, guess))
    row.told += told
    row.found += found
    row.right += told and found and truth == guess


def _truth(item: str, truth: Mapping[str, Any]) -> object:
    if item in ALWAYS:
        return ALWAYS[item]
    if item == "microvascular":
        return "M1" if truth["vascular"] else "M0"
    if item == "ascites":
        return ASCITES[truth["ascites"]]
    if item in {"vascular", "spread"}:
        return bool(truth[item])
    if item == "cause":
        return None if truth[item] == "alcohol" else truth[item]
    return truth[item]


def _of(findings: Sequence[Finding], code: str) -> Iterator[Finding]:
    return (one for one in findings if one["code"] == code and not one["family"] and not one["negated"])


def _value(code: str) -> Callable[[Sequence[Finding]], object]:
    return lambda findings: next((one["value"] for one in _of(findings, code)), None)


def _number(code: str) -> Callable[[Sequence[Finding]], object]:
    return lambda findings: next((one["number"] for one in _of(findings, code) if one["number"] is not None), None)


def _present(finding: str) -> Callable[[Sequence[Finding]], object]:
    return lambda findings: any(one["finding"] == finding and not one["negated"] for one in findings)


def _has(code: str) -> Callable[[Sequence[Finding]], object]:
    return lambda findings: any(True for _ in _of(findings, code))


def _largest(findings: Sequence[Finding]) -> object:
    return max((one["number"] for one in _of(findings, "tumour_size")), default=None)


def _count_of_tumours(findings: Sequence[Finding]) -> object:
    counted = _number("tumour_number")(findings)
    return 1.0 if counted is None and _value("tumour_multiplicity")(findings) == "single" else counted


def _cause(findings: Sequence[Finding]) -> object:
    return next((CAUSES[one["code"]] for one in findings if one["code"] in CAUSES and not one["negated"]), None)


def _ascites(findings: Sequence[Finding]) -> object:
    degree = _value("ascites_degree")(findings)
    return degree if degree not in (None, "none") else _has("ascites")(findings)


READ: Mapping[str, Callable[[Sequence[Finding]], object]] = {
    "bclc": _value("bclc"), "cnlc": _value("cnlc"), "child_pugh_class": _value("child_pugh_class"),
    "points": _number("child_pugh_points"), "ecog": _number("ecog"), "ascites": _ascites, "cause": _cause,
    "number": _count_of_tumours, "size": _largest, "vascular": _present("vascular_invasion"),
    "spread": _present("metastasis"), "microvascular": _value("mvi_grade"), "margin": _value("margin_status"),
    "ki67": _number("ki67"), "resection": _has("liver_resection"), "blood_loss": _number("blood_loss"),
    "tace": _has("tace"), "epirubicin": _number("epirubicin"),
}  # fmt: skip
