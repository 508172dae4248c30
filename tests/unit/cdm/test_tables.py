"""The tables of the model are what the specification of CDM 5.4 says, in our widths."""

import pyarrow as pa
import pytest

from isthmus.cdm import questions
from isthmus.cdm.tables import DATES, RENAMED_53, TABLES
from isthmus.cdm.version import CDM_VERSION


def test_the_model_has_39_tables_and_432_columns() -> None:
    assert CDM_VERSION == "5.4"
    assert len(TABLES) == 39
    assert sum(len(table.columns) for table in TABLES.values()) == 432


def test_28_tables_have_a_key_and_it_is_required() -> None:
    keyed = [table for table in TABLES.values() if table.primary_key]
    assert len(keyed) == 28
    assert all(table.column(table.primary_key or "").required for table in keyed)
    assert TABLES["person"].primary_key == "person_id"
    assert TABLES["death"].primary_key is None


def test_every_foreign_column_points_to_a_key_of_the_same_type() -> None:
    pointing = [column for table in TABLES.values() for column in table.columns if column.foreign]
    assert len(pointing) == 176
    for column in pointing:
        table, name = column.foreign or ("", "")
        assert TABLES[table].primary_key == name
        assert TABLES[table].column(name).type == column.type


def test_every_integer_identity_is_wide_and_nothing_else_is() -> None:
    for table in TABLES.values():
        for column in table.columns:
            identity = column.name.endswith(("_id", "_id_1", "_id_2"))
            assert (column.type == "bigint") == (identity and column.type != "text"), (table.name, column.name)


def test_only_texts_have_a_length() -> None:
    assert all(column.type == "text" for table in TABLES.values() for column in table.columns if column.length)
    assert TABLES["person"].column("person_source_value").length == 50
    assert TABLES["note"].column("note_text").length is None


def test_observation_dates_are_date_columns_of_tables_with_persons() -> None:
    for name, (start, end) in DATES.items():
        assert TABLES[name].person
        assert TABLES[name].column(start).type == "date"
        assert TABLES[name].column(end).type == "date"
        assert TABLES[name].column(start).required


def test_eras_and_insurance_are_no_evidence_of_observation() -> None:
    assert TABLES["drug_era"].dates is None
    assert TABLES["payer_plan_period"].dates is None
    assert TABLES["measurement"].dates == ("measurement_date", "measurement_date")


def test_a_renamed_column_of_5_3_is_gone_and_its_successor_is_there() -> None:
    assert len(RENAMED_53) == 9
    for (table, old), new in RENAMED_53.items():
        names = [column.name for column in TABLES[table].columns]
        assert old not in names
        assert new in names


def test_an_unknown_column_is_named_with_its_table() -> None:
    with pytest.raises(KeyError, match="person has no column 'colour'"):
        TABLES["person"].column("colour")


def test_the_arrow_schema_has_the_widths_of_the_lake() -> None:
    schema = TABLES["measurement"].schema
    assert schema.field("measurement_id").type == pa.int64()
    assert not schema.field("measurement_id").nullable
    assert schema.field("value_as_number").type == pa.float64()
    assert schema.field("measurement_datetime").type == pa.timestamp("us")


def test_every_table_can_be_asked_by_name_and_by_attribute() -> None:
    assert list(questions.QUESTIONS) == list(TABLES)
    for name, question in questions.QUESTIONS.items():
        assert getattr(questions, name) is question
        assert question.get_name() == name


def test_rows_of_a_site_say_where_they_came_from_and_the_vocabulary_does_not() -> None:
    assert questions.measurement.columns[-4:] == ("site", "part_id", "place", "mapping_id")
    assert "site" not in questions.concept.columns
