"""Findings as rows of the domain tables."""

from datetime import date
from typing import Any

import pyarrow as pa
import pytest

from isthmus.cdm.starter import BY_TEXT, starter
from isthmus.cdm.tables import TABLES
from isthmus.mapping.text import domain as module
from isthmus.mapping.text.domain import NOTES, domain, items, salt
from isthmus.mapping.text.lexicon import lexicon
from isthmus.mapping.text.note import identity
from isthmus.mapping.text.structure import structure
from isthmus.mapping.text.version import version


def made(*texts: str) -> dict[str, list[dict[str, Any]]]:
    """Rows by table of notes numbered from 0."""
    ids = pa.array(range(len(texts)), pa.int64())
    findings = pa.Table.from_batches(structure(ids, pa.array(texts))).unify_dictionaries().combine_chunks()
    day = pa.array([date(2024, 1, 1)] * len(texts), pa.date32())
    notes = pa.table({name: day if name == "note_date" else ids for name in NOTES})
    return {name: table.to_pylist() for name, table in domain(findings, pa.array(identity(findings)), notes).items()}


@pytest.mark.parametrize(
    "text",
    ["未见肝癌", "父亲患肝癌", "拟行TACE", "肝癌可能", "否认腹水", "排除门静脉癌栓", "既往行胆囊切除术", "AFP",
     "no ascites"],
)  # fmt: skip
def test_what_is_not_affirmed_of_the_patient_now_makes_no_row(text: str) -> None:
    assert made(text) == {}


def test_every_row_has_what_the_model_requires_and_says_that_it_was_read() -> None:
    rows = made("诊断：肝癌，BCLC B期，行TACE，表柔比星30mg，AFP 400ng/ml，HBsAg阳性，腹水。")
    assert set(rows) == {"condition_occurrence", "procedure_occurrence", "drug_exposure", "measurement", "observation"}
    for table, listed in rows.items():
        keys = [row[TABLES[table].primary_key or ""] for row in listed]
        assert len(keys) == len(set(keys))
        for row in listed:
            assert next(row[name] for name in row if name.endswith("_type_concept_id")) == BY_TEXT
            assert [one.name for one in TABLES[table].columns if one.required and row[one.name] is None] == []


def test_a_note_that_repeats_itself_makes_one_row_and_two_notes_make_two() -> None:
    assert len(made("肝癌。肝癌术后。原发性肝癌")["condition_occurrence"]) == 1
    assert len(made("肝癌", "肝癌")["condition_occurrence"]) == 2


def test_the_largest_lesion_counts_and_the_first_stage() -> None:
    rows = made("肿瘤1.2cm，另见病灶4.5cm。BCLC A期，BCLC C期")
    assert [row["value_as_number"] for row in rows["measurement"]] == [4.5]
    assert [row["value_as_string"] for row in rows["observation"]] == ["A"]


def test_a_range_is_no_number() -> None:
    (row,) = made("ECOG 1-2分")["observation"]
    assert row["value_as_number"] is None


def test_source_values_are_words_of_the_note() -> None:
    text = "BCLC B期，AFP 400ng/ml，肿瘤12mm，HBsAg阳性，ECOG 1-2分，腹水"
    rows = [row for listed in made(text).values() for row in listed]
    words = [value for row in rows for name, value in row.items() if name.endswith("_source_value") and value]
    assert {"400ng/ml", "12mm"} <= set(words)
    assert [word for word in words if word not in text] == []


def test_every_item_fills_a_concept_of_its_table_and_every_answer_is_one() -> None:
    concepts = {row["concept_id"]: row for row in starter()["concept"].to_pylist()}
    findings = {one.finding for one in lexicon().meanings}
    for name, item in items().items():
        assert concepts[item.concept_id]["domain_id"].lower() == item.table
        assert name in findings, name
        for answer in module._answers(name).values():
            assert concepts[answer]["domain_id"] == "Meas Value"


def test_ids_of_tables_differ_and_lead_back() -> None:
    rows = made("BCLC B期，Child-Pugh 6分")
    (one,) = rows["measurement"]
    assert one["measurement_id"] ^ salt("measurement") == one["measurement_event_id"]
    assert salt("measurement") != salt("observation")


def test_the_version_names_the_steps_and_the_words() -> None:
    assert version().startswith("1.")
    assert len(version()) == 10
