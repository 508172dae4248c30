"""Sequences that cannot be, a year that drifts and a hospital that is unlike the others: found with file and line."""

from typing import Any

import numpy as np
import pytest

from isthmus.flow.ingest import ingest
from isthmus.flow.workspace import Feed, Site, Workspace
from isthmus.serving.card import card as cards
from isthmus.serving.card.write import html
from lib import packs
from lib.command import run
from lib.harbour import write_csv
from lib.workspace import made

PACK = """
== pack.yaml
pack: town
format: {kind: csv}
order: [person]
== person.yaml
source: {files: ["person*.csv"]}
key: p
person: p
into:
  - table: person
    set: {gender_concept_id: "8507", year_of_birth: "1950", person_source_value: p}
  - table: death
    when: died is not null
    set: {death_date: date(died)}
== visit.yaml
source: {files: ["visit*.csv"]}
key: v
person: p
into:
  - table: visit_occurrence
    set:
      visit_concept_id: "9201"
      visit_start_date: date(began)
      visit_start_datetime: datetime(began)
      visit_end_date: date(ended)
      visit_end_datetime: datetime(ended)
== event.yaml
source: {files: ["event*.csv"]}
key: e
person: p
into:
  - table: condition_occurrence
    when: kind = 'tumour'
    set: {condition_concept_id: "201519", condition_start_date: date(day)}
  - table: procedure_occurrence
    when: kind = 'operation'
    set: {procedure_concept_id: "4030150", procedure_date: date(day)}
== result.yaml
source: {files: ["result*.csv"]}
key: r
person: p
into:
  - table: measurement
    set:
      measurement_concept_id: "3016723"
      measurement_date: date(day)
      value_as_number: number(value)
      unit_source_value: unit
"""
VISITS = [
    ["v1", "P1", "2020-03-01 08:00:00", "2020-03-05 10:00:00"],
    ["v2", "P1", "2020-03-03 08:00:00", "2020-03-04 10:00:00"],  # within v1
    ["v3", "P2", "2020-05-01 08:00:00", "2020-05-20 10:00:00"],  # P2 died on the 10th
    ["v4", "P2", "2020-05-30 08:00:00", "2020-05-30 07:00:00"],  # after death, and ends before it begins
    ["v5", "P3", "2020-06-01 08:00:00", "2020-06-02 08:00:00"],
]
EVENTS = [
    ["e1", "P3", "tumour", "2020-06-01"], ["e2", "P3", "operation", "2020-04-01"],
    ["e3", "P1", "operation", "2020-04-01"], ["e4", "P2", "operation", "2020-05-15"],
]  # fmt: skip


def _people(count: int) -> list[list[str]]:
    return [["p", "died"], ["P1", ""], ["P2", "2020-05-10"], *([f"P{n}", ""] for n in range(3, count))]


def _results(seed: int, *, moved: int | None = None, whole: bool = False, unit: str = "mg/dL") -> list[list[str]]:
    random = np.random.default_rng(seed)
    rows = [["r", "p", "day", "value", "unit"]]
    for year in range(2018, 2022):
        for person in range(60):
            value = random.normal(90, 15) * (1.5 if year == moved else 1)
            rows.append([f"{year}-{person}", f"P{person}", f"{year}-05-02", f"{value:.{0 if whole else 1}f}", unit])
    return rows


@pytest.fixture(scope="module")
def towns(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Seven hospitals: the first with impossible sequences, the second with a year that drifts, the third rounds."""
    root = tmp_path_factory.mktemp("towns")
    pack = packs.write(root / "packs", "town", PACK)
    opened = made(root / "ws", {}, site="a")
    for number, site in enumerate("abcdefg"):
        folder = root / site
        write_csv(folder / "person.csv", _people(60))
        write_csv(folder / "visit.csv", [["v", "p", "began", "ended"], *(VISITS if site == "a" else VISITS[4:])])
        write_csv(folder / "event.csv", [["e", "p", "kind", "day"], *(EVENTS if site == "a" else EVENTS[:1])])
        write_csv(folder / "result.csv", _results(number, moved=2020 if site == "b" else None, whole=site == "c"))
        opened.keep_site(Site(site, f"Hospital {site}", (Feed("his", str(folder), str(pack)),)))
    assert not ingest(opened).failed
    return opened


def _found(towns: Workspace, site: str) -> list[dict[str, Any]]:
    listed = run("findings", towns.root, "--site", site, "--json").document()
    return [one for one in listed if one["kind"].startswith(("sequence.", "drift.", "outlying."))]


def test_every_impossible_sequence_is_found_with_its_line(towns: Workspace) -> None:
    found = _found(towns, "a")
    lines = {one["kind"]: (one["rows"], one["places"][0]["file"], one["places"][0]["line"]) for one in found}
    assert len(lines) == len(found)
    assert lines == {
        "sequence.stay_in_stay": (1, "visit.csv", 3), "sequence.left_after_death": (1, "visit.csv", 4),
        "sequence.after_death.visit_occurrence": (1, "visit.csv", 5),
        "sequence.left_before_admission": (1, "visit.csv", 5),
        "sequence.treated_before_diagnosis": (1, "event.csv", 3),
        "sequence.after_death.procedure_occurrence": (1, "event.csv", 5),
    }  # fmt: skip


def test_the_year_that_drifts_is_found_and_no_other(towns: Workspace) -> None:
    (one,) = _found(towns, "b")
    assert (one["kind"], one["value"], one["rows"], one["field"]) == ("drift.results", "2020", 60, "value_as_number")
    assert "2020" in one["says"]["zh"]
    assert one["places"][0]["file"] == "result.csv"


def test_the_hospital_that_rounds_lies_outside_the_funnel(towns: Workspace) -> None:
    (one,) = _found(towns, "c")
    assert (one["kind"], one["rows"], one["of"]) == ("outlying.whole", 240, 240)
    assert "100.0 % here" in one["says"]["en"]
    assert one["places"][0]["columns"] == ["value"]


def test_hospitals_that_are_alike_have_no_findings_of_this_sort(towns: Workspace) -> None:
    assert not any(_found(towns, site) for site in "defg")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_scorecard_shows_the_funnel_and_names_no_other_hospital(towns: Workspace, language: Any) -> None:
    text = html(cards.card(towns, "c"), language).decode()
    assert text.count("<svg") == 1  # only one indicator differs among these hospitals at all
    assert text.count("<circle") == 7
    assert not any(f"Hospital {site}" in text for site in "abdefg")
