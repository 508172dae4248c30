"""The 194 default analyses of OHDSI Achilles 1.7.2 on outside data.

Expected rows: computed with duckcdm 0.4.7 on Eunomia GiBleed (110 analyses run, 69 with rows, counts up to 5 left
out). It has no distributions, so these and the other analyses are held against the statements of Achilles themselves,
run on DuckDB, where a copy of them lies in `ohdsi/Achilles/inst/sql/sql_server/analyses`. Counts must be equal,
statistics equal to nine digits. Where we differ:

- duckcdm writes FLOOR of a quotient as a floating-point number, `4.0`; SQL Server, for which Achilles is written, and
  we write `4`.
- 0: its strata are the name of the source, the version, and the day of counting; ours is the day of the edition.
- 226 and 1326: Achilles has two rows of one key where records have no visit and where a visit has concept 0; we have
  one, with their sum.
"""

import gzip
import zipfile
from collections import Counter
from collections.abc import Mapping
from csv import DictReader
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from isthmus.flow import start
from isthmus.flow.attach import attach
from isthmus.flow.profile import SMALL, profile
from isthmus.quality.profile.definition import analyses, missing, tables
from lib import dirtycdm, ohdsisql, profiled

pytestmark = pytest.mark.acceptance

IDS = [one.analysis_id for one in analyses() if one.kind != "identity"]
SUMMED = {226, 1326}
# In the invented tables two first periods may start on one day, and Achilles takes either.
EITHER = {1408}


@pytest.fixture(scope="module")
def gibleed(tmp_path_factory: pytest.TempPathFactory, outside: Path) -> profiled.Counts:
    """What we count in GiBleed, by the way that a user goes."""
    opened = start.new(tmp_path_factory.mktemp("profile") / "ws", synthetic=True)
    attach(opened, outside / "ohdsi" / "gibleed", name="gibleed")
    return profiled.counts(profile(opened).results)


def _expected(outside: Path) -> profiled.Counts:
    found: profiled.Counts = {}
    with gzip.open(outside / "ohdsi" / "achilles-expected-on-gibleed.csv.gz", "rt", encoding="utf-8") as stream:
        for row in DictReader(stream):
            key = tuple(row[name].removesuffix(".0") or None for name in profiled.STRATA)
            found.setdefault(int(row["analysis_id"]), Counter())[key] = int(row["count_value"])
    return found


def test_every_expected_row_of_gibleed_is_ours_and_no_other(gibleed: profiled.Counts, outside: Path) -> None:
    expected = _expected(outside)
    assert len(expected) == 69
    rows = 0
    for analysis, theirs in expected.items():
        ours = {key: count for key, count in gibleed[analysis].items() if count > SMALL}
        if analysis == 0:
            assert list(ours.values()) == list(theirs.values()) == [2694]
        else:
            assert ours == theirs, analysis
        rows += len(theirs)
    print(f"{rows} rows of {len(expected)} analyses")
    assert rows == 38_771


def test_ids_strata_and_categories_are_those_of_achilles(outside: Path) -> None:
    listed = outside / "ohdsi" / "Achilles" / "inst" / "csv" / "achilles" / "achilles_analysis_details.csv"
    with listed.open(encoding="utf-8", newline="") as stream:
        theirs = {
            int(row["ANALYSIS_ID"]): (
                row["DISTRIBUTION"] == "1", row["CATEGORY"],
                [row[f"STRATUM_{place}_NAME"] for place in range(1, 6) if row[f"STRATUM_{place}_NAME"]],
            )
            for row in DictReader(stream) if row["IS_DEFAULT"] == "1"
        }  # fmt: skip
    assert theirs == {one.analysis_id: (one.is_distribution, one.category, list(one.named)) for one in analyses()}


class Compared:
    """Both results of one CDM: ours, and a connection on which the statements of Achilles can be run."""

    def __init__(self, given: Mapping[str, pa.Table], scratch: Path, statements: Path) -> None:
        self.given = {name: given.get(name, profiled.schema_of(name).empty_table()) for name in tables()}
        results, distributions = profiled.profile(given, scratch)
        self.counts, self.spreads = profiled.counts(results), profiled.spreads(distributions)
        self.left_out = missing(frozenset(name for name, table in given.items() if len(table)))
        self.statements = statements
        self.connection = duckdb.connect()
        for name, table in self.given.items():
            self.connection.register("given", table)
            self.connection.execute(f'CREATE TABLE "{name}" AS SELECT * FROM given')

    def theirs(self, analysis: int) -> tuple[Counter[profiled.Key], dict[profiled.Key, tuple[float | None, ...]]]:
        """What the statements of Achilles give: counts by strata, and statistics by strata."""
        text = (self.statements / f"{analysis}.sql").read_text(encoding="utf-8")
        counted, spread = ohdsisql.run(self.connection, text, analysis, version="5.4")
        counts: Counter[profiled.Key] = Counter()
        for *key, count in self._rows(counted, ("count_value",)):
            counts[tuple(key)] += int(count)
        return counts, {tuple(row[:5]): tuple(row[5:]) for row in self._rows(spread, profiled.STATISTICS)}

    def _rows(self, table: str | None, values: tuple[str, ...]) -> list[tuple[object, ...]]:
        if table is None:
            return []
        known = {row[0] for row in self.connection.execute(f"DESCRIBE {table}").fetchall()}
        strata = (f"CAST({name} AS VARCHAR)" if name in known else "NULL" for name in profiled.STRATA)
        return self.connection.execute(f"SELECT {', '.join((*strata, *values))} FROM {table}").fetchall()


@pytest.fixture(scope="module", params=["gibleed", "synthea27nj", "invented 1", "invented 2"])
def compared(request: pytest.FixtureRequest, outside: Path, tmp_path_factory: pytest.TempPathFactory) -> Compared:
    statements = outside / "ohdsi" / "Achilles" / "inst" / "sql" / "sql_server" / "analyses"
    if not statements.is_dir():
        pytest.skip(
            f"no statements of Achilles here: put inst/sql/sql_server/analyses of its repository at {statements}"
        )
    folder = tmp_path_factory.mktemp("compared")
    name, _, seed = request.param.partition(" ")
    if name == "invented":
        return Compared(dirtycdm.made(int(seed)), folder, statements)
    if name == "gibleed":
        return Compared(profiled.read(outside / "ohdsi" / "gibleed"), folder, statements)
    file = outside / "ohdsi" / "EunomiaDatasets" / "datasets_Synthea27NjParquet_Synthea27NjParquet_5.4.zip"
    with zipfile.ZipFile(file) as archive:
        archive.extractall(folder)
    return Compared(profiled.read(folder / "Synthea27NjParquet"), folder, statements)


def test_analyses_give_what_the_statements_of_achilles_give(compared: Compared) -> None:
    # Where two first periods start on one day, Achilles takes either.
    asked = [one for one in IDS if not (one in EITHER and len(compared.given["payer_plan_period"]))]
    assert [one for one in asked if not _agree(compared, one)] == []


def _agree(compared: Compared, analysis: int) -> bool:
    counts, spreads = compared.theirs(analysis)
    if analysis in compared.left_out:  # where a table is empty Achilles has rows of 0, or none
        return not sum(counts.values()) and not [one for one in spreads.values() if one[0]]
    if analysis in SUMMED:
        counts = Counter({key: count for key, count in counts.items() if count})
    ours = compared.spreads.get(analysis, {})
    return (
        compared.counts.get(analysis, Counter()) == counts
        and set(ours) == set(spreads)
        and all(
            [one for one in ours[key] if one is not None]
            == pytest.approx([float(one) for one in expected if one is not None], rel=1e-9, abs=1e-9)
            for key, expected in spreads.items()
        )
    )
