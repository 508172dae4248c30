"""Under a grant an application gets what its manifest and the grant both hold; all else is refused, and logged."""

from collections.abc import Iterator

import pytest

from isthmus.apps.contract import Asked
from isthmus.apps.manager.running import Manager
from isthmus.flow.workspace import Workspace
from isthmus.records.acts import Acts
from lib import granted
from lib.applications import small
from lib.command import complaint, run
from lib.granted import House

GREEDY = """
def asking(asked, at):
    return at.session.ask(asked.query["sql"]).to_pylist()

def counting(asked, at):
    person = tables["person"]
    return at.session.ask(person.aggregate(n=person.count()))["n"].to_pylist()

def born(asked, at):
    return at.session.ask(tables["person"].select(asked.query["column"])).num_rows

def visits(asked, at):
    return at.session.ask(tables["visit_occurrence"].select("person_id")).num_rows

def one(asked, at):
    return [name for name in at.session.patient(asked.query["person"])]
"""
# Of what it declares, the grant does not hold month_of_birth; of what the grant holds, it does not declare visits.
READS = "purpose: [HMB]\nreads: {person: [person_id, year_of_birth, month_of_birth]}\n"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    root = tmp_path_factory.mktemp("greedy")
    found = granted.granted(root, patients=5)
    done = found.run("ann", "ask", found.root, "--grant", found.grant, "--sql", "SELECT count(*) AS n FROM person")
    assert done.code == 0, done
    assert run("app", "install", found.root, small(root, "greedy", GREEDY, more=READS)).code == 0
    return found


@pytest.fixture(scope="module")
def manager(house: House) -> Iterator[Manager]:
    done = run("app", "enable", house.root, "greedy")
    assert "needs a grant like anyone" in complaint(done, 2)
    done = house.run("eve", "app", "enable", house.root, "greedy", "--grant", house.grant)
    assert "not among the people of the grant" in complaint(done, 5)
    done = house.run("ann", "app", "enable", house.root, "greedy", "--grant", house.grant)
    assert done.code == 0, done
    made = Manager(Workspace(house.root))
    yield made
    made.close()


def told(manager: Manager, path: str, person: str = "ann", **query: str) -> tuple[int, object]:
    found = manager.answer("greedy", Asked(path=f"api/{path}", person=person, query=query))
    return found.status, found.body


def test_it_gets_what_both_hold(manager: Manager) -> None:
    assert told(manager, "counting") == (200, [5])
    assert told(manager, "born", column="year_of_birth") == (200, 5)
    assert told(manager, "asking", sql="SELECT count(DISTINCT person_id) AS n FROM person") == (200, [{"n": 5}])


@pytest.mark.parametrize(
    ("route", "query", "why"),
    [
        ("visits", {}, "the manifest does not declare visit_occurrence"),
        ("asking", {"sql": "SELECT * FROM visit_occurrence"}, "the manifest does not declare visit_occurrence"),
        ("asking", {"sql": "WITH v AS (FROM visit_occurrence) FROM v"}, "the manifest does not declare"),
        ("born", {"column": "month_of_birth"}, "month_of_birth"),
        ("born", {"column": "gender_concept_id"}, "gender_concept_id"),
        ("asking", {"sql": "SELECT gender_concept_id FROM person"}, "gender_concept_id"),
        ("asking", {"sql": "SELECT month_of_birth FROM person"}, "month_of_birth"),
        ("asking", {"sql": "SELECT * FROM read_parquet('x')"}, "The SQL|the SQL"),
        ("asking", {"sql": "DROP TABLE person"}, "only one SELECT"),
        ("asking", {"sql": "SELECT * FROM identity"}, "identity"),
    ],
)
def test_it_does_not_get_more(manager: Manager, route: str, query: dict[str, str], why: str) -> None:
    status, body = told(manager, route, **query)
    assert status in {400, 403}, body
    assert any(one in str(body) for one in why.split("|")), body


def test_a_star_gives_no_more_than_both_hold(manager: Manager) -> None:
    _, rows = told(manager, "asking", sql="SELECT * FROM person")
    assert isinstance(rows, list)
    assert set(rows[0]) <= {"person_id", "year_of_birth", "site"}


def test_who_is_not_of_the_grant_sees_no_answer(manager: Manager) -> None:
    for person in ("", "eve", "root", "nobody"):
        status, body = told(manager, "counting", person)
        assert (status, "seen by people of its grant only" in str(body)) == (403, True)


def test_the_log_says_which_application_asked(house: House, manager: Manager) -> None:
    assert told(manager, "counting")[0] == 200
    questions = Acts(Workspace(house.root).records).all("question")
    through = [act for act in questions if act.body.get("application") == "greedy 1.0.0"]
    assert {act.person for act in through} == {"ann"}
    assert "allowed" in {act.act for act in through}


def test_a_revoked_grant_holds_at_once(house: House, manager: Manager) -> None:
    done = house.use("eve", "revoke", "--reason", "misuse")
    assert done.code == 0, done
    status, body = told(manager, "counting")
    assert (status, "revoked" in str(body)) == (403, True)
