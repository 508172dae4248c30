"""Which columns a plain statement only counts, groups by, or compares with themselves; any other use tells of them."""

import pytest

from isthmus.lake.plain import plain

TABLES = {"person", "visit_occurrence"}
COUNTED = {
    "counted": "select count(distinct person_id), count(person_id) filter (where a > 1) from person",
    "joined by name": "select a, b from person join visit_occurrence using (person_id)",
    "joined by a condition": "select a from person p, visit_occurrence v where v.person_id = P.Person_Id",
    "compared, null or not": "select 1 from person p left join visit_occurrence v on p.person_id is not distinct from "
    "v.person_id where v.person_id is null",
    "grouped by": "select count(*) from person group by person_id",
    "a part of a window": "select row_number() over (partition by person_id order by a) from person",
    "passed on and grouped": "select n, count(*) from (select person_id, count(*) as n from person group by 1) "
    "where person_id is not null group by n order by n",
    "passed on by a name": "with p as (select distinct person_id from visit_occurrence) select a from person join "
    "p using (person_id)",
    "among some": "select count(*) from person where person_id in (select person_id from visit_occurrence where b = 3)",
    "not among some": "select a from person where person_id not in (select v.person_id from visit_occurrence v)",
    "where there is one": "select a from person p where exists (select 1 from visit_occurrence v where v.person_id = "
    "p.person_id)",
}  # fmt: skip
TOLD = {
    "selected": "select person_id from person",
    "selected under another name": "select count(x) from (select person_id as x from person)",
    "that name is told": "select x from (select person_id as x from person)",
    "passed on and selected": "with p as (select person_id from person) select person_id from p",
    "the least": "select min(person_id) from person",
    "any of them": "select any_value(person_id) from person",
    "estimated from their bits": "select approx_count_distinct(person_id) from person",
    "computed with": "select count(person_id % 2) from person",
    "counted beside another": "select count(distinct (person_id, a)) from person",
    "ordered by": "select a from person order by person_id limit 1",
    "ordered by its place": "select count(*) from (select person_id from person order by 1 limit 5)",
    "a window in its order": "select row_number() over (order by person_id) from person",
    "counted in its order": "select count(a order by person_id) from person",
    "a limit to the rows that pass it on": "select count(*) from (select person_id from person limit 1)",
    "distinct on it": "select distinct on (person_id) a from person",
    "compared with a number": "select count(*) from person where person_id = 330000000001",
    "in order with itself": "select count(*) from person p join visit_occurrence v on p.person_id < v.person_id",
    "compared with another column": "select count(*) from person where person_id = a",
    "in a list": "select count(*) from person where person_id in (1, 2)",
    "in a list that is selected": "select count(*) from person where person_id in (select 330000000001)",
    "in another column": "select count(*) from person where person_id in (select a from visit_occurrence)",
    "more than any": "select count(*) from person where person_id > any (select person_id from visit_occurrence)",
    "in its range": "select count(*) from person where person_id between 1 and 2",
    "a number by its name": "with g as (select 330000000001 as person_id) select count(*) from person join g using "
    "(person_id)",
    "another column by its name": "select count(*) from person join (select a as person_id from person) g using "
    "(person_id)",
    "a number by its place": "with g(person_id) as (select 330000000001) select count(*) from person join g using "
    "(person_id)",
    "a value by its place": "select count(*) from person join (values (330000000001)) g(person_id) using (person_id)",
    "under a name by its place": "select x from (select person_id from person) g(x)",
    "a union by its place": "select x from (select a as x from person union all select person_id from person)",
    "one of a scalar": "select (select person_id from person limit 1)",
    "a scalar that is compared": "select count(*) from person where a = (select max(person_id) from person)",
    "through a star": "select count(person_id) from (select * from person)",
    "through a row": "select count(person_id), person from person",
    "a part of it": "select count(person_id.x) from person",
    "a case": "select count(case when person_id is null then 1 end), coalesce(person_id, 0) from person",
    "the condition of a case": "select case person_id when 1 then 2 end from person",
    "the filter of a count": "select count(person_id) filter (where person_id > 5) from person",
    "the condition of a group": "select count(*) from person group by person_id having person_id > 5",
    "grouped by what is computed": "select count(*) from person group by person_id // 10",
    "its length": "select count(*) from person where length(person_id) = 12",
}  # fmt: skip


@pytest.mark.parametrize("name", COUNTED)
def test_what_is_only_counted_and_compared_is_known(name: str) -> None:
    found = plain(COUNTED[name], TABLES)
    assert found is not None
    assert "person_id" in found.counted


@pytest.mark.parametrize("name", TOLD)
def test_any_other_use_tells_of_it(name: str) -> None:
    found = plain(TOLD[name], TABLES)
    assert found is None or "person_id" not in found.counted


def test_each_name_is_looked_at_by_itself() -> None:
    found = plain("select visit_occurrence_id, count(distinct person_id) from visit_occurrence group by all", TABLES)
    assert found is not None
    assert found.counted == {"person_id"}
