"""Lines of treatment: which drugs were begun together, and when something else was begun.

A line begins with the first drug, with any drug after so many days without one (`gap`), and with a drug that is new
later than so many days after the line began (`within`). A drug is new when it was not given in the `gap` days before.
"""

import pyarrow as pa

from isthmus.research.registries.plan import Plan
from isthmus.research.registries.rules import Lines

REGIMEN = pa.schema({"drugs": pa.string(), "regimen": pa.string()})
DOSE = """
    SELECT person_id, value_code AS drug, day, max(greatest(coalesce(until_day, day), day)) AS end_day,
        min(site) AS site
    FROM told WHERE item = {item} AND aside IS NULL AND day IS NOT NULL GROUP BY person_id, value_code, day
"""
# Days on which something is begun: `forced` after a gap, or a drug that was not given before.
OPENING = """
    SELECT person_id, day, bool_or(forced) AS forced FROM (
        SELECT person_id, day, before IS NULL OR date_diff('day', before, day) > {gap} AS forced,
            own IS NULL OR date_diff('day', own, day) > {gap} AS fresh
        FROM (
            SELECT person_id, day,
                max(end_day) OVER (PARTITION BY person_id ORDER BY day
                    RANGE BETWEEN UNBOUNDED PRECEDING AND INTERVAL 1 DAY PRECEDING) AS before,
                max(end_day) OVER (PARTITION BY person_id, drug ORDER BY day
                    RANGE BETWEEN UNBOUNDED PRECEDING AND INTERVAL 1 DAY PRECEDING) AS own
            FROM dose
        )
    ) WHERE forced OR (fresh AND {change}) GROUP BY person_id, day
"""
# From each line's first day to that of the next; the engine goes on until nobody has another.
STARTED = """
    WITH RECURSIVE started AS (
        SELECT person_id, min(day) AS day FROM opening GROUP BY person_id
        UNION ALL
        SELECT s.person_id, min(o.day) AS day FROM started s JOIN opening o ON o.person_id = s.person_id
            AND o.day > s.day AND (o.forced OR date_diff('day', s.day, o.day) > {within})
        GROUP BY s.person_id, s.day
    )
    SELECT person_id, day AS start_date, row_number() OVER (PARTITION BY person_id ORDER BY day) AS "line",
        lead(day) OVER (PARTITION BY person_id ORDER BY day) AS next_date
    FROM started
"""
LINE = """
    SELECT l.*, coalesce(n.regimen, replace(l.regimen_drugs, '|', ' + ')) AS regimen FROM (
        SELECT s.person_id, s."line", s.start_date, max(d.end_day) AS last_day, min(s.next_date) AS next_date,
            string_agg(DISTINCT d.drug, '|' ORDER BY d.drug)
                FILTER (WHERE date_diff('day', s.start_date, d.day) <= {within}) AS regimen_drugs,
            string_agg(DISTINCT d.drug, '|' ORDER BY d.drug) AS drugs, count(DISTINCT d.day) AS days_given,
            min(d.site) AS site
        FROM started s JOIN dose d ON d.person_id = s.person_id AND d.day >= s.start_date
            AND (s.next_date IS NULL OR d.day < s.next_date)
        GROUP BY s.person_id, s."line", s.start_date
    ) l LEFT JOIN regimen n ON n.drugs = l.regimen_drugs
"""
# A line ends before the next begins.
ENDED = """
    SELECT person_id, "line", start_date, CASE WHEN next_date IS NOT NULL AND last_day >= next_date THEN next_date - 1
        ELSE last_day END AS end_date, regimen, regimen_drugs, drugs, days_given, site FROM lined
"""
GIVEN = """
    SELECT l.person_id, m.site, m.index_date, l."line", l.start_date, l.end_date,
        date_diff('day', m.index_date, l.start_date) AS days_from_index, l.regimen, l.drugs, l.days_given
    FROM line l JOIN member m ON m.person_id = l.person_id ORDER BY l.person_id, l."line"
"""


def regimens(plan: Plan) -> pa.Table:
    """`drugs, regimen`: the codes in order, with | between them, and the name."""
    rows = [("|".join(sorted(one.drugs)), one.name) for one in plan.pack.regimens]
    columns = zip(*rows, strict=True) if rows else ((), ())
    return pa.table([pa.array(one, pa.string()) for one in columns], schema=REGIMEN)


def steps(lines: Lines, item: int) -> list[tuple[str, str]]:
    """The statements in their order, each with the name of its rows; the last is `line`."""
    change = "TRUE" if lines.change else "FALSE"
    return [
        ("dose", DOSE.format(item=item)), ("opening", OPENING.format(gap=lines.gap, change=change)),
        ("started", STARTED.format(within=lines.within)), ("lined", LINE.format(within=lines.within)), ("line", ENDED),
    ]  # fmt: skip
