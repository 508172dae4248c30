"""Every route of the workbench, with what stands before patients' rows behind it; nobody gets anything but by `OPEN`.

A new route fails this test until somebody has said what it is. Pages, their files and their forms come from the list of
pages; the addresses of `/api/v1` and `/fhir` have a test of their own (`test_api_addresses_are_known.py`).
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI

from isthmus.serving.web.pages.listed import PAGES
from isthmus.serving.web.shell import chart, files
from lib import granted
from lib.granted import House
from lib.reader import Reader, opened

OPEN = {
    "/sign-in": "a form", "/sign-in/code": "the same, for a second factor",
    "/sign-in/with/{service}": "leads to who signs people in", "/sign-in/from/{service}": "comes back from there",
    "/static/{name}": "files of the package", "/preferences": "a cookie of the visitor's own",
    "/api/v1/openapi.json": "a description", "/fhir/openapi.json": "the same",
}  # fmt: skip
SIGNED_IN = {
    "/sign-out": "ends a session", "/runs/events": "steps of work, in files and batches",
    "/sites/{site}/scorecard.pdf": "counts of one site, for its own people",
    "/cds-services": "services that there are", "/cds-services/{service}": "an application under its grant",
    "/cds-services/{service}/feedback": "the same", "/apps/{app}/{path:path}": "the same",
}  # fmt: skip
PROGRAMS = ("/api/v1", "/fhir")
TOLD_TO_ALL = frozenset({"/cds-services"})
"""Of those that need a name, what is told without one: names and descriptions of what is installed."""
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return granted.granted(tmp_path_factory.mktemp("routes"), patients=5)


@pytest.fixture(scope="module")
def app(house: House) -> Iterator[FastAPI]:
    found = opened(house.root)
    yield found
    found.state.house.close()


def _routes(routes: list[Any], before: str = "") -> Iterator[str]:
    """The address of every route, those of parts that are mounted too; a part with routes of its own by its name."""
    for one in routes:
        address = before + getattr(one, "path", "")
        inner = getattr(one, "routes", None) or getattr(getattr(one, "app", None), "routes", None)
        if inner:
            yield from _routes(inner, address)
        else:
            yield address


def _files() -> set[str]:
    return {f"{page.file}.{suffix}" for page in PAGES for suffix in (*files.SUFFIXES, *chart.SUFFIXES)}


def _of_pages() -> set[str]:
    return _files() | {page.address for page in PAGES} | {f"{page.file}/{act}" for page in PAGES for act in page.acts}


def _filled(house: House, address: str) -> str:
    parts = {"{site}": "h01", "{case}": house.case.rpartition("/")[2], "{name}": "liver", "{table}": "person",
             "{column}": "person_id", "{app}": "vte", "{path:path}": "today", "{service}": "vte"}  # fmt: skip
    for part, value in parts.items():
        address = address.replace(part, value)
    return re.sub(r"\{[\w:]+\}", "x", address)


def test_every_route_is_known(app: FastAPI) -> None:
    assert set(_routes(list(app.routes))) - _of_pages() == {*OPEN, *SIGNED_IN, *PROGRAMS}


def test_nobody_gets_anything_by_any_method(house: House, app: FastAPI) -> None:
    reader = Reader(app)
    for address in sorted(_of_pages() | set(SIGNED_IN) - TOLD_TO_ALL):
        for method in METHODS if address not in _files() else METHODS[:1]:
            answer = reader._sent(method, _filled(house, address), None, {"Origin": reader.host})
            assert answer.status_code in {401, 403, 404, 405}, (method, address, answer.status_code)
            assert "set-cookie" not in answer.headers or "isthmus=" in answer.headers["set-cookie"]


def test_a_session_that_was_made_up_is_nobodys(house: House, app: FastAPI) -> None:
    for value in ("ann", "", "0" * 43, "../ann", "%00", "ann; isthmus=root"):
        reader = Reader(app)
        reader.cookies["isthmus"] = value
        assert reader.get("/overview.json").status_code == 403, value


@pytest.mark.parametrize(
    "said", ["lang=en&lang=zh", "table=sites&table=years", "_next=1&_next=-1", "%00=%00", "a" * 5000]
)
def test_what_is_said_twice_or_wrongly_opens_nothing(house: House, app: FastAPI, said: str) -> None:
    for who, expected in (("", {403}), ("aud", {200, 404})):
        answer = Reader(app, who).get(f"/overview.json?{said}")
        assert answer.status_code in expected, (who, said)
        assert who or "people" not in answer.text


@pytest.mark.parametrize("host", ["evil.test", "127.0.0.1:1", "workbench.test@evil.test", "[::1]"])
def test_another_host_is_written_nowhere(house: House, app: FastAPI, host: str) -> None:
    for who in ("", "aud"):
        for address in ("/", "/sign-in", "/query", "/preferences?theme=dark&to=/sites", "/nope"):
            answer = Reader(app, who).get(address, Host=host)
            assert host not in answer.text and host not in answer.headers.get("location", "")
