"""The FHIR facade from outside: resources that an outside validator accepts, searches, pages, and what is refused."""

import base64
import importlib
import time
from collections.abc import Iterator
from typing import Any

import httpx
import orjson
import pytest

from isthmus.serving.api.fhir.mapping import resources
from lib.calling import bearer, serving, short
from lib.granted import House
from lib.hospitals import hospitals

TYPES = tuple(resources())


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return hospitals(tmp_path_factory.mktemp("fhir"), patients=40, sites=2)


@pytest.fixture(scope="module")
def client(house: House) -> Iterator[httpx.Client]:
    with serving(house) as found:
        yield found


def base(house: House) -> str:
    return f"/fhir/{short(house.grant)}"


def get(client: httpx.Client, house: House, address: str) -> dict[str, Any]:
    answer = client.get(address if address.startswith("http") else f"{base(house)}/{address}", headers=bearer(house))
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/fhir+json; charset=utf-8"
    body: dict[str, Any] = answer.json()
    return body


def found(bundle: dict[str, Any]) -> list[dict[str, Any]]:
    return [one["resource"] for one in bundle.get("entry", ())]


def every(client: httpx.Client, house: House, address: str) -> list[dict[str, Any]]:
    """All resources of a search, by its links."""
    rows: list[dict[str, Any]] = []
    total = None
    while address:
        bundle = get(client, house, address)
        assert total in {None, bundle["total"]}
        total = bundle["total"]
        rows += found(bundle)
        address = next((one["url"] for one in bundle["link"] if one["relation"] == "next"), "")
    assert len(rows) == total
    return rows


def refused(client: httpx.Client, house: House, address: str, status: int) -> dict[str, Any]:
    answer = client.get(f"{base(house)}/{address}", headers=bearer(house))
    assert answer.status_code == status, answer.text
    body: dict[str, Any] = answer.json()
    assert body["resourceType"] == "OperationOutcome" and body["issue"][0]["diagnostics"]
    return body


def validated(resource: dict[str, Any]) -> None:
    """Read by fhir.resources (R4B, whose types these have in common with R4), which raises where something is wrong."""
    kind = resource["resourceType"]
    module = importlib.import_module(f"fhir.resources.R4B.{kind.lower()}")
    getattr(module, kind).model_validate(resource)


@pytest.mark.parametrize("kind", TYPES)
def test_an_outside_validator_accepts_every_resource(house: House, client: httpx.Client, kind: str) -> None:
    rows = found(get(client, house, f"{kind}?_count=200"))
    assert rows, f"the hospitals have no {kind}"
    for one in rows:
        validated(one)
        assert one["meta"]["security"][0]["code"] == "PSEUDED"
    one = get(client, house, f"{kind}/{rows[0]['id']}")
    assert one == rows[0]
    validated(get(client, house, f"{kind}?_count=2"))


@pytest.mark.parametrize("kind", TYPES)
def test_pages_of_a_search_have_each_resource_once(house: House, client: httpx.Client, kind: str) -> None:
    whole = found(get(client, house, f"{kind}?_count=20000"))
    size = max(3, len(whole) // 4)
    paged = every(client, house, f"{kind}?_count={size}")
    assert sorted(one["id"] for one in paged) == sorted({one["id"] for one in whole})
    assert get(client, house, f"{kind}?_summary=count")["total"] == len(whole)


def test_the_facade_tells_what_it_can(client: httpx.Client, house: House) -> None:
    told = client.get(f"{base(house)}/metadata").json()
    validated(told)
    assert {one["type"] for one in told["rest"][0]["resource"]} >= set(TYPES)


def test_searches_find_what_their_parameters_say(house: House, client: httpx.Client) -> None:
    whole = every(client, house, "Observation?_count=5000")
    some = next(one for one in whole if "valueQuantity" in one and len(one["code"].get("coding", ())) > 1)
    patient = some["subject"]["reference"]
    coding = some["code"]["coding"][0]
    code, day, bare = f"{coding['system']}|{coding['code']}", some["effectiveDateTime"], coding["code"]
    value = some["valueQuantity"]["value"]
    said = {
        f"patient={patient}": lambda one: one["subject"]["reference"] == patient,
        f"subject={patient.partition('/')[2]}": lambda one: one["subject"]["reference"] == patient,
        f"code={code}": lambda one: coding in one["code"].get("coding", ()),
        f"code={bare}": lambda one: bare in {each["code"] for each in one["code"].get("coding", ())},
        f"date={day}": lambda one: one["effectiveDateTime"] == day,
        f"date={day[:4]}": lambda one: one["effectiveDateTime"][:4] == day[:4],
        f"date=gt{day[:7]}": lambda one: one["effectiveDateTime"][:7] > day[:7],
        f"date=ge{day[:7]}&date=lt{int(day[:4]) + 1}": lambda one: day[:7] <= one["effectiveDateTime"][:7]
        and one["effectiveDateTime"] < f"{int(day[:4]) + 1}",
        f"value-quantity=ge{value}": lambda one: one.get("valueQuantity", {}).get("value", float("-inf")) >= value,
        f"patient={patient}&code={code}": lambda one: one["subject"]["reference"] == patient
        and coding in one["code"].get("coding", ()),
        f"_id={some['id']}": lambda one: one["id"] == some["id"],
        "status=final&category=laboratory": lambda one: True,
        "status=cancelled": lambda one: False,
    }  # fmt: skip
    for query, right in said.items():
        ids = {one["id"] for one in every(client, house, f"Observation?{query}&_count=5000")}
        assert ids == {one["id"] for one in whole if right(one)}, query
    ordered = [one["effectiveDateTime"] for one in every(client, house, "Observation?_sort=-date&_count=400")]
    assert ordered == sorted(ordered, reverse=True)


def test_a_search_by_form_is_the_same(house: House, client: httpx.Client) -> None:
    answer = client.post(f"{base(house)}/Patient/_search", data={"gender": "female"}, headers=bearer(house))
    assert answer.json()["total"] == len([one for one in every(client, house, "Patient") if one["gender"] == "female"])


def test_identities_are_pseudonyms_that_lead_to_each_other(house: House, client: httpx.Client) -> None:
    people = {f"Patient/{one['id']}" for one in every(client, house, "Patient?_count=1000")}
    encounters = {f"Encounter/{one['id']}" for one in every(client, house, "Encounter?_count=5000")}
    led = []
    for kind in ("Condition", "Observation", "Procedure", "MedicationRequest", "DocumentReference"):
        for one in every(client, house, f"{kind}?_count=5000"):
            assert one["subject"]["reference"] in people
            if "encounter" in one:
                led.append(one["encounter"]["reference"] in encounters)
    assert sum(led) > 0.9 * len(led) > 0, "some of the hospitals' rows name a stay that was never delivered"


def test_a_text_is_masked_before_it_is_a_document(house: House, client: httpx.Client) -> None:
    texts = [
        base64.b64decode(one["content"][0]["attachment"]["data"]).decode()
        for one in found(get(client, house, "DocumentReference?_count=50"))
    ]
    assert any("[" in one or "＊" in one or "*" in one for one in texts)


def test_what_cannot_be_compared_is_refused_and_not_passed_over(house: House, client: httpx.Client) -> None:
    queries = (
        *("Observation?colour=red", "Observation?date=yesterday", "Observation?code:in=x", "Patient?_sort=name"),
        *("Observation?_page=AAAA", "Observation?value-quantity=high", "Patient?_include=x", "Patient?_count=-1"),
    )
    for query in queries:
        refused(client, house, query, 422)
    refused(client, house, "Claim", 404)
    refused(client, house, "Patient/0123456789abcdef0123456789abcdef", 404)
    assert client.get(f"{base(house)}/Patient").status_code == 401


def _export(client: httpx.Client, house: House, query: str = "") -> dict[str, Any]:
    """The manifest of an export, waited for as its headers say."""
    begun = client.get(f"{base(house)}/$export{query}", headers=bearer(house, Prefer="respond-async"))
    assert begun.status_code == 202, begun.text
    place = begun.headers["content-location"]
    while (told := client.get(place, headers=bearer(house))).status_code == 202:
        time.sleep(float(told.headers["retry-after"]) / 10)
    assert told.status_code == 200, told.text
    manifest: dict[str, Any] = told.json()
    return manifest | {"place": place}


def test_an_export_has_every_resource_and_ends_with_its_owner(house: House, client: httpx.Client) -> None:
    manifest = _export(client, house, "?_type=Patient,Condition")
    assert manifest["requiresAccessToken"] and not manifest["error"]
    for one in manifest["output"]:
        assert client.get(one["url"]).status_code == 401
        assert client.get(one["url"], headers=bearer(house, "bo")).status_code == 404
        lines = client.get(one["url"], headers=bearer(house)).text.splitlines()
        assert len(lines) == one["count"] == get(client, house, f"{one['type']}?_summary=count")["total"]
        validated(orjson.loads(lines[0]))
    assert client.delete(manifest["place"], headers=bearer(house)).status_code == 202
    assert client.get(manifest["place"], headers=bearer(house)).status_code == 404
    assert client.get(f"{base(house)}/$export", headers=bearer(house)).status_code == 422


def test_an_export_since_a_moment_has_what_came_after_it(house: House, client: httpx.Client) -> None:
    now = _export(client, house, "?_type=Observation&_since=2999-01-01T00:00:00Z")
    assert now["output"] == now["deleted"] == []
    everything = _export(client, house, "?_type=Observation&_since=2000-01-01T00:00:00Z")
    whole = get(client, house, "Observation?_summary=count")["total"]
    assert sum(one["count"] for one in everything["output"]) == whole
    assert get(client, house, "Observation?_lastUpdated=ge2000-01-01&_summary=count")["total"] == whole
    assert get(client, house, "Observation?_lastUpdated=ge2999-01-01&_summary=count")["total"] == 0


def test_terminology_operations_answer_as_the_vocabulary_does(house: House, client: httpx.Client) -> None:
    loinc, concept = "http://loinc.org", "1975-2"
    told = get(client, house, f"CodeSystem/$lookup?system={loinc}&code={concept}")
    validated(told)
    display = next(one["valueString"] for one in told["parameter"] if one["name"] == "display")
    for query, right in ((f"code={concept}", True), (f"code={concept}&display={display}", True),
                         (f"code={concept}&display=weather", False), ("code=0-0", False)):  # fmt: skip
        answer = get(client, house, f"CodeSystem/$validate-code?url={loinc}&{query}")
        assert answer["parameter"][0] == {"name": "result", "valueBoolean": right}
    translated = get(client, house, f"ConceptMap/$translate?system={loinc}&code={concept}")
    validated(translated)
    expanded = get(
        client, house, "ValueSet/$expand?url=https://fhir-terminology.ohdsi.org/ValueSet/descendants-of/4064161"
    )
    validated(expanded)
    assert expanded["expansion"]["total"] >= len(expanded["expansion"]["contains"]) > 0
    refused(client, house, "CodeSystem/$lookup?system=urn:nothing&code=1", 404)
    refused(client, house, f"CodeSystem/$lookup?system={loinc}&code=0-0", 404)
