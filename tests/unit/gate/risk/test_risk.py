"""Risk of small tables that can be worked out by hand, and the search of levels against trying them all."""

import math
from itertools import product
from random import Random

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.base.errors import InputError
from isthmus.gate.risk.lattice import Hierarchy, optimum
from isthmus.gate.risk.measure import anonymity, classes, diversity, risk

TABLE = pa.table(
    {
        "age": ["20s", "20s", "30s", "30s", "30s", None],
        "sex": ["f", "f", "m", "m", "m", "m"],
        "disease": ["flu", "flu", "flu", "hiv", "hiv", "flu"],
        "score": [1, 2, 1, 3, 3, 1],
    }
)


def test_classes_and_risks_by_hand() -> None:
    assert anonymity(TABLE, ["sex"]) == 2
    assert anonymity(TABLE, ["age", "sex"]) == 1
    found = risk(TABLE, ["age", "sex"])
    assert (found.highest, found.average, found.unique) == (1.0, 3 / 6, 1 / 6)


def test_diversity_by_hand() -> None:
    found = diversity(TABLE.slice(2, 4), ["sex"], "disease")
    assert (found.distinct, found.entropy, found.alpha, found.c) == (2, 2, 0.5, 2.0)
    assert (found.basic_beta, found.delta, found.t) == (0.0, 0.0, 0.0)
    found = diversity(TABLE, ["sex"], "disease")
    assert found.distinct == 1
    assert math.isnan(found.c)
    assert found.basic_beta == pytest.approx(0.5)  # of 2/6, hiv becomes 2/4
    assert found.t == pytest.approx(1 / 3)  # all flu where 4 of 6 are


def test_numbers_are_compared_by_rank() -> None:
    by_class = diversity(TABLE, ["sex"], "score").t
    # Class f: (1/2, 1/2, 0) beside (1/2, 1/6, 1/3): steps 0 and 1/3, over two.
    assert by_class == pytest.approx(1 / 6)


def test_a_table_without_people_is_refused() -> None:
    with pytest.raises(InputError, match="hides nobody"):
        anonymity(TABLE.slice(0, 0), ["sex"])


_cells = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xy"), st.integers(0, 3)), min_size=1, max_size=30)


@given(_cells)
def test_k_is_the_rarest_combination(rows: list[tuple[str, str, int]]) -> None:
    table = pa.table({"one": [row[0] for row in rows], "two": [row[1] for row in rows], "s": [row[2] for row in rows]})
    pairs = [row[:2] for row in rows]
    assert anonymity(table, ["one", "two"]) == min(pairs.count(pair) for pair in pairs)
    assert len(set(classes(table, ["one", "two"]).tolist())) == len(set(pairs))
    found = diversity(table, ["one", "two"], "s")
    assert found.distinct == min(len({row[2] for row in rows if row[:2] == pair}) for pair in pairs)
    assert 1 <= found.entropy <= max(found.distinct, 1) or found.entropy >= 1


HIERARCHIES = [
    Hierarchy("age", {str(age): (str(age), f"{age // 5 * 5}", f"{age // 10 * 10}", "*") for age in range(20, 40)}),
    Hierarchy("zip", {f"{one}{two}": (f"{one}{two}", f"{one}", "*") for one, two in product("1234", "1234")}),
    Hierarchy("sex", {"f": ("f", "*"), "m": ("m", "*")}),
]


def _people(seed: int) -> pa.Table:
    draw = Random(seed)
    rows = range(draw.randint(5, 60))
    return pa.table({one.column: [draw.choice(sorted(one.values)) for _ in rows] for one in HIERARCHIES})


@pytest.mark.parametrize("seed", range(25))
def test_the_optimum_is_that_of_trying_every_node(seed: int) -> None:
    table, k, share = _people(seed), 2 + seed % 4, [0.0, 0.1, 0.3][seed % 3]
    best = math.inf
    for levels in product(range(4), range(3), range(2)):
        loss, keys = 0.0, []
        for hierarchy, level in zip(HIERARCHIES, levels, strict=True):
            raw = table.column(hierarchy.column).to_pylist()
            general = [hierarchy.values[value][level] for value in raw]
            loss += sum(
                math.log2(general.count(one) / raw.count(other)) for one, other in zip(general, raw, strict=True)
            )
            keys.append(general)
        rows = list(zip(*keys, strict=True))
        if sum(rows.count(row) < k for row in rows) <= int(share * len(rows)):
            best = min(best, loss)
    found = optimum(table, HIERARCHIES, k=k, suppressed=share)
    assert (found is None) == math.isinf(best)
    if found is not None:
        assert found.loss == pytest.approx(best, abs=1e-9)
        assert found.left_out <= share * table.num_rows


def test_a_value_without_a_hierarchy_is_said() -> None:
    with pytest.raises(InputError, match="1 values of sex are not in its hierarchy"):
        optimum(pa.table({"age": ["20"], "zip": ["11"], "sex": ["x"]}), HIERARCHIES, k=2)
