"""Existing CDMs become sites as they are.

Sources: OHDSI Eunomia GiBleed (CDM 5.3, 2,694 persons; counts as in the Eunomia and CDMConnector READMEs and the data
themselves) and OHDSI EunomiaDatasets Synthea27Nj 5.4 (28 persons, 10,040 measurements), both Apache-2.0.
"""

import zipfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from isthmus.flow import start
from isthmus.flow.attach import attach
from isthmus.flow.trace import Tracer
from isthmus.flow.verify import verify
from isthmus.flow.workspace import Workspace
from lib import workspace

pytestmark = pytest.mark.acceptance

GIBLEED = {
    "person": 2694, "condition_occurrence": 65332, "condition_era": 65719, "drug_exposure": 67707, "drug_era": 52508,
    "measurement": 44053, "procedure_occurrence": 37409, "observation": 1477, "observation_period": 5343,
    "visit_occurrence": 1037,
}  # fmt: skip


def _faults(opened: Workspace) -> list[str]:
    return [fault for one in verify(opened) for fault in one.faults]


def _synthea(outside: Path, tmp_path: Path, name: str) -> Path:
    with zipfile.ZipFile(outside / "ohdsi" / "EunomiaDatasets" / f"datasets_{name}_{name}_5.4.zip") as archive:
        archive.extractall(tmp_path / name)
    (person,) = (tmp_path / name).rglob("[pP][eE][rR][sS][oO][nN].*")
    return person.parent


def test_gibleed_has_its_2694_persons_and_published_counts(tmp_path: Path, outside: Path) -> None:
    opened = start.new(tmp_path / "ws")
    report = attach(opened, outside / "ohdsi" / "gibleed", name="gibleed")
    assert not report.failed
    assert report.edition is not None
    rows = report.edition.tables()
    assert {table: rows.get(table) for table in GIBLEED} == GIBLEED
    assert _faults(opened) == []
    # Its own event ids repeat, which is said and does not fail.
    source = pq.read_table(outside / "ohdsi" / "gibleed" / "drug_exposure.parquet", columns=["drug_exposure_id"])
    twice = sum(one["counts"] for one in source.column(0).value_counts().to_pylist() if one["counts"] > 1)
    assert (
        f"drug_exposure: {twice:,} rows share their drug_exposure_id with another, as site gibleed delivered them"
        in (report.notes)
    )


def test_every_row_of_gibleed_keeps_its_values(tmp_path: Path, outside: Path) -> None:
    opened = start.new(tmp_path / "ws")
    attach(opened, outside / "ohdsi" / "gibleed", name="gibleed")
    for table in ("person", "condition_occurrence"):
        source = pq.read_table(outside / "ohdsi" / "gibleed" / f"{table}.parquet")
        ours = {row[f"{table}_id"]: row for row in workspace.rows(opened, table)}
        for row in source.to_pylist():
            for name, value in row.items():
                mine = ours[row[f"{table}_id"]][name.lower()]
                assert str(mine)[:10] == str(value)[:10] or mine == value or (mine, value) == (None, ""), (table, name)


@pytest.mark.parametrize("name", ["Synthea27Nj", "Synthea27NjParquet"])
def test_synthea27nj_has_28_persons_and_10040_measurements(tmp_path: Path, outside: Path, name: str) -> None:
    opened = start.new(tmp_path / "ws", synthetic=True)
    report = attach(opened, _synthea(outside, tmp_path, name), name="nj")
    assert not report.failed
    assert report.edition is not None
    rows = report.edition.tables()
    assert (rows["person"], rows["measurement"]) == (28, 10040)
    assert _faults(opened) == []
    tracer = Tracer(opened)
    for row in workspace.rows(opened, "person")[:5]:
        assert tracer.origin("person", row).passage.text


def test_two_cdms_in_one_workspace_do_not_clash(tmp_path: Path, outside: Path) -> None:
    opened = start.new(tmp_path / "ws")
    attach(opened, outside / "ohdsi" / "gibleed", name="gibleed")
    report = attach(opened, _synthea(outside, tmp_path, "Synthea27Nj"), name="nj")
    assert not report.failed
    people = workspace.rows(opened, "person")
    assert len(people) == len({row["person_id"] for row in people}) == 2694 + 28
    known = {row["person_id"] for row in people if row["site"] == "nj"}
    measured = [row for row in workspace.rows(opened, "measurement") if row["site"] == "nj"]
    assert len(measured) == 10040
    assert {row["person_id"] for row in measured} <= known


def test_attached_again_nothing_changes(tmp_path: Path, outside: Path) -> None:
    opened = start.new(tmp_path / "ws")
    folder = _synthea(outside, tmp_path, "Synthea27Nj")
    attach(opened, folder, name="nj")
    before = workspace.content(opened)
    assert attach(opened, folder, name="nj").edition is None
    assert workspace.content(opened) == before
