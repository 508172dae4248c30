"""The house's applications over real patients: they answer people of their grant, over HTTP, and a refusal is one."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from isthmus.apps.manager.running import Manager
from isthmus.flow.workspace import Workspace
from isthmus.serving.applications import bearer, mount
from lib import granted, granted_registry
from lib.command import complaint, run
from lib.granted import House
from lib.granted_registry import ALL, SITE
from lib.serving import serving

APPS = ("vte", "advice", "pathways")
SERVICES = ("vte-patient-view", "advice-patient-view", "pathway-due-steps")
PATHWAY = """
pathway: small
title: {en: Small, zh: 小}
population:
  concepts: {cancer: [11]}
  enter: [{condition: cancer}]
  take: first
looks: 60 before to 200 after
concepts: {albumin: [3024561]}
records: {}
steps:
  seen: {en: Albumin was measured, zh: 测定白蛋白, measurement: albumin}
sources:
  us: {title: a text of ours, checked: by us}
rules:
  albumin:
    {en: Albumin within sixty days, zh: 六十天内测白蛋白, do: seen, within: 0 to 60 after, source: us, strength: strong}
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    root = tmp_path_factory.mktemp("apps")
    found = granted_registry.made(root)
    (root / "small.yaml").write_text(PATHWAY, encoding="utf-8")
    tables = {**ALL, **dict.fromkeys(("care_site", "procedure_occurrence", "drug_exposure", "observation", "death",
                                      "device_exposure", "visit_detail"), "all")}  # fmt: skip
    found = granted.decided(granted.applied(found, root, sites=[SITE], tables=tables, grade=4))
    for app in APPS:
        for words in (("install", found.root, app), ("enable", found.root, app, "--grant", found.grant)):
            done = found.run("ann", "app", *words) if words[0] == "enable" else run("app", *words)
            assert done.code == 0, done
    return found


@pytest.fixture(scope="module")
def client(house: House) -> Iterator[httpx.Client]:
    opened = Workspace(house.root)
    manager = Manager(opened)
    app = FastAPI()
    mount(app, manager, person=bearer(opened))
    with serving(app) as address, httpx.Client(base_url=address, timeout=60) as made:
        yield made
    manager.close()


def _asked(client: httpx.Client, house: House, service: str, patient: str, who: str = "ann") -> httpx.Response:
    body = {
        "hook": "patient-view", "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": {"userId": "Practitioner/1", "patientId": patient},
    }  # fmt: skip
    headers = {"Authorization": f"Bearer {house.tokens[who]}"} if who else {}
    return client.post(f"/cds-services/{service}", json=body, headers=headers)


def _patients(house: House) -> list[str]:
    done = house.run("ann", "ask", house.root, "--grant", house.grant, "--json", "--sql",
                     "SELECT DISTINCT person_id FROM condition_occurrence ORDER BY 1")  # fmt: skip
    assert done.code == 0, done
    return [str(row["person_id"]) for row in done.document()["rows"]]


@pytest.mark.parametrize("service", SERVICES)
def test_people_of_the_grant_get_cards_and_nobody_else(client: httpx.Client, house: House, service: str) -> None:
    patient = _patients(house)[0]
    answer = _asked(client, house, service, patient)
    assert (answer.status_code, "cards" in answer.json()) == (200, True), answer.text
    assert _asked(client, house, service, "nobody").status_code in {200, 412}
    for who in ("eve", ""):
        refused = _asked(client, house, service, patient, who)
        assert refused.status_code == 403, refused.text
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.json()["type"].endswith("/refused")


@pytest.mark.parametrize("service", SERVICES)
def test_a_refusal_of_the_gate_is_told_as_one(client: httpx.Client, house: House, service: str) -> None:
    patient = _patients(house)[0]
    done = house.run("stew", "use", "suspend", house.root, house.case, "--reason", "letter")
    assert done.code == 0, done
    try:
        refused = _asked(client, house, service, patient)
        assert refused.status_code == 403, refused.text
        assert refused.json()["detail"]
    finally:
        done = house.run("stew", "use", "resume", house.root, house.case, "--reason", "settled")
        assert done.code == 0, done
    assert _asked(client, house, service, patient).status_code == 200


def _rules(house: House, *words: str) -> dict[str, Any]:
    done = house.run("ann", "pathway", house.root, house.root.parent / "small.yaml", "--grant", house.grant, "--json")
    assert done.code == 0, done
    return dict(done.document())


def test_a_pathway_is_judged_under_a_grant_as_it_is_without_one(house: House, tmp_path: Path) -> None:
    invented = house.copied(tmp_path / "ws")
    settings = invented.root / "isthmus.toml"
    settings.write_text(settings.read_text(encoding="utf-8").replace("synthetic = false", "synthetic = true"))
    pack = house.root.parent / "small.yaml"
    expected = run("pathway", invented.root, pack, "--json").document()
    found = _rules(house)
    (rule,) = found["rules"]
    assert found["entered"] == 3
    assert (rule["met"], rule["violated"] + rule["not assessable"]) == (2, 1)
    for part in ("entered", "episodes", "rules", "variants"):
        assert found[part] == expected[part], part


def test_who_withdrew_is_left_out_and_comes_back(house: House) -> None:
    words = ("cases", house.root, house.root.parent / "tiny")
    more = ("--grant", house.grant, "--json")
    listed = house.run("ann", *words, "list", *more).document()["candidates"]
    gone = str(listed[0]["person_id"])
    assert house.run("ann", *words, "withdraw", gone, "--reason", "letter", *more).code == 0
    assert _rules(house)["entered"] == 2
    assert house.run("ann", *words, "consent", gone, "--reason", "came back", *more).code == 0
    assert _rules(house)["entered"] == 3


def test_a_pathway_is_not_written_and_nobody_else_is_told(house: House, tmp_path: Path) -> None:
    words = ("pathway", house.root, house.root.parent / "small.yaml", "--grant", house.grant)
    assert "isthmus release" in complaint(house.run("ann", *words, "--out", tmp_path / "out"), 5)
    assert "not among the people" in complaint(house.run("cai", *words), 5)
    assert "say who you are" in complaint(run(*words), 2)
    assert not (tmp_path / "out").exists()
