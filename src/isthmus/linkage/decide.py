"""What people decided about pairs of records, laid over their scores; and the pairs that wait for them."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from isthmus.base.errors import UsageError
from isthmus.linkage.cluster import NEVER, Clusters
from isthmus.linkage.model import probabilities, weight
from isthmus.linkage.rules import Rules

DECIDED = pa.schema([("l", pa.int64()), ("r", pa.int64()), ("same", pa.bool_())])
"""Pairs of record ids, in any order, that are one person or not. A hospital that reports a merge (ADT A40) decides."""
QUEUE = pa.schema([("l", pa.int64()), ("r", pa.int64()), ("probability", pa.float64()), ("why", pa.string())])
ALWAYS = -NEVER


def decided(scored: pa.Table, decisions: pa.Table) -> pa.Table:
    """Scored pairs with the decisions on them (schema DECIDED); pairs that were not scored are added.

    What is decided to be one person is linked before anything else, unless a constraint forbids it; what is decided to
    be two people never ends in one cluster, nor by way of a third.

    :raises UsageError: where one pair is decided both ways.
    """
    left, right = decisions["l"].to_numpy(), decisions["r"].to_numpy()
    said = pa.table({"l": np.minimum(left, right), "r": np.maximum(left, right), "same": decisions["same"]})
    said = said.group_by(["l", "r", "same"]).aggregate([])
    if len(said.group_by(["l", "r"]).aggregate([])) < len(said):
        raise UsageError("a pair is decided to be one person and two people. Take one of the decisions back.")
    value = pc.if_else(said["same"], ALWAYS, NEVER)
    fresh = pa.table({"l": said["l"], "r": said["r"], "decided": value})
    joined = scored.join(fresh, ["l", "r"], join_type="full outer")
    joined = joined.set_column(
        joined.schema.get_field_index("weight"), "weight", pc.coalesce(joined["decided"], joined["weight"])
    )
    filled = [pc.fill_null(joined[name], 0) if name.startswith(("weight_", "rarity_")) else joined[name]
              for name in scored.column_names]  # fmt: skip
    return pa.table(filled, names=scored.column_names).sort_by([("l", "ascending"), ("r", "ascending")])


def without(pairs: pa.Table, others: pa.Table) -> pa.Table:
    """Those pairs (`l`, `r`, and what else they have) that are not among others, in any order."""
    return pairs.join(others.select(["l", "r"]), ["l", "r"], join_type="left anti") if len(others) else pairs


def queue(scored: pa.Table, found: Clusters, rules: Rules) -> pa.Table:
    """The pairs that a person should look at, the surest first (schema QUEUE).

    Those between the two thresholds whose records are in two clusters (`between`), and links that were not made because
    of a rival or of what speaks against.
    """
    ids, cluster = (found.members[name].combine_chunks() for name in ("record_id", "cluster"))
    sides = [cluster.take(pc.index_in(scored[side], ids).combine_chunks()) for side in "lr"]
    grey = pc.and_(
        pc.less(scored["weight"], weight(rules.link)), pc.greater_equal(scored["weight"], weight(rules.review))
    )
    waiting = scored.filter(pc.and_(grey, pc.not_equal(*sides))).select(["l", "r", "weight"])
    cut = found.cut.filter(pc.not_equal(found.cut["reason"], "constraint"))
    waiting = waiting.append_column("why", pa.array(["between"] * len(waiting), pa.string()))
    both = pa.concat_tables([waiting, cut.rename_columns(["l", "r", "weight", "why"])])
    both = both.sort_by([("weight", "descending"), ("l", "ascending"), ("r", "ascending")])
    chances = pa.array(probabilities(both["weight"].to_numpy()))
    return pa.table([both["l"], both["r"], chances, both["why"]], schema=QUEUE)
