"""Which rows the concepts of sets pick."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from isthmus.research.cohorts import circe
from isthmus.research.cohorts.concepts import Pairs
from isthmus.research.cohorts.cursor import Cursor
from isthmus.research.cohorts.definition import Definition
from isthmus.research.cohorts.evaluate import evaluate
from lib import cdm


@pytest.mark.parametrize("seed", range(20))
def test_places_of_concepts_are_those_that_a_scan_finds(seed: int) -> None:
    random = np.random.default_rng(seed)
    columns = random.integers(-1, 12, (2, int(random.integers(0, 80))))
    pairs = Pairs(*columns, rows=np.ones(columns.shape[1], dtype=np.int64))
    members = np.unique(random.integers(-1, 12, int(random.integers(0, 6))))
    for name, values in zip(("concept", "source"), columns, strict=True):
        assert pairs.at(name, members).tolist() == np.flatnonzero(np.isin(values, members)).tolist()


PARENT, CHILD, OLD, CODE, OTHER = 1, 2, 3, 4, 5
EVENTS = ((PARENT, CODE), (CHILD, OTHER), (OLD, CODE), (CODE, OTHER), (None, CODE), (OTHER, None))
TABLES: dict[str, Any] = {
    "concept": [
        {"concept_id": one, "invalid_reason": "D" if one == OLD else None} for one in (PARENT, CHILD, OLD, CODE, OTHER)
    ],
    "concept_ancestor": [{"ancestor_concept_id": PARENT, "descendant_concept_id": one} for one in (CHILD, OLD)],
    "concept_relationship": [{"concept_id_1": CODE, "concept_id_2": CHILD, "relationship_id": "Maps to"}],
    "observation_period": [
        {
            "observation_period_id": one, "person_id": one, "observation_period_start_date": "2020-01-01",
            "observation_period_end_date": "2020-12-31",
        }
        for one in range(1, 7)
    ],
    "condition_occurrence": [
        {
            "condition_occurrence_id": at, "person_id": at, "condition_concept_id": standard,
            "condition_source_concept_id": source, "condition_start_date": "2020-02-01",
        }
        for at, (standard, source) in enumerate(EVENTS, start=1)
    ],
}  # fmt: skip


def _item(concept: int, *flags: str) -> dict[str, Any]:
    return {"concept": {"CONCEPT_ID": concept}, **dict.fromkeys(flags, True)}


def _definition(name: str, items: list[dict[str, Any]], **body: int) -> Definition:
    sets = [{"id": 1, "expression": {"items": items}}, {"id": 2, "expression": {"items": [_item(CODE)]}}]
    document = {"ConceptSets": sets, "PrimaryCriteria": {"CriteriaList": [{"ConditionOccurrence": body}]}}
    return circe.definition(Cursor(document, file="case.json"), name=name)


def test_sets_hold_valid_descendants_and_what_maps_to_them_less_what_is_excluded(tmp_path: Path) -> None:
    """Person 1 to 6 have one event each: parent, child, an old child, a code, nothing, and another concept."""
    asked = {
        "itself": ([_item(PARENT)], {"CodesetId": 1}, {1}),
        "below": ([_item(PARENT, "includeDescendants")], {"CodesetId": 1}, {1, 2}),
        "mapped": ([_item(PARENT, "includeDescendants", "includeMapped")], {"CodesetId": 1}, {1, 2, 4}),
        "less": ([_item(PARENT, "includeDescendants"), _item(CHILD, "isExcluded")], {"CodesetId": 1}, {1}),
        "named": ([_item(OLD)], {"CodesetId": 1}, {3}),
        "anything": ([], {}, {1, 2, 3, 4, 5, 6}),
        "nothing": ([], {"CodesetId": 1}, set()),
        "source": ([], {"ConditionSourceConcept": 2}, {1, 3, 5}),
        "both": ([_item(PARENT, "includeDescendants")], {"CodesetId": 1, "ConditionSourceConcept": 2}, {1}),
    }
    definitions = [_definition(name, items, **body) for name, (items, body, _) in asked.items()]
    with cdm.desk(tmp_path, TABLES) as desk:
        rows = evaluate(desk, definitions).rows.to_pylist()
    found = {name: {row["person_id"] for row in rows if row["cohort"] == at} for at, name in enumerate(asked, start=1)}
    assert found == {name: people for name, (_, _, people) in asked.items()}
