"""Whether somebody is a patient here is asked of every place that takes a text: the answer is as for nobody.

Who asks knows a number or a name and has no grant for it. What differs between an answer about a patient and one about
a number that nobody has would tell.
"""

import json
from collections.abc import Iterator, Mapping

import httpx
import pytest
from fastapi import FastAPI

from isthmus.flow.workspace import Workspace
from isthmus.serving.web import counted
from lib import granted, workspace
from lib.calling import bearer, serving, short
from lib.granted import House
from lib.reader import Reader, opened
from lib.wide import unhurried

# Each takes a text in place of {}; what is asked for stands in the answer itself, and is taken out before they compare.
PAGES = (
    "/search.json?q={}", "/search?q={}", "/codes.json?q={}", "/codes/one?code={}", "/log.json?person={}",
    "/log?grant={}",
    "/you/uses/{}", "/linkage/{}-1", "/catalogue/person/{}", "/catalogue/{}", "/registries/liver.json?person={}",
    "/cohorts/{}", "/quality/findings/{}", "/requests/{}", "/airlock/{}", "/query?answer={}", "/overview.json?table={}",
    "/apps/vte/{}", "/sites/{}",
)  # fmt: skip
PROGRAMS = (
    "/api/v1/log?person={}", "/api/v1/findings?q={}", "/api/v1/releases/{}", "/fhir/{grant}/Patient/{}",
    "/fhir/{grant}/Patient?_id={}", "/fhir/{grant}/Patient?identifier={}", "/fhir/{grant}/Encounter?patient={}",
    "/api/v1/grants/{grant}/tables/person.json?next={}",
)  # fmt: skip


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return unhurried(granted.granted(tmp_path_factory.mktemp("sought"), patients=5))


@pytest.fixture(scope="module")
def app(house: House) -> Iterator[FastAPI]:
    found = opened(house.root)
    counted.warm(found.state.house)
    yield found
    found.state.house.close()


@pytest.fixture(scope="module")
def client(house: House) -> Iterator[httpx.Client]:
    with serving(house) as found:
        yield found


@pytest.fixture(scope="module")
def known(house: House) -> Mapping[str, tuple[str, str]]:
    """What somebody may know of a patient, and the same of nobody, in the same number of characters."""
    made = Workspace(house.root)
    person = workspace.rows(made, "person")[0]
    stay = workspace.rows(made, "visit_occurrence")[0]
    return {
        "number": (str(person["person_id"]), _other(str(person["person_id"]))),
        "number of the hospital": (person["person_source_value"], _other(person["person_source_value"])),
        "stay": (str(stay["visit_occurrence_id"]), _other(str(stay["visit_occurrence_id"]))),
    }


def _other(text: str) -> str:
    return text[:-2] + ("17" if text[-2:] != "17" else "18")


@pytest.mark.parametrize("who", ["ann", "chen", "cai"])
@pytest.mark.parametrize("address", PAGES)
def test_no_page_knows_them(app: FastAPI, known: Mapping[str, tuple[str, str]], who: str, address: str) -> None:
    reader = Reader(app, who)
    for what, (patient, nobody) in known.items():
        told = [_told(reader.get(address.replace("{}", one)), one) for one in (patient, nobody)]
        assert told[0] == told[1], (what, address)


@pytest.mark.parametrize("address", PROGRAMS)
def test_no_program_is_told_of_them(
    house: House, client: httpx.Client, known: Mapping[str, tuple[str, str]], address: str
) -> None:
    for what, (patient, nobody) in known.items():
        told = []
        for one in (patient, nobody):
            found = client.get(address.replace("{grant}", short(house.grant)).replace("{}", one), headers=bearer(house))
            told.append(_told(found, one))
        assert told[0] == told[1], (what, address)


def _told(answer: httpx.Response, asked: str) -> tuple[int, str, str]:
    """Status, kind and text of an answer, without what was asked and what every answer has of its own."""
    text = answer.text.replace(asked, "…")
    try:
        body = json.loads(text)
    except ValueError:
        body = None
    if isinstance(body, dict):
        for own in ("instance", "request_id", "request", "number", "id", "timestamp", "meta"):
            body.pop(own, None)
        text = json.dumps(body, sort_keys=True)
    else:
        text = "\n".join(
            line
            for line in text.splitlines()
            if "token" not in line and answer.headers.get("x-request-id", "?") not in line
        )
    return answer.status_code, answer.headers.get("content-type", ""), text
