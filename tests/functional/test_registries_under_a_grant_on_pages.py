"""Registries of real patients on the workbench: under a grant of whoever asks, small groups hidden, rulings heeded."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from fastapi import FastAPI

from isthmus.flow.workspace import Workspace
from isthmus.gate.office.unit import Office
from isthmus.research.registries.enrolment import said as rulings
from isthmus.research.registries.enrolment.ruling import CASE, CONSENT
from isthmus.serving.web.waiting import short
from lib import granted_registry, registries
from lib import kept as lib
from lib.command import run
from lib.granted import House
from lib.reader import Reader, opened
from lib.registries import ALBUMIN, GRAM_PER_LITRE, STAGE, STAGE_A, STAGE_B

PEOPLE = range(1, 61)
DIED = (*range(1, 31), *range(51, 54))
"""Thirty of the fifty in stage A, three of the ten in stage B; one after another every ten days."""
ALL = granted_registry.ALL | {"death": "all"}


def _data() -> dict[str, Any]:
    albumin = [
        registries.measured(one, ALBUMIN, "2020-03-01", 30.0, GRAM_PER_LITRE, measurement_id=one) for one in PEOPLE[:-4]
    ]  # fmt: skip
    stages = [
        registries.measured(one, STAGE, "2020-03-02", None, measurement_id=100 + one,
                            value_as_concept_id=STAGE_A if one <= 50 else STAGE_B)
        for one in PEOPLE
    ]  # fmt: skip
    died = [
        {"person_id": one, "death_date": str(date(2020, 3, 1) + timedelta(days=10 * one)), "site": "h1",
         "death_type_concept_id": 32817}
        for one in DIED
    ]  # fmt: skip
    return registries.tables(PEOPLE, measurement=[*albumin, *stages], death=died)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    made = granted_registry.house(tmp_path_factory.mktemp("registry"), _data(), tables=ALL)
    lib.pack(made.root / "registries/tiny")
    return made


@pytest.fixture
def app(house: House) -> Iterator[FastAPI]:
    made = opened(house.root)
    yield made
    made.state.house.close()


def _address(house: House, more: str = "") -> str:
    return f"/registries/tiny{more}?grant={short(house.grant)}"


def _built(app: FastAPI, house: House) -> Reader:
    reader = Reader(app, "ann")
    assert reader.post("/registries/tiny/build", {"grant": short(house.grant)}).status_code == 303
    app.state.house.memory.wait(120)
    return reader


def _of_albumin(reader: Reader, address: str) -> dict[str, Any]:
    (found,) = [one for one in reader.get(address).json()["rows"] if one["item"] == "albumin"]
    return dict(found)


def test_what_is_shown_is_masked_and_no_row_is_kept(app: FastAPI, house: House) -> None:
    reader = _built(app, house)
    page = reader.get(_address(house))
    assert page.status_code == 200
    assert "<b>60</b>" in page.text
    row = _of_albumin(reader, _address(house, ".json"))
    assert (row["all"], row["cdm"]) == (None, None)  # four lack it: too few to be told
    (work,) = [
        one for one in reader.get(f"{_address(house, '.json')}&table=work").json()["rows"] if one["item"] == "albumin"
    ]
    assert (work["missing"], work["share"]) == ("≤7", None)
    assert not list(house.root.glob("built/**/*.parquet"))


def test_curves_have_no_step_of_a_few_and_a_small_group_has_none(app: FastAPI, house: House) -> None:
    reader = _built(app, house)
    rows = {row["group"]: row for row in reader.get(_address(house, "/outcomes.json")).json()["rows"]}
    assert (rows["stage A"]["patients"], rows["stage A"]["events"]) == (50, 30)
    assert (rows["stage B"]["patients"], rows["stage B"]["events"], rows["stage B"]["three"]) == (10, "≤7", "–")
    page = reader.get(_address(house, "/outcomes")).text
    (picture,) = re.findall(r'<svg class="chart".*?</svg>', page, flags=re.DOTALL)
    paths = re.findall(r'<path d="M([^"]*)" fill="none" stroke="#[0-9A-F]{6}" stroke-width="2"', picture)
    assert len(paths) == 1  # of stage A alone
    assert paths[0].count("V") == 2  # of eight deaths each; at the third only seven are left to be looked at
    assert "stage B" not in picture
    assert not re.findall(r"v8", picture)  # nobody's own follow-up is marked
    points = reader.get(_address(house, "/outcomes.json") + "&table=curve").json()["rows"]
    (_, below) = (part["data"]["values"] for part in reader.get(_address(house, "/outcomes.vl.json")).json()["vconcat"])
    assert {row["group"] for row in points} == {"stage A"} and all(row["censored"] is None for row in points)
    assert len({row["survival"] for row in points if row["survival"] is not None}) == 3  # at the start, and two steps
    told = {str(row["at_risk"]) for row in points if row["at_risk"] is not None}
    assert told and all(one == "≤7" or int(one) % 5 == 0 for one in told)
    assert {row["at_risk"] for row in below} == told


def test_nobody_else_sees_or_builds_it(app: FastAPI, house: House) -> None:
    _built(app, house)
    for name in ("cai", "bo"):
        told = Reader(app, name).get(_address(house))
        assert told.status_code == 200 and "<b>60</b>" not in told.text, name
    told = Reader(app, "cai").post("/registries/tiny/build", {"grant": short(house.grant)})
    assert told.status_code == 403
    assert Reader(app).get(_address(house)).status_code == 403


def test_who_withdrew_or_was_refuted_is_not_in_it_and_what_was_counted_before_is_not_shown(
    house: House, tmp_path: Path
) -> None:
    copied = house.copied(tmp_path / "ws")
    app = opened(copied.root)
    reader = _built(app, copied)
    workspace = Workspace(copied.root)
    persons = sorted(_persons(workspace))
    for kind, answer, some in ((CONSENT, "withdrawn", persons[:6]), (CASE, "refuted", persons[6:10])):
        rulings.say(workspace, "tiny", kind, dict.fromkeys(some), answer, author="ann", reason="asked")
    assert "<b>60</b>" not in reader.get(_address(copied)).text
    assert "<b>50</b>" in _built(app, copied).get(_address(copied)).text
    app.state.house.close()


def test_a_revoked_grant_shows_nothing_from_that_moment(house: House, tmp_path: Path) -> None:
    copied = house.copied(tmp_path / "ws")
    app = opened(copied.root)
    reader = _built(app, copied)
    assert "<b>60</b>" in reader.get(_address(copied)).text
    assert copied.use("cai", "revoke", "--reason", "ended").code == 0
    assert "<b>60</b>" not in reader.get(_address(copied)).text
    assert reader.post("/registries/tiny/build", {"grant": short(copied.grant)}).status_code == 403
    app.state.house.close()


def test_it_is_one_question_of_the_log(app: FastAPI, house: House) -> None:
    office = Office(house.root, Workspace(house.root).records, Workspace(house.root).settings)
    before = {act.entry for act in office.acts.under(house.grant)}
    reader = _built(app, house)
    for more in ("", "/outcomes", ".json", "/outcomes.csv"):
        assert reader.get(_address(house, more)).status_code == 200, more
    added = [act for act in office.acts.under(house.grant) if act.entry not in before and act.kind == "question"]
    assert [act.body["text"].split()[:2] for act in added] == [["registry", "tiny"]]
    assert run("verify", house.root).code == 0


def _persons(workspace: Workspace) -> list[int]:
    """Numbers of the persons of the newest edition."""
    edition = workspace.lake.editions.current()
    assert edition is not None
    files = [workspace.lake.root / one.path for one in edition.files("person")]
    return [one for path in files for one in pq.read_table(path, columns=["person_id"]).column(0).to_pylist()]
