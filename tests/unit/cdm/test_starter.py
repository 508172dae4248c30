"""The starter pack keeps the rules of a vocabulary."""

from collections import Counter
from datetime import date

import pyarrow as pa
import pytest

from isthmus.cdm.starter import CHINESE, OWN, starter
from isthmus.cdm.tables import TABLES


def rows(table: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = starter()[table].to_pylist()
    return found


def concepts() -> dict[int, dict[str, object]]:
    return {int(str(row["concept_id"])): row for row in rows("concept")}


@pytest.mark.parametrize("name", sorted(starter()))
def test_a_table_of_the_pack_is_typed_as_the_model_says(name: str) -> None:
    table = starter()[name]
    assert table.schema == TABLES[name].schema
    for column in TABLES[name].columns:
        if column.required:
            assert table.column(column.name).null_count == 0, column.name
        if column.length and table.num_rows:
            longest = max(len(text or "") for text in table.column(column.name).to_pylist())
            assert longest <= column.length, column.name


def test_every_concept_id_is_unique() -> None:
    assert len(concepts()) == len(rows("concept"))


def test_every_code_is_unique_within_its_vocabulary() -> None:
    counted = Counter((row["vocabulary_id"], row["concept_code"]) for row in rows("concept"))
    assert [code for code, times in counted.items() if times > 1] == []


def test_every_name_is_said_once() -> None:
    counted = Counter(str(row["concept_name"]).lower() for row in rows("concept"))
    assert [name for name, times in counted.items() if times > 1] == []


def test_ids_above_two_thousand_million_are_ours_and_no_others() -> None:
    for concept_id, row in concepts().items():
        assert (concept_id > OWN) == (row["vocabulary_id"] == "Isthmus"), concept_id


def test_every_vocabulary_and_domain_that_is_used_is_described() -> None:
    assert {row["vocabulary_id"] for row in rows("concept")} == {row["vocabulary_id"] for row in rows("vocabulary")}
    assert {row["domain_id"] for row in rows("concept")} == {row["domain_id"] for row in rows("domain")}


def test_a_retired_code_leads_to_a_standard_concept_of_the_pack() -> None:
    known = concepts()
    for row in rows("concept_relationship"):
        assert row["relationship_id"] == "Maps to"
        assert known[int(str(row["concept_id_1"]))]["standard_concept"] is None
        assert known[int(str(row["concept_id_2"]))]["standard_concept"] == "S"


def test_only_retired_codes_and_metadata_are_not_standard() -> None:
    retired = {int(str(row["concept_id_1"])) for row in rows("concept_relationship")}
    others = {i for i, row in concepts().items() if row["standard_concept"] is None and row["domain_id"] != "Metadata"}
    assert others == retired


def test_another_spelling_is_not_a_code_of_its_vocabulary_and_leads_to_a_standard_concept() -> None:
    known = concepts()
    codes = {(row["vocabulary_id"], row["concept_code"]) for row in rows("concept")}
    for row in rows("source_to_concept_map"):
        assert (row["source_vocabulary_id"], row["source_code"]) not in codes
        assert known[int(str(row["target_concept_id"]))]["standard_concept"] == "S"


def test_chinese_names_belong_to_concepts_of_the_pack_one_each() -> None:
    counted = Counter(row["concept_id"] for row in rows("concept_synonym"))
    assert set(counted) <= set(concepts())
    assert set(counted.values()) == {1}
    assert {row["language_concept_id"] for row in rows("concept_synonym")} == {CHINESE}
    assert concepts()[CHINESE]["domain_id"] == "Language"


@pytest.mark.parametrize("domain", ["Unit", "Gender", "Visit", "Type Concept", "Meas Value Operator", "Race"])
def test_a_small_domain_is_named_in_chinese_throughout(domain: str) -> None:
    named = {row["concept_id"] for row in rows("concept_synonym")}
    assert [i for i, row in concepts().items() if row["domain_id"] == domain and i not in named] == []


def test_concepts_of_our_own_are_named_in_chinese_throughout() -> None:
    named = {row["concept_id"] for row in rows("concept_synonym")}
    assert [i for i in concepts() if i > OWN and i not in named] == []


@pytest.mark.parametrize(
    ("concept_id", "domain", "code"),
    [
        (8507, "Gender", "M"),
        (9201, "Visit", "IP"),
        (32817, "Type Concept", "OMOP4976890"),
        (4171756, "Meas Value Operator", "276139006"),
        (8840, "Unit", "mg/dL"),
        (3024561, "Measurement", "1751-7"),
        (1363387, "Drug", "495881"),
    ],
)
def test_a_well_known_concept_is_there(concept_id: int, domain: str, code: str) -> None:
    concept = concepts()[concept_id]
    assert (concept["domain_id"], concept["concept_code"]) == (domain, code)
    assert concept["valid_end_date"] == date(2099, 12, 31)


def test_nobody_can_change_the_pack_for_others() -> None:
    with pytest.raises(TypeError):
        starter()["concept"] = pa.table({})  # type: ignore[index]  # that is the point
