"""Statements that read a source once for all analyses of it."""

import re
from collections.abc import Sequence

from isthmus.quality.profile.definition import LEFT, Analysis, Source

PART = "part"  # which set of columns a row of a scan is grouped by
WORD = re.compile(r"[a-z_][a-z_0-9]*")
PLAIN = frozenset({"not", "and", "or", "is", "null"})
Columns = tuple[str, ...]


def columns_of(analysis: Analysis) -> frozenset[str]:
    """The columns of its source that an analysis reads."""
    told = {word for word in WORD.findall(analysis.where.lower()) if word not in PLAIN}
    return frozenset({*analysis.strata, *([analysis.value] if analysis.value else ()), *told})


def groupings(source: Source, readers: Sequence[Analysis]) -> Sequence[Columns]:
    """The sets of columns by which a source is grouped: its own, then those of counts, then those of distributions.

    An analysis may read any set that holds its columns, so a set within another is left out. The values of a
    distribution are many: what needs none of them has a set without.
    """
    counts = {columns_of(one) for one in readers if not one.is_distribution}
    spreads = {columns_of(one) for one in readers if one.is_distribution}
    own = frozenset(source.scan)
    return [source.scan, *_widest(counts, own), *_widest(spreads, own)]


def scan(source: Source, readers: Sequence[Analysis]) -> str:
    """The statement that reads a source once: its rows counted in `n`, by each set of columns."""
    sets = groupings(source, readers)
    names = _names(sets)
    rows = f"({source.select(names)}) s"
    if len(sets) == 1:
        return f"SELECT {listed(names)}, count(*) AS {LEFT} FROM {rows} GROUP BY {listed(names)}"
    told = ", ".join(f"({listed(one)})" for one in sets)
    return (
        f"SELECT GROUPING({listed(names)}) AS {PART}, {listed(names)}, count(*) AS {LEFT} "
        f"FROM {rows} GROUP BY GROUPING SETS ({told})"
    )


def view(source: Source, readers: Sequence[Analysis]) -> str:
    """The statement of what other sources read of this one: the scan by its own columns, or the source as it is."""
    if source.scan:
        sets = groupings(source, readers)
        within = _within(sets, source.scan)
        return f'SELECT {listed(source.scan)}, {LEFT} FROM "{scanned(source)}"{f" WHERE {within}" if within else ""}'
    select = source.select(list(source.columns))
    return select if LEFT in source.columns else f"SELECT *, 1 AS {LEFT} FROM ({select}) s"


def relation(source: Source, readers: Sequence[Analysis], analysis: Analysis) -> tuple[str, str]:
    """Where an analysis finds its columns and `n`, and the condition on its rows, if any.

    Of a scan, that is the set of the fewest columns that holds those of the analysis.
    """
    if not source.scan:
        return source.name, ""
    sets = groupings(source, readers)
    fitting = [one for one in sets if columns_of(analysis) <= set(one)]
    # The source's own columns tell persons apart, so they come last: any other set has fewer rows.
    return scanned(source), _within(sets, min(fitting, key=lambda one: (one == source.scan, len(one))))


def scanned(source: Source) -> str:
    """The name of the table that holds a scan."""
    return f"scan_{source.name}"


def listed(names: Sequence[str]) -> str:
    """Column names as they stand in a statement, with commas between them."""
    return ", ".join(f'"{name}"' for name in names)


def _within(sets: Sequence[Columns], chosen: Columns) -> str:
    """The condition on the rows of one set: GROUPING has a bit for each column that is not in it."""
    if len(sets) == 1:
        return ""
    number = sum(1 << bit for bit, name in enumerate(reversed(_names(sets))) if name not in chosen)
    return f"{PART} = {number}"


def _names(sets: Sequence[Columns]) -> Columns:
    return tuple(dict.fromkeys(name for one in sets for name in one))


def _widest(sets: set[frozenset[str]], own: frozenset[str]) -> list[Columns]:
    """Those within no other and not within the source's own columns, in one order only."""
    kept = [one for one in sets if not one <= own and not any(one < other for other in sets)]
    return sorted(tuple(sorted(one)) for one in kept)
