"""Findings as rows of the domain tables: what a note affirms of its patient, with the note's date, visit and place.

A finding with a concept goes to the table of the concept's domain. One that fills an item of the liver layer goes where
`lexicon/item.csv` says, its words turned into answers by `lexicon/answer.csv`. What is negated, uncertain, planned or
said of a relative makes no row. An earlier disease is an observation that it was; other things of the past stay in
`note_nlp`, for nothing tells their day. What one note says twice makes one row.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from io import StringIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from isthmus.base.errors import PackError
from isthmus.base.identity import digest63
from isthmus.cdm.starter import BY_TEXT, starter
from isthmus.cdm.tables import TABLES
from isthmus.cdm.units.concept import units
from isthmus.mapping.text.page import Ints, Mask
from isthmus.mapping.text.quantity import Floats

NLP_FIELD = 2_000_000_087
"""Ours, for `note_nlp.note_nlp_id`, as no concept of OMOP's names that field."""
EARLIER = 1340204
"""OMOP: history of an event, which `value_as_concept_id` names."""
OPERATORS = {"<": 4171756, ">": 4172704, "<=": 4171754, ">=": 4171755}
TABLE_OF = {
    "Condition": "condition_occurrence", "Drug": "drug_exposure", "Procedure": "procedure_occurrence",
    "Measurement": "measurement", "Observation": "observation",
}  # fmt: skip
KIND_DOMAIN = {"disease": "Condition", "symptom": "Condition", "drug": "Drug", "procedure": "Procedure",
               "test": "Measurement"}  # fmt: skip
TAKEN = ("part_id", "place", "mapping_id")
NOTES = ("note_id", "person_id", "note_date", "provider_id", "visit_occurrence_id", "visit_detail_id", *TAKEN)
"""The columns of notes that rows take over."""


@dataclass(frozen=True, slots=True)
class Item:
    """Where an item of the layer goes; of several in a note the first counts, or the `largest` number."""

    table: str
    concept_id: int
    largest: bool


def salt(table: str) -> int:
    """What a row's id differs by from that of its `note_nlp` row: ids of the two lead to each other."""
    return digest63("text", table)


def domain(findings: pa.Table, nlp_id: pa.Array, notes: pa.Table) -> Mapping[str, pa.Table]:
    """Rows by table, in the columns of the CDM and the provenance of the notes.

    `findings` has the schema `FINDING` in the order of notes and places, `nlp_id` the id of the `note_nlp` row of each,
    `notes` the columns `NOTES` of every note that the findings are of.
    """
    at = pc.index_in(findings["note_id"].combine_chunks(), value_set=notes["note_id"].combine_chunks())
    said = _Said(findings, nlp_id, np.asarray(at.to_numpy(zero_copy_only=False), dtype=np.int64), notes)
    made: dict[str, list[pa.Table]] = {}
    for table, rows, concept, answer in (*_entities(said), *_items(said)):
        if len(rows):
            made.setdefault(table, []).append(said.rows(table, rows, concept, answer))
    return {table: pa.concat_tables(parts) for table, parts in made.items()}


Part = tuple[str, Ints, Ints, Ints]
"""A table, the numbers of the findings that make rows of it, their concepts, and the concepts of their values."""


class _Said:
    """The findings of a batch of notes as columns."""

    def __init__(self, findings: pa.Table, nlp_id: pa.Array, note: Ints, notes: pa.Table) -> None:
        self.findings, self.nlp_id, self.note, self.notes = findings, nlp_id, note, notes
        self.concept = np.asarray(findings["concept_id"].to_numpy(), dtype=np.int64)
        self.words = {name: _words(findings[name]) for name in ("kind", "finding", "value", "temporal")}
        doubted = [_flags(findings[name]) for name in ("negated", "uncertain", "family")]
        self.affirmed: Mask = ~np.logical_or.reduce([*doubted, self.is_("temporal", "planned")])
        self.past: Mask = self.is_("temporal", "past")

    def is_(self, column: str, word: str) -> Mask:
        """Findings whose column reads a word."""
        codes, known = self.words[column]
        return np.asarray(codes == (known.index(word) if word in known else -2))

    def of(self, column: str, meaning: Mapping[str, int]) -> Ints:
        """A number for each finding by the word in a column; 0 where the word has none."""
        codes, known = self.words[column]
        return np.array([*(meaning.get(word, 0) for word in known), 0], dtype=np.int64)[codes]

    def once(self, rows: Ints, concept: Ints) -> Ints:
        """Which of the rows stay where a note says the same of the same concept again: the first."""
        number = np.nan_to_num(_numbers(self.findings["number"])[rows], nan=-1.0)
        value = self.words["value"][0][rows]
        keys = np.stack(
            [self.note[rows].astype(np.float64), concept.astype(np.float64), value.astype(np.float64), number]
        )
        return np.sort(np.unique(keys, axis=1, return_index=True)[1])

    def rows(self, table: str, rows: Ints, concept: Ints, answer: Ints) -> pa.Table:
        """Rows of a table: `rows` are numbers of findings, `concept` and `answer` stand beside them."""
        kept = self.once(rows, concept)
        rows, concept, answer = rows[kept], concept[kept], answer[kept]
        found = self.findings.take(pa.array(rows))
        notes = self.notes.take(pa.array(self.note[rows]))
        identity = np.asarray(self.nlp_id)[rows]
        values = {
            **{name: notes[name] for name in NOTES},
            **_event(table, pa.array(identity), pa.array(identity ^ salt(table)), notes["note_date"]),
            **_valued(table, found, pa.array(concept), pa.array(answer, mask=answer == 0)),
        }
        spec = TABLES[table]
        arrays = [
            values[column.name].cast(column.arrow) if column.name in values else pa.nulls(len(rows), column.arrow)
            for column in spec.columns
        ]
        names = [column.name for column in spec.columns]
        return pa.table([*arrays, *(notes[name] for name in TAKEN)], names=[*names, *TAKEN])


def _entities(said: _Said) -> Iterator[Part]:
    """Things named with a concept, by the table of its domain. A test counts where it has a result."""
    named = said.affirmed & (said.concept > 0)
    result = ~np.isnan(_numbers(said.findings["number"])) | (said.words["value"][0] >= 0)
    place = _tables()
    table = np.array([place.get(one, -1) for one in said.concept.tolist()], dtype=np.int64)
    names = list(TABLE_OF.values())
    for kind, of_kind in KIND_DOMAIN.items():
        table = np.where((table < 0) & said.is_("kind", kind), names.index(TABLE_OF[of_kind]), table)
    outcome = np.where(said.is_("kind", "test"), said.of("value", _answers("test")), 0)
    for number, name in enumerate(names):
        chosen = named & (table == number) & ~said.past
        chosen &= result if name == "measurement" else True
        rows = np.flatnonzero(chosen)
        yield name, rows, said.concept[rows], outcome[rows]
    rows = np.flatnonzero(named & said.past & (table == names.index("condition_occurrence")))
    yield "observation", rows, np.full(len(rows), EARLIER, dtype=np.int64), said.concept[rows]


def _items(said: _Said) -> Iterator[Part]:
    """What fills an item of the liver layer now."""
    stands = said.affirmed & ~said.past & (said.note >= 0)
    numbers = _numbers(said.findings["number"])
    for finding, item in items().items():
        rows = np.flatnonzero(stands & said.is_("finding", finding))
        if item.largest:
            rows = rows[~np.isnan(numbers[rows])]
            rows = rows[np.lexsort((-numbers[rows], said.note[rows]))]
        rows = rows[np.unique(said.note[rows], return_index=True)[1]]
        answers = _answers(finding)
        answer = said.of("value", answers)[rows]
        yield item.table, rows, np.full(len(rows), item.concept_id), np.where(answer == 0, answers.get("", 0), answer)


def _event(table: str, nlp_id: pa.Array, identity: pa.Array, day: pa.ChunkedArray) -> dict[str, pa.Array]:
    """Key, days, type and, where the model has one, the pointer at the `note_nlp` row."""
    short = table.removesuffix("_occurrence").removesuffix("_exposure")
    spec = TABLES[table]
    assert spec.primary_key is not None
    assert spec.dates is not None
    count = len(nlp_id)
    pointer = {"measurement": "meas_event_field_concept_id", "observation": "obs_event_field_concept_id"}.get(table)
    own = {spec.primary_key: identity, f"{short}_type_concept_id": pa.repeat(pa.scalar(BY_TEXT), count)}
    own |= {name: day for name in spec.dates if spec.column(name).required}
    if pointer:
        own |= {f"{table}_event_id": nlp_id, pointer: pa.repeat(pa.scalar(NLP_FIELD), count)}
    return own


def _valued(table: str, found: pa.Table, concept: pa.Array, answer: pa.Array) -> dict[str, pa.Array]:
    """Concept, words and value. A range of numbers is no number; it stays as it was written.

    A source value is the note's own words or null: a word that a rule gave (`negative`, a stage) is `value_as_string`,
    and the unit stands in the words of the measured value.
    """
    short = table.removesuffix("_occurrence").removesuffix("_exposure")
    words = pc.utf8_slice_codeunits(found["text"], 0, 50)
    own = {f"{short}_concept_id": concept, f"{short}_source_value": words}
    if table not in ("measurement", "observation"):
        return own
    unit = found["unit"].cast(pa.string())
    codes = pc.index_in(unit.combine_chunks(), value_set=pa.array(list(units())))
    written = pc.if_else(pc.is_valid(found["value_start"]), found["value"], pa.scalar(None, pa.string()))
    own |= {
        "value_as_number": pc.if_else(pc.is_valid(found["high"]), pa.scalar(None, pa.float64()), found["number"]),
        "value_as_concept_id": answer,
        "value_source_value": pc.utf8_slice_codeunits(written, 0, 50),
        "unit_concept_id": pa.array(list(units().values()), pa.int64()).take(codes),
    }
    if table == "observation":
        return own | {"value_as_string": pc.utf8_slice_codeunits(found["value"], 0, 60)}
    signs = pc.index_in(found["operator"].cast(pa.string()).combine_chunks(), value_set=pa.array(list(OPERATORS)))
    return own | {"operator_concept_id": pa.array(list(OPERATORS.values()), pa.int64()).take(signs)}


@cache
def items() -> Mapping[str, Item]:
    """Items of the liver layer by the name of their finding. Raises PackError, naming file and row."""
    found = {}
    for line, row in enumerate(_rows("item.csv"), start=2):
        if row["table"] not in ("measurement", "observation") or row["kept"] not in ("first", "largest"):
            raise PackError(f"item.csv:{line}: an item is a measurement or an observation, kept first or largest")
        found[row["finding"]] = Item(row["table"], int(row["concept_id"]), row["kept"] == "largest")
    return found


@cache
def _answers(finding: str) -> Mapping[str, int]:
    """Concepts of the words that a finding may have for its value; "" for the finding alone."""
    return {row["value"]: int(row["concept_id"]) for row in _rows("answer.csv") if row["finding"] == finding}


@cache
def _tables() -> Mapping[int, int]:
    """The table (a number of `TABLE_OF`) of each concept of the starter vocabulary that has one."""
    number = {domain: place for place, domain in enumerate(TABLE_OF)}
    concepts = starter()["concept"].select(["concept_id", "domain_id"]).to_pylist()
    return {row["concept_id"]: number[row["domain_id"]] for row in concepts if row["domain_id"] in number}


def _rows(name: str) -> Sequence[Mapping[str, str]]:
    text = (files("isthmus.mapping.text") / "lexicon" / name).read_text(encoding="utf-8")
    return list(csv.DictReader(StringIO(text)))


def _words(column: pa.ChunkedArray) -> tuple[Ints, list[str]]:
    """A column of words as numbers of its different words; -1 for none."""
    one = column.cast(pa.string()).combine_chunks().dictionary_encode()
    return np.asarray(pc.fill_null(one.indices, -1), dtype=np.int64), one.dictionary.to_pylist()


def _flags(column: pa.ChunkedArray) -> Mask:
    return np.asarray(column.to_numpy(), dtype=bool)


def _numbers(column: pa.ChunkedArray) -> Floats:
    return np.asarray(pc.fill_null(column, float("nan")).to_numpy(), dtype=np.float64)
