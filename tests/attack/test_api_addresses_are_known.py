"""Every address of the API, with what stands before patients' rows behind it.

A new address fails this test until somebody has said what it is. `OPEN` needs no token and says nothing of anybody;
`GRANTED` gives rows, each through `open_granted`; `OFFICE` gives accounts, acts and counts to who has a token.
"""

from collections.abc import Iterator

import httpx
import pytest

from lib import granted
from lib.calling import bearer, serving, short
from lib.granted import House
from lib.wide import unhurried

OPEN = {
    ("/api/v1", "GET", "/"): "what there is, and the limits",
    ("/api/v1", "GET", "/problems"): "a file of the package", ("/api/v1", "GET", "/problems/{name}"): "the same",
    ("/fhir", "GET", "/{grant}/metadata"): "a file of the package",
}  # fmt: skip
GRANTED = {
    *(("/api/v1", "GET", "/grants/{grant}"), ("/api/v1", "GET", "/grants/{grant}/tables")),
    ("/api/v1", "GET", "/grants/{grant}/tables/{table}.{suffix}"),
    *(("/api/v1", "POST", "/grants/{grant}/questions"), ("/api/v1", "POST", "/grants/{grant}/releases")),
    *(("/fhir", "GET", "/{grant}/{kind}"), ("/fhir", "POST", "/{grant}/{kind}/_search")),
    *(("/fhir", "GET", "/{grant}/{kind}/{name}"), ("/fhir", "GET", "/{grant}/$export")),
    *(("/fhir", "GET", "/{grant}/$export/{name}"), ("/fhir", "DELETE", "/{grant}/$export/{name}")),
    ("/fhir", "GET", "/{grant}/$export/{name}/deleted/{kind}"),
    ("/fhir", "GET", "/{grant}/$export/{name}/{kind}/{place}"),
}
OFFICE = {
    ("/api/v1", "GET", "/editions"): "rounded counts", ("/api/v1", "GET", "/editions/{number}"): "rounded counts",
    ("/api/v1", "GET", "/grants"): "the caller's own grants", ("/api/v1", "GET", "/me"): "the caller's own account",
    ("/api/v1", "GET", "/applications"): "who asks for what", ("/api/v1", "GET", "/applications/{case}"): "the same",
    ("/api/v1", "POST", "/applications"): "an act", ("/api/v1", "POST", "/applications/{case}/acts/{act}"): "an act",
    ("/api/v1", "GET", "/releases"): "what was asked to leave, without its tables",
    ("/api/v1", "GET", "/releases/{name}"): "counts, hidden and rounded, for checkers and people of the grant",
    ("/api/v1", "POST", "/releases/{name}/checks"): "an act",
    ("/api/v1", "POST", "/releases/{name}/withdrawal"): "an act",
    ("/api/v1", "POST", "/releases/{name}/delivery"): "what two checkers let leave",
    ("/api/v1", "GET", "/sites"): "names and conditions",
    ("/api/v1", "GET", "/sites/{site}/deliveries"): "names of files, for who answers for the site",
    ("/api/v1", "GET", "/runs"): "batches, for who answers for their sites",
    ("/api/v1", "GET", "/findings"): "counts, for who answers for the site",
    ("/api/v1", "POST", "/findings/{finding}/words"): "an act", ("/api/v1", "GET", "/log"): "acts, never an answer",
    **{("/fhir", "GET", f"/{{grant}}/{name}"): "concepts" for name in (
        "CodeSystem/$lookup", "CodeSystem/$validate-code", "ConceptMap/$translate", "ValueSet/$expand",
    )},
}  # fmt: skip


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return unhurried(granted.granted(tmp_path_factory.mktemp("addresses"), patients=3))


@pytest.fixture(scope="module")
def client(house: House) -> Iterator[httpx.Client]:
    with serving(house) as found:
        yield found


def addresses(client: httpx.Client) -> set[tuple[str, str, str]]:
    """Part, method and path of everything that the API describes."""
    return {
        (part, method.upper(), path)
        for part in ("/api/v1", "/fhir")
        for path, methods in client.get(f"{part}/openapi.json").json()["paths"].items()
        for method in methods
    }


def called(
    client: httpx.Client, house: House, address: tuple[str, str, str], headers: dict[str, str]
) -> httpx.Response:
    """An address with identifiers that exist, and a body that fits."""
    part, method, path = address
    there = {
        "grant": short(house.grant), "case": short(house.case), "act": "revoke", "site": "h01", "kind": "Patient",
        "table": "person", "suffix": "json", "name": "0" * 32, "place": "0", "number": "1", "finding": "1",
    }  # fmt: skip
    for name, value in there.items():
        path = path.replace(f"{{{name}}}", value)
    more = {"Prefer": "respond-async"} if path.endswith("$export") else {}
    if path.endswith("_search"):
        return client.request(method, f"{part}{path}", data={"gender": "male"}, headers={**headers, **more})
    body = {
        "questions": {"sql": "select * from person"},
        "releases": {"sql": "select count(*) as n from person", "counts": "n", "context": "persons"},
    }.get(path.rpartition("/")[2], {})  # fmt: skip
    return client.request(method, f"{part}{path}", json=body if method == "POST" else None, headers={**headers, **more})


def test_every_address_is_known(client: httpx.Client) -> None:
    assert addresses(client) == {*OPEN, *GRANTED, *OFFICE}


def test_without_a_token_only_open_addresses_answer(house: House, client: httpx.Client) -> None:
    for address in addresses(client):
        answer = called(client, house, address, {})
        assert (answer.status_code == 401) != (address in OPEN), address
    for address in OPEN:
        assert "isthmus." not in called(client, house, address, {}).text


def test_who_is_not_of_the_grant_gets_nothing_from_any_address(house: House, client: httpx.Client) -> None:
    for who in ("eve", "root", "platform", "aud", "stew", "chen"):
        for address in GRANTED:
            answer = called(client, house, address, bearer(house, who))
            assert answer.status_code in {403, 404}, (who, address, answer.text)


def test_a_grant_that_has_ended_gives_nothing_from_any_address(house: House, client: httpx.Client) -> None:
    assert house.use("cai", "suspend", "--reason", "an incident is looked into").code == 0
    told = {("/api/v1", "GET", "/grants/{grant}")}  # the terms of one's own grant, and how it stands
    for address in GRANTED - told:
        answer = called(client, house, address, bearer(house))
        assert answer.status_code in {403, 404}, (address, answer.text)
    lines = client.get(f"/api/v1/log?grant={short(house.grant)}&size=1000", headers=bearer(house)).json()["log"]
    refused = [one for one in lines if one["kind"] == "question" and one["act"] == "refused"]
    assert len(refused) == len(GRANTED - told), "a refusal is in the log, whatever was asked"
    assert house.use("cai", "resume", "--reason", "it was none").code == 0
