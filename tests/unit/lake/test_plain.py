"""Which statements are plain: of known parts alone, so that they can name nothing but the tables they are given."""

import pytest

from isthmus.lake.plain import plain

TABLES = {"person", "visit_occurrence"}
PLAIN: dict[str, set[str] | None] = {
    "select gender_concept_id, count(*) from person group by all order by 2 desc limit 3": {"gender_concept_id"},
    "select count(distinct PERSON_ID) filter (where Year_of_Birth > 1950) from Person": {"person_id", "year_of_birth"},
    "select year(v.visit_start_date), avg(v.a / v.b) from visit_occurrence v group by 1 having count(*) > 7": {
        *("v", "visit_start_date", "a", "b")
    },
    "with p as (select a from person) select a + 1 from p union all select b from visit_occurrence": {"a", "b"},
    "select a from person join visit_occurrence using (b) where a in (select c from person) and not d is null": {
        *("a", "b", "c", "d")
    },
    "select row_number() over (partition by a order by b), case when c then 1 else 2 end from person": {"a", "b", "c"},
    "select date '2026-01-01' - interval 1 day, cast(a as double), try_cast(b as decimal(10, 2)) from person": {
        *("a", "b")
    },
    "select * from person": None, "select person from person": None, "select p from person p": None,
    "select a from person natural join visit_occurrence": None, "select count(*) from person": set(),
}  # fmt: skip
NOT: dict[str, str] = {
    "columns by a pattern": "select columns('a.*') from person",
    "another table": "select 1 from note",
    "a file": "select 1 from 'x.parquet'",
    "a schema": "select 1 from main.person",
    "a database": "select 1 from memory.main.person",
    "the catalogue": "select sql from duckdb_views",
    "a table function": "select 1 from read_parquet('x')",
    "a function that makes rows": "select 1 from person, range(3)",
    "a text as SQL": "select 1 from query('select 1')",
    "a text as a name": "select 1 from query_table('person')",
    "a function off the list": "select getenv('HOME') from person",
    "a setting": "select current_setting('secret_directory') from person",
    "a variable": "select getvariable('x') from person",
    "the query itself": "select current_query() from person",
    "the statistics of a column": "select stats(person_id) from person",
    "an error with a value": "select error(person_id) from person",
    "a view's text": "select pg_get_viewdef(1) from person",
    "a function of a schema": "select main.count(1) from person",
    "a list": "select [x for x in [1, 2]] from person",
    "a type by its name": "select 'person'::regclass from person",
    "a parameter": "select $1 from person",
    "a sample": "select 1 from person using sample 5",
    "a past state": "select 1 from person at (version => 1)",
    "a recursion": "with recursive r as (select 1 as n union all select n + 1 from r) select n from r",
    "summarize": "summarize person", "describe": "describe person", "pivot": "pivot person on a using count(*)",
    "two statements": "select 1 from person; select 2 from person", "no select": "delete from person",
    "an insert": "insert into person select 1", "explain": "explain select 1 from person", "nonsense": "selec 1",
    "nothing": "",
    "a name for what is the engine's": "select 1 from (with duckdb_views as (select 1) select 1) a, duckdb_views b",
    "the same before it is given": "with a as (select sql from duckdb_views), duckdb_views as (select 1) select 1 "
    "from a",
    "a name for what is a file": "select 1 from (with \"x.parquet\" as (select 1) select 1) a, 'x.parquet' b",
    "a name for what is ours": "with isthmus_raw_person as (select 1) select 1 from isthmus_raw_person",
    "what is ours": "select 1 from isthmus_raw_person",
    "a name for a table of the grant": "with person as (select 1) select 1 from person",
    "a positional join": "select 1 from person positional join visit_occurrence",
    "an asof join": "select 1 from person p asof join visit_occurrence v on p.a >= v.a",
}  # fmt: skip


@pytest.mark.parametrize("sql", PLAIN)
def test_what_is_made_of_known_parts_is_plain(sql: str) -> None:
    found = plain(sql, TABLES)
    assert found is not None
    expected = PLAIN[sql]
    assert found.columns == (None if expected is None else frozenset(expected))


@pytest.mark.parametrize("name", NOT)
def test_anything_else_is_not(name: str) -> None:
    assert plain(NOT[name], TABLES) is None


def test_tables_are_those_that_are_read() -> None:
    found = plain("with x as (select 1 as n) select n from x, VISIT_OCCURRENCE", TABLES)
    assert found is not None
    assert found.tables == {"visit_occurrence"}


def test_a_deep_statement_is_no_failure() -> None:
    assert plain("select " + "(" * 5000 + "1" + ")" * 5000 + " from person", TABLES) is not None
    assert plain("select a" + " + 1" * 50_000 + " from person", TABLES) is None
