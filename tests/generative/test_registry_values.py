"""Whatever rows and items there are, the engine takes the values that a slow reading of the rules takes."""

import tempfile
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lib import registries as lib
from lib.registries import GRAM_PER_DECILITRE, GRAM_PER_LITRE, item, measured

INDEX = date(2020, 3, 1)
CONCEPTS = (101, 102, 103)
PEOPLE = (1, 2)
UNITS = {GRAM_PER_LITRE: 1.0, GRAM_PER_DECILITRE: 10.0, 0: None}
PICKS = ("first", "last", "nearest", "lowest", "highest")
Asked = tuple[str, tuple[int, ...], int | None, int | None]

FACTS = st.lists(
    st.tuples(
        st.sampled_from(PEOPLE), st.sampled_from(CONCEPTS), st.integers(-40, 40), st.integers(20, 50),
        st.sampled_from(list(UNITS)),
    ),
    max_size=25,
)  # fmt: skip
ASKED = st.lists(
    st.tuples(
        st.sampled_from(PICKS), st.lists(st.sampled_from(CONCEPTS), min_size=1, max_size=2, unique=True).map(tuple),
        st.none() | st.integers(-40, 0), st.none() | st.integers(0, 40),
    ),
    min_size=1, max_size=5,
)  # fmt: skip


def _expected(asked: Asked, person: int, facts: Sequence[tuple[int, int, int, int, int]]) -> float | None:
    """The rules, read slowly: an earlier source first, then the pick, then the earlier day, then the place."""
    pick, concepts, low, high = asked
    found = []
    for place, (one, concept, day, value, unit) in enumerate(facts):
        factor = UNITS[unit]
        if one != person or concept not in concepts or factor is None:
            continue
        if (low is not None and day < low) or (high is not None and day > high):
            continue
        key = {"first": day, "last": -day, "nearest": abs(day), "lowest": value * factor, "highest": -value * factor}
        tied = {"lowest": day, "highest": -day}.get(pick, 0)
        found.append((concepts.index(concept), key[pick], tied, day, place, value * factor))
    return min(found)[-1] if found else None


def _tables(asked: Sequence[Asked], facts: Sequence[tuple[int, int, int, int, int]]) -> Sequence[Mapping[str, Any]]:
    rows = [
        measured(person, concept, (INDEX + timedelta(days=day)).isoformat(), float(value), unit, place=place)
        for place, (person, concept, day, value, unit) in enumerate(facts)
    ]
    items = [
        item(
            f"item_{at}", "number", " | ".join(f"measurement {one}" for one in concepts), unit="g/L", pick=pick,
            window="" if low is None and high is None else
            f"{'' if low is None else low}..{'' if high is None else high}",
        )
        for at, (pick, concepts, low, high) in enumerate(asked)
    ]  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        pack = lib.write(Path(folder) / "tiny", {"laboratory": items})
        _, tables = lib.built(Path(folder), pack, lib.tables(PEOPLE, measurement=rows))
    return tables["laboratory"]


@settings(max_examples=25, deadline=None)
@given(ASKED, FACTS)
def test_the_engine_takes_the_value_that_the_rules_say(
    asked: Sequence[Asked], facts: Sequence[tuple[int, int, int, int, int]]
) -> None:
    for row in _tables(asked, facts):
        found = [row[f"item_{at}"] for at in range(len(asked))]
        assert found == [_expected(one, row["person_id"], facts) for one in asked]
