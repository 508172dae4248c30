"""One person's rows under a grant are those that statements give, and cost one entry in the log."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from isthmus.base.clock import now
from isthmus.base.errors import RefusedError
from isthmus.flow.workspace import Workspace
from isthmus.gate.declared import Declared
from isthmus.gate.office import asking, people, trail
from isthmus.gate.office.quota import Quota
from isthmus.gate.office.session import Granted
from isthmus.gate.office.unit import Office
from lib import granted
from lib.granted import House

TABLES: Mapping[str, list[str]] = {
    "person": ["person_id", "gender_concept_id", "year_of_birth"],
    "visit_occurrence": ["visit_occurrence_id", "person_id", "visit_concept_id", "visit_start_date"],
    "condition_occurrence": ["condition_occurrence_id", "person_id", "condition_concept_id", "condition_start_date"],
    "measurement": ["measurement_id", "person_id", "measurement_concept_id", "measurement_date", "value_as_number"],
}


@pytest.fixture(scope="module", params=[3, 4], ids=["dates are moved", "dates as they are"])
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> House:
    return granted.granted(tmp_path_factory.mktemp("attended"), patients=12, tables=dict(TABLES), grade=request.param)


def _same(session: Granted) -> int:
    people = session.sql("SELECT person_id FROM person ORDER BY person_id")["person_id"].to_pylist()
    declared = Declared(session, {table: frozenset(names) for table, names in TABLES.items()})
    rows = 0
    for who in people:
        mine = declared.patient(who)
        assert list(mine) == sorted(TABLES)
        for table, names in TABLES.items():
            theirs = session.sql(f"SELECT {', '.join(names)} FROM {table} WHERE person_id = '{who}'")
            order = [(one, "ascending") for one in names]
            assert mine[table].select(names).sort_by(order).to_pylist() == theirs.sort_by(order).to_pylist(), table
            rows += theirs.num_rows
    return rows


def test_they_are_those_of_statements(house: House) -> None:
    assert _same(granted.session(house)) > 100


def test_rows_of_special_diseases_stay_away(house: House, tmp_path: Path) -> None:
    other = house.copied(tmp_path / "ws")
    before = granted.session(other)
    concepts = before.sql("SELECT condition_concept_id FROM condition_occurrence")["condition_concept_id"].to_pylist()
    often = max(set(concepts), key=concepts.count)
    settings = other.root / "isthmus.toml"
    settings.write_text(f"special = [{often}]\n" + settings.read_text(encoding="utf-8"), encoding="utf-8")
    session = granted.session(other)
    left = session.sql("SELECT count(*) AS n FROM condition_occurrence")["n"].to_pylist()
    assert left == [len(concepts) - concepts.count(often)]
    _same(session)


def test_a_call_is_one_question_in_the_log_and_no_row_comes_when_the_grant_is_suspended(
    house: House, tmp_path: Path
) -> None:
    other = house.copied(tmp_path / "ws")
    session = granted.session(other)
    who = session.sql("SELECT min(person_id) AS one FROM person")["one"].to_pylist()[0]
    declared = Declared(session, {table: frozenset(names) for table, names in TABLES.items()})

    def asked(act: str) -> int:
        with session._office.open() as office:
            return sum(one.act == act for one in office.acts.all("question"))

    before = asked("allowed")
    rows = sum(one.num_rows for one in declared.patient(who).values())
    assert asked("allowed") == before + 1
    with session._office.open() as office:
        last = max(office.acts.all("question"), key=lambda one: one.at)
    assert last.result is not None
    assert (last.result["rows"], last.body["way"]) == (rows, "patient")
    assert str(who) not in str(last.body)
    assert other.use("eve", "suspend", "--reason", "to look into it").code == 0
    with pytest.raises(RefusedError, match="suspended"):
        declared.patient(who)
    assert asked("refused") == 1


def test_a_number_of_nobody_gives_no_row(house: House) -> None:
    declared = Declared(granted.session(house), {table: frozenset(names) for table, names in TABLES.items()})
    assert sum(one.num_rows for one in declared.patient(987_654_321).values()) == 0
    assert sum(one.num_rows for one in declared.patient("nobody").values()) == 0


def _declared(session: Granted) -> Declared:
    return Declared(session, {table: frozenset(names) for table, names in TABLES.items()})


def test_calls_at_once_are_questions_of_one_log_and_each_gets_its_own_person(house: House, tmp_path: Path) -> None:
    session = granted.session(house.copied(tmp_path / "ws"))
    names = session.sql("SELECT person_id FROM person ORDER BY person_id")["person_id"].to_pylist()
    declared = _declared(session)
    asked = names * 3
    with session._office.open() as office:
        before = {one.entry for one in office.acts.all("question")}
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(declared.patient, asked))
    assert [one["person"]["person_id"].to_pylist() for one in found] == [[name] for name in asked]
    with session._office.open() as office:
        questions = [one for one in office.acts.all("question") if one.entry not in before]
    assert len(questions) == len(asked)
    assert all(one.result and one.result["outcome"] == "answered" for one in questions)
    assert len({one.entry for one in questions}) == len(asked)
    _, faults = trail.proved(session._office)
    assert not faults


def test_an_account_that_is_disabled_elsewhere_reads_no_row_with_the_next_call(house: House, tmp_path: Path) -> None:
    other = house.copied(tmp_path / "ws")
    session = granted.session(other)
    who = session.sql("SELECT min(person_id) AS one FROM person")["one"].to_pylist()[0]
    declared = _declared(session)
    assert len(declared.patient(who)["person"]) == 1
    mine = session._office
    elsewhere = Office(mine.root, Workspace(other.root).records, mine.settings)
    root = elsewhere.accounts.get("root")
    assert root is not None
    with elsewhere.open() as office:
        people.disable(office, "ann", by=root)
    with pytest.raises(RefusedError, match="not in use"):
        declared.patient(who)


def test_rows_count_against_the_quota_of_the_grant(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = granted.session(house.copied(tmp_path / "ws"))
    who = session.sql("SELECT min(person_id) AS one FROM person")["one"].to_pylist()[0]
    declared = _declared(session)
    many = sum(one.num_rows for one in declared.patient(who).values())
    with session._office.open() as office:
        so_far, _ = office.acts.taken(house.grant, now() - timedelta(days=1))
    assert so_far > many
    monkeypatch.setattr(asking, "quota", lambda settings: Quota(rows=so_far + many))
    declared.patient(who)
    with pytest.raises(RefusedError, match="used up"):
        declared.patient(who)
