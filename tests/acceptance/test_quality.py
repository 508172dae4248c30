"""The OHDSI data quality checks on Eunomia GiBleed give what the dashboard's own statements give.

Sources: `ohdsi/DataQualityDashboard` (check definitions of version 2.8.4; `expected-on-gibleed.csv`, 649 results that
its own statements gave on GiBleed) and `ohdsi/gibleed` (CDM 5.3, 2,694 persons), all Apache-2.0. Every count must be
equal.
"""

import csv
from collections.abc import Mapping
from datetime import date
from importlib.resources import files
from pathlib import Path

import orjson
import pyarrow.parquet as pq
import pytest

from isthmus.flow import start
from isthmus.flow.attach import attach
from isthmus.flow.evaluation import evaluate
from isthmus.flow.failing import SEVERITIES, failures, traced
from isthmus.flow.quality import Quality, measured, quality, told
from isthmus.flow.workspace import Workspace
from isthmus.lake.engine import Engine
from isthmus.quality.checks.verdict import Result
from lib import dqd

pytestmark = pytest.mark.acceptance

Key = tuple[str, ...]
TODAY = date(2026, 11, 21)  # when the reference was computed

# The vocabulary of a workspace begins with the starter's concepts. These fields of GiBleed name concepts that its own
# cut of the vocabulary lacks and the starter has: nothing is wrong with them in a workspace.
KNOWN_IN_A_WORKSPACE = {
    ("isForeignKey", "person", "race_concept_id", ""),
    ("isForeignKey", "person", "ethnicity_concept_id", ""),
    ("isForeignKey", "condition_occurrence", "condition_source_concept_id", ""),
}


@pytest.fixture(scope="module")
def expected(outside: Path) -> Mapping[Key, tuple[int, int]]:
    with (outside / "ohdsi" / "DataQualityDashboard" / "expected-on-gibleed.csv").open(newline="") as stream:
        return {
            (row["check_name"], row["cdm_table"].lower(), row["cdm_field"].lower(), row["concept_id"].replace(" ", "")):
            (int(row["num_violated_rows"]), int(row["num_denominator_rows"]))
            for row in csv.DictReader(stream)
        }  # fmt: skip


@pytest.fixture(scope="module")
def attached(outside: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    opened = start.new(tmp_path_factory.mktemp("gibleed") / "ws")
    assert not attach(opened, outside / "ohdsi" / "gibleed", name="gibleed").failed
    return opened


@pytest.fixture(scope="module")
def found(attached: Workspace) -> Quality:
    return quality(attached)


def _key(result: Result) -> Key:
    check = result.check
    return check.type.name, check.table, check.field, ",".join(map(str, check.concepts))


def _counts(results: list[Result]) -> dict[Key, tuple[int, int] | None]:
    return {_key(one): (one.counts.violated, one.counts.of) if one.counts else None for one in results}


def test_what_is_shipped_is_what_the_dashboards_files_say(outside: Path) -> None:
    shipped = (files("isthmus.quality.checks") / "checks.csv").read_text(encoding="utf-8")
    there = dqd.rows(outside / "ohdsi" / "DataQualityDashboard" / "inst" / "csv")
    assert list(csv.DictReader(shipped.splitlines())) == there


def test_on_the_files_of_gibleed_every_count_is_the_dashboards(
    outside: Path, tmp_path: Path, expected: Mapping[Key, tuple[int, int]]
) -> None:
    engine, layout = Engine(tmp_path, threads=2), {}
    for path in sorted((outside / "ohdsi" / "gibleed").glob("*.parquet")):
        schema = pq.read_schema(path)
        engine.view(path.stem, [path], empty=schema)
        layout[path.stem] = measured([path], schema)
    results = evaluate(engine, layout, "5.3", TODAY)
    counts = _counts(results)
    assert {key: counts.get(key) for key in expected} == expected
    # Two tables of the model are not there, which is said once for each.
    absent = {one.check.table for one in results if one.check.type.name == "cdmTable" and one.status == "failed"}
    assert absent == {"drug_strength", "cohort_definition"}
    assert not [one.check.check_id for one in results if one.status == "error"]


def test_the_published_numbers_of_gibleed(found: Quality) -> None:
    """2,649 of 5,343 observation periods without a person: OmopSketch README; keys that repeat: counted in the data."""
    counts = _counts(list(found.results))
    assert counts["isForeignKey", "observation_period", "person_id", ""] == (2649, 5343)
    assert counts["isPrimaryKey", "drug_exposure", "drug_exposure_id", ""] == (8768, 67707)


def test_in_a_workspace_gibleed_is_judged_by_the_checks_of_5_3(
    found: Quality, expected: Mapping[Key, tuple[int, int]]
) -> None:
    assert found.version == "5.3"
    counts = _counts(list(found.results))
    assert {key for key in expected if counts.get(key) != expected[key]} == KNOWN_IN_A_WORKSPACE
    for key in KNOWN_IN_A_WORKSPACE:
        assert counts[key] == (0, expected[key][1])


def test_results_are_kept_with_their_edition(attached: Workspace, found: Quality) -> None:
    assert quality(attached) == found
    kept = [path.name for path in (attached.lake.root / "editions").glob("*.quality-5.3-*.parquet")]
    assert len(kept) == len({found.edition.number})


def test_by_the_checks_of_5_4_only_what_is_new_differs(attached: Workspace, found: Quality) -> None:
    newer = quality(attached, version="5.4")
    assert len(newer.dashboard) == 2535
    before, after = _counts(list(found.results)), _counts(list(newer.results))
    assert {key for key in before.keys() & after.keys() if before[key] != after[key]} == set()


def test_the_worst_name_file_table_and_count(attached: Workspace, found: Quality) -> None:
    listed = traced(attached, found, failures(found, None))
    assert [one.severity for one in listed] == sorted((one.severity for one in listed), key=SEVERITIES.index)
    repeated = next(one for one in listed if one.name == "isPrimaryKey" and one.table == "drug_exposure")
    (origin,) = repeated.origins
    assert (origin.site, origin.file, origin.rows) == ("gibleed", "drug_exposure.parquet", 8768)


def test_the_json_can_be_read_back(attached: Workspace, found: Quality) -> None:
    document = orjson.loads(orjson.dumps(told(attached, found)))
    assert document["Metadata"][0]["cdmSourceName"] == "Synthea synthetic health database"
    assert {row["checkId"] for row in document["CheckResults"]} == {one.check.check_id for one in found.dashboard}
