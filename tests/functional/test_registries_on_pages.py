"""Registries on the workbench: of the newest edition, as people have ruled on their cases until now."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from fastapi import FastAPI

from isthmus.flow.workspace import Workspace
from isthmus.research.registries.enrolment import said as rulings
from isthmus.research.registries.enrolment.ruling import CASE, CONSENT
from lib import cdm, registries
from lib import kept as lib
from lib.command import run
from lib.copies import copied
from lib.granted_registry import USUAL
from lib.reader import Reader, opened
from lib.registries import ALBUMIN, GRAM_PER_LITRE

PEOPLE = (1, 2, 3, 4)


def _made(folder: Path) -> list[int]:
    """Four invented persons with cancer, of two of whom albumin was measured; their numbers in the edition."""
    rows = [registries.measured(one, ALBUMIN, "2020-03-01", 30.0, GRAM_PER_LITRE, measurement_id=one) for one in (1, 2)]
    (folder / "cdm").mkdir()
    for name, table in registries.tables(PEOPLE, measurement=rows).items():
        whole = [USUAL | {"concept_code": str(row.get("concept_id"))} | row for row in table]
        pq.write_table(cdm.table(name, whole), folder / "cdm" / f"{name}.parquet")
    assert run("init", folder / "ws", "--synthetic").code == 0
    assert run("attach", folder / "ws", folder / "cdm", "--name", "cdm").code in (0, 6)
    lib.pack(folder / "ws/registries/tiny")
    told = run("cases", folder / "ws", "tiny", "--json").document()["candidates"]
    return sorted(row["person_id"] for row in told)


@pytest.fixture
def people(tmp_path: Path) -> list[int]:
    numbers: list[int] = copied("registries on pages", _made, tmp_path)
    return numbers


@pytest.fixture
def app(tmp_path: Path, people: list[int]) -> Iterator[FastAPI]:
    """The pack `tiny` is the workspace's own."""
    made = opened(tmp_path / "ws")
    yield made
    made.state.house.close()


def _ready(app: FastAPI) -> None:
    app.state.house.memory.wait(120)


def _built(app: FastAPI) -> Reader:
    reader = Reader(app)
    assert reader.post("/registries/tiny/build", {}).status_code == 303
    _ready(app)
    return reader


def _patients(reader: Reader) -> Any:
    return {row["name"]: row["patients"] for row in reader.get("/registries.json").json()["rows"]}["tiny"]


def _said(app: FastAPI, kind: str, answer: str, person: int, registry: str = "tiny") -> None:
    opened: Workspace = app.state.house.workspace
    rulings.say(opened, registry, kind, {person: None}, answer, author="ann", reason="seen")


def test_who_withdrew_or_was_refuted_is_on_no_page_from_then_on(app: FastAPI, people: list[int]) -> None:
    """As on the command line, without anybody asking for it to be built anew."""
    reader, root = _built(app), app.state.house.workspace.root
    assert _patients(reader) == 4
    assert reader.get("/registries/tiny/outcomes.json").json()["rows"]
    for person, (kind, answer), left in zip(people, ((CASE, "refuted"), (CONSENT, "withdrawn")), (3, 2), strict=False):
        _said(app, kind, answer, person)
        assert _patients(reader) is None  # what was built before is not shown any more
        _ready(app)
        assert _patients(reader) == left
    assert run("registry", root, "tiny", "--json").document()["patients"] == 2
    (kept,) = root.glob("built/tiny/*")
    assert set(pq.read_table(kept / "enrolment.parquet").column("person_id").to_pylist()) == {*people[2:]}


def test_a_page_says_that_it_is_being_built_anew(app: FastAPI, people: list[int]) -> None:
    reader = _built(app)
    _said(app, CASE, "refuted", people[0])
    assert "being built" in reader.get("/registries/tiny").text
    _ready(app)
    assert "being built" not in reader.get("/registries/tiny").text


def test_a_ruling_on_another_registry_leaves_it_as_it_is(app: FastAPI, people: list[int]) -> None:
    reader = _built(app)
    _said(app, CASE, "refuted", people[0], "other")
    assert _patients(reader) == 4


def test_a_wrong_pack_of_the_workspace_is_told_beside_the_others(app: FastAPI) -> None:
    head = app.state.house.workspace.root / "registries/tiny/registry.yaml"
    head.write_text(head.read_text(encoding="utf-8") + "nonsense: 1\n", encoding="utf-8")
    told = Reader(app).get("/registries").text
    assert "tiny/registry.yaml:" in told and "nonsense" in told
    assert "Primary liver cancer" in told
