"""The automatic check of one file before people look at it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

import numpy as np
import numpy.typing as npt

from isthmus.gate.release.counts import HIDDEN, REDACTED, Counts, parsed
from isthmus.gate.release.rules import Finding, Rules, Verdict

EXTREME = ("min", "max", "minimum", "maximum")
NAMING = ("_id", "_source_value", "name")  # columns that may name somebody
EYES = frozenset({"jpeg", "png", "svg", "txt"})  # types that only people can judge
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file that is to leave. `columns` is its table as text, column by column (empty for a picture or a text).

    `counts` names the columns that hold counts of people, `totals` the rows (0-based) that sum all others, `derived`
    for each column of rates or the like the columns of counts under it. `context` says what is shown of whom. In a
    file that is `noisy` all numbers have noise that hides each person: rules of counts do not apply to them.
    """

    path: str
    size: int
    context: str
    columns: Mapping[str, Sequence[str]] = field(default_factory=dict)
    counts: frozenset[str] = frozenset()
    totals: tuple[int, ...] = ()
    derived: Mapping[str, Sequence[str]] = field(default_factory=dict)
    noisy: bool = False


def check(file: File, rules: Rules) -> Verdict:
    """What the rules say of a file."""
    findings = [*_outside(file, rules), *_columns(file)]
    for name in sorted(file.counts):
        findings += _counted(file, name, rules)
    findings += _derived(file)
    return Verdict(tuple(findings))


def _outside(file: File, rules: Rules) -> Iterator[Finding]:
    kind = PurePosixPath(file.path).suffix.lstrip(".").lower()
    rows = max((len(column) for column in file.columns.values()), default=0)
    if kind not in rules.types:
        yield Finding("type", "fail", file.path, f"files of type '{kind}' do not leave; {sorted(rules.types)} do")
    if file.size > rules.bytes:
        yield Finding("size", "fail", file.path, f"it is larger than {rules.bytes:,} bytes")
    if rows > rules.rows:
        yield Finding("rows", "fail", file.path, f"it has more than {rules.rows:,} rows")
    if not file.context.strip():
        yield Finding("context", "fail", file.path, "nothing says what is shown, of whom, and beside which other files")
    if kind in EYES:
        yield Finding("eyes", "review", file.path, "a program cannot judge it; the counts under it have to be shown")


def _columns(file: File) -> Iterator[Finding]:
    for name in file.columns:
        lower = name.lower()
        if lower in {"id", "site", "place"} or lower.endswith(NAMING):
            yield Finding("column", "fail", f"{file.path}: {name}", "the column may name people or places")
        elif set(lower.replace("_", " ").split()) & set(EXTREME):
            yield Finding("extreme", "review", f"{file.path}: {name}", "a largest or smallest value is one person's")
        elif name not in {*file.counts, *file.derived} and not file.noisy and _is_number(file.columns[name]):
            yield Finding("number", "review", f"{file.path}: {name}", "nothing says on how many people it stands")


def _is_number(column: Sequence[str]) -> bool:
    try:
        return bool([float(cell) for cell in column if cell not in {"", REDACTED}])
    except ValueError:
        return False


def _counted(file: File, name: str, rules: Rules) -> Iterator[Finding]:
    where = f"{file.path}: {name}"
    if name not in file.columns:
        yield Finding("counts", "fail", where, "there is no such column")
        return
    try:
        values = parsed(file.columns[name])
    except ValueError:
        yield Finding("counts", "fail", where, f"it holds something else than whole numbers and {REDACTED}")
        return
    cells = np.delete(values, list(file.totals)) if file.totals else values
    yield from _cells(where, cells, rules)
    expected = int(cells[cells != HIDDEN].sum())
    if any(int(values[row]) != expected for row in file.totals):
        yield Finding("totals", "fail", where, "a total is not the sum of the cells as they are shown")


def _cells(where: str, cells: Counts, rules: Rules) -> Iterator[Finding]:
    low = 1 if rules.zeros else 0
    if ((cells >= low) & (cells <= rules.hide)).any():
        many = int(((cells >= low) & (cells <= rules.hide)).sum())
        yield Finding("small", "fail", where, f"{many} cells show {rules.hide} people or fewer")
    if (cells[cells != HIDDEN] % rules.base).any():
        yield Finding("rounding", "fail", where, f"not every cell is rounded to a multiple of {rules.base}")
    if (cells < HIDDEN).any():
        yield Finding("counts", "fail", where, "a count is negative")
    if rules.zeros and (cells == 0).any():
        yield Finding("zero", "review", where, "a zero tells something of everybody in its group")


def _derived(file: File) -> Iterator[Finding]:
    """Where a count under a number is hidden, the number is hidden as well."""
    for name, under in sorted(file.derived.items()):
        where = f"{file.path}: {name}"
        if name not in file.columns or not under or any(one not in file.columns for one in under):
            yield Finding("derived", "fail", where, "the counts under it are not in the file")
            continue
        hidden = [REDACTED in cells for cells in zip(*(file.columns[one] for one in under), strict=True)]
        told = [cell not in {"", REDACTED} for cell in file.columns[name]]
        if any(one and other for one, other in zip(hidden, told, strict=True)):
            yield Finding("derived", "fail", where, "it is shown where a count under it is hidden")


def thin(counts: Counts, rules: Rules) -> npt.NDArray[np.bool_]:
    """Groups of 1 to `rules.hide` people (and empty ones, unless zeros may be shown), from the true counts."""
    return (counts <= rules.hide) & (counts >= (1 if rules.zeros else 0))


def dominated(group: npt.NDArray[np.int64], value: Floats, rules: Rules) -> tuple[frozenset[int], frozenset[int]]:
    """Groups whose sum or mean would tell a contribution: by the rule of shares, and by that of percent.

    `group` numbers the group of each contribution; values that are missing (NaN) do not contribute. Negative values
    make both rules void, so their groups are in both.
    """
    by_share, by_percent = set(), set()
    for number in np.unique(group):
        some = np.sort(value[(group == number) & ~np.isnan(value)])[::-1]
        total = some.sum()
        negative = bool((some < 0).any())
        if negative or (total > 0 and some[: rules.top].sum() > rules.share * total):
            by_share.add(int(number))
        nothing = total == 0 and not rules.zeros  # everybody in the group is known to have contributed nothing
        if negative or nothing or (total > 0 and some[2:].sum() < rules.percent * some[0]):
            by_percent.add(int(number))
    return frozenset(by_share), frozenset(by_percent)
