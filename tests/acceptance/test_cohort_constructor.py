"""The counts that CohortConstructor publishes for fractures in Eunomia GiBleed: a cohort, its union, its subgroups.

Source: README of OHDSI/CohortConstructor (Apache-2.0), records and subjects. Tolerance: none. Ages are counted there
in full years from the birthday; by the difference of calendar years, as Circe counts, 66, 38, 88, 50 records are left
where 64, 37, 86, 49 are published.
"""

from pathlib import Path

import pytest

from isthmus.flow import start
from isthmus.flow.attach import attach
from isthmus.gate.session import open_session
from isthmus.research.cohorts import files, phenotype
from isthmus.research.cohorts.evaluate import evaluate

pytestmark = pytest.mark.acceptance

FRACTURE = "{{concepts: {{f: [{concept}]}}, enter: [{{condition: f}}], take: all, leave: 0 days after end}}"
DATES = "{{of: {{cohort: {of}, its start: 2000-01-01 to 2020-01-01}}}}"
AGE = "{{of: {of}, only: [person: {{full years of age: 40 to 65}}]}}"
WOMEN = "{{of: {of}, only: [person: {{sex: [8532]}}]}}"
CONCEPTS = {"forearm": 4278672, "hip": 4230399}
STEPS = {", dates": DATES, ", age": AGE, ", women": WOMEN}
PUBLISHED = {
    "forearm": (569, 510), "hip": (138, 132), "either": (707, 611),
    "forearm, dates": (152, 143), "hip, dates": (62, 60), "either, dates": (214, 196),
    "forearm, age": (64, 62), "hip, age": (22, 22), "either, age": (86, 83),
    "forearm, women": (37, 36), "hip, women": (12, 12), "either, women": (49, 48),
}  # fmt: skip


def _asked() -> dict[str, str]:
    """Each step is a subgroup of what the step before left."""
    asked = {name: FRACTURE.format(concept=concept) for name, concept in CONCEPTS.items()}
    for name in CONCEPTS:
        of = name
        for step, text in STEPS.items():
            asked[name + step] = text.format(of=f'"{of}"')
            of = name + step
    for step in ("", *STEPS):
        asked["either" + step] = f'{{any of: ["forearm{step}", "hip{step}"]}}'
    return asked


def test_fractures_their_union_and_subgroups_have_the_counts_that_are_published(outside: Path, tmp_path: Path) -> None:
    opened = start.new(tmp_path / "ws", synthetic=True)
    assert not attach(opened, outside / "ohdsi" / "gibleed", name="gibleed").failed
    cohorts = [phenotype.read(text.encode(), name=name, file=f"{name}.yaml") for name, text in _asked().items()]
    with open_session(opened.lake, synthetic=True).desk() as desk:
        counts = files.counted(evaluate(desk, cohorts))
    assert {name: (records, subjects) for name, records, subjects in counts} == PUBLISHED
