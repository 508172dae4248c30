"""The API from outside: tokens, problems, editions, grants, and questions in every form."""

import base64
import hashlib
import io
from collections.abc import Iterator

import httpx
import orjson
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from lib import granted
from lib.calling import bearer, problem, serving, short
from lib.granted import House

COUNT = {"sql": "select gender_concept_id as sex, count(*) as n from person group by all order by all"}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return granted.granted(tmp_path_factory.mktemp("api"), patients=20)


@pytest.fixture(scope="module")
def client(house: House) -> Iterator[httpx.Client]:
    with serving(house) as found:
        yield found


def questions(house: House) -> str:
    return f"/api/v1/grants/{short(house.grant)}/questions"


def test_the_beginning_says_what_there_is_and_how_much_of_it(client: httpx.Client) -> None:
    body = client.get("/api/v1/").json()
    assert body["edition"] == 2 and not body["synthetic"]
    assert body["limits"]["page"] > 0
    assert client.get("/api/v1/openapi.json").json()["openapi"].startswith("3.")


def test_without_a_token_there_is_no_answer(house: House, client: httpx.Client) -> None:
    for headers in ({}, {"Authorization": "Basic YTpi"}, {"Authorization": "Bearer isthmus.0.0"}, {"Cookie": "a=b"}):
        answer = client.get("/api/v1/grants", headers=headers)
        problem(answer, 401, "unauthenticated")
        assert answer.headers["www-authenticate"].startswith("Bearer")
    twice = [("Authorization", f"Bearer {house.tokens['ann']}"), ("Authorization", f"Bearer {house.tokens['bo']}")]
    problem(client.get("/api/v1/grants", headers=twice), 401, "unauthenticated")


def test_every_form_of_an_answer_has_the_same_rows_count_and_hash(house: House, client: httpx.Client) -> None:
    read = {
        "application/json": lambda raw: pa.Table.from_pylist(orjson.loads(raw)["rows"]),
        "text/csv": lambda raw: pa_csv.read_csv(io.BytesIO(raw)),
        "application/vnd.apache.parquet": lambda raw: pq.read_table(io.BytesIO(raw)),
        "application/vnd.apache.arrow.stream": lambda raw: pa.ipc.open_stream(raw).read_all(),
    }
    found = set()
    for media, reader in read.items():
        answer = client.post(questions(house), json=COUNT, headers=bearer(house, Accept=media))
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith(media)
        rows = reader(answer.content)
        assert int(answer.headers["x-row-count"]) == rows.num_rows == 2
        digest = base64.b64encode(hashlib.sha256(answer.content).digest()).decode()
        assert answer.headers["content-digest"] == f"sha-256=:{digest}:"
        found.add(str(rows.to_pylist()))
    assert len(found) == 1
    problem(client.post(questions(house), json=COUNT, headers=bearer(house, Accept="image/png")), 406, "unacceptable")


def test_a_json_answer_ends_with_the_count_and_hash_of_its_rows(house: House, client: httpx.Client) -> None:
    raw = client.post(questions(house), json=COUNT, headers=bearer(house)).content
    body = orjson.loads(raw)
    rows = raw[raw.index(b'"rows":') + 7 : raw.rindex(b',"count"')]
    assert body["sha256"] == hashlib.sha256(rows).hexdigest()
    assert body["count"] == len(body["rows"]) == 2
    assert body["edition"] == 2 and "/QU" in body["question"]


def test_what_the_grant_does_not_hold_is_refused_with_the_next_step(house: House, client: httpx.Client) -> None:
    asked = client.post(questions(house), json={"sql": "select * from measurement"}, headers=bearer(house))
    assert "measurement" in problem(asked, 403, "refused")["detail"]
    wrong = client.post(questions(house), json={"sql": "select nothing from person"}, headers=bearer(house))
    problem(wrong, 422, "wrong")
    more = client.post(questions(house), json={"sql": "select 1", "as": "bo"}, headers=bearer(house))
    assert problem(more, 422, "wrong")["errors"]


def test_the_grant_of_others_is_told_of_as_one_that_there_is_not(house: House, client: httpx.Client) -> None:
    theirs = client.post(questions(house), json=COUNT, headers=bearer(house, "cai"))
    nobodys = client.post("/api/v1/grants/GRG33CB97QF2VTWKAHC/questions", json=COUNT, headers=bearer(house, "cai"))
    assert problem(theirs, 404, "unknown")["detail"] == problem(nobodys, 404, "unknown")["detail"]
    assert client.get("/api/v1/grants", headers=bearer(house, "cai")).json() == {"grants": []}
    assert len(client.get("/api/v1/grants", headers=bearer(house)).json()["grants"]) == 1
