"""Designs of incidence as they are written, what is said of wrong ones, and how much work many combinations are."""

from pathlib import Path

import numpy as np
import pytest

from isthmus.base.errors import InputError
from isthmus.research.cohorts.cursor import DefinitionError
from isthmus.research.incidence import reader
from isthmus.research.incidence.design import Analysis, AtRisk, Design, Outcome, Strata
from isthmus.research.incidence.rates import incidence, interval
from lib import cdm

TOLD = """
title: Bleeding after surgery
targets: {surgery: 101, drugs: 102}
outcomes:
  bleeding: {cohort: 200, clean: 30, unless: 300}
  death: 201
at risk:
  first year: 1 day after start to 365 days after start
  before: 30 days before start to start
subgroups: [400]
by: {age: [18, 65], sex: true}
study: 2015-01-01 to open
analyses:
  - {targets: [surgery]}
  - {targets: [drugs], outcomes: [death], at risk: [before]}
"""
PERSON = {"person_id": 1, "gender_concept_id": 8532, "year_of_birth": 1950}
PERIOD = {
    "observation_period_id": 1, "person_id": 1, "observation_period_start_date": "1970-01-01",
    "observation_period_end_date": "1980-01-01",
}  # fmt: skip


def test_a_design_is_read_as_it_is_written() -> None:
    design = reader.document(TOLD.encode(), file="bleeding.yaml")
    assert design.targets == {"surgery": "101", "drugs": "102"}
    assert design.outcomes == {"bleeding": Outcome("200", 30, "300"), "death": Outcome("201")}
    assert design.at_risk == {"first year": AtRisk(1, False, 365, False), "before": AtRisk(-30, False, 0, False)}
    assert design.cohorts() == {"101", "102", "200", "201", "300", "400"}
    assert design.strata.groups() == [(1, None, 18), (2, 18, 65), (3, 65, None)]
    assert len(design.strata.kinds()) == 4
    assert design.study == (16436, None)
    assert len(design.asked()) == 5


@pytest.mark.parametrize(
    ("change", "place", "said"),
    [
        (("first year: 1 day", "first year: soon, 1 day"), "at risk.first year", "is no time at risk"),
        (("clean: 30", "clean: -1"), "outcomes.bleeding.clean", "0 to 100000 days"),
        (("unless", "instead"), "outcomes.bleeding.instead", "has no 'instead' here"),
        (("[18, 65]", "[65, 18]"), "by.age", "ascend"),
        (("[surgery]", "[surgeries]"), "analyses[0].targets[0]", "was not said above"),
        (("2015-01-01 to open", "since 2015"), "study", "is no period"),
        (("at risk:", "at risks:"), "at risks", "has no 'at risks' here"),
        (("targets: {", "targets: [{"), "line 4", "no YAML"),
    ],
)
def test_a_wrong_design_is_refused_with_file_place_and_mend(change: tuple[str, str], place: str, said: str) -> None:
    with pytest.raises(DefinitionError) as met:
        reader.document(TOLD.replace(*change, 1).encode(), file="bleeding.yaml")
    assert str(met.value).startswith(f"bleeding.yaml: {place}")
    assert said in str(met.value)


def test_a_cohort_that_was_not_given_is_named(tmp_path: Path) -> None:
    design = reader.document(TOLD.encode(), file="bleeding.yaml")
    with cdm.desk(tmp_path, {}) as desk, pytest.raises(InputError, match="names 200, 201, 300, 400, which no"):
        incidence(desk, design, {"101": 1, "102": 2})


def _many(count: int) -> Design:
    names = [str(one) for one in range(count)]
    return Design(
        {one: one for one in names}, {one: Outcome(one, 30) for one in names},
        {one: AtRisk(int(one), False, 100, False) for one in names},
        (Analysis(tuple(names), tuple(names), tuple(names)),), {}, Strata(((50,),), True, True),
    )  # fmt: skip


def test_more_combinations_are_not_more_statements(tmp_path: Path) -> None:
    steps = []
    for count in (2, 12):
        (tmp_path / str(count)).mkdir()
        with cdm.desk(tmp_path / str(count), {"person": [PERSON], "observation_period": [PERIOD]}) as desk:
            desk.lay("result", cdm.stays([(one, 1, 100 + one, 200) for one in range(count)]))
            found = incidence(desk, _many(count), {str(one): one for one in range(count)})
            assert found.table.num_rows >= count**3
            steps.append(desk.steps)
    assert steps[0] == steps[1]


def test_the_interval_of_a_rate_is_that_of_garwood() -> None:
    """Garwood 1936, table: 0 cases have 0 to 3.689, 1 has 0.0253 to 5.572, 10 have 4.795 to 18.39."""
    low, high = interval(np.array([0.0, 1.0, 10.0]))
    assert low == pytest.approx([0, 0.0253, 4.795], abs=5e-4)
    assert high == pytest.approx([3.689, 5.572, 18.39], abs=5e-3)
