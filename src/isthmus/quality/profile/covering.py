"""Statements for persons whose spans cover a unit of time, without a row for every person and unit."""

from isthmus.quality.profile.definition import Analysis

# At which units it is asked, by the word in `value`. Achilles knows the years and months of two centuries.
STARTS = "SELECT DISTINCT start AS unit FROM {source}"
POINTS = {
    "starts": STARTS,
    "between": "SELECT unnest(range(greatest(min(start), 1900), least(max(start), 2099) + 1)) AS unit FROM {source}",
    "century": "SELECT unnest(range(1900 * 12, 2100 * 12)) AS unit",
}
# Spans of a person that overlap are made one, so that nobody is counted twice. Then it only matters how many of them
# begin and end at a unit: a running sum gives how many are open.
COVERED = """
    SELECT * FROM (WITH spans AS (
        SELECT person_id, low, high{also}, max(high) OVER (PARTITION BY person_id ORDER BY low, high
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
        FROM {source} r WHERE low <= high{where}
    ), numbered AS (
        SELECT *, count(*) FILTER (WHERE before IS NULL OR low > before)
            OVER (PARTITION BY person_id ORDER BY low, high ROWS UNBOUNDED PRECEDING) AS number
        FROM spans
    ), whole AS (
        SELECT min(low) AS low, max(high) AS high{also} FROM numbered GROUP BY person_id, number{also}
    ), steps AS (
        SELECT low AS unit{also}, count(*) AS step, false AS asked FROM whole GROUP BY low{also}
        UNION ALL SELECT high + 1 AS unit{also}, -count(*) AS step, false AS asked FROM whole GROUP BY high{also}
        UNION ALL SELECT unit{also}, 0 AS step, true AS asked FROM ({points}) p{crossed}
    ), open AS (
        SELECT unit{also}, asked, sum(step) OVER ({parted}ORDER BY unit) AS n FROM steps
    )
    SELECT {analysis_id} AS analysis_id, {strata}, sum(n) AS count_value
    FROM (SELECT *, (unit // 12) * 100 + unit % 12 + 1 AS month{decile} FROM open WHERE asked AND n > 0) s
    GROUP BY {grouped}) c
"""


def covered(analysis: Analysis, source: str) -> str:
    """The statement of one analysis over a source of spans.

    The source has `person_id`, `low`, `high` and `start`, and where the analysis is by gender and decade of age,
    `gender` and `birth_year`: they change with no span, so that they are kept, and the age is that of the unit asked.
    """
    aged = "decile" in analysis.strata
    also = ", gender, birth_year" if aged else ""
    strata = (f"{name} AS stratum_{place}" for place, name in enumerate(analysis.strata, start=1))
    return COVERED.format(
        source=source, also=also, where=f" AND {analysis.where}" if analysis.where else "",
        points=POINTS[analysis.value].format(source=source),
        crossed=" CROSS JOIN (SELECT DISTINCT gender, birth_year FROM whole) g" if aged else "",
        parted="PARTITION BY gender, birth_year " if aged else "",
        decile=", (unit - birth_year) // 10 AS decile" if aged else "",
        analysis_id=analysis.analysis_id, strata=", ".join(strata), grouped=", ".join(analysis.strata),
    )  # fmt: skip
