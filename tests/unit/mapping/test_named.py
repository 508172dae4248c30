"""Named expressions of a pack (`let`): shared by records, computed once each; and fields of HL7 v2 segments."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from sqlglot import exp

from isthmus.base.errors import InputError, PackError
from isthmus.flow.statement import query, stand, teach
from isthmus.lake.engine import Engine
from isthmus.mapping import pack as packs
from isthmus.mapping.expression import Scope, compile_scalar
from isthmus.mapping.plan import plan


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """An engine that knows the functions of packs."""
    engine = Engine(tmp_path / "scratch")
    teach(engine)
    stand(engine, "h01", 1)
    yield engine
    engine.close()


def raw(**columns: str) -> pa.Table:
    """One record, as a reader gives it."""
    return pa.table({"_part": [1], "_seq": [1], "_place": [0], **{name: [value] for name, value in columns.items()}})


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


def test_named_expressions_build_on_one_another_and_on_the_packs(tmp_path: Path, engine: Engine) -> None:
    """`again` stands on two others, one of them on the pack's `clean`; what a record does not use is left out."""
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / "pack.yaml").write_text(HEAD)
    (tmp_path / "small" / "people.yaml").write_text(RECORD)
    pack = packs.load("small", [tmp_path])
    record = pack.records[0]
    assert list(record.let) == ["clean", "loud", "twice", "again"]  # `never` is not used here
    planned = plan(pack, record, ["name"])
    assert planned.missing == ()
    engine.load("raw", raw(name=" ann "))
    engine.create("source", planned.source)
    found = engine.rows(query("SELECT clean, loud, again, _key FROM source"))
    assert found.to_pylist() == [{"clean": "ann", "loud": "ANN", "again": "annANNANN", "_key": "annANN"}]
    with pytest.raises(InputError, match="BinderException"):  # named by no rule, so it is not kept
        engine.rows(query("SELECT twice FROM source"))
    rows = engine.rows(planned.rules[0].select).select(["person_source_value", "year_of_birth", "_why"])
    assert rows.to_pylist() == [{"person_source_value": "annANNANN", "year_of_birth": 3, "_why": None}]


def test_numbered_columns_that_a_file_has_none_of_are_no_elements(tmp_path: Path, engine: Engine) -> None:
    """A front page without operations has no columns of operations: no rows, and no error."""
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / "pack.yaml").write_text("pack: small\n")
    (tmp_path / "small" / "stay.yaml").write_text(
        'into:\n  - table: note\n    each: {count: 3, code: "op{n}"}\n    set: {note_text: item.code}\n'
    )
    pack = packs.load("small", [tmp_path])
    engine.load("raw", raw(name="ann", op2="cut"))
    for columns, found in ((["name"], []), (["name", "op2"], ["cut"])):
        planned = plan(pack, pack.records[0], columns)
        engine.create("source", planned.source)
        assert engine.rows(planned.rules[0].select)["note_text"].to_pylist() == found


def test_an_expression_that_hides_a_column_is_refused_and_a_stray_column_gives_way(
    tmp_path: Path, engine: Engine
) -> None:
    """Engines do not tell `kind` from `KIND`: silently, the one would be read for the other."""
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / "pack.yaml").write_text("pack: small\n")
    record = "let: {kind: upper(A)}\ninto:\n  - table: person\n    set: {gender_source_value: kind}\n"
    (tmp_path / "small" / "people.yaml").write_text(record)
    pack = packs.load("small", [tmp_path])
    planned = plan(pack, pack.records[0], ["A", "KIND"])  # a column that nobody reads
    engine.load("raw", raw(A="a", KIND="k"))
    engine.create("source", planned.source)
    assert engine.rows(query("SELECT kind FROM source"))["kind"].to_pylist() == ["A"]
    (tmp_path / "small" / "people.yaml").write_text(record.replace("upper(A)", "upper(KIND)"))
    pack = packs.load("small", [tmp_path])
    with pytest.raises(PackError, match="'kind' under `let` hides the column 'KIND'"):
        plan(pack, pack.records[0], ["A", "KIND"])


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
def test_a_field_of_a_segment(call: str, value: str | None, engine: Engine) -> None:
    """Fields, components, repetitions and subcomponents count from 1; MSH-1 is the separator itself."""
    scope = Scope("hospital", {}, (), "here")
    engine.load("raw", raw(segment=SEGMENT, msh=r"MSH|^~\&|APP|FAC^1|||2020||ADT^A01|77"))
    field = exp.select(exp.alias_(compile_scalar(call, scope), "field")).from_("raw")
    assert engine.rows(field)["field"].to_pylist() == [value]


def test_versions_that_are_whole_numbers_compare_as_numbers_and_others_as_text(engine: Engine) -> None:
    found = engine.rows(
        query(
            "SELECT isthmus_version('10') > isthmus_version('9') AS numbers, isthmus_version('2024-03-05') AS day, "
            "isthmus_version(NULL) AS nothing"
        )
    )
    assert found.to_pylist() == [{"numbers": True, "day": "2024-03-05", "nothing": None}]
