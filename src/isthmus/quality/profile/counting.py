"""Statements that turn what was scanned into the rows of `achilles_results`, and into values with their counts.

Each gives the columns that its analysis fills, by name; what is not given is null.
"""

from collections.abc import Sequence

from isthmus.quality.profile.definition import LEFT, Analysis

DIGITS = 7  # of analysis 2004, one for each table


def counts(analysis: Analysis, relation: str) -> str:
    """Rows with `count_value`, for an analysis that counts records or different values."""
    if analysis.kind == "at_least":
        return _at_least(analysis, relation)
    measure = f"coalesce(sum({LEFT}), 0)" if analysis.kind == "records" else f'count(DISTINCT "{analysis.value}")'
    return f"SELECT {_head(analysis)}, CAST({measure} AS BIGINT) AS count_value FROM {_rest(analysis, relation)}"


def values(analysis: Analysis, relation: str) -> str:
    """Rows with `value` and `n`, how often it occurs, for an analysis that is a distribution."""
    known = " AND ".join([f'"{name}" IS NOT NULL' for name in analysis.strata])
    where = " AND ".join(f"({one})" for one in (analysis.where, known) if one)
    return (
        f'SELECT {_head(analysis)}, CAST("{analysis.value}" AS DOUBLE) AS value, CAST(sum({LEFT}) AS BIGINT) AS {LEFT} '
        f"FROM {relation} r{_where(where)} GROUP BY {_grouped([*analysis.strata, analysis.value])}"
    )


def overlap(analysis: Analysis, relation: str) -> str:
    """Persons who have records in all tables of a set, for every set; as a share of all persons beside it."""
    share = "CAST(1.0 * count_value / nullif((SELECT count(DISTINCT person_id) FROM person), 0) AS VARCHAR)"
    return (
        f"SELECT {analysis.analysis_id} AS analysis_id, right(bin(wanted + {1 << DIGITS}), {DIGITS}) AS stratum_1, "
        f"{share} AS stratum_2, count_value "
        f"FROM (SELECT wanted, CAST(coalesce(sum({LEFT}), 0) AS BIGINT) AS count_value "
        f"FROM (SELECT CAST(unnest(range(1, {1 << DIGITS})) AS BIGINT) AS wanted) w LEFT JOIN "
        f"(SELECT bits, sum({LEFT}) AS {LEFT} FROM {relation} r GROUP BY bits) b ON (bits & wanted) = wanted "
        "GROUP BY wanted) s"
    )


def _at_least(analysis: Analysis, relation: str) -> str:
    """The last stratum is a number; counted are those with this number or a larger one."""
    *others, number = analysis.strata
    return (
        f"SELECT {_head(analysis)}, CAST(sum(sum({LEFT})) OVER (PARTITION BY {_grouped(others)} "
        f'ORDER BY "{number}" DESC) AS BIGINT) AS count_value FROM {_rest(analysis, relation)}'
    )


def _head(analysis: Analysis) -> str:
    strata = (f'CAST("{name}" AS VARCHAR) AS stratum_{place}' for place, name in enumerate(analysis.strata, start=1))
    return ", ".join([f"{analysis.analysis_id} AS analysis_id", *strata])


def _rest(analysis: Analysis, relation: str) -> str:
    grouped = f" GROUP BY {_grouped(analysis.strata)}" if analysis.strata else ""
    return f"{relation} r{_where(analysis.where)}{grouped}"


def _where(condition: str) -> str:
    return f" WHERE {condition}" if condition else ""


def _grouped(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
