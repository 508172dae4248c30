"""Why two records are one person, or are not: the weights of a pair one after another, as rows."""

import math

import numpy as np
import pyarrow as pa

from isthmus.linkage.model import Model
from isthmus.linkage.rules import Comparison

WATERFALL = pa.schema(
    [("l", pa.int64()), ("r", pa.int64()), ("step", pa.int8()), ("comparison", pa.string()), ("outcome", pa.string()),
     ("weight", pa.float64()), ("total", pa.float64())]
)  # fmt: skip
"""Steps of each pair: what is known of any two records, then each comparison, then the rarity of what agrees. `total`
runs along; the last is the pair's weight."""
MISSING = "missing"


def waterfall(scored: pa.Table, model: Model) -> pa.Table:
    """The steps of scored pairs (schema WATERFALL), pair by pair in the order given."""
    count = len(scored)
    prior = model.settings["probability_two_random_records_match"]
    steps: list[tuple[str, list[str], np.ndarray]] = [
        ("any two records", [""] * count, np.full(count, math.log2(prior / (1.0 - prior))))
    ]
    for one in model.rules.comparisons:
        weights = scored[f"weight_{one.name}"].to_numpy().astype(np.float64)
        steps.append((one.name, _outcomes(one, weights, model), weights))
        if f"rarity_{one.name}" in scored.column_names:
            rarity = scored[f"rarity_{one.name}"].to_numpy().astype(np.float64)
            steps.append((one.name, ["how rare it is"] * count, rarity))
    # Pair by pair: the first pair's steps, then the second's.
    weights = np.stack([values for *_, values in steps], axis=1)
    total = np.cumsum(weights, axis=1)
    width = len(steps)
    columns = [
        np.repeat(scored["l"].to_numpy(), width), np.repeat(scored["r"].to_numpy(), width),
        np.tile(np.arange(width), count), [name for _ in range(count) for name, *_ in steps],
        [outcomes[row] for row in range(count) for _, outcomes, _ in steps], weights.ravel(), total.ravel(),
    ]  # fmt: skip
    table = pa.table([pa.array(column) for column in columns], names=WATERFALL.names).cast(WATERFALL)
    return table.filter(pa.compute.or_(pa.compute.not_equal(table["weight"], 0.0), pa.compute.equal(table["step"], 0)))


def _outcomes(one: Comparison, weights: np.ndarray, model: Model) -> list[str]:
    """The level of each pair, told by its weight; weights differ from level to level."""
    if any(level.most is not None for level in one.levels):
        label = one.levels[0].label
        return [label if value < 0.0 else "" for value in weights]
    learnt = next(said for said in model.settings["comparisons"] if said["output_column_name"] == one.name)
    levels = [level for level in learnt["comparison_levels"] if not level.get("is_null_level")]
    known = np.array([math.log2(level["m_probability"] / level["u_probability"]) for level in levels])
    nearest = np.abs(weights[:, None] - known).argmin(axis=1)
    labels = [level["label_for_charts"] for level in levels]
    return [MISSING if value == 0.0 else labels[at] for value, at in zip(weights, nearest, strict=True)]
