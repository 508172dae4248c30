"""Pages of tables, by themselves: plain statements over every table, and marks that are bound to what they are of."""

from datetime import datetime

import pyarrow as pa
import pytest

from isthmus.base.errors import InputError
from isthmus.cdm.tables import TABLES
from isthmus.gate.committee.application import Grant
from isthmus.lake.plain import plain
from isthmus.serving.api.delivery import Mark, Wanted, bound, columns_of, contract, decoded, encoded

GRANT = Grant(
    id="20.500.99999/GRG33CB97QF2VTWKAHC", people=frozenset({"ann"}), kinds=frozenset({"HMB"}),
    sites=frozenset({"h01"}),
    columns={name: frozenset(table.schema.names) for name, table in TABLES.items() if table.group != "vocabulary"},
    start=datetime(2026, 1, 1), until=datetime(2027, 1, 1), release="default", grade=3,  # noqa: DTZ001 the gate's times are in UTC and name no zone
)  # fmt: skip


@pytest.mark.parametrize("table", [name for name in TABLES if columns_of(GRANT, name)])
def test_the_statement_of_every_table_is_plain(table: str) -> None:
    columns = tuple(columns_of(GRANT, table))
    for mark in (None, Mark("", 1, "ab'c", 3)):
        found = plain(Wanted(table, columns, 10, mark).sql, [table])
        assert found is not None and found.tables == {table}


def test_a_grant_tells_what_its_grade_leaves_out() -> None:
    told = contract(GRANT, "person")
    assert {one["name"] for one in told["left_out"]} >= {"person_source_value", "birth_datetime"}
    assert {one["name"] for one in told["columns"]}.isdisjoint(one["name"] for one in told["left_out"])
    assert told["key"] == "person_id"


def test_a_mark_comes_back_as_it_was_and_only_where_it_is_of() -> None:
    here = bound(GRANT, "person", ("person_id",))
    mark = Mark(here, 3, "é'\"", 2)
    assert decoded(encoded(mark), here) == mark
    for other in (bound(GRANT, "person", ("person_id", "site")), bound(GRANT, "death", ("person_id",))):
        with pytest.raises(InputError, match="no mark of this table"):
            decoded(encoded(mark), other)


def test_equal_keys_at_the_end_of_a_page_are_counted() -> None:
    columns = ("person_id", "year_of_birth")
    rows = pa.table({"person_id": ["a", "b", "b"], "year_of_birth": [1, 2, 3]})
    first = Wanted("person", columns, 3).after(rows, "x", 1)
    assert first == Mark("x", 1, "b", 2)
    more = pa.table({"person_id": ["b", "b", "b"], "year_of_birth": [4, 5, 6]})
    assert Wanted("person", columns, 3, first).after(more, "x", 1) == Mark("x", 1, "b", 5)
    assert Wanted("person", columns, 4).after(rows, "x", 1) is None
    keyless = Wanted("condition_occurrence", ("person_id",), 3, Mark("x", 1, None, 3))
    assert keyless.after(more.select(["person_id"]), "x", 1) == Mark("x", 1, None, 6)
