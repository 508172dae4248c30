"""Rules compiled to Splink, trained without labels, and the score of every pair that is looked at."""

import logging
import math
import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from splink import DuckDBAPI, Linker, SettingsCreator
from splink.internals.exceptions import SplinkException
from splink.internals.splink_dataframe import SplinkDataFrame

from isthmus.base.errors import InputError
from isthmus.linkage.block import KEY, Connection, beside
from isthmus.linkage.rules import Comparison, Rules, sides

PRIOR = 1e-4
LEAST = -10.0
"""Pairs below this weight are left out."""
AT_ONCE = 250_000
"""Records whose pairs are scored together: some 600 MB of memory."""
SELDOM, NEVER = 1e-4, 1e-6
"""The least share of pairs of one person, and of strangers, that any outcome is believed to have."""
MARK = -1e-3
"""The weight by which Splink marks a pair that may have no more than some probability."""


@dataclass(frozen=True, slots=True)
class Model:
    """Trained weights: Splink's settings as values, to be kept as JSON beside the rules they came from."""

    rules: Rules
    settings: dict[str, Any]


def train(connection: Connection, records: pa.Table, rules: Rules) -> Model:
    """Learn how often records of one person, and of two, agree in each comparison.

    `records` are in normal form. No labels are used. How often strangers agree is seen in random pairs; how often one
    person's records do, by expectation maximisation within the blocks that the rules name (Fellegi and Sunter 1969;
    Winkler 2000), by way of Splink.

    :raises InputError: where the records do not let every comparison be learnt.
    """
    rules = rules.only(records.column_names)
    said = rules.training
    with _linker(connection, records, settings(rules)) as (linker, _):
        training = linker.training
        try:
            training.estimate_probability_two_random_records_match(list(said.certain), recall=said.recall)
            training.estimate_u_using_random_sampling(max_pairs=said.pairs, seed=said.seed)
            for block in said.within:
                training.estimate_parameters_using_expectation_maximisation(
                    block, estimate_without_term_frequencies=True
                )
        except (ValueError, ZeroDivisionError, SplinkException) as error:
            if "memory" in type(error.__cause__).__name__.lower():  # the engine's, which this room has no name for
                raise
            raise InputError(
                f"the linkage could not be trained ({type(error).__name__}): these {len(records)} records are too few, "
                "or too seldom agree where the rules say `certain` and `within`."
            ) from error
        return Model(rules, _steadied(linker.misc.save_model_to_json()))


def _steadied(learnt: dict[str, Any]) -> dict[str, Any]:
    """Settings with no share below what a sample can tell, and none that hangs on the order of a sum.

    Outcomes that were never seen have the least share.
    """
    for comparison in learnt["comparisons"]:
        levels = [level for level in comparison["comparison_levels"] if not level.get("is_null_level")]
        if not any("m_probability" in level for level in levels):
            raise InputError(
                f"nothing could be learnt of {comparison['output_column_name']}: with the columns of these records, "
                "each block of `within` looks at it, or is left out. Give the rules a block that does not."
            )
        for level in levels:
            if not level.get("fix_m_probability"):
                level["u_probability"] = _share(level.get("u_probability"), NEVER)
                level["m_probability"] = _share(level.get("m_probability"), SELDOM)
    prior = "probability_two_random_records_match"
    return learnt | {prior: _share(learnt[prior], NEVER)}


def _share(value: float | None, least: float) -> float:
    return float(f"{max(value or 0.0, least):.9g}")


def settings(rules: Rules) -> dict[str, Any]:
    """Splink's settings of rules, untrained."""
    return {
        "link_type": "dedupe_only",
        "unique_id_column_name": "record_id",
        "blocking_rules_to_generate_predictions": list(rules.pairs),
        "comparisons": [_comparison(one) for one in rules.comparisons],
        "retain_matching_columns": False,
        "retain_intermediate_calculation_columns": True,
        "probability_two_random_records_match": PRIOR,
        "max_iterations": 50,
    }


def _comparison(one: Comparison) -> dict[str, Any]:
    levels: list[dict[str, Any]] = [
        {"sql_condition": sides(one.missing), "label_for_charts": "missing", "is_null_level": True}
    ]
    for level in one.levels:
        said: dict[str, Any] = {
            "sql_condition": sides(level.when) if level.when else "ELSE",
            "label_for_charts": level.label,
        }
        if level.frequency:
            said |= {"tf_adjustment_column": level.frequency, "tf_adjustment_weight": level.weight}
        given = MARK if level.most is not None else level.given
        if given is not None:
            said |= {"m_probability": math.exp2(given - 1), "u_probability": 0.5}
            said |= {"fix_m_probability": True, "fix_u_probability": True}
        levels.append(said)
    return {"output_column_name": one.name, "comparison_levels": levels}


def score(connection: Connection, records: pa.Table, model: Model, least: float = LEAST) -> pa.Table:
    """The pairs that the rules look at, with the weight of evidence that they are one person.

    Columns: `l`, `r` (record ids), `weight` (log2 of the odds, with the prior in it), and for every comparison
    `weight_` (log2 of the Bayes factor of its outcome) and, where it has one, `rarity_` (what the value's rarity adds).
    Pairs below `least` are left out.
    """
    chunks, found = -(-len(records) // AT_ONCE), []
    with _linker(connection, records, model.settings) as (linker, _):
        for chunk in range(1, chunks + 1):
            part = linker.inference.predict_chunk(
                left_chunk=(chunk, chunks), right_chunk=(1, 1), threshold_match_weight=least, warning_mode="never"
            )
            found.append(connection.execute(_said(model.rules, part.physical_name)).to_arrow_table())
            part.drop_table_from_database_and_remove_from_cache()
    return pa.concat_tables(found)


def score_new(connection: Connection, old: str, new: pa.Table, model: Model, least: float = LEAST) -> pa.Table:
    """The same for pairs of which at least one record is new; those among the old are not looked at again.

    `old` is the name under which the connection has the old records, and `new` has the new ones, both as
    `isthmus.linkage.block.keyed` gives them. How rare a value is, is told by all records, old and new.
    """
    near = _near(connection, old, new)
    records = new.select(near.column_names)
    with _linker(connection, records, model.settings) as (linker, table), ExitStack() as lent:

        def lend(name: str, records: pa.Table) -> SplinkDataFrame:
            lent.callback(connection.unregister, name)
            return linker._db_api.register(records, table_name=name)

        # New records stand on both sides: one question in place of two, for Splink takes longer to ask than to answer.
        sides = lend("known_records", pa.concat_tables([near, records]))
        for column in sorted({level.frequency for one in model.rules.comparisons for level in one.levels} - {""}):
            shares = lend(f"frequency_{column}", _frequency(connection, old, records, near, column))
            linker.table_management.register_term_frequency_lookup(shares, column)
        found = linker.inference.predict_between(table, sides, threshold_match_weight=least, warning_mode="never")
        once = f"record_id_l < record_id_r OR record_id_r NOT IN (SELECT record_id FROM {table.physical_name})"
        said: pa.Table = connection.execute(f"{_said(model.rules, found.physical_name)} WHERE {once}").to_arrow_table()
    return said


def _near(connection: Connection, old: str, new: pa.Table) -> pa.Table:
    """Those of the old records, without their keys, that have a key in common with a new one."""
    keys = ", ".join(name for name in new.column_names if name.startswith(KEY))
    kept = connection.execute(f"SELECT record_id, {keys} FROM {old}").to_arrow_table()
    chosen = pa.table({"record_id": beside(kept, new)})
    columns = ", ".join(f'"{name}"' for name in new.column_names if not name.startswith(KEY))
    connection.register("chosen", chosen)
    try:
        found: pa.Table = connection.execute(
            f"SELECT {columns} FROM {old} SEMI JOIN chosen USING (record_id)"
        ).to_arrow_table()
        return found
    finally:
        connection.unregister("chosen")


def _frequency(connection: Connection, old: str, new: pa.Table, near: pa.Table, column: str) -> pa.Table:
    """The share that each value of the records looked at has, of all records that have one."""
    fresh = pc.value_counts(new[column].drop_null().combine_chunks())
    wanted = pc.unique(pa.chunked_array([*near[column].chunks, *new[column].chunks], pa.string())).drop_null()
    shown = {"wanted": pa.table({"v": wanted}),
             "counted": pa.table({"v": fresh.field("values"), "n": fresh.field("counts")})}  # fmt: skip
    for name, table in shown.items():
        connection.register(name, table)
    try:
        (total,) = connection.execute(f'SELECT count("{column}") FROM {old}').fetchone()
        found = connection.execute(
            f'SELECT v, sum(n) AS n FROM (SELECT "{column}" AS v, count(*) AS n FROM {old} '
            f'WHERE "{column}" IN (SELECT v FROM wanted) GROUP BY ALL UNION ALL FROM counted) GROUP BY v'
        ).to_arrow_table()
    finally:
        for name in shown:
            connection.unregister(name)
    total += len(new) - new[column].null_count
    return pa.table({column: found["v"], f"tf_{column}": pc.divide(found["n"].cast(pa.float64()), max(total, 1))})


def _said(rules: Rules, table: str) -> str:
    """Splink's pairs as this room's columns, the smaller record id on the left."""
    parts, weight_of = (
        ["least(record_id_l, record_id_r) AS l", "greatest(record_id_l, record_id_r) AS r"],
        "match_weight",
    )
    for one in rules.comparisons:
        limits = [level.most for level in one.levels if level.most is not None]
        if limits:
            held = f"CASE WHEN mw_{one.name} < 0 THEN least({weight_of}, {weight(limits[0])}) ELSE {weight_of} END"
            parts.append(f"({held} - {weight_of} + mw_{one.name})::FLOAT AS weight_{one.name}")
            weight_of = held
            continue
        parts.append(f"mw_{one.name}::FLOAT AS weight_{one.name}")
        if any(level.frequency for level in one.levels):
            parts.append(f"mw_tf_adj_{one.name}::FLOAT AS rarity_{one.name}")
    return f"SELECT {', '.join(parts)}, {weight_of} AS weight FROM {table}"


def probability(weight: float) -> float:
    """The probability that a weight of evidence stands for."""
    return 1.0 / (1.0 + math.exp2(-max(min(weight, 1000.0), -1000.0)))


def probabilities(weights: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The same of many."""
    return 1.0 / (1.0 + np.exp2(-np.clip(weights, -1000.0, 1000.0)))


def weight(probability: float) -> float:
    """The weight of evidence of a probability between 0 and 1."""
    return math.log2(probability / (1.0 - probability))


@contextmanager
def _linker(
    connection: Connection, records: pa.Table, said: dict[str, Any]
) -> Iterator[tuple[Linker, SplinkDataFrame]]:  # fmt: skip
    """Splink over some records. It leaves neither tables nor a trace in the global random generator."""
    logging.getLogger("splink").setLevel(logging.ERROR)
    state = random.getstate()
    api = DuckDBAPI(connection=connection)
    names = ["result_df"]  # Splink's own, which stays behind
    try:
        table = api.register(records)
        names.append(table.physical_name)
        # The reader of rules has looked at them; Splink's own look would take most of a small increment.
        yield Linker(table, SettingsCreator.from_path_or_dict(said), log_level=None, validate_settings=False), table
    finally:
        api.delete_tables_created_by_splink_from_db()  # type: ignore[no-untyped-call]  # Splink leaves this one without types
        for name in names:
            connection.unregister(name)
        random.setstate(state)
