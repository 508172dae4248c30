"""The OHDSI Phenotype Library on Eunomia GiBleed: records, subjects and rows as the reference SQL gives them.

Source: OHDSI/PhenotypeLibrary 3.37.0 (Apache-2.0); expected values computed with duckcdm 0.4.7, whose SQL is that of
CirceR. Tolerance: none.
"""

import csv
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from isthmus.flow import start
from isthmus.flow.attach import attach
from isthmus.flow.workspace import Workspace
from isthmus.gate.session import open_session
from isthmus.research.cohorts import files
from isthmus.research.cohorts.definition import Definition
from isthmus.research.cohorts.evaluate import Cohorts, evaluate

pytestmark = pytest.mark.acceptance

LIBRARY = Path("ohdsi/PhenotypeLibrary")


@pytest.fixture(scope="module")
def gibleed(tmp_path_factory: pytest.TempPathFactory, outside: Path) -> Workspace:
    opened = start.new(tmp_path_factory.mktemp("phenotypes") / "ws", synthetic=True)
    assert not attach(opened, outside / "ohdsi" / "gibleed", name="gibleed").failed
    return opened


def _evaluated(gibleed: Workspace, outside: Path, *, chunks: int | None = None) -> Cohorts:
    definitions, refused = files.read([outside / LIBRARY / "cohorts.tar.xz"])
    assert refused == []
    with open_session(gibleed.lake, synthetic=True).desk() as desk:
        return evaluate(desk, definitions, chunks=chunks)


def test_only_27_persons_can_have_other_rows_in_cohort_1071(gibleed: Workspace, outside: Path) -> None:
    """Circe numbers a person's entry events twice, once to test them and once to take them, by sort date and id.

    In 1071 an observation period is eleven events with one id and one sort date, so that the two numberings need not
    agree: of n events of which k meet the condition any k may be taken. That decides something only where 0 < k < n.
    Here an event has one number, so the events that are taken are those that meet the condition.
    """
    definitions, _ = files.read([outside / LIBRARY / "cohorts.tar.xz"])
    (asked,) = (one for one in definitions if one.name == "1071" and isinstance(one, Definition))
    with open_session(gibleed.lake, synthetic=True).desk() as desk:
        rows = evaluate(desk, [asked, replace(asked, name="all events", additional=None)]).rows
    taken, tied = (
        Counter(rows.filter(pc.equal(rows.column("cohort"), number)).column("person_id").to_pylist())
        for number in (1, 2)
    )
    open_to_order = {person: count for person, count in taken.items() if count < tied[person]}
    most = sum(min(count, tied[person] - count) for person, count in open_to_order.items())
    assert (taken.total(), len(open_to_order), sum(open_to_order.values())) == (18400, 27, 85)
    print(f"rows that another order may exchange: at most {most}")
    assert most < 85


def _rows(table: pa.Table) -> Counter[tuple[object, ...]]:
    return Counter(zip(*(column.to_pylist() for column in table.columns), strict=True))


@pytest.mark.parametrize("chunks", [None, 3])
def test_every_definition_gives_the_rows_of_the_reference(
    gibleed: Workspace, outside: Path, chunks: int | None
) -> None:
    found = _evaluated(gibleed, outside, chunks=chunks)
    with (outside / LIBRARY / "expected-counts-on-gibleed.csv").open(encoding="utf-8") as stream:
        expected = [(row["cohort_id"], int(row["records"]), int(row["subjects"])) for row in csv.DictReader(stream)]
    counts = files.counted(found)
    print(f"{len(counts)} definitions, {sum(1 for _, records, _ in counts if records)} with somebody in")
    assert sorted(counts) == sorted(expected)
    table = files.cohort_table(found)
    reference = pq.read_table(outside / LIBRARY / "expected-rows-on-gibleed.parquet", columns=table.column_names)
    assert _rows(table) == _rows(reference)
