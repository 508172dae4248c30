"""Errors of units in TCGA-LIHC, found, decided and mended in the lake (`onc/tcga_biotab`, 377 patients).

Truth: ALBI grades (Johnson et al. 2015) of the values as they were sent are 168/106/23 of 297, and after the repair
166/106/9 of 281, 16 being set aside. The families and their rows are judged in `test_units.py`.
"""

import math
import shutil
from collections import Counter
from pathlib import Path

import pytest
from tests.lib.workspace import content, read, rows

from isthmus.flow import units
from isthmus.flow.ingest import ingest
from isthmus.flow.start import new
from isthmus.flow.workspace import Feed, Site, Workspace

pytestmark = pytest.mark.acceptance

ALBUMIN, BILIRUBIN = 3024561, 3024128


@pytest.fixture(scope="module")
def workspace(outside: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    folder = tmp_path_factory.mktemp("repairs")
    exports = folder / "exports"
    exports.mkdir()
    for path in (outside / "onc" / "tcga_biotab").glob("*_lihc.txt"):
        shutil.copy(path, exports)
    opened = new(folder / "ws")
    opened.keep_site(Site("tcga", "TCGA", (Feed("biotab", str(exports), "tcga-lihc"),)))
    assert not ingest(opened).failed
    return opened


def grades(opened: Workspace) -> tuple[int, int, int, int]:
    """ALBI grades 1, 2, 3 and all; albumin in g/dL and bilirubin in mg/dL, as the forms mean them."""
    values: dict[int, dict[int, float]] = {ALBUMIN: {}, BILIRUBIN: {}}
    for row in rows(opened, "measurement"):
        if row["measurement_concept_id"] in values and row["value_as_number"] is not None:
            values[row["measurement_concept_id"]][row["person_id"]] = row["value_as_number"]
    counted: Counter[int] = Counter()
    for person in values[ALBUMIN].keys() & values[BILIRUBIN].keys():
        score = 0.66 * math.log10(values[BILIRUBIN][person] * 17.1) - 0.085 * values[ALBUMIN][person] * 10
        counted[1 + (score > -2.60) + (score > -1.39)] += 1
    return counted[1], counted[2], counted[3], counted.total()


def test_albi_grades_come_right_in_the_lake_and_go_back(workspace: Workspace) -> None:
    assert grades(workspace) == (168, 106, 23, 297)
    before, files = content(workspace), {one.path for one in workspace.lake.deltas.files("measurement")}
    listed = units.proposals(workspace)
    made = units.decide(workspace, listed, confirm=[one.proposal_id for one in listed], author="a reviewer")
    assert not ingest(workspace).failed
    mended = grades(workspace)
    print("ALBI 1/2/3, all:", mended, "repairs:", read(workspace, "repair").num_rows)
    assert mended == (166, 106, 9, 281)
    for one in made:
        workspace.decisions.revoke(one.decision_id, author="a reviewer", reason="tried out")
    assert not ingest(workspace).failed
    after = content(workspace)
    assert after.pop("repair", []) == []
    assert after == before
    assert {one.path for one in workspace.lake.deltas.files("measurement")} == files
