"""Answers, exports, cursors and replies that were given out are of who got them, and hold no longer than the grant."""

import re
import time
from collections.abc import Callable, Iterator

import httpx
import pytest
from fastapi import FastAPI

from isthmus.gate.office import people
from lib import granted
from lib.calling import bearer, problem, serving, short
from lib.granted import House
from lib.reader import Reader, opened
from lib.wide import unhurried

ROWS = "select person_id, year_of_birth from person"


@pytest.fixture
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return unhurried(granted.granted(tmp_path_factory.mktemp("kept"), patients=8))


@pytest.fixture
def client(house: House) -> Iterator[httpx.Client]:
    with serving(house) as found:
        yield found


@pytest.fixture
def app(house: House) -> Iterator[FastAPI]:
    found = opened(house.root)
    yield found
    found.state.house.close()


def _revoked(house: House) -> None:
    assert house.use("cai", "revoke", "--reason", "misuse").code == 0


def _suspended(house: House) -> None:
    assert house.use("stew", "suspend", "--site", "h01", "--reason", "an incident").code == 0


ENDS: dict[str, Callable[[House], None]] = {"revoked": _revoked, "suspended": _suspended}


def _kept(app: FastAPI, house: House, who: str = "ann") -> tuple[str, str]:
    """The address of an answer on the page of questions, and a pseudonym that stands in it."""
    reader = Reader(app, who)
    answer = reader.post("/query/ask", {"sql": ROWS, "grant": short(house.grant), "kind": "HMB"})
    assert answer.status_code == 303, answer.text
    address = answer.headers["location"]
    found = re.search(r"\b[0-9a-f]{32}\b", reader.get(address).text)
    assert found is not None
    return address, found[0]


def test_an_answer_on_a_page_is_for_who_asked(app: FastAPI, house: House) -> None:
    address, name = _kept(app, house)
    assert name in Reader(app, "ann").get(address).text
    for who in ("bo", "cai", "root", "aud", ""):
        for where in (address, address.replace("/query?", "/query.json?"), address.replace("/query?", "/query.csv?")):
            assert name not in Reader(app, who).get(where).text, (who, where)


@pytest.mark.parametrize("end", ENDS)
def test_an_answer_on_a_page_is_gone_with_the_grant(app: FastAPI, house: House, end: str) -> None:
    address, name = _kept(app, house)
    reader = Reader(app, "ann")
    tag = reader.get(address).headers["etag"]
    ENDS[end](house)
    after = reader.get(address, **{"If-None-Match": tag})
    assert after.status_code == 200 and name not in after.text


def test_an_answer_on_a_page_is_gone_with_the_account(app: FastAPI, house: House) -> None:
    address, name = _kept(app, house, "bo")
    reader = Reader(app, "bo")
    with reader.house.office.open() as office:
        root = office.accounts.get("root")
        assert root is not None
        people.disable(office, "bo", by=root)
    assert name not in reader.get(address).text


def _exported(client: httpx.Client, house: House, who: str = "ann") -> tuple[str, str]:
    """The addresses of an export and of its first file."""
    begun = client.get(
        f"/fhir/{short(house.grant)}/$export?_type=Patient", headers={**bearer(house, who), "Prefer": "respond-async"}
    )
    assert begun.status_code == 202, begun.text
    place = begun.headers["content-location"]
    for _ in range(600):
        answer = client.get(place, headers=bearer(house, who))
        if answer.status_code == 200:
            return place, answer.json()["output"][0]["url"]
        time.sleep(0.1)
    raise AssertionError("the export does not end")


def test_an_export_is_for_who_began_it(client: httpx.Client, house: House) -> None:
    place, file = _exported(client, house)
    assert client.get(file, headers=bearer(house)).status_code == 200
    for address in (place, file, f"{place}/deleted/Patient"):
        for who in ("bo", "cai", "root", "aud"):
            assert client.get(address, headers=bearer(house, who)).status_code == 404, (who, address)
        assert client.get(address).status_code == 401
    assert client.delete(place, headers=bearer(house, "bo")).status_code == 404
    assert client.get(file, headers=bearer(house)).status_code == 200


@pytest.mark.parametrize("end", ENDS)
def test_an_export_ends_with_the_grant(client: httpx.Client, house: House, end: str) -> None:
    place, file = _exported(client, house)
    ENDS[end](house)
    for address in (place, file, f"{place}/deleted/Patient"):
        answer = client.get(address, headers=bearer(house))
        assert answer.status_code == 403, (address, answer.text)
        assert "Patient/" not in answer.text and "count" not in answer.text


def test_a_page_of_an_export_is_no_part_of_a_whole(client: httpx.Client, house: House) -> None:
    _, file = _exported(client, house)
    whole = client.get(file, headers=bearer(house))
    for said in ("bytes=0-10", "bytes=-20", "bytes=5-1", "rows=0-1"):
        part = client.get(file, headers={**bearer(house), "Range": said})
        assert (part.status_code, part.text) == (200, whole.text), said
        assert client.get(file, headers={"Range": said}).status_code == 401


@pytest.mark.parametrize("end", ENDS)
def test_a_tag_and_a_mark_open_nothing_afterwards(client: httpx.Client, house: House, end: str) -> None:
    base = f"/api/v1/grants/{short(house.grant)}/tables/person.json"
    first = client.get(f"{base}?size=2", headers=bearer(house))
    assert first.status_code == 200 and first.json()["next"]
    same = client.get(f"{base}?size=2", headers={**bearer(house), "If-None-Match": first.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")
    for who in ("cai", "root", "aud"):
        held = {**bearer(house, who), "If-None-Match": first.headers["etag"]}
        problem(client.get(f"{base}?size=2", headers=held), 404, "unknown")
        problem(client.get(first.json()["next"], headers=bearer(house, who)), 404, "unknown")
    ENDS[end](house)
    held = {**bearer(house), "If-None-Match": first.headers["etag"]}
    problem(client.get(f"{base}?size=2", headers=held), 403, "refused")
    problem(client.get(first.json()["next"], headers=bearer(house)), 403, "refused")


def test_a_search_of_fhir_goes_on_for_nobody_else_and_not_afterwards(client: httpx.Client, house: House) -> None:
    base = f"/fhir/{short(house.grant)}"
    bundle = client.get(f"{base}/Patient?_count=2", headers=bearer(house)).json()
    following = next(one["url"] for one in bundle["link"] if one["relation"] == "next")
    assert client.get(following, headers=bearer(house)).status_code == 200
    assert client.get(following, headers=bearer(house, "cai")).status_code == 404
    _revoked(house)
    assert client.get(following, headers=bearer(house)).status_code == 403


def test_a_key_for_acts_replays_to_who_sent_it_and_to_nobody_else(client: httpx.Client, house: House) -> None:
    address = f"/api/v1/grants/{short(house.grant)}/releases"
    body = {"sql": "select count(*) as n from person", "counts": "n", "context": "persons"}
    first = client.post(address, json=body, headers={**bearer(house), "Idempotency-Key": "k"})
    assert first.status_code == 201, first.text
    again = client.post(address, json=body, headers={**bearer(house), "Idempotency-Key": "k"})
    assert again.headers["idempotent-replayed"] == "true" and again.json() == first.json()
    for who in ("cai", "root"):
        theirs = client.post(address, json=body, headers={**bearer(house, who), "Idempotency-Key": "k"})
        assert theirs.status_code in {403, 404} and "idempotent-replayed" not in theirs.headers
