"""Who is in a registry: found by rules, confirmed by people, kept out by a refusal; and which visits are due."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from isthmus.base.errors import PackError
from isthmus.research.registries.build import Registry, build
from isthmus.research.registries.enrolment import ruling
from isthmus.research.registries.enrolment.ruling import CASE, CONSENT, Ruling
from isthmus.research.registries.pack import load
from lib import cdm
from lib import registries as lib
from lib.registries import ALBUMIN, GRAM_PER_LITRE, STAGE, item, measured, observed

ITEMS = [
    item("albumin", "number", f"measurement {ALBUMIN}", unit="g/L"),
    item("agreed", "choice", "", list="consent"),
    item("left", "date", ""),
]
LISTS = "list,code,en,zh,concepts,texts\n" + "".join(
    f"consent,{one},{one},,,{text}\n"
    for one, text in (("given", "是"), ("waived", ""), ("refused", "否"), ("withdrawn", ""))
)
ENROLMENT = """
consent: {policy: opt out, state: agreed, withdrawn: left}
finding:
  enough: 3
  rules:
    coded: {en: coded, zh: 编码, points: 3}
    staged:
      points: 2
      phenotype: {concepts: {stage: [21]}, enter: [{observation: stage}]}
    low:
      points: 1
      phenotype: {concepts: {albumin: [3024561]}, enter: [{measurement: albumin, value: below 35}]}
visits:
  start: {day: 0, window: -10..10}
  later: {day: 90, every: 90, until: 270, window: -30..30, items: [albumin]}
"""
Rows = list[dict[str, Any]]


def said(number: int, kind: str, person: int, answer: str, author: str = "ann", **more: Any) -> Ruling:
    return Ruling(number, kind, person, answer, author, datetime(2020, 5, number, tzinfo=UTC), "seen", **more)


def _tables(more: Mapping[str, Rows]) -> dict[str, Any]:
    """Persons of whom 1 and 2 are coded; 3 has a stage and a low albumin, 4 a stage only."""
    found = lib.tables(range(1, 5), **more)
    found["condition_occurrence"] = [one for one in found["condition_occurrence"] if one["person_id"] <= 2]
    found.setdefault("observation", [])
    found["observation"] += [observed(one, STAGE, "2020-04-01") for one in (3, 4)]
    found.setdefault("measurement", [])
    found["measurement"] += [measured(3, ALBUMIN, "2020-05-01", 30, GRAM_PER_LITRE)]
    return found


def _built(
    tmp_path: Path, *rulings: Ruling, enrolment: str = ENROLMENT, on: date | None = None, **more: Rows
) -> tuple[Registry, dict[str, Rows]]:
    pack = lib.write(tmp_path / "tiny", {"laboratory": ITEMS}, lists_csv=LISTS, enrolment_yaml=enrolment)
    found: dict[str, list[pa.Table]] = {}
    with cdm.desk(tmp_path, _tables(more)) as desk:
        registry = build(
            desk, load(pack), lambda name, rows: found.setdefault(name, []).append(rows), rulings=rulings, on=on
        )
    return registry, {name: pa.concat_tables(pieces).to_pylist() for name, pieces in found.items()}


def _people(rows: Rows) -> list[int]:
    return [row["person_id"] for row in rows]


def test_rules_find_candidates_with_points_and_evidence(tmp_path: Path) -> None:
    registry, tables = _built(tmp_path)
    found = [(row["person_id"], row["state"], row["score"], row["rules"]) for row in tables["candidate"]]
    assert found == [(1, "found", 3, "coded"), (2, "found", 3, "coded"), (3, "candidate", 3, "staged|low")]
    assert [(row["rule"], row["first_day"]) for row in tables["evidence"] if row["person_id"] == 3] == [
        ("low", date(2020, 5, 1)), ("staged", date(2020, 4, 1)),
    ]  # fmt: skip
    assert _people(tables["laboratory"]) == [1, 2]
    assert registry.cases == {"candidate": 1, "enrolled": 2, "found": 2}


def test_the_confirmed_are_enrolled_from_the_first_evidence_or_the_day_that_was_told(tmp_path: Path) -> None:
    registry, tables = _built(
        tmp_path, said(1, CASE, 3, "confirmed"), said(2, CASE, 1, "confirmed", day=date(2020, 2, 2))
    )
    found = {row["person_id"]: (row["state"], row["index_date"]) for row in tables["enrolment"]}
    assert found == {
        1: ("confirmed", date(2020, 2, 2)), 2: ("found", date(2020, 3, 1)), 3: ("confirmed", date(2020, 4, 1)),
    }  # fmt: skip
    assert _people(tables["laboratory"]) == [1, 2, 3]
    assert registry.cases == {"confirmed": 2, "enrolled": 3, "found": 1}


def test_the_refuted_and_the_duplicates_are_not_enrolled_and_stay_listed(tmp_path: Path) -> None:
    registry, tables = _built(tmp_path, said(1, CASE, 1, "refuted"), said(2, CASE, 2, "duplicate", of=3))
    assert tables["enrolment"] == tables["laboratory"] == []
    assert {row["person_id"]: (row["state"], row["duplicate_of"]) for row in tables["candidate"]} == {
        1: ("refuted", None), 2: ("duplicate", 3), 3: ("candidate", None),
    }  # fmt: skip
    assert registry.patients == 0


def test_two_people_must_say_the_same_with_nobody_saying_otherwise_in_between() -> None:
    def state(*rulings: Ruling) -> tuple[str | None, int]:
        (row,) = ruling.cases(rulings, people=2).to_pylist()
        return row["state"], row["agree"]

    one, same, other = (said(at, CASE, 1, "confirmed", who) for at, who in ((1, "ann"), (2, "ann"), (3, "ben")))
    against = said(2, CASE, 1, "refuted", "eve")
    assert state(one) == (None, 1)
    assert state(one, same) == (None, 1)
    assert state(one, other) == ("confirmed", 2)
    assert state(one, against, other) == (None, 1)
    assert state(one, other, said(4, CASE, 1, "refuted", "ann")) == ("confirmed", 1)
    taken = said(3, CASE, 1, "confirmed", "ben", taken_back=True)
    assert state(one, taken) == (None, 1)


def test_who_withdrew_is_in_no_table_and_is_counted(tmp_path: Path) -> None:
    registry, tables = _built(
        tmp_path, said(1, CONSENT, 1, "given"), said(2, CONSENT, 1, "withdrawn"),
        measurement=[measured(1, ALBUMIN, "2020-03-05", 40, GRAM_PER_LITRE)],
    )  # fmt: skip
    assert registry.cases == {"candidate": 1, "enrolled": 1, "found": 1, "out": 1}
    for name, rows in tables.items():
        assert 1 not in [row.get("person_id") for row in rows], name
    back = _built(tmp_path, said(1, CONSENT, 1, "withdrawn"), said(2, CONSENT, 1, "given"))[1]
    assert _people(back["laboratory"]) == [1, 2]


def test_forms_tell_consent_and_of_one_day_the_refusal_counts(tmp_path: Path) -> None:
    forms = [
        observed(1, 0, "2020-06-01", observation_source_value="tiny:agreed", value_as_string="否"),
        observed(2, 0, "2020-06-01", observation_source_value="tiny:agreed", value_as_string="是"),
    ]
    assert _people(_built(tmp_path, observation=forms)[1]["laboratory"]) == [2]
    day = said(1, CONSENT, 1, "given", day=date(2020, 6, 1))
    assert _people(_built(tmp_path, day, observation=forms)[1]["laboratory"]) == [2]
    later = said(1, CONSENT, 1, "given", day=date(2020, 6, 2))
    assert _people(_built(tmp_path, later, observation=forms)[1]["laboratory"]) == [1, 2]
    left = observed(2, 0, "2020-07-01", observation_source_value="tiny:left", value_as_string="2020/07/02")
    assert _people(_built(tmp_path, observation=[left])[1]["laboratory"]) == [1]


def test_where_consent_is_required_nobody_else_is_enrolled(tmp_path: Path) -> None:
    asked = ENROLMENT.replace("opt out", "required")
    registry, tables = _built(tmp_path, said(1, CONSENT, 2, "given"), enrolment=asked)
    assert _people(tables["laboratory"]) == [2]
    assert registry.cases == {"candidate": 1, "enrolled": 1, "found": 2, "withheld": 1}


def test_visits_are_done_due_overdue_missed_or_ended(tmp_path: Path) -> None:
    """Person 1 was measured at the second of three occasions; person 2 died before the second window was over."""
    rows = [measured(1, ALBUMIN, "2020-08-20", 40, GRAM_PER_LITRE)]
    died = [{"person_id": 2, "death_date": "2020-08-01", "site": "h1"}]
    seen = [
        {"visit_occurrence_id": 1, "person_id": 1, "visit_concept_id": 9202, "visit_start_date": "2020-03-05",
         "visit_end_date": "2020-03-05", "site": "h1"}
    ]  # fmt: skip

    def states(on: date) -> dict[tuple[int, str, int], str]:
        tables = _built(tmp_path, on=on, measurement=rows, death=died, visit_occurrence=seen)[1]
        return {(row["person_id"], row["visit"], row["nth"]): row["state"] for row in tables["visit_due"]}

    assert states(date(2021, 6, 1)) == {
        (1, "start", 1): "done", (1, "later", 1): "missed", (1, "later", 2): "done", (1, "later", 3): "overdue",
        (2, "start", 1): "overdue", (2, "later", 1): "overdue", (2, "later", 2): "ended", (2, "later", 3): "ended",
    }  # fmt: skip
    early = states(date(2020, 11, 20))
    assert early[1, "later", 3] == "due"
    assert states(date(2020, 10, 1))[1, "later", 3] == "coming"


@pytest.mark.parametrize(
    ("wrong", "said_of_it"),
    [
        ("consent: {policy: maybe}", "enrolment.yaml:1: 'maybe' is no policy of consent. Write opt out or required."),
        ("consent: {state: albumin}", "'albumin' is no item of the type choice."),
        ("finding: {people: 0}", "`people` is a number from 1 to 9."),
        ("finding: {rules: {a: {phenotype: {title: x}}}}", "there is no 'enter'"),
        ("visits: {a: {every: 30}}", "visit a never ends. Add `until:`"),
        ("visits: {a: {every: 30, until: 60, window: -20..20}}", "the windows of visit a overlap"),
        ("visits: {a: {items: [nothing]}}", "'nothing' is no item that is told."),
        ("visits: {a: {from: albumin}}", "'albumin' is neither `index` nor an item of dates."),
        ("visit: {}", "'visit' is not known here. Write one of: consent, finding, visits."),
    ],
)
def test_what_is_wrong_is_told_with_place_and_mend(tmp_path: Path, wrong: str, said_of_it: str) -> None:
    pack = lib.write(tmp_path / "tiny", {"laboratory": ITEMS}, lists_csv=LISTS, enrolment_yaml=f"{wrong}\n")
    with pytest.raises(PackError) as error:
        load(pack)
    assert said_of_it in str(error.value)
