"""A pair's weights add up to its weight, and each says what it is of."""

import duckdb
import pyarrow as pa
import pytest

from isthmus.linkage import rules
from isthmus.linkage.explain import WATERFALL, waterfall
from isthmus.linkage.model import Model, probability, score, train, weight
from isthmus.linkage.normal import normal
from isthmus.simulation.identities import identities


@pytest.fixture(scope="module")
def scored() -> tuple[pa.Table, Model]:
    drawn = identities(persons=1_500, sites=3, seed=5)
    chosen = rules.packed("chinese")
    records = normal(drawn.records, chosen.fields)
    with duckdb.connect() as connection:
        model = train(connection, records, chosen)
        again = train(connection, records, chosen)
        assert again.settings["comparisons"] == model.settings["comparisons"]
        found = score(connection, records, model)
        assert not connection.execute("SHOW TABLES").fetchall()
    return found, model


def test_steps_add_up(scored: tuple[pa.Table, Model]) -> None:
    pairs, model = scored
    steps = waterfall(pairs, model)
    assert steps.schema.equals(WATERFALL)
    last = {(row["l"], row["r"]): row["total"] for row in steps.to_pylist()}
    for row in pairs.to_pylist():
        assert last[row["l"], row["r"]] == pytest.approx(row["weight"], abs=1e-3)


def test_steps_say_what_they_are_of(scored: tuple[pa.Table, Model]) -> None:
    pairs, model = scored
    said = {(row["comparison"], row["outcome"]) for row in waterfall(pairs, model).to_pylist()}
    assert {("name", "same characters"), ("resident", "same number"), ("birth_date", "same day")} <= said
    assert {("name", "how rare it is"), ("any two records", "")} <= said


def test_probability_and_weight_are_each_others() -> None:
    assert probability(weight(0.95)) == pytest.approx(0.95)
    assert probability(1e6) == 1.0
    assert probability(-1e6) == pytest.approx(0.0)
