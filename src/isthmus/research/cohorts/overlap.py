"""How cohorts overlap: persons in two of them, together or one after the other. One statement for all pairs."""

from collections.abc import Sequence

import pyarrow as pa

from isthmus.gate.desk import Desk
from isthmus.research.cohorts.concepts import step

OVERLAP = """
    WITH entry AS (
        SELECT cohort, person_id, min(start_day) AS day FROM result GROUP BY cohort, person_id
    ), size AS (
        SELECT cohort, count(*) AS n FROM entry GROUP BY cohort
    ), pair AS (
        SELECT a.cohort AS one, b.cohort AS other, count(*) AS both,
            sum(CASE WHEN a.day < b.day THEN 1 ELSE 0 END) AS one_first,
            sum(CASE WHEN a.day = b.day THEN 1 ELSE 0 END) AS same_day,
            sum(CASE WHEN a.day > b.day THEN 1 ELSE 0 END) AS other_first
        FROM entry a JOIN entry b ON b.person_id = a.person_id AND a.cohort < b.cohort GROUP BY a.cohort, b.cohort
    ), shared AS (
        SELECT a.cohort AS one, b.cohort AS other, count(DISTINCT a.person_id) AS together
        FROM result a JOIN result b ON b.person_id = a.person_id AND a.cohort < b.cohort
            AND a.start_day <= b.end_day AND b.start_day <= a.end_day
        GROUP BY a.cohort, b.cohort
    )
    SELECT p.one, p.other, s.n AS persons_one, t.n AS persons_other, p.both, s.n + t.n - p.both AS either,
        coalesce(h.together, 0) AS together, CAST(p.one_first AS BIGINT) AS one_first,
        CAST(p.same_day AS BIGINT) AS same_day, CAST(p.other_first AS BIGINT) AS other_first
    FROM pair p JOIN size s ON s.cohort = p.one JOIN size t ON t.cohort = p.other
    LEFT JOIN shared h ON h.one = p.one AND h.other = p.other
    ORDER BY p.one, p.other
"""


def overlap(desk: Desk, names: Sequence[str]) -> pa.Table:
    """Of every two cohorts that share somebody, from the table `result` of a desk; `names` in the order of numbers.

    `one, other` are names; `persons_one, persons_other, both, either` persons; `together` those who were in both on
    one day; `one_first, same_day, other_first` those in both, by which of the two they entered first.
    """
    found = desk.take(step(OVERLAP))
    named = {
        column: pa.array([names[number - 1] for number in found.column(column).to_pylist()], pa.string())
        for column in ("one", "other")
    }
    return pa.table(named | {name: found.column(name) for name in found.column_names[2:]})
