"""The cases with which CohortIncidence tests itself: persons and cohorts (PREP), and the summary that comes of them.

Source: OHDSI/CohortIncidence 4.1.1, java/test (Apache-2.0). Tolerance: none for counts; proportions and rates are given
there to 4 places and compared to 3. Left out: names of targets and outcomes, which are cut to 255 characters there and
kept whole here.
"""

import json
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from isthmus.research.incidence import reader
from isthmus.research.incidence.design import Design
from isthmus.research.incidence.rates import incidence
from lib import cdm

pytestmark = pytest.mark.acceptance

FOLDER = Path("ohdsi/CohortIncidence/java/test/resources/cohortincidence")
CASES = (
    "normalizeText", "sqlInjection", "timeAtRisk/cleanWindow", "timeAtRisk/cohortSubgroup", "timeAtRisk/invalidTar",
    "timeAtRisk/multiOutcome", "timeAtRisk/noExcludeOutcome", "timeAtRisk/partialExclude",
    "timeAtRisk/personExclude", "timeAtRisk/singleOutcome", "timeAtRisk/strataAll", "timeAtRisk/strataByAge",
    "timeAtRisk/strataByAgeBreakList", "timeAtRisk/strataByGender", "timeAtRisk/tarSettings",
    "timeAtRisk/tempTable",
)  # fmt: skip
NAMES = {"target_cohort_definition_id": "target", "outcome_id": "outcome", "tar_id": "at_risk"}
STRATA = {"gender_id": "sex", "start_year": "year"}
COUNTS = {
    "persons_at_risk_pe": "persons_before", "persons_at_risk": "persons", "person_days_pe": "days_before",
    "person_days": "days", "person_outcomes_pe": "persons_with_before", "person_outcomes": "persons_with",
    "outcomes_pe": "outcomes_before", "outcomes": "outcomes",
}  # fmt: skip
MEASURES = {"incidence_proportion_p100p": "proportion", "incidence_rate_p100py": "rate"}
Row = dict[str, Any]


def _day(told: str) -> int:
    return (date.fromisoformat(told) - date(1970, 1, 1)).days


def _found(folder: Path, case: str, tmp_path: Path) -> tuple[Design, list[Row]]:
    design = reader.read(folder / f"{case}Test.json")
    tables = json.loads((folder / f"{case}_PREP.json").read_text())
    (members,) = (rows for name, rows in tables.items() if name.endswith(".cohort"))
    stays = [
        (row["cohort_definition_id"], row["subject_id"], _day(row["cohort_start_date"]), _day(row["cohort_end_date"]))
        for row in members
    ]
    model = {name.split(".")[1]: rows for name, rows in tables.items() if name.startswith("cdm.")}
    with cdm.desk(tmp_path, model) as desk:
        desk.lay("result", cdm.stays(stays))
        return design, incidence(desk, design, {name: int(name) for name in design.cohorts()}).table.to_pylist()


def _shown(row: Row, asked: Row) -> tuple[tuple[str, object], ...]:
    """What a case says of a row, in our words; cases leave out what they do not look at."""
    told = {name: row[ours] for name, ours in (COUNTS | MEASURES | STRATA | NAMES).items()}
    told["subgroup_id"], told["age_group_id"] = row["subgroup"] or "0", row["age_group"]
    return tuple((name, _rounded(told[name])) for name in sorted(asked.keys() & told.keys()))


def _expected(row: Row, design: Design) -> tuple[tuple[str, object], ...]:
    groups = {number: (low, high) for number, low, high in design.strata.groups()}
    said = dict(row)
    for name in (*NAMES, "subgroup_id"):
        said[name] = str(row[name]) if name in row else None
    if row.get("age_group_id") is not None:
        low, high = groups[row["age_group_id"]]
        said["age_group_id"] = f"<{high}" if low is None else f"{low}+" if high is None else f"{low}-{high - 1}"
    known = row.keys() & {*COUNTS, *MEASURES, *STRATA, *NAMES, "subgroup_id", "age_group_id"}
    return tuple((name, _rounded(said[name])) for name in sorted(known))


def _rounded(value: object) -> object:
    return round(float(value), 3) if isinstance(value, (int, float)) else value


@pytest.mark.parametrize("case", CASES)
def test_a_design_gives_the_summary_of_the_reference(case: str, outside: Path, tmp_path: Path) -> None:
    (expected,) = json.loads((outside / FOLDER / f"{case}_VERIFY.json").read_text()).values()
    design, found = _found(outside / FOLDER, case, tmp_path)
    assert Counter(_shown(row, expected[0]) for row in found) == Counter(_expected(row, design) for row in expected)


@pytest.mark.parametrize("name", ["simpleDesign", "emptyAgeStrataDesign"])
def test_designs_of_the_reference_are_read(name: str, outside: Path) -> None:
    design = reader.read(outside / FOLDER / f"{name}.json")
    assert design.asked()
    assert design.strata.ages == ()
