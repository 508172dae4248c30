"""Statements that turn what was scanned into the rows of `achilles_results`, and into values with their counts.

Each gives the columns that its analysis fills, by name; what is not given is null. Types are those of the table that
takes the rows.
"""

from collections.abc import Sequence

from isthmus.quality.profile.definition import LEFT, Analysis
from isthmus.quality.profile.scan import listed

DIGITS = 7  # of analysis 2004, one for each table


def counts(analysis: Analysis, relation: str, within: str) -> str:
    """Rows with `count_value`, for an analysis that counts records or different values."""
    measure = f"sum({LEFT})" if analysis.kind == "records" else f'count(DISTINCT "{analysis.value}")'
    if analysis.kind == "at_least":  # the last stratum is a number; what has a larger one counts as well
        *others, number = analysis.strata
        measure = f'sum(sum({LEFT})) OVER (PARTITION BY {listed(others)} ORDER BY "{number}" DESC)'
    if not analysis.strata:
        measure = f"coalesce({measure}, 0)"
    return (
        f"SELECT {_head(analysis)}, {measure} AS count_value FROM {_rest(analysis, relation, within, analysis.strata)}"
    )


def values(analysis: Analysis, relation: str, within: str) -> str:
    """Rows with `value` and `n`, how often it occurs, for an analysis that is a distribution."""
    rest = _rest(analysis, relation, within, (*analysis.strata, analysis.value))
    return f'SELECT {_head(analysis)}, "{analysis.value}" AS value, sum({LEFT}) AS {LEFT} FROM {rest}'


def overlap(analysis: Analysis, relation: str) -> str:
    """Persons who have records in all tables of a set, for every set; as a share of all persons beside it."""
    bits = " || ".join(f"CAST(wanted // {1 << at} % 2 AS VARCHAR)" for at in reversed(range(DIGITS)))
    share = "1.0 * count_value / nullif((SELECT count(DISTINCT person_id) FROM person), 0)"
    return (
        f"SELECT {analysis.analysis_id} AS analysis_id, {bits} AS stratum_1, "
        f"{share} AS stratum_2, count_value "
        f"FROM (SELECT wanted, coalesce(sum({LEFT}), 0) AS count_value "
        f"FROM (SELECT CAST(unnest(range(1, {1 << DIGITS})) AS BIGINT) AS wanted) w LEFT JOIN "
        f"(SELECT bits, sum({LEFT}) AS {LEFT} FROM {relation} r GROUP BY bits) b ON (bits & wanted) = wanted "
        "GROUP BY wanted) s"
    )


def _head(analysis: Analysis) -> str:
    strata = (f'"{name}" AS stratum_{place}' for place, name in enumerate(analysis.strata, start=1))
    return ", ".join([f"{analysis.analysis_id} AS analysis_id", *strata])


def _rest(analysis: Analysis, relation: str, within: str, names: Sequence[str]) -> str:
    """Without the rows that lack a stratum, where that is of a distribution: as in Achilles, such have none."""
    known = [f'"{name}" IS NOT NULL' for name in analysis.strata] if analysis.is_distribution else []
    where = " AND ".join(f"({one})" for one in (within, analysis.where, *known) if one)
    grouped = f" GROUP BY {listed(names)}" if names else ""
    return f"{relation} r{f' WHERE {where}' if where else ''}{grouped}"
