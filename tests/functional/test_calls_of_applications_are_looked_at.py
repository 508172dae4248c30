"""What reaches an application from outside is a call of its hook, about a patient, at a site that there is."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from isthmus.flow.invented import SITE
from isthmus.serving.applications import bearer, mount
from lib.applications import managed, write
from lib.serving import serving

CALL: dict[str, Any] = {"hook": "patient-view", "hookInstance": "1", "context": {"userId": "u", "patientId": "1"}}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    root = tmp_path_factory.mktemp("called")
    with managed(root, write(root)) as (shelf, manager):
        app = FastAPI()
        mount(app, manager, person=bearer(shelf.opened))
        with serving(app) as address, httpx.Client(base_url=address, timeout=60) as made:
            yield made


def test_a_call_as_it_should_be_is_answered(client: httpx.Client) -> None:
    told = client.post(f"/cds-services/elders-view?site={SITE}", json=CALL)
    assert (told.status_code, len(told.json()["cards"])) == (200, 1)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        *((one, "an object with `hook`") for one in (None, [], {**CALL, "context": []})),
        ({**CALL, "hook": "order-sign"}, "answers the hook patient-view"),
        *(({**CALL, "context": {"userId": "u", "patientId": one}}, "`context.patientId` is a text")
          for one in (288357200326172983, "", None, ["1"], "x" * 201)),
        ({**CALL, "context": {"userId": "u"}}, "`context.patientId` is a text"),
    ],
)  # fmt: skip
def test_what_is_no_call_of_the_hook_does_not_reach_it(client: httpx.Client, body: Any, said: str) -> None:
    told = client.post("/cds-services/elders-view", json=body)
    assert (told.status_code, said in told.json()["detail"]) == (400, True), told.text


@pytest.mark.parametrize("body", [b'{"a": NaN}', b'{"a": "\\ud800"}', b'{"a": -Infinity}', b"{", b"[" * 100_000])
def test_what_is_no_json_does_not_reach_it(client: httpx.Client, body: bytes) -> None:
    told = client.post("/cds-services/elders-view", content=body)
    assert (told.status_code, "is no JSON" in told.json()["detail"]) == (400, True), told.text


def test_a_character_in_two_halves_is_text(client: httpx.Client) -> None:
    body = b'{"hook":"patient-view","hookInstance":"\\ud83d\\ude00","context":{"userId":"u","patientId":"1"}}'
    assert client.post("/cds-services/elders-view", content=body).status_code == 200


@pytest.mark.parametrize("path", ["/apps/elders/api/elders", "/cds-services/elders-view"])
@pytest.mark.parametrize("site", ["nowhere", "..%2F..%2Fx", "x%00"])
def test_a_site_that_there_is_not_is_refused(client: httpx.Client, path: str, site: str) -> None:
    method = "GET" if path.startswith("/apps") else "POST"
    told = client.request(method, f"{path}?site={site}", json=CALL)
    assert (told.status_code, "names no site" in told.json()["detail"]) == (400, True), told.text
