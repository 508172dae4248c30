"""Who died when, and who was last seen when: what all sources tell, reconciled; and end points from it.

A death that any source tells is a death. Its day is the earliest that no later word of the living contradicts; where
all are contradicted, the latest. What sources tell differently is listed.
"""

from collections.abc import Sequence

import pyarrow as pa
from sqlglot import exp

from isthmus.research.cohorts.concepts import step
from isthmus.research.registries.plan import Plan
from isthmus.research.registries.rules import DEATH, INDEX, Ending, Endpoint

ROLE = pa.schema({"item": pa.int32(), "role": pa.string(), "codes": pa.string()})
# Every word about life and death: `says` is death (with its day), dead (without), contact, or record.
TELLING = """
    SELECT t.person_id, CASE WHEN r.role = 'status' THEN CASE WHEN strpos(r.codes, concat('|', coalesce(t.value_code,
            CASE t.value_number WHEN 1 THEN 'yes' ELSE 'no' END), '|')) > 0 THEN 'dead' ELSE 'contact' END
            ELSE r.role END AS says,
        CASE WHEN r.role = 'status' THEN t.day ELSE t.value_date END AS day, i.name AS told_by, t.site, t.part_id,
        t.place
    FROM told t JOIN role r ON r.item = t.item JOIN item i ON i.item = t.item
    WHERE t.aside IS NULL
    UNION ALL
    SELECT d.person_id, 'death' AS says, d.death_date AS day, 'table death' AS told_by, d.site, d.part_id, d.place
    FROM deceased d JOIN member m ON m.person_id = d.person_id
    UNION ALL
    SELECT v.person_id, 'record' AS says, max(coalesce(v.visit_end_date, v.visit_start_date)) AS day,
        'table visit_occurrence' AS told_by, v.site, CAST(NULL AS BIGINT) AS part_id, CAST(NULL AS BIGINT) AS place
    FROM visited v JOIN member m ON m.person_id = v.person_id WHERE {records} GROUP BY v.person_id, v.site
    UNION ALL
    SELECT t.person_id, 'record' AS says, max(t.day) AS day, 'dated values' AS told_by, t.site,
        CAST(NULL AS BIGINT) AS part_id, CAST(NULL AS BIGINT) AS place
    FROM told t LEFT JOIN role r ON r.item = t.item WHERE {records} AND r.item IS NULL GROUP BY t.person_id, t.site
"""
FOLLOWED = """
    WITH said AS (
        SELECT person_id, max(day) FILTER (WHERE says = 'contact') AS contact,
            max(day) FILTER (WHERE says = 'record') AS record, bool_or(says IN ('death', 'dead')) AS dead,
            max(day) FILTER (WHERE says = 'dead') AS dead_by
        FROM telling GROUP BY person_id
    ), died AS (
        SELECT t.person_id, min(t.day) FILTER (WHERE s.contact IS NULL OR t.day >= s.contact) AS unopposed,
            max(t.day) AS latest
        FROM telling t JOIN said s ON s.person_id = t.person_id WHERE t.says = 'death' GROUP BY t.person_id
    ), day AS (
        SELECT m.person_id, m.index_date, coalesce(s.dead, FALSE) AS dead, coalesce(d.unopposed, d.latest) AS death_day,
            s.contact, greatest(s.contact, s.record, m.index_date) AS seen, s.dead_by
        FROM member m LEFT JOIN said s ON s.person_id = m.person_id LEFT JOIN died d ON d.person_id = m.person_id
    )
    SELECT person_id, dead, death_day IS NOT NULL AS day_told,
        CASE WHEN dead THEN coalesce(death_day, greatest(contact, dead_by), seen) END AS death,
        CASE WHEN dead THEN coalesce(death_day, greatest(contact, dead_by), seen) ELSE seen END AS last_contact
    FROM day
"""
CONFLICT = """
    WITH odd AS (
        SELECT t.person_id, f.death, count(DISTINCT t.day) FILTER (WHERE t.says = 'death') AS days,
            max(t.day) FILTER (WHERE t.says = 'contact') AS contact,
            max(t.day) FILTER (WHERE t.says = 'record') AS record, f.dead, f.day_told
        FROM telling t JOIN followed f ON f.person_id = t.person_id
        GROUP BY t.person_id, f.death, f.dead, f.day_told
    ), found AS (
        SELECT person_id, death, 'days of death differ' AS conflict FROM odd WHERE days > 1
        UNION ALL SELECT person_id, death, 'alive after death' AS conflict FROM odd WHERE dead AND contact > death
        UNION ALL SELECT person_id, death, 'records after death' AS conflict FROM odd WHERE dead AND record > death
        UNION ALL SELECT person_id, death, 'death without a day' AS conflict FROM odd WHERE dead AND NOT day_told
    )
    SELECT f.person_id, m.site AS patient_site, f.conflict, f.death AS death_taken, t.says, t.day, t.told_by, t.site,
        t.part_id, t.place
    FROM found f JOIN member m ON m.person_id = f.person_id JOIN telling t ON t.person_id = f.person_id
    WHERE t.says IN ('death', 'dead') OR (f.conflict = 'alive after death' AND t.says = 'contact' AND t.day > f.death)
        OR (f.conflict = 'records after death' AND t.says = 'record' AND t.day > f.death)
    ORDER BY f.person_id, f.conflict, t.says, t.day, t.told_by, t.site, t.place
"""
ENDPOINTS = """
    SELECT m.person_id, m.site, m.index_date, p.dead, p.death, f.day_told AS death_day_told, p.last_contact {columns}
    FROM formed_0 p JOIN member m ON m.person_id = p.person_id JOIN followed f ON f.person_id = p.person_id
    ORDER BY m.person_id
"""


def roles(plan: Plan) -> pa.Table:
    """`item, role, codes`: which items tell a death, a contact, or a status (and the codes that mean dead)."""
    follow, numbers = plan.pack.follow_up, plan.numbers
    rows: list[tuple[int, str, str | None]] = [(numbers[name], "death", None) for name in follow.death]
    rows += [(numbers[name], "contact", None) for name in follow.contact]
    rows += [(numbers[name], "status", f"|{'|'.join(codes)}|") for name, codes in follow.dead.items()]
    columns = zip(*rows, strict=True) if rows else ((), (), ())
    return pa.table([pa.array(one, kind) for one, kind in zip(columns, ROLE.types, strict=True)], schema=ROLE)


def telling(plan: Plan) -> str:
    """The statement of everything that is told of life and death."""
    return TELLING.format(records="TRUE" if plan.pack.follow_up.records else "FALSE")


def needs(plan: Plan) -> set[str]:
    """What end points need of the patients' items."""
    days = {
        one.day for point in plan.pack.endpoints.values() for one in (*point.events, *point.competing)
    } | {day for point in plan.pack.endpoints.values() for day in (point.start, point.censor)}  # fmt: skip
    named = {name for one in plan.pack.computed.conditions.values() for name in one.names}
    return days | named


def endpoints(plan: Plan) -> exp.Query:
    """One row a patient: ITEM_days and ITEM_event (1 event, 0 censored, 2 ended otherwise) of every end point."""
    columns = [sql for one in plan.pack.endpoints.values() for sql in _columns(plan, one)]
    return step(ENDPOINTS.format(columns="".join(f", {one}" for one in columns)))


def _columns(plan: Plan, one: Endpoint) -> tuple[str, str]:
    start = _day(one.start)
    event = _earliest(plan, one.events, start)
    ended = _earliest(plan, one.competing, start)
    censor = _day(one.censor)
    counted = f"{start} IS NOT NULL"
    if one.only:
        counted += f" AND coalesce({_condition(plan, one.only)}, FALSE)"
    # An event after the last word of somebody is a word about them too.
    end = f"coalesce(least({event}, {ended}), {censor})"
    kind = f"CASE WHEN {event} <= coalesce({ended}, {event}) THEN 1 WHEN {ended} IS NOT NULL THEN 2 ELSE 0 END"
    valid = f"{counted} AND {end} >= {start}"
    return (
        f"CASE WHEN {valid} THEN date_diff('day', {start}, {end}) END AS \"{one.name}_days\"",
        f'CASE WHEN {valid} THEN {kind} END AS "{one.name}_event"',
    )


def _earliest(plan: Plan, endings: Sequence[Ending], start: str) -> str:
    """The first of several days, not before the start; null where there is none."""
    days = [_ending(plan, one, start) for one in endings]
    return f"least({', '.join(days)})" if len(days) > 1 else (days[0] if days else "CAST(NULL AS DATE)")


def _ending(plan: Plan, one: Ending, start: str) -> str:
    held = f"{_day(one.day)} >= {start}"
    if one.when:
        held += f" AND {_condition(plan, one.when)}"
    return f"CASE WHEN {held} THEN {_day(one.day)} END"


def _condition(plan: Plan, text: str) -> str:
    columns = {name: exp.column(name, table="p", quoted=True) for name in plan.pack.computed.conditions[text].names}
    return f"({plan.pack.computed.conditions[text].tree(columns).sql('duckdb')})"


def _day(name: str) -> str:
    return 'p."index"' if name == INDEX else f'p."{name}"' if name != DEATH else "p.death"
