"""From counts to verdicts: passed, failed, not applicable, or an error, as the dashboard decides them.

A check is not applicable where its table or field is not there, its table is empty, its field has no value, or no row
has its concept. It is an error where something beside its field is missing. It fails when more rows than its threshold
are wrong, in per cent; with a threshold of 0 or none, when any is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from isthmus.quality.checks.catalogue import Check
from isthmus.quality.checks.layout import Layout, is_blocked, is_missing
from isthmus.quality.checks.plan import Counts, is_asked

Status = Literal["passed", "failed", "not applicable", "error"]
NONE = Counts(0, 0)
HOLDS, LACKS = Counts(0, 1), Counts(1, 1)


@dataclass(frozen=True, slots=True)
class Result:
    """What a check found. `reason` says why it is not applicable, or an error; `counts` are None for the latter."""

    check: Check
    counts: Counts | None
    status: Status
    reason: str = ""

    @property
    def share(self) -> float:
        """Which share of the rows is wrong, from 0 to 1; 0 where there are none."""
        return self.counts.violated / self.counts.of if self.counts and self.counts.of else 0.0


def judge(checks: Sequence[Check], layout: Layout, counts: Mapping[int, Counts]) -> list[Result]:
    """The verdict on every check, in their order. `counts` are by number, of the checks that were asked."""
    empty = _empty_fields(checks, layout, counts)
    return [_judged(check, layout, counts.get(number, NONE), empty) for number, check in enumerate(checks)]


def _judged(check: Check, layout: Layout, counts: Counts, empty: set[tuple[str, str]]) -> Result:
    missing = is_missing(check, layout)
    if check.type.over == "layout":
        return _present(check, layout, missing)
    if check.type.over == "conditions":
        if "condition_occurrence" not in layout or not layout["condition_occurrence"].rows:
            return Result(check, NONE, "not applicable", "Table CONDITION_OCCURRENCE is empty.")
    elif missing:
        return Result(check, None, "not applicable", missing)
    blocked = missing or is_blocked(check, layout)
    if blocked:
        return Result(check, None, "error", blocked)
    reason = _unused(check, layout, counts, empty)
    if reason:
        return Result(check, counts, "not applicable", reason)
    return Result(check, counts, "failed" if _is_over(check, counts) else "passed")


def _present(check: Check, layout: Layout, missing: str) -> Result:
    """The verdict on whether a table or a field is there."""
    if not missing:
        return Result(check, HOLDS, "passed")
    if check.field and check.table not in layout:
        return Result(check, None, "not applicable", missing)
    return Result(check, LACKS, "failed", missing)


def _unused(check: Check, layout: Layout, counts: Counts, empty: set[tuple[str, str]]) -> str:
    """Why nothing could be looked at, though all is there; an empty text where something was."""
    if not is_asked(check, layout):
        return f"Table {check.table.upper()} is empty."
    if check.type.over in ("persons", "conditions") or check.type.name == "measureValueCompleteness":
        return ""
    named = f"{check.table.upper()}.{check.field.upper()}"
    if (check.table, check.field) in empty:
        return f"Field {named} has no value."
    if check.type.level == "CONCEPT" and not counts.of:
        concepts = ", ".join(map(str, check.concepts))
        return f"No row that counts has {named} = {concepts}."
    return ""


def _empty_fields(checks: Sequence[Check], layout: Layout, counts: Mapping[int, Counts]) -> set[tuple[str, str]]:
    """Fields of tables with rows in which no row has a value."""
    measured = {n: one for n, one in enumerate(checks) if one.type.name == "measureValueCompleteness" and n in counts}
    return {(one.table, one.field) for n, one in measured.items() if counts[n].violated == counts[n].of}


def _is_over(check: Check, counts: Counts) -> bool:
    if not check.threshold:
        return counts.violated > 0
    return bool(counts.of) and 100 * counts.violated / counts.of > check.threshold
