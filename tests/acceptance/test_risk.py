"""Risk of tables: values that pycanon 1.3.5 gives for its own files, and the published optima of ARX.

Sources: pycanon's test files (Apache-2.0) with values computed by its version 1.3.5; ARX's tests
TestAnonymizationKAnonymity and TestRiskMetrics over the Adult data (Apache-2.0). Tolerance 1e-9.
"""

import csv
import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
import pytest

from isthmus.gate.risk.lattice import Hierarchy, optimum
from isthmus.gate.risk.measure import anonymity, classes, diversity, risk

pytestmark = pytest.mark.acceptance

FILES = [
    *("adult_anonymized_3.csv", "adult_anonymized_10.csv", "adult_anonymized_20.csv"),
    *("StudentsMath_Score.csv", "StudentsMath_Score_k5.csv", "healthcare-dataset-stroke-data.csv"),
    *("stroke_k2.csv", "stroke_k5.csv", "stroke_k10.csv", "stroke_k25.csv"),
]


def _near(one: float, other: float) -> bool:
    return (math.isnan(one) and math.isnan(other)) or abs(one - other) <= 1e-9


@pytest.mark.parametrize("name", FILES)
def test_values_are_those_of_pycanon(outside: Path, name: str) -> None:
    folder = outside / "priv/pycanon"
    expected: dict[str, Any] = json.loads((folder / "computed_values.json").read_text())["datasets"][name]
    table = pc.read_csv(folder / name, convert_options=pc.ConvertOptions(strings_can_be_null=False))
    assert table.num_rows == expected["n"]
    assert anonymity(table, expected["qi"]) == expected["k"]
    (sensitive,) = expected["sa"]
    found = diversity(table, expected["qi"], sensitive)
    assert (found.distinct, found.entropy) == (expected["l"], expected["entropy_l"])
    for mine, theirs in {
        found.alpha: "alpha",
        found.basic_beta: "basic_beta",
        found.enhanced_beta: "enhanced_beta",
        found.delta: "delta",
        found.t: "t",
    }.items():
        assert _near(mine, float(expected[theirs])), theirs
    assert math.isnan(found.c) == math.isnan(float(expected["c"]))


def test_c_is_that_of_the_definition_and_pycanon_sorts_the_other_way(outside: Path) -> None:
    """The only file with l above 1: pycanon 1.3.5 gives c = 1, for it takes the rarest value as the commonest."""
    table = pc.read_csv(outside / "priv/pycanon/StudentsMath_Score_k5.csv")
    quasi = ["Teacher", "Gender", "Ethnic", "Freeredu", "wesson"]
    number = classes(table, quasi)
    least = diversity(table, quasi, "Score").distinct
    scores = table.column("Score").to_pylist()
    rising = [sorted(Counter(scores[row] for row in np.flatnonzero(number == one)).values()) for one in set(number)]

    def c(ordered: list[list[int]]) -> int:
        return max(math.floor(many[0] / sum(many[least - 1 :]) + 1) for many in ordered)

    assert c(rising) == 1
    assert c([many[::-1] for many in rising]) == diversity(table, quasi, "Score").c == 4


def _adult(folder: Path) -> tuple[pa.Table, list[Hierarchy]]:
    table = pc.read_csv(folder / "adult.csv", parse_options=pc.ParseOptions(delimiter=";"))
    table = table.set_column(1, "age", table.column("age").cast(pa.string()))
    hierarchies = []
    for name in table.column_names:
        with (folder / f"adult_hierarchy_{name}.csv").open(encoding="utf-8", newline="") as file:
            rows = [tuple(row) for row in csv.reader(file, delimiter=";")]
        hierarchies.append(Hierarchy(name, {row[0]: row for row in rows}))
    return table, hierarchies


def test_the_risk_of_adult_is_that_of_arx(outside: Path) -> None:
    folder = outside / "priv/arx"
    table, hierarchies = _adult(folder)
    published = json.loads((folder / "adult_published_optima.json").read_text())["risk_tests"]
    quasi = [one.column for one in hierarchies]
    found = risk(table, quasi)
    assert abs(found.average - published["average_risk_raw"]) <= 1e-9
    assert found.highest == published["highest_risk_raw"]


@pytest.mark.parametrize(
    ("k", "suppressed", "loss", "levels"),
    [
        (5, 0.0, 407289.5388925293, (1, 2, 1, 1, 3, 2, 2, 1, 1)),
        (100, 0.0, 453196.8932458743, (0, 4, 1, 1, 3, 2, 2, 1, 1)),
        (5, 0.04, 255559.85455731067, (1, 0, 1, 1, 3, 2, 2, 0, 1)),
        (100, 0.04, 379417.3460570988, (1, 1, 1, 1, 3, 2, 2, 1, 1)),
    ],
)
def test_the_optimum_of_adult_is_that_of_arx(
    outside: Path, k: int, suppressed: float, loss: float, levels: tuple[int, ...]
) -> None:
    table, hierarchies = _adult(outside / "priv/arx")
    found = optimum(table, hierarchies, k=k, suppressed=suppressed)
    assert found is not None
    print(f"k={k}, {suppressed:.0%}: loss {found.loss}, {found.tried} of 12,960 generalisations tried")
    assert found.levels == levels
    assert abs(found.loss / loss - 1) <= 1e-9
