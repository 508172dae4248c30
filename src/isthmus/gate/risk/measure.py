"""Measures of a table: k-anonymity, l-diversity, t-closeness and their kin, and risks of re-identification.

A class is a group of rows with equal quasi-identifiers. Definitions follow pycanon 1.3 (Sáinz-Pardo and López García,
2022) and, for risks, ARX. Recursive (c, l)-diversity follows Machanavajjhala and others (2007), who put the commonest
value first; pycanon 1.3.5 puts the rarest first, and so gives a smaller c. A missing value is a value like any other.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from isthmus.base.errors import InputError

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Risk:
    """Chances of finding one person again for somebody who knows the quasi-identifiers: rows are 1 / size of class.

    `highest` and `average` over rows, and `unique`, the share of rows that are alone in their class.
    """

    highest: float
    average: float
    unique: float


@dataclass(frozen=True, slots=True)
class Diversity:
    """Of one sensitive column, the worst class for each measure.

    `distinct` values (l), `entropy` l, `alpha` (greatest share of one value), recursive `c` for l (NaN where l is 1),
    `basic_beta` and `enhanced_beta` likeness, `delta` disclosure, `t` closeness (earth mover's distance: of ranks for
    numbers, half the sum of differences for texts).
    """

    distinct: int
    entropy: int
    alpha: float
    c: float
    basic_beta: float
    enhanced_beta: float
    delta: float
    t: float


def classes(table: pa.Table, quasi: Sequence[str]) -> Ints:
    """The number of the class of each row, from 0."""
    if not table.num_rows or not quasi:
        raise InputError("a table without rows or quasi-identifiers hides nobody. Name some, and give some rows.")
    number = np.zeros(table.num_rows, dtype=np.int64)
    for name in quasi:
        code = _codes(table, name)
        number = np.unique(number * (int(code.max()) + 1) + code, return_inverse=True)[1].astype(np.int64)
    return number


def anonymity(table: pa.Table, quasi: Sequence[str]) -> int:
    """k: the size of the smallest class."""
    return int(np.bincount(classes(table, quasi)).min())


def risk(table: pa.Table, quasi: Sequence[str]) -> Risk:
    """The risks of re-identification of a table that is published as it is."""
    size = np.bincount(classes(table, quasi))
    return Risk(1 / float(size.min()), len(size) / table.num_rows, float((size == 1).sum()) / table.num_rows)


def diversity(table: pa.Table, quasi: Sequence[str], sensitive: str) -> Diversity:
    """The measures of one sensitive column."""
    counts = _crossed(classes(table, quasi), _codes(table, sensitive))
    size = counts.sum(axis=1, keepdims=True)
    share = counts / size  # of a value in a class
    overall = counts.sum(axis=0) / counts.sum()
    held = counts > 0
    relative = np.where(held, share / overall, 1.0)
    logs = np.log(share, where=held, out=np.zeros_like(share))
    gain = float((relative - 1).max())
    distinct = int(held.sum(axis=1).min())
    return Diversity(
        distinct=distinct,
        entropy=int(np.exp(-(share * logs).sum(axis=1)).min() + 1e-9),
        alpha=float(share.max()),
        c=_recursive(counts, distinct),
        basic_beta=gain,
        enhanced_beta=min(gain, float(-np.log(overall.min()))),
        delta=float(np.abs(np.log(relative)).max()),
        t=_closeness(share, overall, numbers=_is_number(table.column(sensitive).type)),
    )


def _closeness(share: Floats, overall: Floats, *, numbers: bool) -> float:
    apart = share - overall
    if not numbers:
        return float(np.abs(apart).sum(axis=1).max() / 2)
    steps = share.shape[1] - 1
    return float(np.abs(apart.cumsum(axis=1)).sum(axis=1).max() / steps) if steps else 0.0


def _recursive(counts: Ints, least: int) -> float:
    """The least whole c for which the commonest value of every class is rarer than c times the l-th and rarer ones."""
    if least == 1:
        return float("nan")
    ordered = -np.sort(-counts, axis=1)
    ratio = ordered[:, 0] / ordered[:, least - 1 :].sum(axis=1)
    return float(np.floor(ratio.max()) + 1)


def _codes(table: pa.Table, name: str) -> Ints:
    """Values as numbers in the order of the values; null comes last."""
    column = table.column(name).combine_chunks()
    values = pc.unique(column).drop_null()
    ordered = values.take(pc.sort_indices(values))
    found = pc.index_in(column, value_set=ordered).to_numpy(zero_copy_only=False)
    return np.where(np.isnan(found.astype(float)), len(ordered), np.nan_to_num(found)).astype(np.int64)


def _crossed(rows: Ints, columns: Ints) -> Ints:
    width = int(columns.max()) + 1
    flat = np.bincount(rows * width + columns, minlength=(int(rows.max()) + 1) * width)
    return flat.reshape(-1, width).astype(np.int64)


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))
