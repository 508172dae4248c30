"""The visits that a registry asks for: which were made, which are due, which overdue, for the patients of a part."""

from collections.abc import Mapping
from datetime import date

import pyarrow as pa

from isthmus.research.registries.enrolment.model import INDEX, Visit
from isthmus.research.registries.plan import Plan

SCHEDULE = pa.schema(
    {
        "visit": pa.string(), "nth": pa.int32(), "day": pa.int32(), "low": pa.int32(), "high": pa.int32(),
        "anchor": pa.int32(), "any": pa.bool_(),
    }
)  # fmt: skip
WANTED = pa.schema({"visit": pa.string(), "item": pa.int32()})
LAST_DAY = "SELECT max(observation_period_end_date) AS day FROM observation_period"
# done: made in its window. missed: not made, and a later one was. overdue: its window is over and nothing came after.
# ended: the patient died before its window was over.
DUE = """
    WITH anchored AS (
        SELECT m.person_id, m.site, s.visit, s.nth, s."any", CAST(a.day + s.day AS DATE) AS due,
            CAST(a.day + s.day + s.low AS DATE) AS opens, CAST(a.day + s.day + s.high AS DATE) AS closes
        FROM schedule s JOIN (
            SELECT person_id, 0 AS anchor, index_date AS day FROM member
            UNION ALL
            SELECT person_id, item AS anchor, value_date AS day FROM value WHERE "row" = 0 AND value_date IS NOT NULL
        ) a ON a.anchor = s.anchor JOIN member m ON m.person_id = a.person_id
    ), seen AS (
        SELECT t.person_id, w.visit, t.day FROM told t JOIN visit_item w ON w.item = t.item WHERE t.aside IS NULL
        UNION ALL
        SELECT v.person_id, '' AS visit, v.visit_start_date AS day FROM visited v
        JOIN member m ON m.person_id = v.person_id
    ), made AS (
        SELECT a.person_id, a.site, a.visit, a.nth, a.due, a.opens, a.closes, min(s.day) AS done
        FROM anchored a LEFT JOIN seen s ON s.person_id = a.person_id AND s.day >= a.opens AND s.day <= a.closes
            AND s.visit = CASE WHEN a."any" THEN '' ELSE a.visit END
        GROUP BY a.person_id, a.site, a.visit, a.nth, a.due, a.opens, a.closes
    ), later AS (
        SELECT person_id, max(due) FILTER (WHERE done IS NOT NULL) AS last_due FROM made GROUP BY person_id
    )
    SELECT d.person_id, d.site, d.visit, d.nth, d.due, d.opens, d.closes, d.done,
        CASE WHEN d.done IS NOT NULL THEN 'done' WHEN f.dead AND f.death <= d.closes THEN 'ended'
            WHEN l.last_due > d.due THEN 'missed' WHEN d.closes < {on} THEN 'overdue' WHEN d.opens <= {on} THEN 'due'
            ELSE 'coming' END AS state,
        CASE WHEN d.closes < {on} THEN date_diff('day', d.closes, {on}) END AS days_over
    FROM made d JOIN followed f ON f.person_id = d.person_id JOIN later l ON l.person_id = d.person_id
    ORDER BY d.person_id, d.due, d.visit
"""


def schedule(plan: Plan) -> tuple[pa.Table, pa.Table]:
    """Every occasion of every visit with its days from the anchor (0: the index); and the items that make it done."""
    visits = plan.pack.enrolment.visits
    rows = [
        {
            "visit": one.name, "nth": nth, "day": day, "low": one.low, "high": one.high,
            "anchor": _anchor(one, plan.numbers), "any": not one.items,
        }
        for one in visits.values() for nth, day in enumerate(one.days, start=1)
    ]  # fmt: skip
    items = [{"visit": one.name, "item": plan.numbers[item]} for one in visits.values() for item in one.items]
    return pa.Table.from_pylist(rows, schema=SCHEDULE), pa.Table.from_pylist(items, schema=WANTED)


def due(on: date) -> str:
    """The statement of all visits of the patients of a part, as they stand on a day."""
    return DUE.format(on=f"CAST('{on.isoformat()}' AS DATE)")


def _anchor(one: Visit, numbers: Mapping[str, int]) -> int:
    return 0 if one.anchor == INDEX else numbers[one.anchor]
