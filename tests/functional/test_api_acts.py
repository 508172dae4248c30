"""Acts of people over the API: from an application to a release and the end of the grant, each once."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from lib import granted
from lib.calling import bearer, problem, serving, short
from lib.granted import APPLICATION, House

COUNT = {"sql": "select gender_concept_id as sex, count(*) as n from person group by all"}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return granted.peopled(tmp_path_factory.mktemp("acts"), patients=60)


@pytest.fixture(scope="module")
def client(house: House) -> Iterator[httpx.Client]:
    with serving(house) as found:
        yield found


def post(client: httpx.Client, house: House, who: str, path: str, body: Any = None, **more: str) -> dict[str, Any]:
    answer = client.post(f"/api/v1/{path}", json=body, headers=bearer(house, who, **more))
    assert answer.status_code in {200, 201}, answer.text
    found: dict[str, Any] = answer.json()
    return found


def get(client: httpx.Client, house: House, who: str, path: str) -> dict[str, Any]:
    answer = client.get(f"/api/v1/{path}", headers=bearer(house, who))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def decided(client: httpx.Client, house: House) -> tuple[str, str]:
    """A case and its grant, all of it over the API."""
    applied = post(client, house, "ann", "applications", {"application": APPLICATION})
    case = f"applications/{short(applied['application'])}"
    post(client, house, "platform", f"{case}/acts/match", {})
    for who in ("cai", "dan"):
        post(client, house, who, f"{case}/acts/vote", {"favour": True, "reason": "of use"})
    told = post(client, house, "eve", f"{case}/acts/grant", {})
    assert told["standing"] == "active"
    return case, short(told["grant"])


def test_the_whole_way_of_a_use(client: httpx.Client, house: House) -> None:
    case, grant = decided(client, house)
    assert [one["act"] for one in get(client, house, "aud", case)["acts"]] == [
        "submit",
        "match",
        "vote",
        "vote",
        "grant",
    ]
    assert len(post(client, house, "ann", f"grants/{grant}/questions", COUNT)["rows"]) == 2
    asked = {**COUNT, "counts": "n", "context": "persons of the hospital by sex; nothing else is shown of them"}
    release = f"releases/{short(post(client, house, 'ann', f'grants/{grant}/releases', asked)['release'])}"
    refused = client.post(f"/api/v1/{release}/checks", json={"said": "approve"}, headers=bearer(house, "ann"))
    problem(refused, 403, "refused")
    problem(client.get(f"/api/v1/{release}", headers=bearer(house, "cai")), 403, "refused")
    for who in ("chen", "chi"):
        assert get(client, house, who, release)["columns"]["sex"]
        post(client, house, who, f"{release}/checks", {"said": "approve", "reason": "large groups"})
    left = post(client, house, "chi", f"{release}/delivery")
    assert left["manifest"]["checked_by"] == ["chen", "chi"] and left["table"].startswith("sex,n\n")
    log = get(client, house, "ann", f"log?grant={grant}")
    assert {one["act"] for one in log["log"]} >= {"submit", "vote", "grant", "allowed", "request", "release"}
    post(client, house, "cai", f"{case}/acts/revoke", {"reason": "the study is over"})
    asked_again = client.post(f"/api/v1/grants/{grant}/questions", json=COUNT, headers=bearer(house))
    assert "revoked" in problem(asked_again, 403, "refused")["detail"]


def test_an_act_with_a_key_happens_once(client: httpx.Client, house: House) -> None:
    key = {"Idempotency-Key": "one application"}
    before = len(get(client, house, "ann", "applications")["applications"])
    body = {"application": APPLICATION}
    first = client.post("/api/v1/applications", json=body, headers=bearer(house, **key))
    again = client.post("/api/v1/applications", json=body, headers=bearer(house, **key))
    assert first.json() == again.json() and again.headers["idempotent-replayed"] == "true"
    other = {"application": {**APPLICATION, "summary": "something else"}}
    problem(client.post("/api/v1/applications", json=other, headers=bearer(house, **key)), 409, "conflict")
    theirs = client.post("/api/v1/applications", json=body, headers=bearer(house, "bo", **key))
    assert theirs.json() != first.json()
    assert len(get(client, house, "ann", "applications")["applications"]) == before + 2


def test_a_refused_act_gives_its_key_back(client: httpx.Client, house: House) -> None:
    key = {"Idempotency-Key": "a wrong one"}
    wrong = {"application": {**APPLICATION, "tables": {}}}
    problem(client.post("/api/v1/applications", json=wrong, headers=bearer(house, **key)), 422, "wrong")
    right = client.post("/api/v1/applications", json={"application": APPLICATION}, headers=bearer(house, **key))
    assert right.status_code == 201


def test_who_may_not_act_is_refused(client: httpx.Client, house: House) -> None:
    applied = post(client, house, "ann", "applications", {"application": APPLICATION})
    case = f"/api/v1/applications/{short(applied['application'])}"
    problem(client.post(f"{case}/acts/vote", json={"favour": True}, headers=bearer(house)), 403, "refused")
    problem(client.post(f"{case}/acts/destroy", json={}, headers=bearer(house)), 404, "unknown")
    problem(client.get("/api/v1/applications/APG33CB97QF2VTWKAHC", headers=bearer(house)), 404, "unknown")
    unknown = {"application": {**APPLICATION, "sites": ["elsewhere"]}}
    problem(client.post("/api/v1/applications", json=unknown, headers=bearer(house)), 422, "wrong")


def test_upkeep_is_for_those_who_answer_for_a_site(client: httpx.Client, house: House) -> None:
    assert [one["site"] for one in get(client, house, "ann", "sites")["sites"]] == ["h01"]
    for who in ("stew", "platform"):
        first = get(client, house, who, "sites/h01/deliveries?size=2")
        assert first["total"] > len(first["deliveries"]) == 2 and first["next"]
        rest = get(client, house, who, f"sites/h01/deliveries?size=100&before={first['next']}")
        assert len(rest["deliveries"]) == first["total"] - 2 and rest["next"] is None
        assert {one["site"] for one in get(client, house, who, "runs")["runs"]} == {"h01"}
    problem(client.get("/api/v1/sites/h01/deliveries", headers=bearer(house)), 403, "refused")
    problem(client.get("/api/v1/sites/h02/deliveries", headers=bearer(house, "stew")), 404, "unknown")
    assert get(client, house, "ann", "runs")["runs"] == []


def test_findings_are_told_and_answered(client: httpx.Client, house: House) -> None:
    found = get(client, house, "stew", "findings?site=h01")
    assert found["total"] >= len(found["findings"]) > 0
    one = found["findings"][0]
    word = {"state": "explained", "reason": "so it is delivered"}
    problem(client.post(f"/api/v1/findings/{one['finding']}/words", json=word, headers=bearer(house)), 403, "refused")
    post(client, house, "stew", f"findings/{one['finding']}/words", word)
    told = next(
        each for each in get(client, house, "stew", "findings")["findings"] if each["finding"] == one["finding"]
    )
    assert (told["state"], told["reason"]) == ("explained", "so it is delivered")


def test_the_log_is_paged_and_for_those_who_watch(client: httpx.Client, house: House) -> None:
    problem(client.get("/api/v1/log", headers=bearer(house)), 403, "refused")
    first = get(client, house, "aud", "log?size=5")
    second = get(client, house, "aud", f"log?size=5&before={first['next']}")
    assert not {one["entry"] for one in first["log"]} & {one["entry"] for one in second["log"]}
    assert first["total"] > 10


def test_everybody_can_ask_who_they_are(client: httpx.Client, house: House) -> None:
    assert get(client, house, "stew", "me")["sites"] == ["h01"]
