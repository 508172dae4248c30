"""The fixed statements from matched events to cohorts. None of them knows a definition; parameter tables do.

Tables between them: `match` (events of sets, see `matching`), `period` (observation periods as days), `event` (index
events: `ix, person_id, key, start_day, end_day, open_day, close_day, visit, event_id, domain`), `many` (index events
whose key occurs more than once), `delta` (deviations of conditions: `parent, node, person_id, key, d`), `stay`
(events that let a person in), `span` (from when to when), `result`.
"""

from isthmus.research.cohorts.conditions import CLOSING, DAYS, OPENING
from isthmus.research.cohorts.matching import NOWHERE, PERSON, UNSEEN, days
from isthmus.research.cohorts.plan import ROOT

FARTHEST = 2_000_000_000
EARLIEST = UNSEEN + 1  # no day is before it, but an end that is not known is
EVERYWHERE = -NOWHERE

PERIOD = f"""
    SELECT e.person_id, {days("observation_period_start_date")} AS open_day,
        {days("observation_period_end_date")} AS close_day
    FROM observation_period e WHERE {PERSON}
"""

MATCH = """
    SELECT CAST(0 AS INTEGER) AS set_id, CAST(0 AS BIGINT) AS person_id, CAST(0 AS BIGINT) AS event_id,
        CAST(0 AS INTEGER) AS start_day, CAST(0 AS INTEGER) AS end_day, CAST(0 AS BIGINT) AS visit,
        CAST(0 AS INTEGER) AS sort_day, CAST(0 AS DOUBLE) AS counted WHERE FALSE
"""

# Index events of the sets on one level of nesting. Their key is the event's own id, which the CDM may repeat.
NESTED_EVENTS = f"""
    SELECT n.set_id AS ix, m.person_id, m.event_id AS key, m.start_day, nullif(m.end_day, {UNSEEN}) AS end_day,
        o.open_day, o.close_day, m.visit, m.event_id, CAST(0 AS TINYINT) AS domain
    FROM match m JOIN nest n ON n.base = m.set_id AND n.level = {{level}}
    JOIN period o ON o.person_id = m.person_id AND m.start_day >= o.open_day AND m.start_day <= o.close_day
"""
MANY = "SELECT ix, person_id, key, count(*) AS times FROM event GROUP BY ix, person_id, key HAVING count(*) > 1"
NEVER_MANY = (
    "SELECT CAST(0 AS INTEGER) AS ix, CAST(0 AS BIGINT) AS person_id, CAST(0 AS BIGINT) AS key, 1 AS times WHERE FALSE"
)
NESTED_MATCH = """
    SELECT n.set_id, m.person_id, m.event_id, m.start_day, m.end_day, m.visit, m.sort_day, m.counted
    FROM match m JOIN nest n ON n.base = m.set_id AND n.level = {level}
    SEMI JOIN held h ON h.ix = n.set_id AND h.person_id = m.person_id AND h.key = m.event_id
"""


def _bound(name: str, end: str) -> str:
    """One end of a window as a day; null where it is not bounded, impossible where its anchor is not known."""
    never = FARTHEST if end == "low" else EARLIEST
    anchor = f"CASE WHEN l.{name}_of_index_end THEN i.end_day ELSE i.start_day END"
    return (
        f"CASE l.{name}_{end} WHEN {DAYS} THEN coalesce({anchor} + l.{name}_{end}_days, {never}) "
        f"WHEN {OPENING} THEN i.open_day WHEN {CLOSING} THEN i.close_day END AS {name}_window_{end}"
    )


BOUNDS = ", ".join(_bound(name, end) for name in ("start", "end") for end in ("low", "high"))


def _axis(axis: str, end: str) -> str:
    """The narrowest bound that both windows, and the observation period, put on the start or end of an event."""
    best, widest = ("greatest", UNSEEN) if end == "low" else ("least", FARTHEST)
    mine = "NOT" if axis == "start" else ""
    parts = [f"CASE WHEN {mine} {name}_of_event_end THEN {name}_window_{end} END" for name in ("start", "end")]
    if axis == "start":
        parts.append(f"CASE WHEN NOT any_period THEN {'open' if end == 'low' else 'close'}_day END")
    elif end == "low":  # an end that is bounded above must be known
        parts += [
            f"CASE WHEN {name}_of_event_end AND {name}_window_high IS NOT NULL THEN {EARLIEST} END"
            for name in ("start", "end")
        ]
    return f"{best}({widest}, {', '.join(parts)}) AS {axis}_{end}"


AXES = ", ".join(_axis(axis, end) for axis in ("start", "end") for end in ("low", "high"))

# Every window is a box in the event's start, end and visit: one comparison finds what lies in it.
BOX = f"""
    SELECT parent, node, set_id, op, n, counted, fallback, person_id, key, {AXES},
        CASE WHEN NOT same_visit THEN {NOWHERE} WHEN visit = {NOWHERE} THEN {EVERYWHERE} ELSE visit END AS visit_low,
        CASE WHEN NOT same_visit THEN {EVERYWHERE} ELSE visit END AS visit_high
    FROM (
        SELECT l.parent, l.node, l.set_id, l.op, l.n, l.counted, l.fallback, l.same_visit, l.any_period,
            l.start_of_event_end, l.end_of_event_end, i.person_id, i.key, i.visit, i.open_day, i.close_day, {BOUNDS}
        FROM event i JOIN leaf l ON l.ix = i.ix WHERE {{kind}}
    ) q
"""
INSIDE = """m.set_id = b.set_id AND m.person_id = b.person_id AND m.start_day >= b.start_low
    AND m.start_day <= b.start_high AND m.end_day >= b.end_low AND m.end_day <= b.end_high
    AND m.visit >= b.visit_low AND m.visit <= b.visit_high"""

# Events of the sets that conditions of a stage look for: what is looked up is small where few events are asked for.
SOUGHT = """
    SELECT set_id, person_id, start_day, end_day, visit, counted FROM match
    WHERE set_id IN (SELECT l.set_id FROM leaf l WHERE {kind})
"""
_ONCE, _COUNTED = ("l.stage = '{stage}' AND " + once for once in ("l.once", "NOT l.once"))

ONCE = f"""
    SELECT {{distinct}} b.parent, b.node, b.person_id, b.key, CASE WHEN b.fallback = 0 THEN 1 ELSE -1 END AS d
    FROM ({BOX.format(kind=_ONCE)}) b SEMI JOIN ({SOUGHT.format(kind=_ONCE)}) m ON {INSIDE}
"""
COUNTED = f"""
    SELECT parent, node, person_id, key, holds - fallback AS d FROM (
        SELECT parent, node, person_id, key, fallback,
            CASE op WHEN 0 THEN CAST(found = n AS INTEGER) WHEN 1 THEN CAST(found <= n AS INTEGER)
                ELSE CAST(found >= n AS INTEGER) END AS holds
        FROM (
            SELECT b.parent, b.node, b.person_id, b.key, b.op, b.n, b.fallback, CASE
                WHEN b.counted IS NULL THEN count(*)
                WHEN b.counted = 'START_DATE' THEN count(DISTINCT m.start_day)
                WHEN b.counted = 'END_DATE' THEN count(DISTINCT nullif(m.end_day, {UNSEEN}))
                WHEN b.counted = 'VISIT_ID' THEN count(DISTINCT nullif(m.visit, {NOWHERE}))
                ELSE count(DISTINCT m.counted) END AS found
            FROM ({BOX.format(kind=_COUNTED)}) b JOIN ({SOUGHT.format(kind=_COUNTED)}) m ON {INSIDE}
            GROUP BY b.parent, b.node, b.person_id, b.key, b.op, b.n, b.fallback, b.counted
        ) q
    ) r WHERE holds <> fallback
"""
NO_DELTA = """
    SELECT CAST(0 AS INTEGER) AS parent, CAST(0 AS INTEGER) AS node, CAST(0 AS BIGINT) AS person_id,
        CAST(0 AS BIGINT) AS key, CAST(0 AS INTEGER) AS d WHERE FALSE
"""
# A junction looks at how many of its conditions deviate; a repeated key counts each of them as often as it occurs.
JUNCTION = """
    SELECT parent, node, person_id, key, holds - fallback AS d FROM (
        SELECT parent, node, person_id, key, fallback,
            CASE op WHEN 0 THEN CAST(found = n AS INTEGER) WHEN 1 THEN CAST(found <= n AS INTEGER)
                ELSE CAST(found >= n AS INTEGER) END AS holds
        FROM (
            SELECT j.parent, j.node, s.person_id, s.key, j.fallback, j.op, j.n,
                coalesce(y.times, 1) * (j.base + s.d) AS found
            FROM (
                SELECT node, person_id, key, sum(d) AS d FROM (
                    SELECT t.parent AS node, t.person_id, t.key, t.d
                    FROM delta t JOIN junction g ON g.node = t.parent AND g.height = {height}
                    UNION ALL
                    SELECT g.node, y.person_id, y.key, 0 AS d
                    FROM many y JOIN junction g ON g.ix = y.ix AND g.height = {height}
                ) u GROUP BY node, person_id, key
            ) s JOIN junction j ON j.node = s.node
            LEFT JOIN many y ON y.ix = j.ix AND y.person_id = s.person_id AND y.key = s.key
        ) q
    ) r WHERE holds <> fallback
"""
HELD = f"""
    SELECT i.* FROM event i JOIN root r ON r.ix = i.ix
    LEFT JOIN delta t ON t.parent = {ROOT} AND t.node = r.node AND t.person_id = i.person_id AND t.key = i.key
    WHERE r.fallback + coalesce(t.d, 0) = 1
"""

_ENTRY = """
    FROM match m JOIN entry n ON n.set_id = m.set_id AND {kind}
    JOIN period o ON o.person_id = m.person_id AND m.start_day >= o.open_day AND m.start_day <= o.close_day
        AND m.start_day >= o.open_day + n.prior AND m.start_day + n.post <= o.close_day
"""
_STAY = f"""
    SELECT n.cohort, m.person_id, m.start_day, nullif(m.end_day, {UNSEEN}) AS end_day, o.close_day
"""
_EVENT = f"""
    SELECT n.ix, m.person_id, m.start_day, nullif(m.end_day, {UNSEEN}) AS end_day, o.open_day, o.close_day, m.visit,
        m.event_id, n.domain
"""


def _first(kind: str) -> str:
    """Of each cohort and person the first or last event: few share its day, and only those are put in order."""
    return f"""
    WITH possible AS MATERIALIZED (
        {_EVENT}, n.cohort, m.end_day AS last_day,
            CASE WHEN n.sorted THEN m.sort_day ELSE m.start_day END * n.direction AS day
        {_ENTRY.format(kind=f"{kind} AND n.direction <> 0")}
    ), nearest AS (SELECT cohort, person_id, min(day) AS day FROM possible GROUP BY cohort, person_id),
    chosen AS (
        SELECT p.* FROM possible p JOIN nearest f ON f.cohort = p.cohort AND f.person_id = p.person_id AND f.day = p.day
        QUALIFY row_number() OVER (
            PARTITION BY p.cohort, p.person_id
            ORDER BY p.event_id, p.domain, p.start_day, p.last_day, p.open_day, p.close_day
        ) = 1
    )"""


# Entry events of cohorts without conditions, and of those with: the latter are numbered.
STAY = f"""
    {_first("n.ix = 0")}
    {_STAY} {_ENTRY.format(kind="n.ix = 0 AND n.direction = 0")}
    UNION ALL
    SELECT cohort, person_id, start_day, end_day, close_day FROM chosen
"""
ENTERED = f"""
    {_first("n.ix <> 0")}
    SELECT ix, person_id, row_number() OVER () AS key, start_day, end_day, open_day, close_day, visit, event_id, domain
    FROM (
        {_EVENT} {_ENTRY.format(kind="n.ix <> 0 AND n.direction = 0")}
        UNION ALL
        SELECT ix, person_id, start_day, end_day, open_day, close_day, visit, event_id, domain FROM chosen
    ) q
"""


ASKED_EVENTS = "SELECT * FROM entered WHERE ix % 2 = 0"


def limited(direction: str) -> str:
    """Events that hold, of each person all, the first or the last: by start, id, domain."""
    columns = """c.cohort, c.rules, h.person_id, h.key, h.start_day, h.end_day, h.open_day, h.close_day, h.visit,
        h.event_id, h.domain"""
    return f"""
        SELECT {columns} FROM held h JOIN setting c ON c.cohort = h.ix // 2 AND c.{direction} = 0
        UNION ALL
        SELECT {columns} FROM held h JOIN setting c ON c.cohort = h.ix // 2 AND c.{direction} <> 0
        QUALIFY row_number() OVER (
            PARTITION BY c.cohort, h.person_id
            ORDER BY h.start_day * c.{direction}, h.event_id, h.domain, h.end_day, h.key
        ) = 1
    """


QUALIFIED = limited("qualified")
INCLUDED = limited("included")
# From qualified events to the rules, with the entry events of cohorts that ask nothing before their rules.
RULED_EVENTS = """
    SELECT 2 * cohort + 1 AS ix, person_id, key, start_day, end_day, open_day, close_day, visit, event_id, domain
    FROM qualified WHERE rules
    UNION ALL
    SELECT ix, person_id, key, start_day, end_day, open_day, close_day, visit, event_id, domain
    FROM entered WHERE ix % 2 = 1
"""
STAY_QUALIFIED = "SELECT cohort, person_id, start_day, end_day, close_day FROM qualified WHERE NOT rules"
STAY_INCLUDED = "SELECT cohort, person_id, start_day, end_day, close_day FROM included"

# Where standard and source concept are both in a set, an exposure is found twice, which changes no era.
EXPOSED = " UNION ALL ".join(
    f"""
    SELECT x.era, e.person_id, {days("drug_exposure_start_date")} AS start_day,
        x.reach + CASE WHEN x.supply IS NOT NULL THEN {days("drug_exposure_start_date")} + x.supply ELSE {{end}} END
            AS end_day
    FROM drug_exposure e JOIN pick_era k ON k.concept = {picked}
    JOIN exposure x ON x.era = k.era WHERE {PERSON} AND drug_exposure_start_date IS NOT NULL
    """
    for picked in ("{concept}", "{source}")
)


def collapsed(table: str, owner: str) -> str:
    """Intervals of one owner and person that touch or overlap, as one, in `joined`; most have a single one.

    `owner` is a column, or several.
    """
    return f"""
        WITH whole AS (
            SELECT {owner}, person_id, count(*) AS n, min(start_day) AS start_day, max(end_day) AS end_day
            FROM {table} GROUP BY {owner}, person_id
        ), several AS (
            SELECT {owner}, person_id, start_day, max(end_day) AS end_day
            FROM {table} SEMI JOIN (SELECT {owner}, person_id FROM whole WHERE n > 1) w USING ({owner}, person_id)
            GROUP BY {owner}, person_id, start_day
        ), joined AS (
            SELECT {owner}, person_id, start_day, end_day FROM whole WHERE n = 1
            UNION ALL
            SELECT {owner}, person_id, min(start_day) AS start_day, max(end_day) AS end_day FROM (
                SELECT {owner}, person_id, start_day, end_day,
                    sum(CASE WHEN reached >= start_day THEN 0 ELSE 1 END) OVER (
                        PARTITION BY {owner}, person_id ORDER BY start_day ROWS UNBOUNDED PRECEDING) AS part
                FROM (
                    SELECT {owner}, person_id, start_day, end_day, max(end_day) OVER (
                        PARTITION BY {owner}, person_id ORDER BY start_day
                        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reached
                    FROM several
                ) b
            ) c GROUP BY {owner}, person_id, part
        )
    """


ERA = f"""
    {collapsed("exposed", "era")}
    SELECT c.era, c.person_id, c.start_day, c.end_day - x.gap AS end_day FROM joined c JOIN exposure x ON x.era = c.era
"""
NO_ERA = """
    SELECT CAST(0 AS INTEGER) AS era, CAST(0 AS BIGINT) AS person_id, CAST(0 AS INTEGER) AS start_day,
        CAST(0 AS INTEGER) AS end_day WHERE FALSE
"""
CENSORED = """
    SELECT s.cohort, s.person_id, s.start_day, s.close_day, min(m.start_day) AS censor_day
    FROM (
        SELECT DISTINCT cohort, person_id, start_day, close_day FROM stay WHERE cohort IN (SELECT cohort FROM censor)
    ) s JOIN censor x ON x.cohort = s.cohort
    JOIN (
        SELECT set_id, person_id, start_day FROM match WHERE set_id IN (SELECT set_id FROM censor)
    ) m ON m.set_id = x.set_id AND m.person_id = s.person_id AND m.start_day >= s.start_day
        AND m.start_day <= s.close_day
    GROUP BY s.cohort, s.person_id, s.start_day, s.close_day
"""
# The earliest of the ways out that is not before the start; without any, the event does not count.
SPAN = """
    SELECT cohort, person_id, start_day, end_day + pad AS end_day FROM (
        SELECT s.cohort, s.person_id, s.start_day, c.pad, least(
            CASE WHEN s.way_out >= s.start_day THEN s.way_out END, r.end_day, x.censor_day) AS end_day
        FROM (
            SELECT t.cohort, t.person_id, t.start_day, t.close_day, CASE
                WHEN NOT d.fixed THEN t.close_day
                WHEN CASE WHEN d.fixed_of_end THEN t.end_day ELSE t.start_day END + d.fixed_days > t.close_day
                    THEN t.close_day
                ELSE CASE WHEN d.fixed_of_end THEN t.end_day ELSE t.start_day END + d.fixed_days END AS way_out
            FROM stay t JOIN setting d ON d.cohort = t.cohort
        ) s JOIN setting c ON c.cohort = s.cohort
        LEFT JOIN era r ON r.era = c.era AND r.person_id = s.person_id AND s.start_day >= r.start_day
            AND s.start_day <= r.end_day
        LEFT JOIN censored x ON x.cohort = s.cohort AND x.person_id = s.person_id AND x.start_day = s.start_day
            AND x.close_day = s.close_day
    ) q WHERE end_day IS NOT NULL
"""
RESULT = f"""
    {collapsed("span", "cohort")}
    SELECT cohort, person_id, greatest(start_day, earliest) AS start_day, least(end_day, latest) AS end_day FROM (
        SELECT g.cohort, g.person_id, g.start_day, g.end_day - c.pad AS end_day, c.earliest, c.latest
        FROM joined g JOIN setting c ON c.cohort = g.cohort
    ) q WHERE greatest(start_day, earliest) <= least(end_day, latest)
"""
NOBODY = """
    SELECT CAST(0 AS INTEGER) AS cohort, CAST(0 AS BIGINT) AS person_id, CAST(0 AS INTEGER) AS start_day,
        CAST(0 AS INTEGER) AS end_day WHERE FALSE
"""
# Patients of registries, in days since 1970.
REGISTERED = """
    SELECT cohort, person_id, date_diff('day', DATE '1970-01-01', start_date) AS start_day,
        date_diff('day', DATE '1970-01-01', greatest(start_date, end_date)) AS end_day FROM registered
"""
# Stays in the cohorts found so far, as events that later cohorts may ask for.
MEMBERS = """
    SELECT row_number() OVER (ORDER BY cohort, person_id, start_day) AS member_id, cohort, person_id,
        DATE '1970-01-01' + start_day AS start_date, DATE '1970-01-01' + end_day AS end_date
    FROM result
"""
# Days on which the weights of the cohorts that a person is in reach what is needed, from where that begins to hold to
# where it ends: a walk over the days on which a stay begins, or has just ended.
COMBINED = """
    WITH turn AS (
        SELECT cohort, person_id, need, day, sum(d) AS d FROM (
            SELECT p.cohort, r.person_id, p.need, r.start_day AS day, p.weight AS d
            FROM part p JOIN result r ON r.cohort = p.of
            UNION ALL
            SELECT p.cohort, r.person_id, p.need, r.end_day + 1 AS day, -p.weight AS d
            FROM part p JOIN result r ON r.cohort = p.of
        ) q GROUP BY cohort, person_id, need, day
    ), held AS (
        SELECT cohort, person_id, day, sum(d) OVER (
            PARTITION BY cohort, person_id ORDER BY day ROWS UNBOUNDED PRECEDING) >= need AS inside
        FROM turn
    ), edge AS (
        SELECT cohort, person_id, day, inside,
            lag(inside) OVER (PARTITION BY cohort, person_id ORDER BY day) AS before
        FROM held
    ), changed AS (
        SELECT cohort, person_id, day, inside, lead(day) OVER (PARTITION BY cohort, person_id ORDER BY day) AS next
        FROM edge WHERE inside <> coalesce(before, FALSE)
    )
    SELECT cohort, person_id, day AS start_day, next - 1 AS end_day FROM changed WHERE inside
"""
COUNTS = """
    SELECT cohort, count(*) AS records, count(DISTINCT person_id) AS subjects
    FROM result GROUP BY cohort ORDER BY cohort
"""
ROWS = """
    SELECT cohort, person_id, DATE '1970-01-01' + start_day AS start_date, DATE '1970-01-01' + end_day AS end_date
    FROM result ORDER BY cohort, person_id, start_day
"""
