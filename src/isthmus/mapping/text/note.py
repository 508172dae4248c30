"""Rows of OMOP `note` and `note_nlp` from notes and their findings."""

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from isthmus.base.errors import UsageError
from isthmus.base.identity import digest63
from isthmus.cdm.starter import CHINESE, ENGLISH
from isthmus.cdm.tables import TABLES
from isthmus.mapping.text.page import Ints
from isthmus.mapping.text.version import version

SYSTEM = "isthmus text rules"
EHR_NOTE = 32831
AROUND = 60
MODIFIERS = ("finding", "value", "number", "high", "operator", "unit", "section", "time", "end", "rule")
Hashes = NDArray[np.uint64]


def note(given: pa.Table) -> pa.Table:
    """Rows of OMOP `note` in the columns and types of the CDM.

    `given` needs `note_id`, `person_id`, `note_date` and `note_text`, and may have any other column of `note`. A
    missing type is a note of an EHR, class and encoding 0; a missing language is told from the letters. Raises
    UsageError where a needed column is missing.
    """
    table = TABLES["note"]
    if missing := {"note_id", "person_id", "note_date", "note_text"} - set(given.column_names):
        raise UsageError(f"the notes have no column {', '.join(sorted(missing))}; note rows cannot be made without it")
    fixed = {"note_type_concept_id": EHR_NOTE, "note_class_concept_id": 0, "encoding_concept_id": 0}
    arrays = []
    for column in table.columns:
        if column.name in given.column_names:
            arrays.append(given[column.name].cast(column.arrow))
        elif column.name == "language_concept_id":
            arrays.append(language(given["note_text"]))
        else:
            arrays.append(pa.array([fixed.get(column.name)] * given.num_rows, column.arrow))
    return pa.table(arrays, schema=table.schema)


def language(text: pa.ChunkedArray) -> pa.ChunkedArray:
    """The concept of each text's language: Chinese where Han characters make a tenth of the letters, else English."""
    han = pc.count_substring_regex(text, r"\p{Han}")
    latin = pc.count_substring_regex(text, "[A-Za-z]")
    chinese = pc.and_(pc.greater(han, 0), pc.greater_equal(pc.multiply(han, 9), latin))
    return pc.if_else(chinese, pa.scalar(CHINESE, pa.int64()), pa.scalar(ENGLISH, pa.int64())).fill_null(ENGLISH)


def note_nlp(findings: pa.Table | pa.RecordBatch, notes: pa.Table | pa.RecordBatch, day: date) -> pa.Table:
    """Rows of OMOP `note_nlp`, one for each finding.

    `notes` has `note_id` and `note_text` of all notes that the findings are of; `day` is the day of the run. A term
    exists (`Y`) when nothing takes it from the patient and the present: negation, doubt, a relative, a plan. What the
    CDM has no column for stands in `term_modifiers` as `name=value`, parts separated by `;`.
    """
    count = findings.num_rows
    table = TABLES["note_nlp"]
    doubts = ("negated", "uncertain", "family")
    flags = [np.asarray(findings[name].to_numpy(zero_copy_only=False), dtype=bool) for name in doubts]
    temporal = findings["temporal"].cast(pa.string())
    planned = np.asarray(pc.equal(temporal, "planned").to_numpy(zero_copy_only=False), dtype=bool)
    exists = ~np.logical_or.reduce([*flags, planned])
    columns = {
        "note_nlp_id": pa.array(identity(findings)),
        "note_id": findings["note_id"],
        "section_concept_id": pa.array(np.zeros(count, dtype=np.int64)),
        "snippet": pa.array(_snippets(findings, notes), pa.string()),
        "offset": findings["start"].cast(pa.string()),
        "lexical_variant": pc.utf8_slice_codeunits(findings["text"], 0, 250),
        "note_nlp_concept_id": findings["concept_id"],
        "note_nlp_source_concept_id": pa.array(np.zeros(count, dtype=np.int64)),
        "nlp_system": pa.array([f"{SYSTEM} {version()}"] * count, pa.string()),
        "nlp_date": pa.array([day] * count, pa.date32()),
        "nlp_datetime": pa.nulls(count, pa.timestamp("us")),
        "term_exists": pc.if_else(pa.array(exists), "Y", "N"),
        "term_temporal": temporal,
        "term_modifiers": pc.utf8_slice_codeunits(_modifiers(findings, dict(zip(doubts, flags, strict=True))), 0, 2000),
    }
    return pa.table([columns[name] for name in table.schema.names], schema=table.schema)


def identity(findings: pa.Table | pa.RecordBatch) -> Ints:
    """63-bit ids that the note, the span and the rule decide, so that a second run gives the same ones."""
    rule = findings["rule"]
    rule = rule.combine_chunks() if isinstance(rule, pa.ChunkedArray) else rule
    rule = rule if isinstance(rule, pa.DictionaryArray) else rule.dictionary_encode()
    names = np.array([digest63(name) for name in rule.dictionary.to_pylist()], dtype=np.uint64)
    mixed = names[np.asarray(rule.indices)] if len(names) else np.zeros(0, dtype=np.uint64)
    for name in ("end", "start", "note_id"):
        mixed = _stirred(mixed ^ findings[name].to_numpy(zero_copy_only=False).astype(np.uint64))
    return (mixed >> np.uint64(1)).astype(np.int64)


def _stirred(values: Hashes) -> Hashes:
    """Every bit of the result depends on every bit given: the finishing step of the SplitMix64 generator."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(values ^ (values >> np.uint64(31)))


def _snippets(findings: pa.Table | pa.RecordBatch, notes: pa.Table | pa.RecordBatch) -> list[str]:
    texts = dict(zip(notes["note_id"].to_pylist(), notes["note_text"].to_pylist(), strict=True))
    rows = zip(findings["note_id"].to_pylist(), findings["start"].to_pylist(), findings["end"].to_pylist(), strict=True)
    return [texts[of][max(0, start - AROUND) : end + AROUND][:250] for of, start, end in rows]


def _modifiers(findings: pa.Table | pa.RecordBatch, flags: dict[str, NDArray[np.bool_]]) -> pa.Array:
    """`negated=true;…;rule=…`: only what holds or is known."""
    parts = [pc.if_else(pa.array(flag), f"{name}=true", pa.scalar(None, pa.string())) for name, flag in flags.items()]
    for name in MODIFIERS:
        written = findings[name].cast(pa.string())
        parts.append(pc.binary_join_element_wise(f"{name}=", written, ""))
    return pc.binary_join_element_wise(*parts, ";", null_handling="skip")
