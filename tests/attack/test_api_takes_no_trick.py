"""Attempts to get more of the API than one was given: other people's tokens, tricks of headers, paths and marks."""

import base64
import json
import socket
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from isthmus.base.clock import now
from isthmus.flow.workspace import Workspace
from isthmus.gate.office.cases import granted as case_of
from isthmus.gate.office.unit import Office
from isthmus.records.models import Token
from isthmus.serving.api import delivery
from isthmus.serving.api.fhir import statement
from isthmus.serving.api.fhir.mapping import resources
from isthmus.serving.api.limits import Desks, Pace
from isthmus.serving.api.problem import Problem
from lib import granted
from lib.calling import bearer, problem, serving, short
from lib.granted import House
from lib.wide import unhurried


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return unhurried(granted.granted(tmp_path_factory.mktemp("tricks"), patients=8))


@pytest.fixture(scope="module")
def client(house: House) -> Iterator[httpx.Client]:
    with serving(house) as found:
        yield found


def tables(house: House) -> str:
    return f"/api/v1/grants/{short(house.grant)}/tables"


def test_a_token_is_of_one_account_one_scope_and_one_time(house: House, client: httpx.Client) -> None:
    _, number, secret = house.tokens["ann"].split(".")
    _, other, theirs = house.tokens["bo"].split(".")
    tried = (
        *(f"isthmus.{number}.{theirs}", f"isthmus.{other}.{secret}", f"isthmus.{number}.", "isthmus..", "x"),
        *(f"isthmus.{number}.{secret}x", f"other.{number}.{secret}", f"isthmus.' or 1=1 --.{secret}"),
    )
    for shown in tried:
        answer = client.get("/api/v1/grants", headers={"Authorization": f"Bearer {shown}"})
        problem(answer, 401, "unauthenticated")
        assert secret not in answer.text
    made = house.run("ann", "people", "token", house.root, "ann", "--scope", "use", "--json").document()["token"]
    mine = {"Authorization": f"Bearer {made}"}
    problem(client.get("/api/v1/grants", headers=mine), 403, "refused")
    assert client.get("/api/v1/sites", headers=mine).status_code == 200
    records = Workspace(house.root).records
    with records.session.begin() as session:
        gone = update(Token).where(Token.token_id == made.split(".")[1])
        session.execute(gone.values(expires_at=now() - timedelta(seconds=1)))
    problem(client.get("/api/v1/sites", headers=mine), 401, "unauthenticated")


def test_an_account_that_is_disabled_is_out_at_once(house: House, client: httpx.Client) -> None:
    added = house.run("root", "people", "add", house.root, "guest", "--role", "user", "--scope", "use", "--json")
    mine = {"Authorization": f"Bearer {added.document()['token']}"}
    assert client.get("/api/v1/me", headers=mine).status_code == 200
    assert house.run("root", "people", "disable", house.root, "guest").code == 0
    problem(client.get("/api/v1/me", headers=mine), 401, "unauthenticated")


def test_headers_make_nobody_somebody_else(house: House, client: httpx.Client) -> None:
    address = f"{tables(house)}/person.json"
    said = {
        "X-Forwarded-User": "ann", "X-Remote-User": "ann", "X-Original-URL": "/", "X-Forwarded-For": "127.0.0.1",
        "X-HTTP-Method-Override": "DELETE", "Cookie": f"token={house.tokens['ann']}",
    }  # fmt: skip
    problem(client.get(address, headers={**bearer(house, "cai"), **said}), 404, "unknown")
    problem(client.get(address, headers=said), 401, "unauthenticated")
    problem(client.get(f"{address}?access_token={house.tokens['ann']}"), 401, "unauthenticated")
    forged = client.get(f"/fhir/{short(house.grant)}/Patient?_count=1", headers={**bearer(house), "Host": 'evil"/x'})
    assert "evil" not in forged.text


def test_two_lengths_are_no_way_past_the_door(house: House, client: httpx.Client) -> None:
    said = (
        f"POST /api/v1/grants/{short(house.grant)}/questions HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
        "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /api/v1/grants HTTP/1.1\r\nHost: a\r\n"
        f"Authorization: Bearer {house.tokens['ann']}\r\n\r\n"
    )
    with socket.create_connection((client.base_url.host, client.base_url.port or 80), timeout=30) as raw:
        raw.sendall(said.encode())
        raw.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := raw.recv(65_536):
            answer += piece
    assert b" 200 " not in answer.split(b"\r\n", 1)[0]
    assert b'"grants"' not in answer


def test_a_body_that_is_too_long_is_not_read(house: House, client: httpx.Client) -> None:
    most = client.get("/api/v1/").json()["limits"]["body"]
    address = f"/api/v1/grants/{short(house.grant)}/questions"
    long = json.dumps({"sql": "select 1 -- " + "x" * most})
    problem(client.post(address, content=long, headers=bearer(house)), 413, "large")
    chunks = (b"x" * 65_536 for _ in range(most // 65_536 + 2))
    problem(client.post(address, content=chunks, headers=bearer(house)), 413, "large")
    problem(client.post(address, content=b"{", headers=bearer(house)), 422, "wrong")
    deep = b"[" * 100_000
    assert client.post(address, content=deep, headers=bearer(house)).status_code == 422


def test_names_of_tables_lead_nowhere_else(house: House, client: httpx.Client) -> None:
    names = (
        *("..%2Fperson", "person%00", "person%20where", "person;select", 'person"', "PERSON", "identity"),
        *("record", "isthmus_raw_person", "person%2f..%2f..%2fsecrets", "duckdb_tables()", "person.json"),
    )
    for name in names:
        answer = client.get(f"{tables(house)}/{name}.json", headers=bearer(house))
        assert answer.status_code in {404, 422}, (name, answer.text)
    problem(client.get(f"{tables(house)}/measurement.json", headers=bearer(house)), 404, "unknown")
    for columns in ("person_id,person_source_value", "*", "person_id) from person --", "(select 1)"):
        answer = client.get(f"{tables(house)}/person.json", params={"columns": columns}, headers=bearer(house))
        problem(answer, 422, "wrong")


def test_a_forged_mark_gives_nothing_that_the_grant_does_not(house: House, client: httpx.Client) -> None:
    opened = Workspace(house.root)
    found = case_of(Office(opened.root, opened.records, opened.settings), house.grant)
    assert found is not None and found.case.grant is not None
    columns = ("person_id", "gender_concept_id", "year_of_birth", "site")
    bound = delivery.bound(found.case.grant, "person", columns)
    people = len(client.get(f"{tables(house)}/person.json", headers=bearer(house)).json()["rows"])

    def asked(mark: Any) -> httpx.Response:
        text = mark if isinstance(mark, str) else delivery.encoded(mark)
        return client.get(f"{tables(house)}/person.json", params={"next": text}, headers=bearer(house))

    for text in ("x", "", "%%%", base64.urlsafe_b64encode(b'["x",1,null,0]').decode(), "A" * 1999):
        if text:
            problem(asked(text), 422, "wrong")
    problem(asked(delivery.Mark(bound, 99, "", 0)), 404, "unknown")
    problem(asked(delivery.Mark("0" * 16, 1, "", 0)), 422, "wrong")
    tricked = asked(delivery.Mark(bound, 2, "' OR 1=1 UNION SELECT person_source_value FROM person --", 0))
    assert tricked.status_code in {200, 422} and len(tricked.json().get("rows", ())) <= people
    assert asked(delivery.Mark(bound, 2, "", 1 << 62)).status_code in {200, 422}
    asked_fhir = [("_count", "1")]
    patient = resources()["Patient"]
    mark = statement.Mark(statement.bound(found.case.grant, patient, asked_fhir), 2, "' OR '1'='1", "0", 5)
    answer = client.get(
        f"/fhir/{short(house.grant)}/Patient", headers=bearer(house),
        params={"_count": "1", "_page": statement.encoded(mark)},
    )  # fmt: skip
    assert len(answer.json().get("entry", ())) <= 1


def test_values_of_a_search_are_values(house: House, client: httpx.Client) -> None:
    base = f"/fhir/{short(house.grant)}"
    whole = client.get(f"{base}/Encounter?_summary=count", headers=bearer(house)).json()["total"]
    assert whole > 0
    for name in ("type", "class", "patient", "_id", "status"):
        for value in ("x' OR '1'='1", "x') OR (1=1", "');DROP TABLE person;--", "\0", "x|y|z", "|", "\\'"):
            answer = client.get(f"{base}/Encounter", params={name: value}, headers=bearer(house))
            assert answer.status_code == 200 and answer.json()["total"] == 0, (name, value, answer.text)
    many = "&".join(f"_id={one}" for one in range(101))
    assert client.get(f"{base}/Encounter?{many}", headers=bearer(house)).status_code == 422


def test_no_address_that_a_caller_names_is_fetched(
    house: House, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    went: list[Any] = []
    connect = socket.socket.connect

    def watched(self: socket.socket, address: Any) -> None:
        if address[1] != client.base_url.port:
            went.append(address)
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", watched)
    with socket.create_server(("127.0.0.1", 0)) as trap:
        named = f"http://127.0.0.1:{trap.getsockname()[1]}/x"
        base = f"/fhir/{short(house.grant)}"
        for address in (
            *(f"{base}/CodeSystem/$lookup?system={named}&code=1", f"{base}/ValueSet/$expand?url={named}"),
            *(f"{base}/Patient?_id={named}", f"{base}/Encounter?patient={named}", f"/api/v1/problems/{named}"),
        ):
            client.get(address, headers=bearer(house))
        for sql in (f"select * from '{named}.csv'", f"select * from read_json('{named}')", "install httpfs"):
            body = {"sql": sql}
            answer = client.post(f"/api/v1/grants/{short(house.grant)}/questions", json=body, headers=bearer(house))
            assert answer.status_code in {403, 422}, answer.text
    assert not went


def test_who_is_too_fast_waits(tmp_path: Any) -> None:
    slow = granted.peopled(tmp_path, patients=2)
    settings = slow.root / "isthmus.toml"
    settings.write_text(settings.read_text(encoding="utf-8") + "\n[api]\npace = 5\nwrong = 3\n")
    with serving(slow) as client:
        answers = [client.get("/api/v1/me", headers=bearer(slow)) for _ in range(7)]
        assert [one.status_code for one in answers[:5]] == [200] * 5
        assert [one.headers["x-rate-limit-remaining"] for one in answers[:3]] == ["4", "3", "2"]
        assert int(answers[-1].headers["retry-after"]) >= 1
        problem(answers[-1], 429, "fast")
        assert client.get("/api/v1/me", headers=bearer(slow, "bo")).status_code == 200, "each account has its own"
        guesses = [client.get("/api/v1/me", headers={"Authorization": "Bearer isthmus.0.0"}) for _ in range(5)]
        problem(guesses[-1], 429, "fast")
        assert client.get("/api/v1/me", headers=bearer(slow, "cai")).status_code == 200


def test_a_bucket_fills_evenly() -> None:
    pace = Pace(60)
    assert [pace.take("a", 0.0) for _ in range(60)][-1] == 0
    with pytest.raises(Problem):
        pace.take("a", 0.5)
    assert pace.take("a", 1.6) == 0


def test_where_all_desks_are_taken_one_waits_and_is_told() -> None:
    desks = Desks(1, 0.05)
    with desks.one(), pytest.raises(Problem, match="no desk was free") as told, desks.one():
        pass
    assert told.value.kind.status == 503
    with desks.one():
        pass
