"""What is prepared for a grant answers as what is not, and nobody else reads it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlglot

from isthmus.base.errors import IntegrityError
from isthmus.cdm.questions import QUESTIONS
from isthmus.flow.workspace import Workspace
from isthmus.gate.desk import Desk
from lib import granted, workspace
from lib.command import complaint, run
from lib.granted import House
from lib.linked import alias

TABLES: Mapping[str, list[str]] = {
    "person": ["person_id", "year_of_birth"],
    "visit_occurrence": ["visit_occurrence_id", "person_id", "visit_start_date", "visit_start_datetime"],
    "condition_occurrence": ["person_id", "condition_concept_id", "condition_start_date"],
    "measurement": ["person_id", "measurement_date", "value_as_number"],
    "observation_period": ["observation_period_id", "person_id", "observation_period_start_date",
                           "observation_period_end_date"],
}  # fmt: skip
DATED = sorted(set(TABLES) - {"person"})


@pytest.fixture
def house(tmp_path: Path) -> House:
    return granted.granted(tmp_path, tables=dict(TABLES))


def _answers(house: House) -> dict[str, Any]:
    """Every dated table in every way of asking: plain, among copies, as an expression, in steps."""
    session = granted.session(house)
    found: dict[str, Any] = {}
    for table in DATED:
        said = ", ".join(TABLES[table])
        found[f"plain {table}"] = session.sql(f"select {said} from {table} order by all")
        found[f"copies {table}"] = session.sql(f"select {said} from {table}, range(1) order by all")
        found[f"expression {table}"] = session.ask(QUESTIONS[table].select(*TABLES[table]).order_by(TABLES[table]))
        found[f"steps {table}"] = session.steps("all", _all(table, said))
    years = "select year(visit_start_date) as y, count(*) as n from visit_occurrence group by all order by all"
    return {name: one.to_pylist() for name, one in found.items()} | {"years": session.sql(years).to_pylist()}


def _all(table: str, said: str) -> Any:
    def work(desk: Desk) -> pa.Table:
        return desk.take(sqlglot.parse_one(f"select {said} from {table} order by all", dialect="duckdb"))  # type: ignore[arg-type]

    return work


def _prepare(house: House, *grants: str) -> list[Any]:
    done = run("use", "prepare", house.root, *grants, "--json")
    assert done.code == 0, done
    return list(done.document())


def test_every_way_of_asking_gives_the_same(house: House) -> None:
    before = _answers(house)
    (said,) = _prepare(house, house.grant)
    assert said["made"] == said["files"] == len(DATED)
    assert _answers(house) == before
    assert all(before.values())


def test_persons_who_are_joined_have_the_same_days(house: House) -> None:
    opened = Workspace(house.root)
    ids = sorted({row["person_id"] for row in workspace.rows(opened, "visit_occurrence")})
    alias(opened, {ids[0]: ids[5], ids[1]: ids[5], ids[5]: ids[2]})  # a number that is given, and itself joined
    before = _answers(house)
    _prepare(house, house.grant)
    assert _answers(house) == before


def test_the_files_of_the_lake_are_not_opened(house: House) -> None:
    before = _answers(house)
    _prepare(house, house.grant)
    for path in (house.root / "lake" / "visit_occurrence").rglob("*.parquet"):
        path.unlink()
    assert _answers(house) == before
    session = granted.session(house)
    for path in (house.root / "lake" / ".prepared").rglob("visit_occurrence/**/*.parquet"):
        path.unlink()
    with pytest.raises(IntegrityError, match="missing"):
        session.sql("select count(visit_start_date) as n from visit_occurrence")


def test_a_new_edition_is_read_as_it_is_until_it_is_prepared(house: House) -> None:
    _prepare(house, house.grant)
    opened = Workspace(house.root)
    ids = sorted({row["person_id"] for row in workspace.rows(opened, "visit_occurrence")})
    alias(opened, {ids[0]: ids[1]})
    unprepared = _answers(house)
    (said,) = _prepare(house)
    assert said["made"] == len(DATED)
    assert _answers(house) == unprepared


def test_rows_of_special_diseases_stay_withheld(house: House) -> None:
    opened = Workspace(house.root)
    rows = workspace.rows(opened, "condition_occurrence")
    concepts = sorted({row["condition_concept_id"] for row in rows})
    settings = house.root / "isthmus.toml"
    settings.write_text(f"special = [{concepts[0]}]\n" + settings.read_text(encoding="utf-8"), encoding="utf-8")
    before = _answers(house)
    assert 0 < len(before["plain condition_occurrence"]) < len(rows)
    _prepare(house, house.grant)
    assert _answers(house) == before


def test_a_grant_that_is_over_keeps_nothing(house: House) -> None:
    _prepare(house, house.grant)
    assert house.use("cai", "revoke", "--reason", "misuse").code == 0
    assert "not in force" in complaint(run("use", "prepare", house.root, house.grant), 5)
    assert list((house.root / "lake" / ".prepared").iterdir()) != []
    assert _prepare(house) == []
    assert list((house.root / "lake" / ".prepared").iterdir()) == []


def test_what_is_not_granted_is_in_no_prepared_file(house: House) -> None:
    _prepare(house, house.grant)
    paths = [*(house.root / "lake" / ".prepared").rglob("measurement/**/*.parquet")]
    assert paths
    for path in paths:
        held = pq.read_table(path, columns=["unit_concept_id", "value_as_number"])
        assert held["unit_concept_id"].null_count == held.num_rows > held["value_as_number"].null_count
