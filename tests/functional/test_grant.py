"""From an application to rows, and every way in which there are none: what is refused, why, and what the log has."""

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path

import pytest

from isthmus.base.errors import RefusedError
from isthmus.cdm.questions import person
from isthmus.flow.workspace import Workspace
from isthmus.gate.office import asking
from isthmus.gate.office import session as granted_session
from isthmus.gate.office.quota import Quota
from isthmus.gate.office.unit import Office
from lib import granted, workspace
from lib.command import complaint
from lib.granted import House

COUNT = "select count(*) as n from person"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    """A workspace with a grant in force, which tests only ask."""
    return granted.granted(tmp_path_factory.mktemp("grant"))


def _office(house: House) -> Office:
    opened = Workspace(house.root)
    return Office(opened.root, opened.records, opened.settings)


def _entries(house: House) -> list[dict[str, object]]:
    office = _office(house)
    with office.open():
        return [dict(one) for one in office.entries()]


def test_a_granted_question_is_answered_from_the_granted_columns(house: House) -> None:
    done = house.ask("select * from person", "ann", "--json")
    rows = done.document()["rows"]
    assert len(rows) == len(workspace.rows(Workspace(house.root), "person"))
    assert set(rows[0]) == {"person_id", "gender_concept_id", "year_of_birth", "site"}
    true = {str(row["person_id"]) for row in workspace.rows(Workspace(house.root), "person")}
    assert not true & {row["person_id"] for row in rows}
    assert all(len(row["person_id"]) == 32 for row in rows)


def test_a_question_as_an_expression_gives_what_sql_gives(house: House) -> None:
    asked = granted.session(house).ask(person.group_by("gender_concept_id").agg(n=person.count()))
    told = house.ask("select gender_concept_id, count(*) as n from person group by all", "ann", "--json")
    assert sorted(asked.to_pylist(), key=str) == sorted(told.document()["rows"], key=str)


def test_dates_move_and_intervals_stay(house: House) -> None:
    sql = "select person_id, visit_start_date as day from visit_occurrence order by all"
    moved: dict[str, list[datetime]] = {}
    for row in house.ask(sql, "ann", "--json").document()["rows"]:
        moved.setdefault(row["person_id"], []).append(datetime.fromisoformat(row["day"]))
    plain: dict[int, list[datetime]] = {}
    for row in workspace.rows(Workspace(house.root), "visit_occurrence"):
        plain.setdefault(row["person_id"], []).append(row["visit_start_date"])

    def gaps(days: dict[object, list[datetime]]) -> list[tuple[timedelta, ...]]:
        return sorted(tuple(b - a for a, b in zip(sorted(one), sorted(one)[1:], strict=False)) for one in days.values())

    assert gaps(dict(moved)) == gaps(dict(plain))
    assert sorted(chain(*moved.values())) != sorted(chain(*plain.values()))


@pytest.mark.parametrize(("way", "sql"), [("straight", COUNT), ("locked", f"{COUNT}, range(1)")])
def test_the_entry_is_in_the_log_before_the_answer(
    house: House, monkeypatch: pytest.MonkeyPatch, way: str, sql: str
) -> None:
    session = granted.session(house)
    before = len(_entries(house))
    seen: list[int] = []

    def looked(*_: object, **__: object) -> None:
        seen.append(len(_entries(house)))
        raise RefusedError("looked")

    monkeypatch.setattr(granted_session, way, looked)
    with pytest.raises(RefusedError, match="looked"):
        session.sql(sql)
    assert seen == [before + 2]  # the session and the question


REFUSED: dict[str, tuple[str, str, str, str]] = {
    "wrong person": ("cai", COUNT, "not among the people", "person"),
    "another table": ("ann", "select * from note", "does not hold note", "table"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_granted_gives_no_row_and_one_entry(house: House, name: str) -> None:
    who, sql, why, reason = REFUSED[name]
    before = _entries(house)
    said = complaint(house.ask(sql, who), 5)
    assert why in said
    assert "What next" in said
    (entry,) = _entries(house)[len(before) :]
    assert (entry["kind"], entry["act"], entry["reason"]) == ("question", "refused", reason)


def test_another_purpose_gives_no_row_and_one_entry(house: House) -> None:
    before = _entries(house)
    assert "not for POA" in complaint(house.ask(COUNT, "ann", "--purpose", "POA"), 5)
    (entry,) = _entries(house)[len(before) :]
    assert entry["reason"] == "purpose"


def test_an_expired_grant_gives_no_row_and_one_entry(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    session = granted.session(house)
    before = _entries(house)
    monkeypatch.setattr(asking, "now", lambda: datetime.fromisoformat(granted.UNTIL))
    with pytest.raises(RefusedError, match="not in force"):
        session.sql(COUNT)
    (entry,) = _entries(house)[len(before) :]
    assert (entry["act"], entry["reason"]) == ("refused", "expired")


def _suspend(house: House) -> None:
    assert house.use("stew", "suspend", "--site", "h01", "--reason", "an incident").code == 0


def _revoke(house: House) -> None:
    assert house.use("cai", "revoke", "--reason", "misuse").code == 0


def _disable(house: House) -> None:
    assert house.run("root", "people", "disable", house.root, "ann").code == 0


STOPS: dict[str, tuple[Callable[[House], None], str]] = {
    "suspended": (_suspend, "suspended"), "revoked": (_revoke, "revoked"), "disabled": (_disable, "person"),
}  # fmt: skip


@pytest.mark.parametrize("name", STOPS)
def test_a_stop_holds_at_once_also_for_a_session_that_is_open(tmp_path: Path, name: str) -> None:
    house = granted.granted(tmp_path, patients=3)
    session = granted.session(house)
    assert session.sql(COUNT).to_pylist() == [{"n": 3}]
    stop, reason = STOPS[name]
    stop(house)
    before = _entries(house)
    with pytest.raises(RefusedError):
        session.sql(COUNT)
    (entry,) = _entries(house)[len(before) :]
    assert (entry["act"], entry["reason"]) == ("refused", reason)


def test_a_suspension_is_lifted_by_who_made_it(tmp_path: Path) -> None:
    house = granted.granted(tmp_path, patients=3)
    _suspend(house)
    assert "suspended" in complaint(house.ask(COUNT), 5)
    assert "Ask whoever did" in complaint(house.use("root", "resume", "--reason", "over"), 5)
    assert house.use("stew", "resume", "--site", "h01", "--reason", "over").code == 0
    assert house.ask(COUNT).code == 0


def test_the_rows_of_a_day_are_limited(tmp_path: Path) -> None:
    house = granted.granted(tmp_path, patients=6)
    with (house.root / "isthmus.toml").open("a") as settings:
        settings.write("[quota]\nrows = 10\n")
    assert house.ask("select * from person").code == 0
    assert "more than the 4 rows that are left" in complaint(house.ask("select * from person"), 5)
    assert house.ask("select * from person limit 4").code == 0
    assert "used up" in complaint(house.ask("select 1 from person limit 1"), 5)


def test_a_question_that_takes_too_long_is_stopped(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "quota", lambda settings: Quota(longest=0.5))
    with pytest.raises(RefusedError, match="longer than"):
        granted.session(house).sql("select count(*) from range(10000000000) a, person where random() < 0.5")
    crossed = "select count(*) from " + ", ".join(f"person p{number}" for number in range(9)) + " where {}"
    with pytest.raises(RefusedError, match="longer than"):
        granted.session(house).sql(crossed.format("p0.year_of_birth * p3.year_of_birth + p7.year_of_birth <> 7"))
    product = person
    for _ in range(8):
        product = product.select("year_of_birth").cross_join(person.select("year_of_birth"), rname="{name}_")
        product = product.mutate(year_of_birth=product.year_of_birth + product.year_of_birth_)
    with pytest.raises(RefusedError, match="longer than"):
        granted.session(house).ask(product.filter(product.year_of_birth % 7 == 3).count().as_table())


def test_an_answer_that_is_too_large_is_not_given(house: House) -> None:
    sql = "select repeat('x', 1000000) from range(1000)"
    assert "larger than 256 MiB" in complaint(house.ask(sql), 5)


def test_no_two_uses_share_a_pseudonym_or_a_shift(tmp_path: Path) -> None:
    house = granted.granted(tmp_path, patients=8)
    first = house.ask("select person_id from person", "ann", "--json").document()["rows"]
    granted.decided(granted.applied(house, tmp_path))
    second = house.ask("select person_id from person", "ann", "--json").document()["rows"]
    assert len(first) == len(second) == 8
    assert not {row["person_id"] for row in first} & {row["person_id"] for row in second}


def test_whose_conditions_do_not_cover_the_purpose_is_left_out(tmp_path: Path) -> None:
    house = granted.applied(granted.peopled(tmp_path, patients=3, codes=("DS",)), tmp_path)
    done = house.use("platform", "match")
    assert "narrow the purpose" in done.out.replace("\n", " ")
    for who in ("cai", "dan"):
        assert house.use(who, "vote", "--yes", "--reason", "of use").code == 0
    assert "no site is left" in complaint(house.use("eve", "grant"), 5)


def test_a_site_that_waits_for_its_steward_is_named(tmp_path: Path) -> None:
    house = granted.applied(granted.peopled(tmp_path, patients=3, codes=()), tmp_path)
    assert house.use("platform", "match").code == 0
    for who in ("cai", "dan"):
        assert house.use(who, "vote", "--yes", "--reason", "of use").code == 0
    said = complaint(house.use("eve", "grant"), 5)
    assert "h01 waits for a person" in said
    assert "isthmus use clear" in said


def test_nobody_decides_what_they_would_use(tmp_path: Path) -> None:
    house = granted.applied(granted.peopled(tmp_path, patients=3), tmp_path, people=["ann", "cai"])
    assert house.use("platform", "match").code == 0
    assert "would use what is decided" in complaint(house.use("cai", "vote", "--yes", "--reason", "I want it"), 5)


def test_one_vote_is_no_committee(tmp_path: Path) -> None:
    house = granted.applied(granted.peopled(tmp_path, patients=3), tmp_path)
    assert house.use("platform", "match").code == 0
    assert house.use("cai", "vote", "--yes", "--reason", "of use").code == 0
    assert "a grant needs 2" in complaint(house.use("cai", "grant"), 5)
    assert "has voted" in complaint(house.use("cai", "vote", "--yes", "--reason", "again"), 5)
