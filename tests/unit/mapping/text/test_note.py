"""Rows of OMOP note and note_nlp."""

from datetime import date

import pyarrow as pa
import pytest

from isthmus.base.errors import UsageError
from isthmus.cdm.starter import CHINESE, ENGLISH
from isthmus.cdm.tables import TABLES
from isthmus.mapping.text.note import note, note_nlp
from isthmus.mapping.text.structure import structure

DAY = date(2026, 11, 23)
NOTES = pa.table(
    {
        "note_id": pa.array([5, 9, 11], pa.int64()),
        "person_id": pa.array([1, 1, 2], pa.int64()),
        "note_date": pa.array([date(2024, 1, 2)] * 3),
        "note_text": ["否认腹水。AFP 400ng/ml，拟行TACE。", "Father had liver cancer. Mild ascites.", None],
    }
)


def _rows() -> list[dict[str, object]]:
    found = pa.Table.from_batches(structure(NOTES["note_id"].combine_chunks(), NOTES["note_text"].combine_chunks()))
    rows = note_nlp(found, NOTES, DAY)
    assert rows.schema == TABLES["note_nlp"].schema
    return list(rows.to_pylist())


def test_a_term_exists_unless_something_takes_it_away() -> None:
    exists = {row["lexical_variant"]: row["term_exists"] for row in _rows()}
    assert exists["腹水"] == "N"
    assert exists["TACE"] == "N"
    assert exists["AFP"] == "Y"
    assert exists["liver cancer"] == "N"
    assert exists["ascites"] == "Y"


def test_what_the_model_has_no_column_for_stands_in_the_modifiers() -> None:
    row = next(row for row in _rows() if row["lexical_variant"] == "AFP")
    assert row["term_modifiers"] == "value=400ng/ml;number=400;unit=ng/mL;end=8;rule=test:afp"
    assert row["offset"] == "5"
    assert row["note_nlp_concept_id"] == 2000001001
    assert row["snippet"] == NOTES["note_text"][0].as_py()


def test_ids_are_different_and_the_same_in_a_second_run() -> None:
    ids = [row["note_nlp_id"] for row in _rows()]
    assert len(set(ids)) == len(ids)
    assert min(ids) >= 0  # type: ignore[type-var]  # ids are numbers
    assert ids == [row["note_nlp_id"] for row in _rows()]


def test_notes_get_the_columns_of_the_model_and_a_language() -> None:
    rows = note(NOTES.slice(0, 2))
    assert rows.schema == TABLES["note"].schema
    assert rows["language_concept_id"].to_pylist() == [CHINESE, ENGLISH]


def test_notes_without_a_person_are_refused() -> None:
    with pytest.raises(UsageError, match="no column person_id"):
        note(NOTES.drop_columns(["person_id"]))
