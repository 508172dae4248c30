"""The page of a patient in decision support has the due steps of the pathways, asked for through the contract."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from isthmus.apps.advice.looks.parts import words
from isthmus.apps.contract import Asked, Told
from isthmus.apps.contract.bound import Call
from isthmus.apps.manager.running import INWARD, Manager
from isthmus.cdm.starter import starter
from isthmus.flow.invented import invented
from isthmus.flow.workspace import Workspace
from lib.advised import BORN, condition, result
from lib.command import run

CANCER, AFP, NANOGRAM, CT, RESECTION = 201519, 2000001001, 8842, 2000001406, 4322818
SETTINGS = {"advice": ["day=2024-04-01"], "pathways": ["day=2024-04-01", "ahead=200"]}


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    ids = {"observation_period_id": 1, "person_id": 1}
    rows = {
        "concept": starter()["concept"].to_pylist(),
        "person": [{"person_id": 1, **BORN}],
        "observation_period": [
            ids | {"observation_period_start_date": "2023-01-01", "observation_period_end_date": "2024-03-31"}
        ],
        "condition_occurrence": [condition(1, CANCER, "2024-01-10")],
        "measurement": [result(1, AFP, 900.0, NANOGRAM, "2024-01-11")],
        "procedure_occurrence": [
            {"procedure_occurrence_id": at, "person_id": 1, "procedure_concept_id": concept, "procedure_date": day}
            for at, (concept, day) in enumerate(((CT, "2024-01-12"), (RESECTION, "2024-01-20")), start=1)
        ],
    }  # fmt: skip
    made = invented(tmp_path_factory.mktemp("asking") / "ws", rows)
    for app in SETTINGS:
        assert run("app", "install", made.root, app).code == 0
        assert run("app", "settings", made.root, app, *SETTINGS[app]).code == 0
    assert run("app", "enable", made.root, "advice").code == 0
    return made


@pytest.fixture
def manager(opened: Workspace) -> Iterator[Manager]:
    made = Manager(opened)
    yield made
    made.close()


def _page(manager: Manager) -> str:
    told = manager.answer("advice", Asked(path="patient", query={"person": "1"}))
    assert told.status == 200, told.body
    return str(told.body)


def test_it_asks_only_those_that_are_enabled_and_one_step_far(opened: Workspace, manager: Manager) -> None:
    assert words()["no_pathways"]["en"] in _page(manager)
    assert run("app", "enable", opened.root, "pathways").code == 0
    manager.follow()
    own: Told = manager.answer("pathways", Asked(path="api/patients/1"))
    assert own.status == 200, own.body
    page = _page(manager)
    assert words()["no_pathways"]["en"] not in page
    assert own.body["due"], "the case is one in which something is due"
    assert all(one["title"] in page and one["due"] in page for one in own.body["due"])
    chinese = manager.answer("advice", Asked(path="patient", query={"person": "1"}, language="zh")).body
    theirs = manager.answer("pathways", Asked(path="api/patients/1", language="zh")).body["due"]
    assert all(one["title"] in chinese for one in theirs)
    assert {one["title"] for one in theirs}.isdisjoint(one["title"] for one in own.body["due"])
    runs = manager.running()["advice"]
    asked = Asked(path="api/rules")
    assert runs.context("", "en", Call("answer", "", asked)).ask("pathways", "patients/1").status == 200
    assert runs.context("", "en", Call("answer", "", asked)).ask("pathways", "patients/77").status == 404
    assert runs.context("", "en", Call("answer", "", asked)).ask("advice", "rules").status == 404, "itself"
    assert runs.context("", "en", Call("answer", INWARD, asked)).ask("pathways", "patients/1").status == 404
    assert runs.context("", "en", Call("job", "library")).ask("pathways", "patients/1").status == 404, "in no name"


def test_the_folder_of_decision_support_imports_no_other_application() -> None:
    folder = Path(__file__).parents[2] / "src" / "isthmus" / "apps" / "advice"
    assert not [path for path in folder.rglob("*.py") if "isthmus.apps.pathways" in path.read_text(encoding="utf-8")]
