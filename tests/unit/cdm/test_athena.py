"""An Athena export is read as it is, or refused with the reason."""

from pathlib import Path

import pyarrow as pa
import pytest

from isthmus.base.errors import InputError
from isthmus.cdm.starter import ATHENA, athena
from isthmus.cdm.tables import TABLES

DATES = "19700101\t20991231\t"
MADE_UP = {
    "concept": [
        '1\tso-called "tall" hospital\tVisit\tMade\tVisit\tS\tA"1\t' + DATES,
        "2\tnull\tVisit\tMade\tVisit\t\t007\t" + DATES + "D",
        "3\t住院\tVisit\tMade\tVisit\tS\tNA\t" + DATES,
    ],
    "concept_relationship": ["2\t1\tMaps to\t" + DATES],
    "concept_ancestor": ["1\t3\t0\t2"],
    "concept_synonym": ["3\tinpatient\t4180186"],
    "vocabulary": ["Made\tmade up\t\t\t4"],
    "domain": ["Visit\tvisit\t8"],
    "concept_class": ["Visit\tvisit\t5"],
    "relationship": ["Maps to\tmaps to\t0\t0\tMapped from\t6"],
    "drug_strength": ["1\t2\t0.5\t8576\t\t\t\t\t\t" + DATES],
}


@pytest.fixture
def export(tmp_path: Path) -> Path:
    for name, lines in MADE_UP.items():
        header = "\t".join(column.name for column in TABLES[name].columns)
        (tmp_path / f"{name.upper()}.csv").write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    (tmp_path / "CONCEPT_CPT4.csv").write_text("left alone", encoding="utf-8")
    return tmp_path


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_every_table_comes_with_the_columns_and_types_of_the_model(export: Path) -> None:
    streams = athena(export)
    assert tuple(streams) == ATHENA
    for name, batches in streams.items():
        table = pa.Table.from_batches(list(batches))
        assert table.schema == TABLES[name].schema
        assert table.num_rows == len(MADE_UP[name])


def test_quotes_mean_themselves_and_no_word_means_nothing(export: Path) -> None:
    concepts = pa.Table.from_batches(list(athena(export)["concept"])).to_pylist()
    assert [row["concept_name"] for row in concepts] == ['so-called "tall" hospital', "null", "住院"]
    assert [row["concept_code"] for row in concepts] == ['A"1', "007", "NA"]
    assert [row["standard_concept"] for row in concepts] == ["S", None, "S"]
    assert str(concepts[0]["valid_end_date"]) == "2099-12-31"


def test_a_number_that_is_not_given_is_null(export: Path) -> None:
    (row,) = pa.Table.from_batches(list(athena(export)["drug_strength"])).to_pylist()
    assert row["amount_value"] == 0.5
    assert row["numerator_value"] is None
    assert row["box_size"] is None


def test_names_in_capitals_other_orders_and_a_byte_order_mark_are_read(export: Path) -> None:
    (export / "DOMAIN.csv").write_text(
        "\ufeffDOMAIN_CONCEPT_ID\tDOMAIN_ID\tDOMAIN_NAME\r\n8\tVisit\tvisit\r\n", encoding="utf-8", newline=""
    )
    (row,) = pa.Table.from_batches(list(athena(export)["domain"])).to_pylist()
    assert row == {"domain_id": "Visit", "domain_name": "visit", "domain_concept_id": 8}


def test_a_table_without_rows_is_empty(export: Path) -> None:
    path = export / "CONCEPT_ANCESTOR.csv"
    path.write_text(path.read_text(encoding="utf-8").splitlines()[0] + "\n", encoding="utf-8")
    assert sum(batch.num_rows for batch in athena(export)["concept_ancestor"]) == 0


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"is no folder.*Unpack"):
        athena(tmp_path / "nowhere")


def test_missing_files_are_all_named_at_once(export: Path) -> None:
    (export / "DOMAIN.csv").unlink()
    (export / "RELATIONSHIP.csv").unlink()
    with pytest.raises(InputError, match=r"lacks DOMAIN\.csv, RELATIONSHIP\.csv"):
        athena(export)


def test_a_missing_column_is_named_before_anything_is_read(export: Path) -> None:
    change(export / "CONCEPT.csv", "\tvalid_end_date", "\tend")
    with pytest.raises(InputError, match=r"has no column valid_end_date"):
        athena(export)


def test_a_file_saved_with_commas_is_refused(export: Path) -> None:
    change(export / "DOMAIN.csv", "\t", ",")
    with pytest.raises(InputError, match="separated by tabs"):
        athena(export)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("19700101\t20991231\t\n", "1970-13-01\t20991231\t\n"),
        ("1\tso-called", "one\tso-called"),
        ("\tS\tA", "\tS\tsurplus\tA"),
    ],
    ids=["date", "number", "width"],
)
def test_a_row_that_does_not_fit_names_the_file(export: Path, old: str, new: str) -> None:
    change(export / "CONCEPT.csv", old, new)
    with pytest.raises(InputError, match=r"CONCEPT\.csv cannot be read as the table concept"):
        list(athena(export)["concept"])


def test_an_id_that_is_not_given_is_refused(export: Path) -> None:
    change(export / "CONCEPT.csv", "2\tnull", "\tnull")
    with pytest.raises(InputError, match=r"concept\.concept_id is empty in 1 rows"):
        list(athena(export)["concept"])


def test_another_encoding_is_refused(export: Path) -> None:
    path = export / "CONCEPT.csv"
    change(path, "住院", "门诊")  # the two bytes of 住 and those of 院 happen to be UTF-8 as well
    path.write_bytes(path.read_text(encoding="utf-8").encode("gb18030"))
    with pytest.raises(InputError, match="cannot be read"):
        list(athena(export)["concept"])
