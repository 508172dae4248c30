"""On pages, from a question to a table that has left: what each may see and do, and what is refused."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

import pytest

from isthmus.base.errors import InputError, RefusedError
from isthmus.serving.web.house import House
from isthmus.serving.web.pages import airlock, query
from isthmus.serving.web.shell.page import Asked
from isthmus.serving.web.shell.words import speech
from isthmus.serving.web.visitor import Visitor
from lib import granted

SQL = "SELECT gender_concept_id AS sex, count(*) AS n FROM person GROUP BY ALL ORDER BY ALL"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> granted.House:
    """A workspace of real patients with a grant in force."""
    return granted.granted(tmp_path_factory.mktemp("airlock"), patients=120)


@pytest.fixture
def house(made: granted.House) -> Iterator[House]:
    """Its house."""
    opened = House(made.root)
    yield opened
    opened.close()


def _asked(house: House, page: str, who: str = "", **more: Mapping[str, str]) -> Asked:
    account = house.office.accounts.get(who) if who else None
    words = speech(page, "en", "airlock" if page == "release" else "")
    told = Asked(house, Visitor(account, "en", "auto", "token"), words, {}, {})
    return replace(told, **more)


def _answer(house: House, made: granted.House, who: str = "ann") -> dict[str, str]:
    form = {"grant": made.grant.rpartition("/")[2], "sql": SQL}
    onward = query.asked(_asked(house, "query", who, form=form))
    return dict(parse_qsl(urlsplit(onward).query))


def test_a_question_is_answered_for_whoever_asked_and_for_nobody_else(house: House, made: granted.House) -> None:
    kept = _answer(house, made)
    shown = query.view(_asked(house, "query", "ann", query=kept))
    assert sum(row[1] for row in shown.values["answer"]["rows"]) == 120
    assert not shown.tables  # an answer is looked at: no address gives it as a file
    for who in ("bo", "aud", ""):
        other = query.view(_asked(house, "query", who, query=kept)).values
        assert other["answer"] is None and other["gone"]
    assert query.view(_asked(house, "query", "stew")).values["grants"] == []
    for who, why in (("", "Sign in"), ("stew", "not among"), ("aud", "not among")):
        with pytest.raises(RefusedError, match=why):
            _answer(house, made, who)


def test_a_table_leaves_when_two_checkers_said_so_and_only_then_as_a_file(house: House, made: granted.House) -> None:
    kept = _answer(house, made)
    with pytest.raises(InputError, match="not kept any more"):
        query.released(_asked(house, "query", "bo", form={**kept, "counts": "n", "context": "x"}))
    form = {**kept, "counts": "n", "context": "Patients of the grant by sex"}
    name = query.released(_asked(house, "query", "ann", form=form)).removeprefix("/airlock/").removesuffix("?done")
    path = {"release": name}
    looked = airlock.one(_asked(house, "release", "chen", path=path))
    assert looked.values["rows"] and looked.values["checking"] and not looked.tables
    assert not airlock.one(_asked(house, "release", "aud", path=path)).values["may_look"]
    for who, why in (("ann", "no checker"), ("aud", "no checker")):
        with pytest.raises(RefusedError, match=why):
            airlock.said(_asked(house, "release", who, path=path, form={"said": "approve", "reason": "mine"}))
    approve = {"said": "approve", "reason": "counts only"}
    airlock.said(_asked(house, "release", "chen", path=path, form=approve))
    with pytest.raises(RefusedError):
        airlock.left(_asked(house, "release", "chen", path=path))  # one of two
    airlock.said(_asked(house, "release", "chi", path=path, form=approve))
    airlock.left(_asked(house, "release", "chi", path=path))
    (table,) = airlock.one(_asked(house, "release", "ann", path=path)).tables
    assert [column.key for column in table.columns] == ["sex", "n"]
    assert (house.workspace.root / "releases" / name / "left" / "manifest.json").exists()
    assert not airlock.one(_asked(house, "release", "aud", path=path)).tables  # it left for its people
    states = {row["release"]: row["state"] for row in airlock.view(_asked(house, "airlock", "aud")).tables[0].rows}
    assert states[name] == "released"


def test_an_answer_is_gone_with_its_grant(house: House, made: granted.House) -> None:
    kept = _answer(house, made)
    assert made.use("root", "suspend", "--reason", "looked into").code == 0
    assert query.view(_asked(house, "query", "ann", query=kept)).values["answer"] is None
    with pytest.raises(RefusedError, match="suspended"):
        _answer(house, made)
    assert made.use("root", "resume", "--reason", "cleared up").code == 0
