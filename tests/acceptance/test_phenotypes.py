"""The OHDSI Phenotype Library on Eunomia GiBleed: records, subjects and rows as the reference SQL gives them.

Source: OHDSI/PhenotypeLibrary 3.37.0 (Apache-2.0); expected values computed with duckcdm 0.4.7, whose SQL is that of
CirceR. Tolerance: none.
"""

import csv
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from isthmus.flow import start
from isthmus.flow.attach import attach
from isthmus.flow.workspace import Workspace
from isthmus.gate.session import open_session
from isthmus.research.cohorts import files
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
