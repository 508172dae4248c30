"""The pages of patients under a grant, asked for by others, under other names, twice, and after the grant."""

import re
from collections.abc import Callable, Iterator

import pytest
from fastapi import FastAPI

from isthmus.flow.workspace import Workspace
from isthmus.serving.web.shell import chart, files
from lib import granted, workspace
from lib.calling import short
from lib.granted import House
from lib.reader import Reader, opened

PSEUDONYM = re.compile(r"\b[0-9a-f]{32}\b")


@pytest.fixture
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return granted.granted(tmp_path_factory.mktemp("patients"), patients=5)


@pytest.fixture
def app(house: House) -> Iterator[FastAPI]:
    found = opened(house.root)
    yield found
    found.state.house.close()


def _places(house: House, app: FastAPI) -> tuple[str, list[str]]:
    """A pseudonym, and every address under which something of it stands."""
    base = f"/patients/{short(house.grant)}"
    answer = Reader(app, "ann").get(base)
    found = PSEUDONYM.search(answer.text)
    assert found is not None, answer.text[:400]
    suffixes = (*files.SUFFIXES, *chart.SUFFIXES)
    return found[0], [
        one for place in (base, f"{base}/{found[0]}") for one in (place, *(f"{place}.{s}" for s in suffixes))
    ]


def test_others_see_nothing_of_it(house: House, app: FastAPI) -> None:
    name, places = _places(house, app)
    for who in ("cai", "root", "platform", "aud", "stew", "chen", ""):
        for place in places:
            answer = Reader(app, who).get(place)
            assert answer.status_code in {403, 404}, (who, place)
            assert name not in answer.text.replace(place, ""), (who, place)


def _revoked(house: House) -> None:
    assert house.use("cai", "revoke", "--reason", "misuse").code == 0


def _suspended(house: House) -> None:
    assert house.use("stew", "suspend", "--site", "h01", "--reason", "an incident").code == 0


@pytest.mark.parametrize("end", [_revoked, _suspended])
def test_it_is_over_with_the_grant(house: House, app: FastAPI, end: Callable[[House], None]) -> None:
    name, places = _places(house, app)
    reader = Reader(app, "ann")
    tags = {place: reader.get(place).headers.get("etag", "") for place in places[:1]}
    end(house)
    for place in places:
        answer = reader.get(place, **{"If-None-Match": tags.get(place, "")})
        assert answer.status_code in {403, 404}, place
        assert name not in answer.text.replace(place, ""), place


def test_each_look_is_in_the_log_whether_the_browser_has_it_or_not(house: House, app: FastAPI) -> None:
    _, places = _places(house, app)
    reader = Reader(app, "ann")
    tag = reader.get(places[0]).headers["etag"]
    before = len(reader.house.office.acts.all("question"))
    again = reader.get(places[0], **{"If-None-Match": tag})
    assert again.status_code in {200, 304}
    assert len(reader.house.office.acts.all("question")) > before


def test_who_somebody_is_leads_to_no_page(house: House, app: FastAPI) -> None:
    base = f"/patients/{short(house.grant)}"
    person = workspace.rows(Workspace(house.root), "person")[0]
    reader = Reader(app, "ann")
    for said in (str(person["person_id"]), person["person_source_value"], "0" * 32, "' OR 1=1 --", "%00", "..%2f..%2f"):
        for place in (f"{base}/{said}", f"{base}/{said}.json", f"{base}?after={said}"):
            answer = reader.get(place)
            assert answer.status_code in {200, 403, 404, 422}, (place, answer.status_code)
            assert str(person["person_id"]) not in answer.text.replace(said, ""), place
            if answer.status_code == 200:
                assert "after=" in place or not PSEUDONYM.search(answer.text), place
