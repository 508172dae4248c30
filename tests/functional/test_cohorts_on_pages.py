"""Cohorts on the workbench: in words, step by step, beside each other, of an edition that the address names."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from fastapi import FastAPI

from lib import cdm
from lib.command import run
from lib.reader import Reader, opened

FEVER, WOMAN = 437663, 8532
COHORTS = {
    "seen": "{enter: [{observation period: any}]}",
    "fevers": f"""{{concepts: {{f: [{FEVER}]}}, enter: [{{condition: f}}], leave: 0 days after start,
        rules: {{again: [{{condition: f, start: 1 after to any time after}}]}}}}""",
}
DAYS = ((1, "2020-02-01"), (1, "2020-05-01"), (2, "2020-03-01"))


def _write(folder: Path, persons: int) -> None:
    folder.mkdir(exist_ok=True)
    among = range(1, persons + 1)
    rows: dict[str, list[dict[str, Any]]] = {
        "person": [{"person_id": one, "gender_concept_id": WOMAN, "year_of_birth": 1950 + one, "race_concept_id": 0,
                    "ethnicity_concept_id": 0} for one in among],
        "observation_period": [{"observation_period_id": one, "person_id": one, "period_type_concept_id": 32817,
                                "observation_period_start_date": "2020-01-01",
                                "observation_period_end_date": "2020-12-31"} for one in among],
        "condition_occurrence": [{"condition_occurrence_id": at, "person_id": one, "condition_concept_id": FEVER,
                                  "condition_start_date": day, "condition_type_concept_id": 32817}
                                 for at, (one, day) in enumerate(DAYS)],
    }  # fmt: skip
    for name, lines in rows.items():
        pq.write_table(cdm.table(name, lines), folder / f"{name}.parquet")


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    """Three persons, two with a fever, one of them twice; of these edition 2, and edition 3 with a fourth."""
    folder = tmp_path_factory.mktemp("cohorts")
    assert run("init", folder / "ws", "--synthetic").code == 0
    for persons in (3, 4):
        _write(folder / f"cdm{persons}", persons)
        assert run("attach", folder / "ws", folder / f"cdm{persons}", "--name", "cdm").code in (0, 6)
    (folder / "ws/cohorts").mkdir()
    for name, text in COHORTS.items():
        (folder / f"ws/cohorts/{name}.yaml").write_text(text)
    (folder / "ws/cohorts/wrong.yaml").write_text("{enter: [{nonsense: any}]}")
    made = opened(folder / "ws")
    yield made
    made.state.house.close()


def _asked(app: FastAPI, address: str) -> Any:
    """What a page tells as JSON, when what it needs was counted beside the requests."""
    for _ in range(2):  # the first asks for the counts
        found = Reader(app).get(address)
        app.state.house.memory.wait(120)
    return found.json()


def test_all_cohorts_are_counted_and_what_is_refused_is_named(app: FastAPI) -> None:
    rows = {row["name"]: (row["people"], row["records"]) for row in _asked(app, "/cohorts.json")["rows"]}
    assert rows == {"seen": (4, 4), "fevers": (1, 1)}
    assert "wrong" in Reader(app).get("/cohorts").text
    (shared,) = _asked(app, "/cohorts.json?table=overlap")["rows"]
    assert (shared["both"], shared["together"]) == (1, 1)


def test_a_cohort_is_told_in_both_languages_with_what_each_condition_leaves(app: FastAPI) -> None:
    rows = _asked(app, "/cohorts/fevers.json")["rows"]
    assert [(row["step"], row["left"], row["share"]) for row in rows] == [
        ("An event lets in", 2, 1.0), ("again", 1, 0.5)]  # fmt: skip
    assert "进入事件" in Reader(app, language="zh").get("/cohorts/fevers").text


def test_a_page_shared_with_an_edition_shows_that_edition_and_so_do_its_files(app: FastAPI) -> None:
    rows = _asked(app, "/cohorts/seen.json?since=2")["rows"]
    assert [(row["left"], row["then"]) for row in rows] == [(4, 3)]
    (row,) = _asked(app, "/cohorts/seen.json?edition=2")["rows"]
    assert row["left"] == 3
    page = Reader(app).get("/cohorts/seen?edition=2&against=fevers").text
    assert "/cohorts/seen.csv?table=steps&amp;edition=2&amp;against=fevers" in page
    beside = _asked(app, "/cohorts/seen.json?table=steps_against&edition=2&against=fevers")["rows"]
    assert [row["left"] for row in beside] == [2, 1]
    assert Reader(app).get("/cohorts/seen?edition=9").status_code == 404
    assert Reader(app).get("/cohorts/absent").status_code == 404
