"""Applies confirmed proposals: new columns beside the original ones, which stay as they were written."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from isthmus.base.errors import UsageError
from isthmus.mapping.units.belief import Ints
from isthmus.mapping.units.detect import Findings
from isthmus.mapping.units.families import ASIDE, CONVERT, DROP, LOOK, MEND, RELABEL

MENDED = ("mended_value", "mended_low", "mended_high", "mended_analyte", "mended_unit", "set_aside", "repair_ids")


def apply(results: pa.Table, findings: Findings, confirmed: Iterable[int]) -> pa.Table:
    """The results with the columns MENDED; `repair_ids` lists the proposals that changed a row (null for none).

    `mended_value` and the limits are in `mended_unit`. What is set aside or relabelled keeps its numbers; `set_aside`
    says that they must not be used as results of this analyte.

    :raises UsageError: an id that no proposal has.
    """
    chosen = set(confirmed)
    proposals = {row["proposal_id"]: row for row in findings.proposals.to_pylist()}
    unknown = chosen - set(proposals)
    if unknown:
        raise UsageError(
            f"{len(unknown)} of the confirmed ids belong to no proposal about these results, so nothing was changed. "
            "Detect again and confirm what is proposed now."
        )
    mended = _Mended(results)
    rows, ids = (findings.rows[name].to_numpy() for name in ("row", "proposal_id"))
    for one in sorted(chosen):
        mended.change(proposals[one], rows[ids == one])
    return mended.table(results)


def by_rule(
    findings: Findings, least: float = 0.99, families: Iterable[str] = ("wrong-unit", "wrong-scale", "range-typed")
) -> list[int]:
    """The proposals that a rule may confirm without a person: of these families, and at least so sure.

    Another analyte is never among the default: whether a result is relabelled is for people to say.
    """
    chosen = pc.and_(
        pc.is_in(findings.proposals["family"], pa.array(list(families))),
        pc.greater_equal(findings.proposals["confidence"], least),
    )
    ids: list[int] = findings.proposals.filter(chosen)["proposal_id"].to_pylist()
    return ids


class _Mended:
    """The new columns while they are made. Words are kept as indices of a short list, so that rows cost no objects."""

    def __init__(self, results: pa.Table) -> None:
        self.numbers = {
            name: np.array(pc.fill_null(results[name], float("nan")).to_numpy(), dtype=np.float64)
            for name in ("value", "low", "high")
        }
        encoded = {name: pc.dictionary_encode(results[name].combine_chunks()) for name in ("analyte", "unit")}
        self.words = {name: word.dictionary.to_pylist() for name, word in encoded.items()}
        self.indices = {name: np.array(pc.fill_null(word.indices, -1)) for name, word in encoded.items()}
        self.aside = np.zeros(len(results), dtype=bool)
        self.changed: list[tuple[int, Ints]] = []

    def change(self, proposal: Mapping[str, Any], rows: Ints) -> None:
        """Apply one proposal to its rows."""
        action = proposal["action"]
        if action == CONVERT:
            self.numbers["value"][rows] *= proposal["factor"]
            self.numbers["value"][rows] += proposal["offset"]
        if action in (CONVERT, MEND):
            for name in ("low", "high"):
                self.numbers[name][rows] *= proposal[f"{name}_factor"]
        if action == DROP:
            self.numbers["low"][rows] = self.numbers["high"][rows] = np.nan
        if action in (CONVERT, RELABEL):
            for name in ("analyte", "unit"):
                self.words[name].append(proposal[f"to_{name}"])
                self.indices[name][rows] = len(self.words[name]) - 1
        self.aside[rows] |= action in (ASIDE, RELABEL)
        if action != LOOK:
            self.changed.append((proposal["proposal_id"], rows))

    def table(self, results: pa.Table) -> pa.Table:
        """The results with the new columns behind the old."""
        numbers = [pa.array(self.numbers[name], from_pandas=True) for name in ("value", "low", "high")]
        words = [
            pa.array(self.words[name], pa.string()).take(pa.array(self.indices[name], mask=self.indices[name] < 0))
            for name in ("analyte", "unit")
        ]
        columns = [*numbers, *words, pa.array(self.aside), self._ids(len(results))]
        for name, column in zip(MENDED, columns, strict=True):
            results = results.append_column(name, column)
        return results

    def _ids(self, count: int) -> pa.Array:
        rows = np.concatenate([np.zeros(0, dtype=np.int64), *(rows for _, rows in self.changed)])
        ids = np.concatenate([np.zeros(0, dtype=np.int64), *(np.full(len(rows), one) for one, rows in self.changed)])
        order = np.argsort(rows, kind="stable")
        lengths = np.bincount(rows, minlength=count)
        starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
        return pa.ListArray.from_arrays(starts, ids[order], mask=pa.array(lengths == 0))
