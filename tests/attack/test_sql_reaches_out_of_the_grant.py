"""A person of a grant writes SQL that reaches for what was not granted: files, settings, the network, other tables.

Every statement is sent through the command. None gives a cell that was not granted, a byte of a file of the host, or
a change of anything; the last test says that what was granted is still answered after all of them.
"""

import pytest

from isthmus.flow.workspace import Workspace
from lib import granted, workspace
from lib.escapes import MORE
from lib.granted import House

SECRET = "the host's own secret"
ESCAPES: dict[str, str] = {
    "a file as text": "select * from read_text('{file}')",
    "a file as blob": "select * from read_blob('{file}')",
    "a file as csv": "select * from read_csv('{file}')",
    "a file as csv, found by itself": "select * from read_csv_auto('{file}')",
    "a file by its name alone": "select * from '{csv}'",
    "a file as json": "select * from read_json('{file}')",
    "a file as ndjson": "select * from read_ndjson_objects('{file}')",
    "the lake's own Parquet": "select * from read_parquet('{lake}/**/*.parquet', union_by_name = true)",
    "the lake's own Parquet, by its name": "select * from '{lake}/person/*/*.parquet'",
    "what Parquet says of itself": "select * from parquet_metadata('{lake}/person/*/*.parquet')",
    "the schema of the lake": "select * from parquet_schema('{lake}/person/*/*.parquet')",
    "the names of files": "select * from glob('{lake}/**')",
    "a file beside, by climbing": "select * from read_text('../../../../../../etc/hostname')",
    "the process itself": "select * from read_text('/proc/self/environ')",
    "the records": "select * from sqlite_scan('{records}', 'account')",
    "attach the records": "attach '{records}' as records (type sqlite)",
    "attach a new database": "attach '{out}' as other",
    "copy out": "copy (select * from person) to '{out}'",
    "copy in": "copy person from '{csv}'",
    "export everything": "export database '{out}'",
    "import everything": "import database '{out}'",
    "install an extension": "install httpfs",
    "load an extension": "load httpfs",
    "the network": "select * from read_csv('https://example.org/x.csv')",
    "object storage": "select * from read_parquet('s3://bucket/x.parquet')",
    "switch access on again": "set enable_external_access = true",
    "unlock": "set lock_configuration = false",
    "reset": "reset enable_external_access",
    "a pragma": "pragma enable_external_access",
    "a pragma as table": "select * from pragma_database_list where path is not null and path <> ''",
    "another folder": "set file_search_path = '{lake}'",
    "an allowed folder": "set allowed_directories = ['{lake}']",
    "two statements": "select 1 from person; copy person to '{out}'",
    "a statement after a comment": "select 1 from person -- \n; copy person to '{out}'",
    "a secret of the engine": "select * from duckdb_secrets() where name is not null",
    "make a secret": "create secret s (type s3, key_id 'x', secret 'y')",
    "the environment": "select getenv('ISTHMUS_TOKEN')",
    "a variable of the process": "select * from secret_of_the_process",
    "a table that was not granted": "select * from condition_occurrence",
    "the same in another case": "select * from CONDITION_OCCURRENCE",
    "the same with its schema": "select * from main.condition_occurrence",
    "the same with its database": "select * from memory.main.condition_occurrence",
    "the same, quoted": 'select * from "condition_occurrence"',
    "the same by a name in a text": "select * from query_table('condition_occurrence')",
    "the same by a statement in a text": "select * from query('select * from condition_occurrence')",
    "the same behind a name that shadows": "with x as (select * from condition_occurrence) select * from x",
    "the same deep inside": "select (select count(*) from condition_occurrence) from person",
    "the record ledger": "select * from record",
    "what patients were called": "select person_source_value from person",
    "the same through a row": "select person.person_source_value from person",
    "all columns by pattern": "select columns('.*source_value') from person",
    "where a row came from": "select part_id, place from person",
    "the month of birth": "select month_of_birth from person",
    "views with the key": "select sql from duckdb_views() where not internal",
    "the same by the standard's way": "select * from information_schema.views where table_catalog = 'memory' "
    "and table_schema = 'main' and view_definition ilike '%unhex%'",
    "what was run before": "select * from duckdb_logs",
    "prepared statements": "select * from duckdb_prepared_statements()",
    "a function of the engine's maker": "call dbgen(sf = 0.01)",
    "call a pragma": "call pragma_version()",
    "make a table": "create table mine as select * from person",
    "make a macro": "create macro f(x) as table select * from read_text(x)",
    "change rows": "update person set year_of_birth = 1",
    "take rows away": "delete from person",
    "add rows": "insert into person select * from person",
    "a transaction": "begin transaction",
    "vacuum": "vacuum",
    "checkpoint": "force checkpoint",
    "explain with running": "explain analyze select * from person",
    "summarize what was not granted": "summarize condition_occurrence",
    "a value out of an error": "select cast(person_id as integer) from person",
    "an error of one's own": "select error(person_id) from person",
}


TRIED = ESCAPES | MORE


def test_two_hundred_are_tried() -> None:
    assert len(TRIED) >= 200
    assert not set(ESCAPES) & set(MORE)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    folder = tmp_path_factory.mktemp("escapes")
    house = granted.granted(folder, patients=3)
    (folder / "secret.txt").write_text(SECRET)
    (folder / "secret.csv").write_text(f"a,b\n1,{SECRET}\n")
    return house


@pytest.fixture(scope="module")
def hidden(house: House) -> set[str]:
    """Every value that no answer may hold: true identities, source values, names of files."""
    opened = Workspace(house.root)
    values = {SECRET, "httpfs", house.tokens["ann"]}
    for table in ("person", "condition_occurrence", "visit_occurrence"):
        for row in workspace.rows(opened, table):
            names = [name for name in row if name.endswith(("source_value", "_id")) and "concept" not in name]
            values |= {str(row[name]) for name in names if row[name] is not None and len(str(row[name])) > 5}
    return values


@pytest.mark.parametrize("name", TRIED)
def test_no_statement_reaches_out_of_the_grant(house: House, hidden: set[str], name: str) -> None:
    folder = house.root.parent
    out = folder / "out"
    secret_of_the_process = granted.APPLICATION  # noqa: F841 a variable that a replacement scan would find
    sql = TRIED[name].format(
        file=folder / "secret.txt", csv=folder / "secret.csv", lake=house.root / "lake",
        records=house.root / "records.db", out=out,
    )  # fmt: skip
    done = house.ask(sql, "ann", "--json")
    assert not out.exists()
    assert "Traceback" not in done.err
    assert "unforeseen" not in done.err
    if done.code == 0:
        assert done.document()["rows"] == [], done.out[:500]
    else:
        assert done.code in {3, 5}, done
        assert done.out == ""
    words = TRIED[name].lower()
    assert not [value for value in hidden if value in done.out + done.err and value.lower() not in words]


def test_what_was_granted_is_still_answered(house: House) -> None:
    done = house.ask("select count(*) as n from person", "ann", "--json")
    assert done.document()["rows"] == [{"n": 3}]


def test_a_name_that_shadows_a_table_is_only_a_name(house: House) -> None:
    sql = "with note as (select 7 as n) select n from note"
    assert house.ask(sql, "ann", "--json").document()["rows"] == [{"n": 7}]


def test_every_attempt_is_in_the_log(house: House) -> None:
    def asked() -> int:
        lines = house.run("aud", "log", house.root, "--grant", house.grant, "--json").document()
        return sum(one["kind"] == "question" for one in lines)

    before = asked()
    for name in ("the network", "a table that was not granted", "two statements", "an error of one's own"):
        assert house.ask(ESCAPES[name], "ann", "--json").code != 0
    assert asked() == before + 4
