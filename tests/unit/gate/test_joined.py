"""One person at the door: rows of several sites' persons, as a question and a desk see them."""

import pytest
import sqlglot
from sqlglot import exp

from isthmus.base.errors import RefusedError, UsageError
from isthmus.cdm.questions import QUESTIONS
from isthmus.cdm.tables import TABLES
from isthmus.flow import start
from isthmus.flow.ingest import ingest
from isthmus.flow.workspace import Workspace
from isthmus.gate import joined
from isthmus.gate.office import trail
from isthmus.gate.session import Session, open_session
from lib import packs
from lib.linked import alias
from lib.workspace import add, rows

PACK = """
== person.yaml
source: {files: ["person*.csv"]}
key: id
person: id
optional: [died]
into:
  - table: person
    set: {gender_concept_id: sex, year_of_birth: year, month_of_birth: month, person_source_value: id}
  - table: death
    when: died is not null
    set: {death_date: date(died)}
== stay.yaml
source: {files: ["stay*.csv"]}
key: number
person: id
into:
  - table: visit_occurrence
    set: {visit_concept_id: 9201, visit_start_date: date(began), visit_end_date: date(ended)}
"""
PEOPLE = {  # site: sex, year, month, day of death; Ann is one of all three
    "a": {"ann": "8532,1950,,2020-03-01", "bob": "8507,1960,5,"},
    "b": {"ann": "8532,1951,7,2020-03-02"},
    "c": {"ann": "0,1951,7,2020-03-02"},
}
STAYS = {
    "a": ["1,ann,2019-01-01,2019-01-31", "2,bob,2019-01-01,2019-01-31"], "b": ["1,ann,2019-02-01,2019-02-20"],
    "c": ["1,ann,2019-06-01,2019-06-02", "2,ann,2019-02-10,2019-02-12"],
}  # fmt: skip


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    root = tmp_path_factory.mktemp("joined")
    made = start.new(root / "ws", synthetic=True)
    pack = packs.write(root / "packs", "three", PACK.replace("== person", "== pack.yaml\npack: three\n== person", 1))
    for site, people in PEOPLE.items():
        folder = root / site
        folder.mkdir()
        lines = [f"{name},{said}" for name, said in people.items()]
        (folder / "person.csv").write_text("\n".join(["id,sex,year,month,died", *lines]) + "\n")
        (folder / "stay.csv").write_text("\n".join(["number,id,began,ended", *STAYS[site]]) + "\n")
        add(made, {"his": (folder, pack)}, site=site)
    assert not ingest(made).failed
    ids = numbers(made)
    alias(made, {ids["a"]: ids["c"], ids["b"]: ids["c"], ids["c"]: ids["c"]})
    return made


def numbers(opened: Workspace) -> dict[str, int]:
    """Ann's number at each site, and Bob's."""
    found = {row["site"]: row["person_id"] for row in rows(opened, "person") if row["person_source_value"] == "ann"}
    return found | {
        "bob": next(row["person_id"] for row in rows(opened, "person") if row["person_source_value"] == "bob")
    }


@pytest.fixture
def session(opened: Workspace) -> Session:
    return open_session(opened.lake, synthetic=True)


def query(text: str) -> exp.Query:
    tree = sqlglot.parse_one(text, dialect="duckdb")
    assert isinstance(tree, exp.Query)
    return tree


def test_events_are_the_persons(opened: Workspace, session: Session) -> None:
    visits = session.ask(QUESTIONS["visit_occurrence"])
    ids = numbers(opened)
    assert sorted(visits["person_id"].to_pylist()) == sorted([ids["c"]] * 4 + [ids["bob"]])


def test_a_person_has_one_row_of_what_most_records_say(opened: Workspace, session: Session) -> None:
    ids = numbers(opened)
    found = {row["person_id"]: row for row in session.ask(QUESTIONS["person"]).to_pylist()}
    assert set(found) == {ids["c"], ids["bob"]}
    ann = found[ids["c"]]
    assert ann["gender_concept_id"] == 8532, "a concept that is not known has no vote"
    assert (ann["year_of_birth"], ann["month_of_birth"]) == (1951, 7), "a birth is taken whole, as most say it"
    assert (ann["person_source_value"], ann["site"]) == ("ann", "c"), "its source is that of its own number"
    assert found[ids["bob"]] == next(
        {name: one[name] for name in found[ids["bob"]]}
        for one in rows(opened, "person")
        if one["person_id"] == ids["bob"]
    )


def test_a_person_dies_once(opened: Workspace, session: Session) -> None:
    (death,) = session.ask(QUESTIONS["death"]).to_pylist()
    assert (death["person_id"], death["death_date"].isoformat()) == (numbers(opened)["c"], "2020-03-02")


def test_observation_periods_that_touch_are_one(opened: Workspace, session: Session) -> None:
    ann = numbers(opened)["c"]
    mine = [row for row in session.ask(QUESTIONS["observation_period"]).to_pylist() if row["person_id"] == ann]
    periods = [(str(row["observation_period_start_date"]), str(row["observation_period_end_date"])) for row in mine]
    lain = [row for row in rows(opened, "observation_period") if row["person_id"] != numbers(opened)["bob"]]
    assert len(lain) == 3, "a period at each site"
    assert periods == [("2019-01-01", "2020-03-02")], "and they overlap"


def test_a_desk_sees_the_same(opened: Workspace, session: Session) -> None:
    with session.desk() as desk:
        for name in ("person", "death", "observation_period", "visit_occurrence"):
            asked = session.ask(QUESTIONS[name])
            taken = desk.take(query(f"SELECT * FROM {name}")).select(asked.column_names)
            assert sorted(map(str, taken.to_pylist())) == sorted(map(str, asked.cast(taken.schema).to_pylist())), name


def test_nobody_reaches_behind_the_door(session: Session) -> None:
    with session.desk() as desk:
        for name in ("identity", "person_alias", "person_link", joined.JOINING, f"{joined.WHOLE}person"):
            with pytest.raises(RefusedError):
                desk.take(query(f"SELECT * FROM {name}"))
            if name.startswith("isthmus_"):
                with pytest.raises(UsageError):
                    desk.make(name, query("SELECT 1 AS person_id"))


def test_an_edition_without_links_is_read_as_it_lies(opened: Workspace) -> None:
    edition = opened.lake.editions.get(opened.lake.editions.numbers()[-2])
    assert joined.views_of(edition, QUESTIONS) == {}
    former = open_session(opened.lake, synthetic=True, edition=edition.number)
    assert len(former.ask(QUESTIONS["person"])) == 4


def test_every_column_of_a_person_survives_by_some_rule(opened: Workspace) -> None:
    for table in ("person", "death"):
        ruled = [name for names, _ in joined.rules()[table] for name in names]
        assert sorted(ruled) == sorted(
            name for name in QUESTIONS[table].columns if name != "person_id"
        ), table  # fmt: skip
        assert len(TABLES[table].columns) + 4 == len(ruled) + 1


def test_within_some_sites_nothing_of_the_others_survives(opened: Workspace) -> None:
    """As a session under a grant for site a reads it: Ann has her number, and only what a says of her."""
    whole = opened.lake.editions.current()
    assert whole is not None
    person = QUESTIONS["person"]
    asked = person.filter(person.gender_concept_id == 8532).select(
        "person_id", "year_of_birth", "month_of_birth", "site"
    )
    found = {}
    for sites in (("a",), ("a", "b", "c")):
        (found[sites],) = Session(opened.lake, whole.within(sites)).ask(asked).to_pylist()
    number = numbers(opened)["c"]
    assert found["a",] == {"person_id": number, "year_of_birth": 1950, "month_of_birth": None, "site": "a"}
    assert found["a", "b", "c"] | {"site": ""} == {
        "person_id": number, "year_of_birth": 1951, "month_of_birth": 7, "site": ""
    }  # fmt: skip
    visits = QUESTIONS["visit_occurrence"]
    mine = Session(opened.lake, whole.within(["a"])).ask(visits.filter(visits.person_id == number).count().as_table())
    assert mine.column(0).to_pylist() == [1]


def test_whose_data_were_read_is_told_under_each_of_the_persons_numbers(opened: Workspace) -> None:
    edition = opened.lake.editions.current()
    assert edition is not None
    ids = numbers(opened)
    for name in ("a", "b", "c"):
        places = trail._places(opened.lake, edition.number, ids[name], ["person", "death", "visit_occurrence"])
        assert places["person"] == {"a", "b", "c"}
        assert places["visit_occurrence"] >= {"a", "b", "c"} - {"b"}
    assert len(trail._places(opened.lake, edition.number, ids["bob"], ["person"])["person"]) == 1
    assert trail._places(opened.lake, edition.number, 1, ["person"]) == {"person": frozenset()}
