"""What simulated notes state, against what was read in them, item by item.

The truth is `truth/liver.parquet`: the patient as he was at diagnosis. Which items a kind of note states is a fact of
the simulation, listed in `STATED`; in which words it states them is not looked at here. A note's findings of an item
are brought to one value (`READ`); an item that the truth says is absent is right when nothing present was found.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from isthmus.base.identity import digest63
from isthmus.cdm.questions import QUESTIONS
from isthmus.cdm.starter import BY_TEXT
from isthmus.flow.lists import Waiting
from isthmus.gate.session import Session

Finding = Mapping[str, Any]
"""At least `code`, `finding`, `value`, `number`, `negated` and `family`."""
CAUSES = {"hepatitis_b": "hbv", "hepatitis_c": "hcv", "fatty_liver": "nafld"}
STATED = {
    "入院记录": ("bclc", "cnlc", "child_pugh_class", "points", "ecog", "ascites", "cause"),
    "影像报告": ("number", "size", "vascular", "spread"),
    "病理报告": ("size", "microvascular", "margin", "ki67"),
    "手术记录": ("number", "size", "resection", "blood_loss"),
    "介入记录": ("number", "size", "tace", "epirubicin"),
}
ALWAYS = {"margin": "negative", "ki67": 20.0, "resection": True, "blood_loss": 300.0, "tace": True, "epirubicin": 30.0}
DAMAGED = {"mojibake": "undecodable", "ragged-line": "wrong-width"}
DOMAINS = ("condition_occurrence", "drug_exposure", "procedure_occurrence", "measurement", "observation")
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


@dataclass(frozen=True, slots=True)
class Note:
    """A note of a kind, the truth about its patient, and what was found in it."""

    kind: str
    truth: Mapping[str, Any]
    findings: Sequence[Finding]


def compared(notes: Iterable[Note]) -> list[Row]:
    """Precision and recall of every item in every kind of note that states it."""
    rows = {(kind, item): Row(kind, item) for kind, items in STATED.items() for item in items}
    for note in notes:
        for item in STATED[note.kind]:
            _count(rows[note.kind, item], _truth(item, note.truth), READ[item](note.findings))
    return list(rows.values())


def summed(rows: Iterable[Row]) -> list[Row]:
    """The rows of one item together, whatever the kind of note."""
    items: dict[str, Row] = {}
    for row in rows:
        one = items.setdefault(row.item, Row("", row.item))
        one.told, one.found, one.right = one.told + row.told, one.found + row.found, one.right + row.right
    return list(items.values())


def in_lake(session: Session, truth: Path) -> list[Note]:
    """The notes of an edition whose patients the truth knows, with their rows of `note_nlp`."""
    people = pq.read_table(truth / "liver.parquet").to_pylist()
    known = {digest63(one["site"], one["keyspace"], "person", one["person_key"]): one for one in people}
    note, nlp = QUESTIONS["note"], QUESTIONS["note_nlp"]
    found: dict[int, list[Finding]] = defaultdict(list)
    asked = nlp.select(nlp.note_id, nlp.offset, nlp.term_modifiers)
    for row in sorted(session.ask(asked).to_pylist(), key=lambda row: (row["note_id"], int(row["offset"]))):
        found[row["note_id"]].append(_finding(row["term_modifiers"] or ""))
    listed = session.ask(note.select(note.note_id, note.person_id, note.note_title)).to_pylist()
    return [
        Note(row["note_title"], known[row["person_id"]], found[row["note_id"]])
        for row in listed
        if row["person_id"] in known and row["note_title"] in STATED
    ]


def damaged(waiting: Iterable[Waiting], truth: Path) -> list[Row]:
    """Lines whose bytes are no text, or that have a field too many: planted, and in quarantine for that reason."""
    errors = pq.read_table(truth / "errors.parquet", columns=["site", "kind"]).to_pylist()
    listed, rows = list(waiting), []
    for kind, reason in DAMAGED.items():
        told = Counter(one["site"] for one in errors if one["kind"] == kind)
        found: Counter[str] = Counter()
        for one in listed:
            found[one.site] += one.records if one.reason.startswith(reason) else 0
        rows.append(Row("", kind, told.total(), found.total(), (told & found).total()))
    return rows


def rows_by_text(session: Session) -> dict[str, int]:
    """How many rows of each domain table were read from texts."""
    counts = {}
    for name in DOMAINS:
        table = QUESTIONS[name]
        kind = next(one for one in table.columns if one.endswith("_type_concept_id"))
        chosen = table.filter(table[kind] == BY_TEXT)
        counted = session.ask(chosen.aggregate(rows=chosen.count()))
        counts[name] = int(counted["rows"][0].as_py())
    return counts


def _finding(modifiers: str) -> Finding:
    """What `term_modifiers` says, as a finding."""
    said = dict(part.partition("=")[::2] for part in modifiers.split(";") if "=" in part)
    number = said.get("number")
    of_a_term, _, term = said.get("rule", "").partition(":")
    code = said.get("finding") if of_a_term in ("rule", "size") else term
    return {
        "code": code, "finding": said.get("finding"), "value": said.get("value"),
        "number": float(number) if number else None, "negated": "negated" in said, "family": "family" in said,
    }  # fmt: skip


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
