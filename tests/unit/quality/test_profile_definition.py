"""The definitions hold together: every analysis finds its source, and every source its tables and columns."""

import re

from isthmus.cdm.tables import TABLES
from isthmus.quality.profile import plan
from isthmus.quality.profile.definition import analyses, missing, sources, tables
from isthmus.quality.profile.result import listed
from isthmus.quality.profile.scan import columns_of, groupings

ALL = frozenset(TABLES)


def test_there_are_194_analyses_each_with_its_own_id_and_name() -> None:
    assert len(analyses()) == len({one.analysis_id for one in analyses()}) == 194
    told = {one.name for one in analyses()}
    assert len(told) == 194
    assert listed().num_rows == 194


def test_every_analysis_names_each_of_its_strata_or_none() -> None:
    unnamed = {one.analysis_id for one in analyses() if one.strata and not one.named}
    assert unnamed == {815, 1815, 1816, 1817, 1818}  # Achilles has no names for these
    assert all(len(one.strata) == len(one.named) for one in analyses() if one.named and one.kind != "identity")


def test_every_analysis_finds_its_source_and_columns() -> None:
    known = sources(ALL)
    for one in analyses():
        source = known[one.source]
        if one.kind in ("identity", "overlap", "covered"):
            continue
        of_table = {column.name for table in source.needs for column in TABLES[table].columns}
        assert columns_of(one) <= {*source.columns, *source.scan} | of_table, one.analysis_id


def test_no_source_hides_a_table() -> None:
    assert not set(sources(ALL)) & set(TABLES)


def test_nothing_is_made_that_nothing_reads() -> None:
    steps = list(plan.steps(ALL, source_name="", version="", day=""))
    made = {one.name for one in steps if one.act in ("create", "view")} - {plan.RESULTS, plan.VALUES}
    assert not [name for name in made if not any(name in one.statement for one in steps)]


def test_a_table_is_scanned_with_fewer_sets_than_it_has_analyses() -> None:
    source = sources(ALL)["inside_measurement"]
    readers = [one for one in analyses() if one.source == source.name]
    assert len(groupings(source, readers)) < len(readers)


def test_every_scan_is_dropped_after_it_was_made_and_read_for_the_last_time() -> None:
    standing: set[str] = set()
    for step in plan.steps(ALL, source_name="", version="", day=""):
        assert set(re.findall(r"scan_\w+", step.statement)) <= standing
        if step.name.startswith("scan_"):
            standing ^= {step.name}
    assert not standing


def test_without_a_table_its_analyses_are_left_out_and_the_table_is_named() -> None:
    left_out = missing(frozenset(tables()) - {"measurement"})
    assert left_out[1815] == ["measurement"]
    assert 1 not in left_out
    assert 2004 not in left_out
