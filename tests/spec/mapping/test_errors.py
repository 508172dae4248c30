"""Whatever is wrong in a pack is said with file and line, before a single record is read."""

from pathlib import Path

import pytest

from isthmus.base.errors import PackError
from isthmus.mapping import pack as packs
from isthmus.mapping.plan import plan
from lib import packs as writing
from lib.spec import Spec

RECORD = """\
== r.yaml
key: a
person: a
let: {c: lower(a)}
into:
  - table: observation
    when: b is not null
    set:
      observation_date: date(b)
      value_as_string: VALUE
"""


def _said(folder: Path, text: str, name: str = "spec") -> str:
    """What is said of a pack: at its reading, or when its first record is compiled for columns a and b."""
    writing.write(folder, name, text)
    with pytest.raises(PackError) as error:
        for record in (loaded := packs.load(name, (folder,))).records:
            plan(loaded, record, ["a", "b"])
    return str(error.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("== pack.yaml\npack: spec\n\t: [\n", "spec/pack.yaml:2: this is not valid YAML"),
        ("== pack.yaml\npack: spec\nmore: 1\n", "spec/pack.yaml:2: 'more' is not known here. Known: dates"),
        ("== pack.yaml\nversion: '1'\n", "spec/pack.yaml:1: `pack:` is missing here."),
        ("== pack.yaml\n- a\n", "spec/pack.yaml:1: a mapping"),
        ("== pack.yaml\npack: spec\nversion: 1\nversion: 2\n", "spec/pack.yaml:3: 'version' stands twice"),
        ("== pack.yaml\npack: spec\norder: [x]\n", "spec/pack.yaml:2: there is no record 'x' in this pack"),
        ("== pack.yaml\npack: spec\ntype_concept_id: many\n", "spec/pack.yaml:2: `type_concept_id`"),
        ("== pack.yaml\npack: spec\ndates: '%Y'\n", "spec/pack.yaml:2: `dates`"),
        ("== pack.yaml\npack: spec\nformat: csv\n", "spec/pack.yaml:2: `format`"),
        ("== pack.yaml\npack: spec\nderive: all\n", "spec/pack.yaml:2: `derive`"),
        ("== pack.yaml\npack: spec\nderive: [eras]\n", "spec/pack.yaml:2: "),
        ("== pack.yaml\npack: spec\nvocabularies: [LOINC]\n", "spec/pack.yaml:2: `vocabularies`"),
        ("== pack.yaml\npack: spec\nkeep: [Claim]\n", "spec/pack.yaml:2: `keep`"),
        ("== pack.yaml\npack: spec\ntitle: name\n", "spec/pack.yaml:2: `title`"),
        ("== pack.yaml\npack: spec\ndetect: all\n", "spec/pack.yaml:2: `detect`"),
        ("== r.yaml\nkey: a\nintoo: []\ninto: []\n", "spec/r.yaml:2: 'intoo' is not known here. Known: columns"),
        ("== r.yaml\nkey: a\n", "spec/r.yaml:1: `into:` is missing here."),
        ("== r.yaml\nsource: lab.csv\ninto: []\n", "spec/r.yaml:1: `source`"),
        ("== r.yaml\nsource: {files: lab.csv}\ninto: []\n", "spec/r.yaml:1: `files`"),
        ("== r.yaml\ncolumns: [a]\ninto: []\n", "spec/r.yaml:1: `columns`"),
        ("== r.yaml\ncolumns: {a: b}\ninto: []\n", "spec/r.yaml:1: `a`"),
        ("== r.yaml\noptional: a\ninto: []\n", "spec/r.yaml:1: `optional`"),
        ("== r.yaml\nlet: a\ninto: []\n", "spec/r.yaml:1: `let`"),
        ("== r.yaml\nshape: VARCHAR\ninto: []\n", "spec/r.yaml:1: `shape`"),
        ("== r.yaml\ninto: person\n", "spec/r.yaml:1: `into`"),
        ("== r.yaml\ninto: [person]\n", "spec/r.yaml:1: each rule is a mapping"),
        ("== r.yaml\ninto: [{set: {}}]\n", "spec/r.yaml:1: `table:` is missing here."),
        ("== r.yaml\ninto:\n  - table: person\n    wenn: a\n", "spec/r.yaml:3: 'wenn' is not known here. Known: each"),
        ("== r.yaml\ninto:\n  - table: persons\n", "spec/r.yaml:2: the CDM has no table 'persons'"),
        ("== r.yaml\ninto:\n  - table: person\n    set: person_id\n", "spec/r.yaml:3: `set`"),
        (
            "== r.yaml\ninto:\n  - table: person\n    set:\n      gender: a\n",
            "spec/r.yaml:3: table person has no column 'gender'. Columns: birth_datetime",
        ),
        (
            "== r.yaml\ninto:\n  - table: reference\n    set: {name: a}\n",
            "spec/r.yaml:3: a `reference` rule sets `key`",
        ),
        (
            "== r.yaml\ninto:\n  - {table: person, each: {code: 'C{n}'}, set: {}}\n",
            "spec/r.yaml:2: ",
        ),
        (
            "== r.yaml\ninto:\n  - {table: person, each: {count: 2, code: 'C{m}'}, set: {}}\n",
            "spec/r.yaml:2: ",
        ),
        ("== codes/s.csv\ncode;concept_id\n1;2\n", "spec/codes/s.csv:1: the header needs `code` and either"),
        ("== codes/s.csv\ncode,concept_id\nA,1\nB,2\nA,3\n", "spec/codes/s.csv:4: code 'A' stands already on line 2."),
        ("== codes/s.csv\ncode,concept_id\nA,male\n", "spec/codes/s.csv:2: too many fields, or concept_id"),
        ("== codes/s.csv\ncode,concept_id\nA,1,2\n", "spec/codes/s.csv:2: too many fields, or concept_id"),
    ],
    ids=lambda value: value.replace("\n", "↵")[:60] if "==" in value else "",
)
def test_a_slip_in_a_file_is_said_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    assert _said(tmp_path, text).startswith(said)


@pytest.mark.parametrize(
    "value",
    [
        "lower(", "a +", "'", "a b c", "lower(a)) --", "a; select 1", "",
        "(select 1)", "a in (select 1)", "exists(select 1)", "(from x)", "*", "columns(*)", "count(*)",
        "sum(number(a))", "max(a)", "list(a)", "string_agg(a, ',')", "any_value(a)", "first(a)",
        "row_number() over ()", "lag(a) over (order by b)",
        "now()", "current_date", "current_timestamp", "localtimestamp", "localtime", "current_time", "today()",
        "get_current_timestamp()", "transaction_timestamp()", "age(date(a))",
        "random()", "uuid()", "gen_random_uuid()", "setseed(0.1)", "nextval('s')",
        "getenv('HOME')", "current_setting('threads')", "getvariable('x')", "version()", "current_user",
        "session_user", "current_schema()", "current_catalog", "txid_current()", "pg_typeof(a)",
        "read_text('/etc/passwd')", "read_blob('/etc/passwd')", "read_csv('/etc/passwd')", "read_csv_auto('/x')",
        "read_parquet('/x')", "read_json('/x')", "parquet_scan('/x')", "glob('/*')", "query('select 1')",
        "query_table('person')", "sniff_csv('/x')", "duckdb_settings()", "isthmus_digest(a)", "nosuch(a)",
        "$1", "?", "$name", "unnest([1, 2])",
        "date()", "date(a, b, a)", "number()", "concept(a)", "concept(a, 's', 's')", "concept(a, 'nosuch')",
        "id()", "id('person')", "id('persons', a)", "id(a, b)", "look('r', a)", "look(a, b, 'c')", "look('r', a, b)",
        "hl7(a)", "hl7(a, b)", "hl7(a, 0)", "hl7(a, 1, 1, 1, 1, 1)", "hl7(a, -1)",
    ],
)  # fmt: skip
def test_only_plain_scalars_of_the_record_are_taken(tmp_path: Path, value: str) -> None:
    said = _said(tmp_path, RECORD.replace("VALUE", repr(value) if "'" not in value else f'"{value}"'))
    assert said.startswith("spec/r.yaml:9: ")
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize("key", ["key", "version", "person"])
def test_the_same_holds_for_the_record_itself(tmp_path: Path, key: str) -> None:
    assert _said(tmp_path, f"== r.yaml\n{key}: (select 1)\ninto: []\n").startswith("spec/r.yaml:1: ")


def test_packs_that_extend_each_other_are_a_ring(tmp_path: Path) -> None:
    writing.write(tmp_path, "north", "== pack.yaml\npack: north\nextends: south\n")
    writing.write(tmp_path, "south", "== pack.yaml\npack: south\nextends: north\n")
    with pytest.raises(PackError, match=r"^north/pack\.yaml: packs extend each other in a ring: north → south → north"):
        packs.load("north", (tmp_path,))


def test_a_pack_that_is_not_there_is_said_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(PackError, match=r"^there is no pack 'nosuch' .*sim-his"):
        packs.load("nosuch", (tmp_path,))
    writing.write(tmp_path, "north", "== pack.yaml\npack: north\nextends: nosuch\n")
    with pytest.raises(PackError, match=r"^there is no pack 'nosuch'"):
        packs.load("north", (tmp_path,))


def test_a_file_that_is_not_utf8_is_said(tmp_path: Path) -> None:
    folder = writing.write(tmp_path, "spec", "== pack.yaml\npack: spec\n== codes/s.csv\ncode,concept_id\n")
    (folder / "codes" / "s.csv").write_bytes("code,concept_id,name\n男,8507,x\n".encode("gb18030"))
    with pytest.raises(PackError, match=r"^spec/codes/s\.csv:1: the file is not UTF-8\. Save it as UTF-8"):
        packs.load("spec", (tmp_path,))
    (folder / "pack.yaml").write_bytes("pack: spec\ntitle: {zh: 肝癌}\n".encode("gb18030"))
    (folder / "codes" / "s.csv").unlink()
    with pytest.raises(PackError, match=r"^spec/pack\.yaml:1: the file is not UTF-8\. Save it as UTF-8"):
        packs.load("spec", (tmp_path,))


def test_every_pack_that_comes_along_compiles_for_the_columns_it_names(spec: Spec) -> None:
    for name in packs.shipped():
        loaded = packs.load(name)
        for record in loaded.records:
            names = [*record.columns, *record.optional] if record.shape is None else ["resource"]
            columns = [*plan(loaded, record, names or ["a"]).missing, *names]
            planned = plan(loaded, record, list(dict.fromkeys(columns)))
            assert not planned.missing, f"{name}/{record.name}"
            for rule in planned.rules:
                assert rule.select.sql("duckdb")
