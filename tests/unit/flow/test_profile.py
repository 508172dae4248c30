"""A profile is computed once for an edition, kept beside it, and written out without small counts."""

from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv
import pyarrow.parquet as pq
import pytest

from isthmus.base.errors import InputError, UsageError
from isthmus.flow import profile as flow
from isthmus.flow import start
from isthmus.flow.attach import attach
from isthmus.flow.workspace import Workspace, create
from lib import profiled

PEOPLE = 30


def _cdm(folder: Path, people: int = PEOPLE) -> Path:
    """A CDM of some persons, each with one period and a condition; the last three have another condition."""
    folder.mkdir(parents=True, exist_ok=True)
    day = date(2020, 1, 1)
    persons = [{"person_id": one, "gender_concept_id": 8532, "year_of_birth": 1950 + one, "race_concept_id": 0,
                "ethnicity_concept_id": 0} for one in range(1, people + 1)]  # fmt: skip
    periods = [{"observation_period_id": one, "person_id": one, "observation_period_start_date": day,
                "observation_period_end_date": day + timedelta(900), "period_type_concept_id": 32817}
               for one in range(1, people + 1)]  # fmt: skip
    conditions = [{"condition_occurrence_id": one, "person_id": one, "condition_type_concept_id": 32817,
                   "condition_concept_id": 201826 if one <= people - 3 else 4182210,
                   "condition_start_date": day + timedelta(one)} for one in range(1, people + 1)]  # fmt: skip
    tables = profiled.drawn(person=persons, observation_period=periods, condition_occurrence=conditions)
    for name, table in tables.items():
        pq.write_table(table, folder / f"{name}.parquet")
    return folder


@pytest.fixture
def opened(tmp_path: Path) -> Workspace:
    made = start.new(tmp_path / "ws", synthetic=True)
    report = attach(made, _cdm(tmp_path / "cdm"), name="cdm")
    assert not report.failed
    return made


def _count(results: pa.Table, analysis: int) -> dict[str | None, int]:
    rows = results.filter(pc.equal(results["analysis_id"], analysis)).to_pylist()
    return {row["stratum_1"]: row["count_value"] for row in rows}


def test_an_edition_is_counted_and_what_has_no_rows_is_named(opened: Workspace) -> None:
    found = flow.profile(opened)
    assert _count(found.results, 400) == {"201826": 27, "4182210": 3}
    assert found.left_out[1800] == ["measurement"]
    assert _count(found.results, 0) == {"ws": PEOPLE}


def test_it_is_kept_and_read_again(opened: Workspace) -> None:
    first = flow.profile(opened)
    kept = opened.root / "profiles" / first.edition.name / "achilles_results.parquet"
    written = kept.stat().st_mtime_ns
    assert flow.profile(opened).results == first.results
    assert kept.stat().st_mtime_ns == written


def test_what_was_altered_or_cut_is_counted_anew(opened: Workspace) -> None:
    first = flow.profile(opened)
    kept = opened.root / "profiles" / first.edition.name
    pq.write_table(first.results.slice(1), kept / "achilles_results.parquet")
    assert flow.profile(opened).results == first.results
    (kept / "profile.json").write_bytes(b"{")
    assert flow.profile(opened).results == first.results


def test_a_new_edition_has_its_own_profile_and_the_old_one_stays(opened: Workspace, tmp_path: Path) -> None:
    first = flow.profile(opened)
    assert attach(opened, _cdm(tmp_path / "more", PEOPLE + 5), name="more").edition is not None
    assert _count(flow.profile(opened).results, 1) == {None: 2 * PEOPLE + 5}
    assert _count(flow.profile(opened, edition=first.edition.number).results, 1) == {None: PEOPLE}


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_three_tables_are_written_without_small_counts(opened: Workspace, tmp_path: Path, form: flow.Form) -> None:
    found = flow.profile(opened)
    hidden = flow.write(found, tmp_path / "out", form=form, small=5)
    read = {
        name: csv.read_csv(tmp_path / "out" / f"{name}.csv") if form == "csv"
        else pq.read_table(tmp_path / "out" / f"{name}.parquet")
        for name in ("achilles_analysis", "achilles_results", "achilles_results_dist")
    }  # fmt: skip
    assert read["achilles_analysis"].num_rows == 194
    assert hidden > 0
    for name, whole in (("achilles_results", found.results), ("achilles_results_dist", found.distributions)):
        assert read[name].column_names == whole.column_names
        assert read[name].num_rows == sum(count > 5 for count in whole["count_value"].to_pylist())
    assert 4182210 not in [
        row["stratum_1"] for row in read["achilles_results"].to_pylist() if row["analysis_id"] == 400
    ]


def test_a_file_is_no_folder(opened: Workspace, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(UsageError, match="is a file"):
        flow.write(flow.profile(opened), tmp_path / "out", form="csv", small=5)


def test_without_an_edition_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="isthmus ingest"):
        flow.profile(create(tmp_path / "ws"))


def test_at_a_glance_small_counts_are_left_out(opened: Workspace) -> None:
    told = flow.describe(opened, flow.profile(opened))
    assert told["people"]["persons"] == PEOPLE
    assert told["people"]["median days of first observation"] == 900.0
    assert list(told["sexes"].values()) == [PEOPLE]
    assert [one["concept_id"] for one in told["concepts"]] == [201826]
    assert told["years"] == [{"table": "condition_occurrence", "year": 2020, "records": PEOPLE}]
