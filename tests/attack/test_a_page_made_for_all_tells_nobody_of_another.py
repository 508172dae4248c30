"""Pages are made once for all who may see the same: what is one person's own reaches nobody else, nothing is old."""

import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
from fastapi import FastAPI

from isthmus.serving.web import fresh, guard, visitor
from isthmus.serving.web.pages.listed import PAGES
from isthmus.serving.web.shell.page import Page
from lib import granted
from lib.reader import TOKEN, Reader, opened

STEADY = [page for page in PAGES if page.steady and "{" not in page.address]
WHO = (*granted.ROLES, "")


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    folder = tmp_path_factory.mktemp("kept")
    house = granted.applied(granted.peopled(folder, patients=5), folder)
    assert house.use("platform", "match").code == 0
    made = opened(house.root)
    yield made
    made.state.house.close()


@pytest.fixture
def lasting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is made anew because of the time alone."""
    monkeypatch.setattr(fresh, "WHILE", 3600.0)


def _shown(answer: str) -> str:
    """What a page says, but for what is each person's own by right: name and token."""
    own = re.sub(r'name="token" value="[0-9a-f]+"', "", answer)
    return re.sub(r'<div class="me">.*?</div>', "", own, flags=re.DOTALL)


@pytest.mark.usefixtures("lasting")
@pytest.mark.parametrize("page", STEADY, ids=lambda page: page.name)
def test_everybody_gets_the_page_that_they_would_get_alone(app: FastAPI, page: Page) -> None:
    house = Reader(app).house
    together = {who: Reader(app, who).get(page.address) for who in (*WHO, *reversed(WHO))}
    for who, answer in together.items():
        house.fresh._held.clear()  # nothing that was made for another is there
        alone = Reader(app, who).get(page.address)
        assert alone.status_code == answer.status_code == (200 if who else 403)
        if who:
            assert _shown(alone.text) == _shown(answer.text), who
            assert f'<div class="me">\n<b>{who}</b>' in answer.text
        assert visitor.NAME not in answer.text and visitor.TOKEN not in answer.text


@pytest.mark.usefixtures("lasting")
def test_the_token_of_a_page_fits_the_session_that_got_it_and_no_other(app: FastAPI) -> None:
    house = Reader(app).house
    ann, bo = Reader(app, "ann"), Reader(app, "bo")
    for reader, other in ((ann, bo), (bo, ann)):
        token = TOKEN.search(reader.get("/requests").text)
        assert token is not None
        own, strange = (one.cookies[guard.cookie(secure=False)] for one in (reader, other))
        assert house.sessions.fits(own, token[1]) and not house.sessions.fits(strange, token[1])


@pytest.mark.usefixtures("lasting")
def test_a_tag_of_one_session_is_nothing_to_another(app: FastAPI) -> None:
    ann, bo = Reader(app, "ann"), Reader(app, "bo")
    tag = ann.get("/requests").headers["etag"]
    assert ann.get("/requests", **{"If-None-Match": tag}).status_code == 304
    assert bo.get("/requests", **{"If-None-Match": tag}).status_code == 200


@pytest.mark.usefixtures("lasting")
def test_who_has_voted_is_told_otherwise_than_who_has_not(app: FastAPI) -> None:
    """Members of the committee have the same roles, and see other things waiting."""
    waits = re.compile(r'href="/requests"[^>]*>.*?<b class="count"[^>]*>(\d+)</b>', re.DOTALL)
    cai, dan = Reader(app, "cai"), Reader(app, "dan")
    case = cai.house.cases()[0].id.rpartition("/")[2]
    assert [bool(waits.search(one.get("/requests").text)) for one in (cai, dan)] == [True, True]
    tag = cai.get("/requests").headers["etag"]
    assert cai.post(f"/requests/{case}/vote", {"favour": "yes", "reason": "of use"}).status_code == 303
    assert [bool(waits.search(one.get("/requests").text)) for one in (cai, dan, cai)] == [False, True, False]
    assert cai.get("/requests", **{"If-None-Match": tag}).status_code == 200


@pytest.mark.usefixtures("lasting")
def test_an_account_that_another_process_ends_sees_nothing_from_that_moment(app: FastAPI) -> None:
    bo, root = Reader(app, "bo"), Reader(app, "root")
    assert [one.get("/requests").status_code for one in (bo, root)] == [200, 200]
    end = [sys.executable, "-c", ENDS, str(root.house.workspace.root)]
    subprocess.run(end, check=True)
    assert [one.get("/requests").status_code for one in (bo, root)] == [403, 200]


ENDS = """
import sys
from pathlib import Path
from isthmus.flow.workspace import Workspace
from isthmus.gate.office import people
from isthmus.gate.office.unit import Office
made = Workspace(Path(sys.argv[1]))
with Office(made.root, made.records, made.settings).open() as office:
    people.disable(office, "bo", by=office.accounts.get("root"))
"""
