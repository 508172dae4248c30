"""Every function that the engine knows is called in a locked engine, with texts that are paths and with identities.

New versions of the engine bring new functions: they are tried by themselves. None gives a byte of the host, an identity
or a key, none writes a file, and the engine answers after all of them.
"""

from collections.abc import Iterator

import duckdb
import pytest

from isthmus.base.clock import now
from isthmus.base.errors import IsthmusError
from isthmus.flow.workspace import Workspace
from isthmus.gate.grade.decision import Allowed, Request, decide
from isthmus.gate.grade.keys import Keys
from isthmus.gate.grade.rewrite import Use, views
from isthmus.gate.joined import reading_of
from isthmus.gate.office.asking import Asker
from isthmus.gate.office.unit import Office
from isthmus.lake.locked import Locked, locked
from lib import granted, workspace
from lib.granted import House

SECRET = "the host's own secret"
TABLES = ("person", "visit_occurrence")
SHAPES = ("'{file}'", "person_id", "'{file}', 1", "person_id, 'x', '{file}'", "")
ROWS = ("'{file}'", "", "'person'", "NULL", "NULL, NULL, NULL", "'{file}', '{out}'")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    folder = tmp_path_factory.mktemp("functions")
    (folder / "secret.txt").write_text(SECRET)
    return granted.granted(folder, patients=3)


@pytest.fixture(scope="module")
def engine(house: House) -> Iterator[Locked]:
    opened = Workspace(house.root)
    office = Office(opened.root, opened.records, opened.settings)
    account, edition = office.accounts.get("ann"), opened.lake.editions.current()
    assert account is not None
    assert edition is not None
    with office.open():
        grant = Asker(account, house.grant, "HMB").standing(office)
        keys = Keys(office.secret, house.grant)
    columns = {name: frozenset[str]() for name in TABLES}
    found = decide(grant, Request(person="ann", kind="HMB", at=now(), columns=columns))
    assert isinstance(found, Allowed)
    use = Use(grant=grant, person="ann", kind="HMB", keys=keys)
    with locked(opened.lake, edition, views(found, use), reading_of(edition, TABLES)) as engine:
        yield engine


@pytest.fixture(scope="module")
def hidden(house: House) -> set[str]:
    opened = Workspace(house.root)
    office = Office(opened.root, opened.records, opened.settings)
    values = {SECRET}
    for table in TABLES:
        for row in workspace.rows(opened, table):
            names = [name for name in row if name.endswith(("source_value", "_id")) and "concept" not in name]
            values |= {str(row[name]) for name in names if row[name] is not None and len(str(row[name])) > 5}
    with office.open():
        keys = Keys(office.secret, house.grant)
    return values | {key.hex() for key in keys._keys.values()}


def _functions(*kinds: str) -> list[str]:
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    with duckdb.connect() as connection:
        found = connection.execute(
            f"SELECT DISTINCT function_name FROM duckdb_functions() WHERE function_type IN ({listed}) ORDER BY ALL"
        ).fetchall()
    return [str(row[0]) for row in found]


def _tried(engine: Locked, house: House, hidden: set[str], statements: list[str]) -> int:
    """How many statements were answered; none of them with what is hidden."""
    folder = house.root.parent
    out, answered = folder / "out", 0
    for statement in statements:
        sql = statement.replace("{file}", str(folder / "secret.txt")).replace("{out}", str(out))
        try:
            said = str(engine.rows(sql, most=1_000, seconds=5).to_pylist())
            answered += 1
        except IsthmusError as error:
            said = str(error)
        assert not [value for value in hidden if value in said], statement
    assert not out.exists()
    assert engine.rows("select count(*) as n from person", most=1, seconds=5).to_pylist() == [{"n": 3}]
    return answered


def test_functions_of_values_tell_nothing(engine: Locked, house: House, hidden: set[str]) -> None:
    names = [name.replace('"', '""') for name in _functions("scalar", "aggregate")]
    calls = [f'select "{name}"({shape}) from person' for name in names for shape in SHAPES]
    assert len(names) > 500
    assert _tried(engine, house, hidden, calls) > 300


def test_functions_that_make_rows_tell_nothing(engine: Locked, house: House, hidden: set[str]) -> None:
    names = _functions("table", "table_macro", "pragma")
    calls = [f'select * from "{name}"({shape})' for name in names for shape in ROWS]
    calls += [f"pragma {name}('{{file}}')" for name in names] + [f"call {name}('{{out}}')" for name in names]
    assert len(names) > 100
    assert _tried(engine, house, hidden, calls) < len(calls) / 10


def test_no_setting_is_changed(engine: Locked, house: House, hidden: set[str]) -> None:
    with duckdb.connect() as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM duckdb_settings()").fetchall()]
    ways = ("set {name} = '{{out}}'", "set global {name} = true", "reset {name}", "pragma {name} = '{{out}}'",
            "select current_setting('{name}')")  # fmt: skip
    assert _tried(engine, house, hidden, [way.format(name=name) for name in names for way in ways]) == 0


def test_views_of_the_engine_are_not_read(engine: Locked, house: House, hidden: set[str]) -> None:
    with duckdb.connect() as connection:
        found = connection.execute("SELECT database_name, schema_name, view_name FROM duckdb_views()").fetchall()
    calls = [f'select * from "{view}"' for _, _, view in found]
    calls += [f'select * from "{schema}"."{view}"' for _, schema, view in found]
    calls += [f'select * from "{database}"."{schema}"."{view}"' for database, schema, view in found]
    assert len(found) > 30
    assert _tried(engine, house, hidden, calls) == 0
