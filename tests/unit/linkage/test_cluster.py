"""From pairs to persons: what is joined, what is not, and that constraints hold by no way around."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest

from isthmus.linkage.cluster import clusters
from isthmus.linkage.rules import Comparison, Level, Rules, Training

RULES = Rules(
    name="t", fields={}, differ=("number", "rank"), pairs=(),
    comparisons=(Comparison("evidence", "", (Level("same", ""),)),), training=Training((), 0.9, ()), link=0.5,
    review=0.1,
)  # fmt: skip


def _linked(
    pairs: Sequence[tuple[int, int, float]], numbers: Sequence[str | None], ranks: Sequence[str | None] = ()
) -> tuple[list[set[int]], dict[tuple[int, int], str]]:
    """Clusters of records 0, 1, … with these numbers; a pair's weight is all evidence that there is."""
    count = len(numbers)
    records = pa.table(
        {"record_id": pa.array(range(count), pa.int64()), "number": pa.array(numbers, pa.string()),
         "rank": pa.array(ranks or [None] * count, pa.string())}
    )  # fmt: skip
    left, right, weights = zip(*pairs, strict=True) if pairs else ((), (), ())
    scored = pa.table(
        {"l": pa.array(left, pa.int64()), "r": pa.array(right, pa.int64()), "weight": pa.array(weights, pa.float64()),
         "weight_evidence": pa.array(weights, pa.float64())}
    )  # fmt: skip
    found = clusters(records, scored, RULES)
    groups: dict[int, set[int]] = {}
    for row in found.members.to_pylist():
        groups.setdefault(row["cluster"], set()).add(row["record_id"])
    return list(groups.values()), {(row["l"], row["r"]): row["reason"] for row in found.cut.to_pylist()}


def test_what_is_linked_is_joined_by_way_of_others() -> None:
    assert _linked([(0, 1, 5.0), (1, 2, 3.0), (2, 3, -2.0)], [None] * 4)[0] == [{0, 1, 2}, {3}]


def test_no_pairs_leave_everybody_alone() -> None:
    assert _linked([], [None, None])[0] == [{0}, {1}]


def test_two_numbers_are_never_joined() -> None:
    groups, cut = _linked([(0, 1, 30.0)], ["a", "b"])
    assert groups == [{0}, {1}]
    assert cut == {(0, 1): "constraint"}


def test_two_numbers_are_not_joined_by_a_chain_and_the_stronger_link_stands() -> None:
    groups, cut = _linked([(0, 1, 20.0), (1, 2, 5.0)], ["a", None, "b"])
    assert groups == [{0, 1}, {2}]
    assert cut == {(1, 2): "constraint"}


def test_a_record_between_two_people_is_left_alone() -> None:
    """Which of two twins a newborn without a name is, nobody can say."""
    groups, cut = _linked([(0, 1, 12.0), (1, 2, 11.0)], ["a", None, "b"])
    assert groups == [{0}, {1}, {2}]
    assert set(cut.values()) == {"rival"}


def test_a_pair_that_disagrees_keeps_others_apart() -> None:
    groups, _ = _linked([(0, 1, 9.0), (1, 2, 1.0), (0, 2, -15.0)], [None] * 3)
    assert groups == [{0, 1}, {2}]


def test_strong_links_outweigh_a_pair_that_disagrees() -> None:
    assert _linked([(0, 1, 30.0), (1, 2, 28.0), (0, 2, -9.0)], [None] * 3)[0] == [{0, 1, 2}]


def test_each_column_of_the_constraints_counts() -> None:
    assert _linked([(0, 1, 30.0)], ["a", "a"], ["1", "2"])[0] == [{0}, {1}]


@pytest.mark.parametrize("seed", range(20))
def test_constraints_hold_on_any_graph(seed: int) -> None:
    rng = np.random.default_rng(seed)
    count = 40
    pairs = {(int(a), int(b)): float(rng.normal(3, 8)) for a, b in rng.integers(0, count, (150, 2)) if a < b}
    numbers = [None if one == 0 else str(one) for one in rng.integers(0, 6, count)]
    groups, _ = _linked([(*pair, value) for pair, value in pairs.items()], numbers)
    assert sorted(one for group in groups for one in group) == list(range(count))
    for group in groups:
        assert len({numbers[one] for one in group} - {None}) <= 1
