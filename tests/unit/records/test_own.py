"""Own tables of applications: steps that only add, rows by site, and conditions."""

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from isthmus.base.errors import InputError, IsthmusError, UsageError
from isthmus.records.own import Own, Shape, Step, Within

SCHEMA = "isthmus_own"
FIRST = Step({"alert": Shape({"alert": "integer", "rule": "text", "at": "time"}, ("alert",), (("rule", "at"),))})
SECOND = Step({}, {"alert": {"reason": "text"}}, {"alert": (("reason",),)})
NOON = datetime.fromisoformat("2026-01-01T12:00")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.services)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'own.db'}"
        return
    pytest.importorskip("psycopg")
    server = os.environ.get("ISTHMUS_TEST_POSTGRESQL", "postgresql+psycopg:///postgres?host=/var/run/postgresql")
    engine = sa.create_engine(server, poolclass=sa.NullPool)
    try:
        with engine.begin() as connection:
            connection.execute(sa.text(f"drop schema if exists {SCHEMA} cascade"))
            connection.execute(sa.text(f"create schema {SCHEMA}"))
    except sa.exc.OperationalError as error:
        pytest.skip(f"no postgresql server answers: {type(error.orig).__name__}")
    yield f"{server}{'&' if '?' in server else '?'}options=-csearch_path%3D{SCHEMA}"
    with engine.begin() as connection:
        connection.execute(sa.text(f"drop schema {SCHEMA} cascade"))


@pytest.fixture
def own(url: str) -> Iterator[Own]:
    made = Own(url, "advice", [FIRST, SECOND])
    assert made.migrate() == 2
    yield made
    made.close()


def test_a_step_is_carried_out_once(own: Own, url: str) -> None:
    again = Own(url, "advice", [FIRST, SECOND])
    assert again.migrate() == 0
    again.close()


def test_the_whole_installation_finds_rows_of_all_sites_by_an_index(own: Own, url: str) -> None:
    for number, site in enumerate(("", "h01", "h02", "h03"), start=1):
        own.of(site).add(
            "alert", [{"alert": number, "rule": "one", "at": NOON}, {"alert": 9, "rule": "two", "at": NOON}]
        )
    asked: list[tuple[str, Any]] = []
    heard = ("before_cursor_execute", lambda *told: asked.append((told[2], told[3])))
    sa.event.listen(sa.Engine, *heard)
    found = own.of("").find("alert", {"rule": "one", "at": Within(NOON)}, order=["alert"])
    sa.event.remove(sa.Engine, *heard)
    assert [(row["site"], row["alert"]) for row in found] == [("", 1), ("h01", 2), ("h02", 3), ("h03", 4)]
    assert own.of("").count("alert", {"alert": 9}) == [{"rows": 4}]
    if url.startswith("sqlite"):
        with sa.create_engine(url).connect() as connection:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked[-1][0]}", asked[-1][1]).all()
        assert any("SEARCH app_advice_alert USING" in str(step) for step in plan), plan


def test_rows_of_several_tables_are_added_all_or_none(url: str) -> None:
    both = Own(url, "both", [Step({"call": Shape({"call": "text"}, ("call",)), "card": Shape({"card": "text"})})])
    both.migrate()
    records = both.of("h01")
    records.add_all({"card": [{"card": "one"}], "call": [{"call": "first"}]})
    with pytest.raises(IsthmusError, match="could not be used"):
        records.add_all({"card": [{"card": "two"}], "call": [{"call": "second"}, {"call": "second"}]})  # twice one key
    with pytest.raises(UsageError, match="no column 'reason'"):
        records.add_all({"card": [{"card": "three"}], "call": [{"reason": "none"}]})
    assert [row["card"] for row in records.find("card")] == ["one"]
    assert [row["call"] for row in records.find("call")] == ["first"]
    both.close()


def test_a_step_that_was_edited_is_refused(own: Own, url: str) -> None:
    changed = Step({"alert": Shape({"alert": "integer", "rule": "text"}, ("alert",))})
    edited = Own(url, "advice", [changed, SECOND])
    with pytest.raises(InputError, match="step 1 was carried out as it was before"):
        edited.migrate()
    edited.close()


def test_the_former_version_runs_on_the_later_tables(own: Own, url: str) -> None:
    own.of("a").add("alert", [{"alert": 1, "rule": "r", "at": NOON, "reason": "why"}])
    former = Own(url, "advice", [FIRST])
    assert former.migrate() == 0
    former.of("a").add("alert", [{"alert": 2, "rule": "r", "at": NOON}])
    assert len(former.of("a").find("alert")) == 2
    former.close()
    assert [row["reason"] for row in own.of("a").find("alert", order=["alert"])] == ["why", None]


def test_two_applications_do_not_meet(own: Own, url: str) -> None:
    other = Own(url, "vte", [FIRST])
    other.migrate()
    other.of("a").add("alert", [{"alert": 1}])
    assert own.of("a").find("alert") == []
    other.close()


def test_a_site_meets_its_own_rows_and_those_of_all(own: Own) -> None:
    for site in ("", "a", "b"):
        own.of(site).add("alert", [{"alert": 1, "rule": f"of {site}"}])
    own.of("").add("alert", [{"alert": 2, "site": "b"}])
    assert [row["site"] for row in own.of("a").find("alert", order=["site"])] == ["", "a"]
    assert len(own.of("").find("alert")) == 4
    assert own.of("a").change("alert", {}, {"rule": "mine"}) == 1
    assert own.of("a").remove("alert", {}) == 1
    assert {row["rule"] for row in own.of("").find("alert")} == {"of ", "of b", None}
    with pytest.raises(UsageError, match="of another site"):
        own.of("a").add("alert", [{"alert": 3, "site": "b"}])


def test_rows_are_found_counted_and_ordered(own: Own) -> None:
    at = own.of("a")
    at.add(
        "alert",
        [{"alert": one, "rule": "r" if one < 3 else "s", "at": f"2026-01-0{one}T12:00:00"} for one in (1, 2, 3)],
    )
    assert [row["alert"] for row in at.find("alert", order=["-alert"], most=2)] == [3, 2]
    assert [row["alert"] for row in at.find("alert", {"at": Within(NOON, "2026-01-03")}, order=["at"])] == [
        1,
        2,
    ]
    assert at.count("alert", by=["rule"]) == [{"rule": "r", "rows": 2}, {"rule": "s", "rows": 1}]
    assert at.count("alert", {"rule": ["r", "s"], "reason": None}) == [{"rows": 3}]
    at.add("alert", [{"alert": 1, "rule": "new"}])  # takes the place of the one with its key
    assert at.count("alert", {"rule": "new"}) == [{"rows": 1}]


def test_a_row_that_cannot_be_takes_none_with_it_and_its_values_are_not_told(own: Own) -> None:
    with pytest.raises(IsthmusError) as told:
        own.of("a").add("alert", [{"alert": 1}, {"alert": object(), "rule": "patient 4711"}])
    assert "4711" not in str(told.value)
    assert own.of("a").find("alert") == []


@pytest.mark.parametrize(
    ("table", "where", "why"),
    [
        ("nothing", {}, "no table 'nothing'"),
        ("alert", {"size": 1}, "no column 'size'"),
        ("alert", {"at": "x"}, "ISO time"),
    ],
)
def test_what_the_file_does_not_have_is_told(own: Own, table: str, where: dict[str, object], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        own.of("a").find(table, where)
