"""Scores over tables of inputs, by the engine; and values to try inputs with."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa
from sqlglot import exp

from isthmus.lake.engine import Engine
from isthmus.research.expression import Kind
from isthmus.research.scores import statement
from isthmus.research.scores.patient import Outcome
from isthmus.research.scores.rule import Input, Score

TYPES = {Kind.NUMBER: pa.float64(), Kind.TEXT: pa.string(), Kind.TRUTH: pa.bool_()}
Row = Mapping[str, Any]


def by_engine(engine: Engine, score: Score, rows: Sequence[Row], **how: Any) -> list[dict[str, Any]]:
    """One answer a row, in their order; inputs in the score's own units."""
    columns = {
        one.name: pa.array([row.get(one.name) for row in rows], TYPES[one.kind]) for one in score.inputs.values()
    }
    engine.load("told", pa.table({"at": pa.array(range(len(rows)), pa.int64()), **columns}))
    try:
        answered = engine.rows(statement.select(score, "told", keep=["at"], **how)).to_pylist()
    finally:
        engine.drop("told")
    return sorted(answered, key=lambda row: row["at"])


def as_row(outcome: Outcome) -> dict[str, Any]:
    """What the engine gives for the same, without the exact value."""
    return {"grade": outcome.grade, "missing": ", ".join(outcome.missing) or None}


def trials(one: Input, limits: Iterable[float] = ()) -> list[Any]:
    """Values of an input that are worth trying: its codes, or its range's ends and both sides of limits."""
    if one.kind is Kind.TRUTH:
        return [True, False]
    if one.codes:
        return list(one.codes)
    low, high = one.low or 0.0, one.high or 0.0
    step = 1.0 if one.whole else 0.01
    near = [limit + by for limit in limits for by in (-step, 0.0, step)]
    if one.whole:
        near += [low + by for by in range(4)]
    else:
        near += [low, high, low + (high - low) / 7]
    return sorted({round(value, 6) for value in near if low <= value <= high})


def constants(score: Score) -> list[float]:
    """The numbers that stand in a score's conditions, steps and cuts."""
    texts = [*score.let.values(), *(grade.when for grade in score.grades if grade.when)]
    trees = [text.tree() for text in texts]
    found = {float(one.this) for tree in trees for one in tree.find_all(exp.Literal) if not one.is_string}
    found |= {cut.limit for one in score.points for cut, _ in one.cuts if cut.limit is not None}
    return sorted(found)
