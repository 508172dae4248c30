"""The work lists of the workbench: a code or a pair is shown with what speaks for each answer, and answered by whom it
may be."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from isthmus.base.clock import now
from isthmus.base.errors import InputError, RefusedError
from isthmus.flow.ingest import ingest
from isthmus.flow.link import link
from isthmus.flow.linking.verdict import verdicts
from isthmus.records.models import Account
from isthmus.serving.page.words import Language
from isthmus.serving.web.house import House
from isthmus.serving.web.pages import codes, linkage
from isthmus.serving.web.shell.page import Asked, Missing
from isthmus.serving.web.shell.words import speech
from isthmus.serving.web.visitor import Visitor
from lib import linked, open_codes
from lib.open_codes import CODES, NAMES


def _account(role: str, *sites: str) -> Account:
    return Account(
        name=f"{role}-ann", actor="AC1", roles=[role], sites=list(sites), password=None, failures=0, locked_until=None,
        second=None, step=0, made_at=now(),
    )  # fmt: skip


def _asked(house: House, page: str, role: str = "", language: Language = "en", **more: Mapping[str, str]) -> Asked:
    account = _account(role, "bay") if role else None
    words = speech(page, language, "linkage" if page == "pair" else "")
    told = Asked(house, Visitor(account, language, "auto", "token"), words, {}, {})
    return replace(told, **more)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A house with thirty open codes."""
    opened = House(open_codes.hospital(tmp_path).root)
    yield opened
    opened.close()


def _first() -> dict[str, str]:
    return {"system": "list:bay-his/diagnosis", "code": NAMES[0][0]}


def test_open_codes_are_listed_and_lead_to_their_candidates(house: House) -> None:
    shown = codes.view(_asked(house, "codes"))
    (table,) = shown.tables
    assert [row["rows"] for row in table.rows] == [CODES - at for at in range(len(NAMES))]
    query = dict(parse_qsl(urlsplit(str(table.rows[0]["address"])).query))
    one = codes.one(_asked(house, "code", query=query))
    assert one.tables[0].rows[0]["concept"] == NAMES[0][2]
    assert one.values["scopes"] == []  # whoever has not signed in only looks
    assert codes.one(_asked(house, "code", "steward", query=query)).values["scopes"] == ["bay"]
    assert codes.one(_asked(house, "code", "platform", query=query)).values["scopes"] == [""]


def test_a_code_is_decided_with_its_author_and_taken_back_by_them_alone(house: House) -> None:
    form = {**_first(), "concept": str(NAMES[0][2]), "site": "bay", "reason": "it says so"}
    codes.one(_asked(house, "code", query=_first()))
    onward = codes.chosen(_asked(house, "code", "steward", form=form))
    (made,) = house.workspace.decisions.standing("term")
    assert (made.author, made.site, made.answer, made.reason) == ("steward-ann", "bay", [NAMES[0][2]], "it says so")
    assert made.model  # the mapper that proposed it
    query = dict(parse_qsl(urlsplit(onward).query))
    assert query["code"] == NAMES[1][0]  # the next code follows
    with pytest.raises(InputError, match="not open any more"):
        codes.chosen(_asked(house, "code", "steward", form=form))
    with pytest.raises(RefusedError, match="whoever made it"):
        codes.undone(_asked(house, "code", "platform", form={"decision": query["done"]}))
    back = codes.undone(_asked(house, "code", "steward", form={"decision": query["done"]}))
    assert dict(parse_qsl(urlsplit(back).query)) == _first()
    assert not house.workspace.decisions.standing("term")


@pytest.mark.parametrize(
    ("role", "more", "why"),
    [
        ("", {}, "Sign in"),
        ("user", {}, "made by the platform"),
        ("steward", {"site": ""}, "made by the platform"),
        ("steward", {"site": "elsewhere"}, "made by the platform"),
        ("platform", {"site": "", "concept": "DROP"}, "by its number"),
        ("platform", {"site": "", "concept": "1"}, "not in the vocabulary"),
    ],
)
def test_a_decision_that_may_not_be_made_is_refused(house: House, role: str, more: dict[str, str], why: str) -> None:
    form = {**_first(), "concept": "none", "site": "bay", **more}
    with pytest.raises((InputError, RefusedError), match=why):
        codes.chosen(_asked(house, "code", role, form=form))
    assert not house.workspace.decisions.all()


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house with pairs that wait."""
    root = tmp_path_factory.mktemp("pairs")
    known = linked.people(600).records
    opened = linked.hospitals(root, known)
    linked.deliver(root, known, "one.csv")
    ingest(opened)
    link(opened)
    house = House(opened.root)
    yield house
    house.close()


def test_pairs_that_wait_are_shown_side_by_side_and_answered(pairs: House) -> None:
    (table,) = linkage.view(_asked(pairs, "linkage")).tables
    name = str(table.rows[-1]["pair"])
    shown = linkage.pair(_asked(pairs, "pair", path={"pair": name}))
    fields = {str(row["field"]): row for row in shown.tables[0].rows}
    assert fields["Site"]["left"] and fields["Born"]["state"] in ("same", "differs", "missing")
    with pytest.raises(RefusedError, match="Ask one of them"):
        linkage.said_by(True)(_asked(pairs, "pair", "user", path={"pair": name}))
    onward = linkage.said_by(False)(_asked(pairs, "pair", "platform", path={"pair": name}, form={"reason": "twins"}))
    assert onward.endswith("?done") and name not in onward
    left, _, right = name.partition("-")
    one = verdicts(pairs.workspace).stands[int(left), int(right)]
    assert (one.author, one.reason, one.answer["same"]) == ("platform-ann", "twins", False)
    with pytest.raises(Missing):
        linkage.pair(_asked(pairs, "pair", "platform", path={"pair": name}))


def test_pairs_of_real_patients_are_not_shown(pairs: House, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {key: value for key, value in pairs.workspace.settings.items() if key != "synthetic"}
    monkeypatch.setattr(pairs.workspace, "settings", settings)
    shown = linkage.view(_asked(pairs, "linkage", "platform"))
    assert not shown.tables[0].rows and shown.values["said"]["persons"]
    for act in (linkage.pair, linkage.said_by(True)):
        with pytest.raises(RefusedError, match="highest grade"):
            act(_asked(pairs, "pair", "platform", path={"pair": "1-2"}))
