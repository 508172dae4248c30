"""One person's rows by the footers of files are those that a question gives, also where persons are joined."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from isthmus.cdm.questions import QUESTIONS
from isthmus.flow.invented import invented
from isthmus.flow.schema import PERSON_ALIAS, schema_of
from isthmus.flow.stage import file_of
from isthmus.flow.statement import query
from isthmus.flow.workspace import Workspace
from isthmus.gate import patient
from isthmus.gate.declared import Invented
from isthmus.gate.patient import patients
from lib.advised import condition, person, result

COLUMNS = {
    "person": frozenset({"person_id", "year_of_birth", "gender_concept_id"}),
    "measurement": frozenset({"measurement_id", "person_id", "measurement_concept_id", "value_as_number", "site"}),
    "condition_occurrence": frozenset({"condition_occurrence_id", "person_id", "condition_start_date"}),
    "observation_period": frozenset({"person_id", "observation_period_start_date", "observation_period_end_date"}),
}


def _workspace(root: Path, joined: list[tuple[int, int]]) -> Workspace:
    """Forty people whose rows lie mixed in the files; pairs of numbers are joined by an alias."""
    events = [result(number, 3000963, float(number % 17), 8713, who=1 + (number * 7) % 40) for number in range(9000)]
    made = invented(
        root,
        {
            "person": [person(who, year_of_birth=1930 + who) for who in range(1, 41)], "measurement": events,
            "condition_occurrence": [condition(number, 4064161, who=1 + number % 40) for number in range(200)],
            "observation_period": [
                {
                    "observation_period_id": who, "person_id": who, "observation_period_start_date": "2020-01-01",
                    "observation_period_end_date": "2021-01-01",
                }
                for who in range(1, 41)
            ],
        },
    )  # fmt: skip
    if joined:
        lake = made.lake
        table = pa.table({"person_id": [one for one, _ in joined], "person": [other for _, other in joined]})
        with lake.writing():
            with lake.engine() as engine:
                engine.load("made", table.cast(PERSON_ALIAS))
                path, count = engine.write(
                    query("SELECT * FROM made ORDER BY person_id"), lake.staging / "person_alias"
                )
            file = file_of("person_alias", None, path, count)
            (lake.root / file.path).parent.mkdir(parents=True, exist_ok=True)
            path.replace(lake.root / file.path)
            lake.deltas.commit("person_alias", schema_of("person_alias"), add=[file], remove=[], batch="alias")
            found: dict[str, Any] = {}
            for name in lake.deltas.names():
                version = lake.deltas.version(name)
                assert version is not None
                found[name] = (version, lake.deltas.files(name, version=version))
            lake.editions.publish(
                found, batches=["alias"], notes={"published_at": "2024-01-01T00:00:00Z", "cdm": "5.4"}
            )
    return made


def _same(session: Invented, who: int) -> None:
    mine = session.patient(who)
    for table, columns in COLUMNS.items():
        over = QUESTIONS[table]
        named = [one for one in over.columns if one in columns]
        theirs = session.ask(over.filter(over.person_id == who).select(named))
        order = [(one, "ascending") for one in named]
        assert mine[table].select(named).sort_by(order).to_pylist() == theirs.sort_by(order).to_pylist(), (table, who)


@pytest.mark.parametrize("joined", [[], [(3, 3), (9, 3), (12, 3), (20, 25), (30, 1000)]], ids=["plain", "joined"])
def test_they_are_those_of_a_question(tmp_path: Path, joined: list[tuple[int, int]]) -> None:
    lake = _workspace(tmp_path / "ws", joined).lake
    edition = lake.editions.current()
    assert edition is not None
    session = Invented(lake, edition, COLUMNS)
    for who in (1, 3, 9, 12, 20, 25, 30, 40, 41, 1000):
        _same(session, who)


def test_patients_are_kept_and_not_more_than_so_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patient, "PATIENTS", 3)
    lake = _workspace(tmp_path / "ws", []).lake
    edition = lake.editions.current()
    assert edition is not None
    kept = patients(lake, edition)
    columns = {"measurement": ["measurement_id", "person_id"]}
    first, _ = kept.whole(1, columns)
    assert kept.whole(1, columns)[0] is first
    for who in (2, 3, 4):
        kept.whole(who, columns)
    assert kept.whole(1, columns)[0] is not first
    assert patients(lake, edition) is kept


def test_events_of_whom_no_row_of_person_names_are_found_all_the_same(tmp_path: Path) -> None:
    lake = invented(
        tmp_path / "ws",
        {
            "person": [person(1, year_of_birth=1950)],
            "condition_occurrence": [condition(number, 4064161, who=number) for number in (1, 2)],
        },
    ).lake
    edition = lake.editions.current()
    assert edition is not None
    session = Invented(lake, edition, COLUMNS)
    assert session.patient(2)["condition_occurrence"].num_rows == 1
    for who in (1, 2, 3):
        _same(session, who)
