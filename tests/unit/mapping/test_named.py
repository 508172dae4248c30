"""Named expressions of a pack (`let`): shared by records, computed once each; and fields of HL7 v2 segments."""

from pathlib import Path

import duckdb
import pytest

from isthmus.base.errors import PackError
from isthmus.lake.engine import MACROS
from isthmus.mapping import pack as packs
from isthmus.mapping.expression import Scope, compile_scalar
from isthmus.mapping.plan import Place, plan

HEAD = """
pack: small
let:
  clean: trim(name)
  never: trim(column_that_only_another_record_has)
"""
RECORD = """
key: twice
person: clean
let:
  loud: upper(clean)
  twice: clean || loud
  again: twice || loud
into:
  - table: person
    set: {year_of_birth: length(clean), person_source_value: again, gender_source_value: loud}
"""


def test_named_expressions_build_on_one_another_and_on_the_packs(tmp_path: Path) -> None:
    """`again` stands on two others, one of them on the pack's `clean`; what a record does not use is left out."""
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / "pack.yaml").write_text(HEAD)
    (tmp_path / "small" / "people.yaml").write_text(RECORD)
    pack = packs.load("small", [tmp_path])
    record = pack.records[0]
    assert list(record.let) == ["clean", "loud", "twice", "again"]  # `never` is not used here
    planned = plan(pack, record, ["name"], Place("h01", 1))
    assert planned.missing == ()
    connection = duckdb.connect()
    for macro in MACROS:
        connection.execute(macro)
    connection.execute("CREATE TABLE raw AS SELECT 1::BIGINT _part, 1::BIGINT _seq, 0::BIGINT _place, ' ann ' AS name")
    connection.execute("CREATE TABLE source AS " + planned.source.sql("duckdb"))
    assert connection.execute("SELECT clean, loud, again, _key FROM source").fetchall() == [
        ("ann", "ANN", "annANNANN", "annANN")
    ]
    with pytest.raises(duckdb.BinderException):  # named by no rule, so it is not kept
        connection.execute("SELECT twice FROM source")
    rows = connection.execute(
        "SELECT person_source_value, year_of_birth, _why FROM (" + planned.rules[0].select.sql("duckdb") + ")"
    )
    assert rows.fetchall() == [("annANNANN", 3, None)]


def test_numbered_columns_that_a_file_has_none_of_are_no_elements(tmp_path: Path) -> None:
    """A front page without operations has no columns of operations: no rows, and no error."""
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / "pack.yaml").write_text("pack: small\n")
    (tmp_path / "small" / "stay.yaml").write_text(
        'into:\n  - table: note\n    each: {count: 3, code: "op{n}"}\n    set: {note_text: item.code}\n'
    )
    pack = packs.load("small", [tmp_path])
    connection = duckdb.connect()
    for macro in MACROS:
        connection.execute(macro)
    for columns, found in ((["name"], []), (["name", "op2"], [("cut",)])):
        planned = plan(pack, pack.records[0], columns, Place("h01", 1))
        connection.execute(
            "CREATE OR REPLACE TABLE raw AS "
            "SELECT 1::BIGINT _part, 1::BIGINT _seq, 0::BIGINT _place, 'ann' AS name, 'cut' AS op2"
        )
        connection.execute("CREATE OR REPLACE TABLE source AS " + planned.source.sql("duckdb"))
        rows = connection.execute(f"SELECT note_text FROM ({planned.rules[0].select.sql('duckdb')})")
        assert rows.fetchall() == found


def test_an_expression_that_hides_a_column_is_refused_and_a_stray_column_gives_way(tmp_path: Path) -> None:
    """Engines do not tell `kind` from `KIND`: silently, the one would be read for the other."""
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / "pack.yaml").write_text("pack: small\n")
    record = "let: {kind: upper(A)}\ninto:\n  - table: person\n    set: {gender_source_value: kind}\n"
    (tmp_path / "small" / "people.yaml").write_text(record)
    pack = packs.load("small", [tmp_path])
    planned = plan(pack, pack.records[0], ["A", "KIND"], Place("h01", 1))  # a column that nobody reads
    connection = duckdb.connect()
    for macro in MACROS:
        connection.execute(macro)
    connection.execute(
        "CREATE TABLE raw AS SELECT 1::BIGINT _part, 1::BIGINT _seq, 0::BIGINT _place, 'a' AS A, 'k' AS KIND"
    )
    connection.execute("CREATE TABLE source AS " + planned.source.sql("duckdb"))
    assert connection.execute("SELECT kind FROM source").fetchall() == [("A",)]
    (tmp_path / "small" / "people.yaml").write_text(record.replace("upper(A)", "upper(KIND)"))
    pack = packs.load("small", [tmp_path])
    with pytest.raises(PackError, match="'kind' under `let` hides the column 'KIND'"):
        plan(pack, pack.records[0], ["A", "KIND"], Place("h01", 1))


SEGMENT = r'OBX|1|CE|a^b&c^d~e^f|""|x\S\y\E\z\.br\q||last'


@pytest.mark.parametrize(
    ("call", "value"),
    [
        ("hl7(segment, 3)", "a"),
        ("hl7(segment, 3, 2)", "b"),
        ("hl7(segment, 3, 2, 1, 2)", "c"),
        ("hl7(segment, 3, 2, 2)", "f"),
        ("hl7(segment, 3, 9)", None),
        ("hl7(segment, 3, 0)", "a^b&c^d~e^f"),
        ("hl7(segment, 4)", None),  # "" means: nothing, on purpose
        ("hl7(segment, 5)", "x^y\\z\nq"),
        ("hl7(segment, 6)", None),
        ("hl7(segment, 7)", "last"),
        ("hl7(segment, 44)", None),
        ("hl7(msh, 3)", "APP"),
        ("hl7(msh, 9, 2)", "A01"),
        ("hl7('X|' || 'a^b', 1, 2)", "b"),
    ],
)
def test_a_field_of_a_segment(call: str, value: str | None) -> None:
    """Fields, components, repetitions and subcomponents count from 1; MSH-1 is the separator itself."""
    scope = Scope("h01", "hospital", {}, (), "here")
    sql = f"SELECT {compile_scalar(call, scope).sql('duckdb')} FROM (SELECT ? AS segment, ? AS msh)"
    msh = r"MSH|^~\&|APP|FAC^1|||2020||ADT^A01|77"
    assert duckdb.execute(sql, [SEGMENT, msh]).fetchone() == (value,)
