"""Rows that several records speak of: one stands, and which one does not depend on the order in which they came."""

from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from isthmus.flow.ingest import ingest
from isthmus.flow.verify import demand, verify
from isthmus.flow.workspace import Feed, Site, Workspace, create

PACK = "pack: told\nformat: {kind: csv}\norder: [patient]\n"
PATIENT = """
source: {files: ["patient*.csv"]}
key: id
person: id
version: written
into:
  - {table: person, set: {year_of_birth: "1950"}}
  - {table: death, when: died is not null, set: {death_date: date(died)}}
  - {table: care_site, set: {care_site_id: "id('care_site', ward)", care_site_source_value: ward}}
"""
VISIT = """
source: {files: ["visit*.csv"]}
key: number
person: id
version: written
into:
  - {table: visit_occurrence, set: {visit_start_date: date(day), visit_end_date: date(day)}}
  - {table: death, when: died is not null, set: {death_date: date(died)}}
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = create(tmp_path / "ws")
    folder = made.root / "packs" / "told"
    folder.mkdir()
    for name, text in (("pack", PACK), ("patient", PATIENT), ("visit", VISIT)):
        (folder / f"{name}.yaml").write_text(text)
    exports = tmp_path / "exports"
    exports.mkdir()
    made.keep_site(Site("h01", "One", (Feed("his", str(exports), "told"),)))
    return made


@pytest.fixture
def deliver(workspace: Workspace, tmp_path: Path) -> Callable[[str, str], None]:
    def write(name: str, text: str) -> None:
        (tmp_path / "exports" / name).write_text(text)
        report = ingest(workspace)
        assert not report.failed
        demand(verify(workspace))

    return write


def rows(workspace: Workspace, table: str, column: str) -> list[str]:
    edition = workspace.lake.editions.current()
    assert edition is not None
    if table not in edition.tables():
        return []
    return sorted(
        str(value)
        for file in edition.files(table)
        for value in pq.read_table(workspace.lake.root / file.path, partitioning=None)[column].to_pylist()
    )


def test_the_newest_version_stands_over_deliveries(workspace: Workspace, deliver: Callable[[str, str], None]) -> None:
    deliver("patient.csv", "id,ward,died,written\n1,A,2020-01-01,2021-01-01\n2,A,,2021-01-01\n")
    deliver("visit1.csv", "number,id,day,died,written\nv1,1,2019-01-01,2020-01-03,2022-01-01\n")
    deliver("visit2.csv", "number,id,day,died,written\nv2,1,2019-02-01,2020-01-02,2020-06-01\n")
    assert rows(workspace, "death", "death_date") == ["2020-01-03"]
    assert len(rows(workspace, "death_statement", "death_date")) == 3
    assert rows(workspace, "care_site", "care_site_source_value") == ["A"]


def test_what_was_outvoted_stands_again_when_the_other_takes_its_word_back(
    workspace: Workspace, deliver: Callable[[str, str], None]
) -> None:
    deliver("patient.csv", "id,ward,died,written\n1,A,2020-01-01,2021-01-01\n")
    deliver("visit1.csv", "number,id,day,died,written\nv1,1,2019-01-01,2020-01-03,2022-01-01\n")
    deliver("visit2.csv", "number,id,day,died,written\nv1,1,2019-01-01,,2023-01-01\n")
    assert rows(workspace, "death", "death_date") == ["2020-01-01"]
    assert rows(workspace, "observation_period", "observation_period_end_date") == ["2020-01-01"]


def test_a_death_taken_back_by_all_is_gone(workspace: Workspace, deliver: Callable[[str, str], None]) -> None:
    deliver("patient.csv", "id,ward,died,written\n1,A,2020-01-01,2021-01-01\n")
    deliver("patient2.csv", "id,ward,died,written\n1,B,,2022-01-01\n")
    assert rows(workspace, "death", "death_date") == []
    assert rows(workspace, "care_site", "care_site_source_value") == ["B"]
