"""Rows of special diseases are withheld; a condition that fails on them alone would tell whether they are there."""

from collections.abc import Sequence
from pathlib import Path

import ibis
import pytest

from isthmus.cdm.questions import condition_occurrence
from isthmus.flow.workspace import Workspace
from lib import granted, workspace
from lib.granted import House

COLUMNS = ["condition_occurrence_id", "person_id", "condition_concept_id", "condition_start_date"]
# Fails on a row of that concept and on no other, if it is asked of one.
FAILS = "cast(case when {column} = {concept} then 'x' else '1' end as integer) = 1"
OVERFLOWS = "case when condition_concept_id = {concept} then 9223372036854775807 else 1 end"
SQL = (
    f"select count(*) as n from condition_occurrence where ({OVERFLOWS}) * condition_concept_id >= 0",
    "select count(*) as n from condition_occurrence where " + FAILS.replace("{column}", "condition_concept_id"),
    "with c as (select condition_concept_id as k from condition_occurrence) select count(*) as n from c where "
    + FAILS.replace("{column}", "k"),
    "select max(n) as n from (select condition_concept_id as k, count(*) over () as n from condition_occurrence) where "
    + FAILS.replace("{column}", "k"),
)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    made = granted.granted(
        tmp_path_factory.mktemp("withheld"), tables={**granted.APPLICATION["tables"], "condition_occurrence": COLUMNS}
    )
    concept, _ = _concepts(made)
    settings = made.root / "isthmus.toml"
    settings.write_text(f"special = [{concept}]\n" + settings.read_text(encoding="utf-8"), encoding="utf-8")
    return made


def _concepts(house: House) -> tuple[int, Sequence[int]]:
    """The concept that is withheld, and those of all rows."""
    every = [row["condition_concept_id"] for row in workspace.rows(Workspace(house.root), "condition_occurrence")]
    return max((one for one in every if one), key=every.count), every


@pytest.mark.parametrize("sql", SQL)
def test_a_statement_that_fails_on_a_withheld_row_does_not_meet_it(house: House, sql: str) -> None:
    concept, every = _concepts(house)
    done = house.ask(sql.format(concept=concept), "ann", "--json")
    assert done.document()["rows"] == [{"n": len([one for one in every if one != concept])}]


def test_an_expression_that_fails_on_a_withheld_row_does_not_meet_it(house: House) -> None:
    concept, every = _concepts(house)
    kind = condition_occurrence.condition_concept_id
    fails = ibis.cases((kind == concept, ibis.literal("x")), else_=ibis.literal("1")).cast("int64") == 1
    rows = granted.session(house).ask(condition_occurrence.filter(fails).count().as_table()).to_pylist()
    assert [list(row.values()) for row in rows] == [[len([one for one in every if one != concept])]]


def test_the_same_fails_where_nothing_is_withheld(house: House, tmp_path: Path) -> None:
    """Or the other tests would show nothing."""
    open_to_all = house.copied(tmp_path / "ws")
    settings = open_to_all.root / "isthmus.toml"
    settings.write_text(settings.read_text(encoding="utf-8").replace("special = ", "# "), encoding="utf-8")
    concept, _ = _concepts(house)
    for sql in SQL:
        assert open_to_all.ask(sql.format(concept=concept)).code == 3
