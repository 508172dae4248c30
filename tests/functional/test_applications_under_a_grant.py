"""The house's applications over real patients: they answer people of their grant, over HTTP, and a refusal is one."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from isthmus.apps.contract import Asked
from isthmus.apps.manager.running import Manager
from isthmus.apps.manager.shelf import Shelf
from isthmus.flow.ingest import ingest
from isthmus.flow.workspace import Workspace
from isthmus.gate.grade.keys import Keys
from isthmus.gate.office.called import called
from isthmus.gate.office.unit import Office
from isthmus.serving.applications import bearer, mount
from lib import granted, granted_registry, harbour, workspace
from lib.command import complaint, run
from lib.granted import House
from lib.granted_registry import ALL, SITE
from lib.listening import heard, running, ticked, written
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
    en: Albumin within sixty days
    zh: 六十天内测白蛋白
    exists: seen
    window: 60 before to 60 after
    source: us
    strength: strong
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


def test_who_judges_by_dates_does_not_run_under_a_grant_that_moves_them(tmp_path: Path) -> None:
    house = granted.granted(tmp_path, patients=5, tables={"person": "all", "measurement": "all"}, grade=3)
    assert run("app", "install", house.root, "advice").code == 0
    words = ("app", "enable", house.root, "advice", "--grant", house.grant)
    assert "works with data of grade 4" in complaint(house.run("ann", *words), 5)
    shelf = Shelf(Workspace(house.root))
    shelf.enable("advice", grant=house.grant, person="ann")  # as it may have been enabled before
    body = {"hook": "patient-view", "hookInstance": "1", "context": {"userId": "u", "patientId": "f" * 32}}
    with running(shelf.opened) as manager:
        told = manager.serve("advice-patient-view", Asked(body=body, person="ann"))
    assert (told.status, "grade 4" in told.body["error"]) == (403, True), told


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


def test_who_is_alike_and_what_is_due_are_told_to_people_of_the_grant(client: httpx.Client, house: House) -> None:
    patients = _patients(house)
    for path in (f"advice/api/patients/{patients[0]}/similar", f"pathways/api/patients/{patients[0]}"):
        told = client.get(f"/apps/{path}", headers={"Authorization": f"Bearer {house.tokens['ann']}"})
        assert told.status_code == 200, told.text
        refused = client.get(f"/apps/{path}", headers={"Authorization": f"Bearer {house.tokens['eve']}"})
        assert refused.status_code == 403, refused.text
    numbers = {Keys.number(one): one for one in patients}
    assert called(granted.session(house), [*numbers, 7]) == numbers, "as the grant names people, and nobody else"


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
    assert house.run("ann", *words, "withdraw", gone, "--day", "2024-01-01", "--reason", "letter", *more).code == 0
    assert _rules(house)["entered"] == 2
    assert house.run("ann", *words, "consent", gone, "--reason", "came back", *more).code == 0
    assert _rules(house)["entered"] == 3


def test_a_pathway_is_not_written_and_nobody_else_is_told(house: House, tmp_path: Path) -> None:
    words = ("pathway", house.root, house.root.parent / "small.yaml", "--grant", house.grant)
    assert "isthmus release" in complaint(house.run("ann", *words, "--out", tmp_path / "out"), 5)
    assert "not among the people" in complaint(house.run("cai", *words), 5)
    assert "say who you are" in complaint(run(*words), 2)
    assert not (tmp_path / "out").exists()


def test_results_and_who_was_opened_are_told_under_what_stands_for_them(tmp_path: Path) -> None:
    house = granted.granted(tmp_path, patients=5, tables={"person": "all", "measurement": "all"}, grade=3)
    listener = written(tmp_path, hooks=("ready", "opened"))
    assert run("app", "install", house.root, listener).code == 0
    done = house.run("ann", "app", "enable", house.root, "listener", "--grant", house.grant)
    assert done.code == 0, done
    harbour.deliver(tmp_path / "in", number=2, patients=5)
    ingest(Workspace(house.root))
    opened = Workspace(house.root)
    names = {
        part.part_id: one.name for one in opened.records.receipts() for part in opened.records.parts([one.receipt_id])
    }
    new = [row for row in workspace.rows(opened, "measurement") if "_2" in names[row["part_id"]]]
    with Office(opened.root, opened.records, opened.settings).open() as office:
        keys = Keys(office.secret, house.grant)
    wanted = {(keys.pseudonym(row["person_id"]), row["measurement_concept_id"]) for row in new}
    with running(opened) as manager:
        assert set(ticked(manager)) == {None}
        told_of = {(one["person"], one["concept"]) for hook, _, one in heard(opened) if hook == "ready"}
        assert told_of == wanted
        person = min(wanted)[0]
        shown = manager.answer("listener", Asked(path=f"api/patients/{person}", person="ann"))
        refused = manager.answer("listener", Asked(path="api/patients/7", person="eve"))
        assert (shown.status, refused.status) == (200, 403)
        assert ticked(manager, seconds=2) == [None]
    assert [one["person"] for hook, _, one in heard(opened) if hook == "opened"] == [person]
