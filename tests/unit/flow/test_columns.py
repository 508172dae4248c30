"""Columns as a hospital calls them: fields of HL7 segments, and the columns of one table of a database."""

from isthmus.flow.columns import source_columns
from isthmus.mapping.pack import load


def test_fields_of_segments_are_named_as_hospitals_name_them() -> None:
    assert source_columns(load("hl7v2"), "measurement", "value_as_number", "oru.hl7") == ["OBX-2", "OBX-5"]


def test_of_a_database_the_columns_of_one_table_alone_are_told() -> None:
    pack = load("sim-vendor")
    assert source_columns(pack, "measurement", "value_as_number", "hospital.db", "LAB") == ["RES"]
    assert len(source_columns(pack, "measurement", "value_as_number", "hospital.db")) > 1
