"""The statement that turns values with their counts into the rows of `achilles_results_dist`.

As in Achilles: the mean and the standard deviation of the sample; a percentile is the smallest value that at least such
a share of all values does not exceed, so always one of the values. Where a value is missing it counts as one, and as
the smallest; mean, deviation and extremes leave it out.
"""

from collections.abc import Sequence

SHARES = {"median_value": 50, "p10_value": 10, "p25_value": 25, "p75_value": 75, "p90_value": 90}
STRATA = tuple(f"stratum_{place}" for place in range(1, 6))
NONE = -9999  # what Achilles puts where a percentile by rank has no value

# `reached` is how many values are no larger than this one, `known` how many are not missing.
SPREAD = """
    WITH known AS (
        SELECT *, sum(n) OVER same AS total, sum(n) FILTER (WHERE value IS NOT NULL) OVER same AS known,
            sum(n * value) OVER same / sum(n) FILTER (WHERE value IS NOT NULL) OVER same AS mean,
            sum(n) OVER (PARTITION BY {key} ORDER BY value NULLS FIRST) AS reached
        FROM {source} WINDOW same AS (PARTITION BY {key})
    )
    SELECT {key}, CAST(max(total) AS BIGINT) AS count_value, min(value) AS min_value, max(value) AS max_value,
        max(mean) AS avg_value,
        sqrt(sum(n * (value - mean) * (value - mean)) / nullif(max(known) - 1, 0)) AS stdev_value, {percentiles}
    FROM known GROUP BY {key} ORDER BY {key}
"""
BY_SHARE = "coalesce(min(value) FILTER (WHERE 100 * reached >= {share} * total), max(value))"
BY_RANK = "greatest(max(value) FILTER (WHERE 100 * (reached - n + 1) <= {share} * (total + 1)), {none})"


def spread(source: str, ranks: Sequence[int]) -> str:
    """One row for each analysis and strata of `source`; of the analyses in `ranks`, percentiles go by rank."""
    told = ", ".join(str(one) for one in ranks)
    percentiles = (
        f"CASE WHEN analysis_id IN ({told}) THEN {BY_RANK.format(share=share, none=NONE)} "
        f"ELSE {BY_SHARE.format(share=share)} END AS {name}"
        for name, share in SHARES.items()
    )
    return SPREAD.format(key=", ".join(("analysis_id", *STRATA)), source=source, percentiles=", ".join(percentiles))
