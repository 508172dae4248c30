"""What is estimated from a judged sample holds the truth as often as it says."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from isthmus.base.errors import InputError
from isthmus.linkage.model import weight
from isthmus.linkage.review import SAMPLE, estimate, judged, sample
from isthmus.linkage.rules import packed

RULES = replace(packed("western"), link=0.5)


def _scored(seed: int, count: int = 20_000) -> tuple[pa.Table, np.ndarray]:
    """Pairs of which each is true with the probability that its weight stands for, a little too sure of itself."""
    rng = np.random.default_rng(seed)
    weights = np.concatenate([rng.normal(9, 5, count // 4), rng.normal(-6, 3, count)])
    chance = 1 / (1 + 2 ** (-weights * 0.8))
    table = pa.table({"l": np.arange(len(weights)), "r": np.arange(len(weights)) + 10**6, "weight": weights})
    return table, rng.random(len(weights)) < chance


def _judged(scored: pa.Table, same: np.ndarray, size: int, seed: int) -> pa.Table:
    verdicts = pa.table({"l": scored["l"], "r": scored["r"], "same": same})
    return judged(sample(scored, RULES, size, seed), verdicts)


def test_a_sample_has_every_stratum_and_says_how_many_it_stands_for() -> None:
    scored, _ = _scored(1)
    found = sample(scored, RULES, 400, 1)
    assert found.schema.equals(SAMPLE)
    assert 300 <= len(found) <= 400
    sizes = {row["stratum"]: row["pairs"] for row in found.to_pylist()}
    assert sum(sizes.values()) == len(scored)
    assert found.equals(sample(scored, RULES, 400, 1))


def test_all_judged_is_the_truth() -> None:
    scored, same = _scored(2, 400)
    precision, recall = estimate(_judged(scored, same, 10**6, 1), RULES)
    links = scored["weight"].to_numpy() >= weight(RULES.link)
    assert precision.value == pytest.approx(same[links].mean())
    assert recall.value == pytest.approx(same[links].sum() / same.sum())
    assert precision.high - precision.low == pytest.approx(0.0)


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    scored, same = _scored(3)
    links = scored["weight"].to_numpy() >= weight(RULES.link)
    truth = same[links].mean(), same[links].sum() / same.sum()
    held = np.zeros(2)
    for seed in range(200):
        for at, one in enumerate(estimate(_judged(scored, same, 600, seed), RULES)):
            held[at] += one.low <= truth[at] <= one.high
    assert (held >= 180).all()


def test_what_is_not_judged_is_not_estimated() -> None:
    scored, same = _scored(4, 400)
    found = _judged(scored.slice(0, 10), same[:10], 10, 1)
    missing = found.set_column(found.schema.get_field_index("same"), "same", pa.nulls(len(found), pa.bool_()))
    with pytest.raises(InputError, match="has to be judged"):
        estimate(missing, RULES)
