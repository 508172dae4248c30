"""Who died and who was last seen when, over all sources; and the end points from it."""

from pathlib import Path
from typing import Any

import pytest

from lib import registries as lib
from lib.registries import item, observed

ITEMS = [
    item("death_told", "date", "observation 51 as date"), item("status", "choice", "observation 52", list="status"),
    item("seen", "date", "observation 53 as date"), item("relapse", "date", "observation 54 as date", pick="first"),
    item("cause", "choice", "observation 55", list="cause"), item("cut", "yesno", "observation 56"),
]  # fmt: skip
LISTS = """list,code,en,zh,concepts,texts
status,dead,dead,死亡,,
status,alive,alive,存活,,
cause,tumour,tumour,肿瘤,,
cause,other,other,其他,,
"""
POINTS = """
follow_up: {death: [death_told], dead: {status: [dead]}, contact: [seen]}
os: {events: [death]}
dss: {events: [{date: death, when: cause = 'tumour'}], competing: [death]}
rfs: {start: index, events: [relapse, death], only: cut}
"""
Fact = tuple[int, str, str]


def _tables(tmp_path: Path, *facts: Fact, died: str = "") -> dict[str, Any]:
    """What observations (concept, day, text) and the table `death` tell of the one patient, index 2020-03-01."""
    folder = lib.write(tmp_path / "tiny", {"person": ITEMS}, lists_csv=LISTS, endpoints_yaml=POINTS)
    rows = [observed(1, concept, day, value_as_string=text or None) for concept, day, text in facts]
    death = [{"person_id": 1, "death_date": died, "site": "h1", "part_id": 4, "place": 44}] if died else []
    return lib.built(tmp_path, folder, lib.tables(observation=rows, death=death))[1]


def _of(tables: dict[str, Any], *names: str) -> list[Any]:
    (row,) = tables["endpoint"]
    return [str(row[name]) if name in ("death", "last_contact") else row[name] for name in names]


DEATH, STATUS, SEEN, RELAPSE, CAUSE, CUT = 51, 52, 53, 54, 55, 56


@pytest.mark.parametrize(
    ("facts", "died", "death", "days", "event"),
    [
        ([(SEEN, "2020-06-01", "")], "", "None", 92, 0),
        ([], "2020-04-01", "2020-04-01", 31, 1),
        ([(DEATH, "2020-04-01", "")], "", "2020-04-01", 31, 1),
        ([(DEATH, "2020-04-01", ""), (SEEN, "2020-05-01", "")], "2020-06-01", "2020-06-01", 92, 1),
        ([(DEATH, "2020-04-01", "")], "2020-06-01", "2020-04-01", 31, 1),
        ([(STATUS, "2020-04-01", "dead")], "", "2020-04-01", 31, 1),
        ([(STATUS, "2020-04-01", "alive")], "", "None", 31, 0),
        ([(STATUS, "2020-04-01", "dead"), (STATUS, "2020-05-01", "alive")], "", "2020-05-01", 61, 1),
    ],
)
def test_a_death_that_any_source_tells_is_a_death(
    tmp_path: Path, facts: list[Fact], died: str, death: str, days: int, event: int
) -> None:
    tables = _tables(tmp_path, *facts, died=died)
    assert _of(tables, "death", "os_days", "os_event") == [death, days, event]


@pytest.mark.parametrize(
    ("facts", "died", "conflicts"),
    [
        ([(SEEN, "2020-04-01", "")], "2020-04-01", set()),
        ([(DEATH, "2020-04-01", "")], "2020-06-01", {"days of death differ"}),
        ([(SEEN, "2020-07-01", "")], "2020-06-01", {"alive after death"}),
        ([(CUT, "2020-07-01", "yes")], "2020-06-01", {"records after death"}),
        ([(STATUS, "2020-04-01", "dead")], "", {"death without a day"}),
    ],
)
def test_what_sources_tell_differently_is_listed_with_its_places(
    tmp_path: Path, facts: list[Fact], died: str, conflicts: set[str]
) -> None:
    rows = _tables(tmp_path, *facts, died=died)["conflict"]
    assert {row["conflict"] for row in rows} == conflicts
    assert not rows or {"table death", "death_told", "status"} & {row["told_by"] for row in rows}


def test_another_end_competes(tmp_path: Path) -> None:
    tumour = _tables(tmp_path, (CAUSE, "2020-04-01", "tumour"), died="2020-04-01")
    other = _tables(tmp_path, (CAUSE, "2020-04-01", "other"), died="2020-04-01")
    unknown = _tables(tmp_path, died="2020-04-01")
    assert [_of(one, "dss_days", "dss_event") for one in (tumour, other, unknown)] == [[31, 1], [31, 2], [31, 2]]


def test_the_first_event_counts_and_only_of_those_who_are_asked_for(tmp_path: Path) -> None:
    events = ((RELAPSE, "2020-03-11", ""), (RELAPSE, "2020-05-11", ""))
    cut = _tables(tmp_path, *events, (CUT, "2020-03-02", "yes"), died="2020-04-01")
    uncut = _tables(tmp_path, *events, died="2020-04-01")
    assert _of(cut, "rfs_days", "rfs_event") == [10, 1]
    assert _of(uncut, "rfs_days", "rfs_event") == [None, None]
