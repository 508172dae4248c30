"""The fixed statements from rows of OMOP to what became of every rule for every patient. None of them knows a rule.

States are numbers so that the worst of several wins: 0 not applicable, 1 met, 2 not assessable, 3 violated.
"""

from collections.abc import Sequence

from isthmus.apps.pathways.events import ITEM, domains
from isthmus.apps.pathways.pack import MANY
from isthmus.apps.pathways.plan import CLAUSE, FACT, OF, RECORDS, STEP, TO, Plan
from isthmus.apps.pathways.window import EVER

NOT_APPLICABLE, MET, NOT_ASSESSABLE, VIOLATED = range(4)
STATES = ("not applicable", "met", "not assessable", "violated")
CAUSES = (
    "", "conditions", "does not arise", "not in force", "ended before due", "not delivered", "not followed", "not seen",
    "not known",
)  # fmt: skip
CONDITIONS, ARISES_NOT, NOT_IN_FORCE, ENDED, NOT_DELIVERED, NOT_FOLLOWED, NOT_SEEN, NOT_KNOWN = range(1, 9)
HOSPITALS = {"site": "p.site", "care site": "coalesce(h.care_site_name, h.care_site_source_value, p.site)"}
EPOCH = "DATE '1970-01-01'"
NEVER = -EVER
FIRST_WORST = f"(3 - j.state) * {10 * EVER} + coalesce(j.day, {EVER})"
"""An order of what was judged: the worst first, of the same the earliest."""

CONCEPT = """
    SELECT s."set", s.concept_id FROM asked_set s
    UNION
    SELECT s."set", a.descendant_concept_id AS concept_id
    FROM asked_set s JOIN concept_ancestor a ON a.ancestor_concept_id = s.concept_id WHERE s.below
"""
WANTED = """
    SELECT s.source, s.kind, s.target, s.domain, c.concept_id
    FROM asked_source s JOIN asked_concept c ON c."set" = s."set"
"""
# Who may be on the pathway: every stay in the population.
ENTERED = """
    SELECT e.person_id, e.day, e.until, {hospital} AS hospital, p.site
    FROM entered e LEFT JOIN person p ON p.person_id = e.person_id
    LEFT JOIN care_site h ON h.care_site_id = p.care_site_id
"""
PEOPLE = "SELECT person_id, min(day) AS day FROM enrolled GROUP BY person_id"
ROW = """
    SELECT {source} AS source, e.person_id, CAST(e.{day} AS DATE) - {epoch} AS day, '{table}' AS "table",
        e.{id} AS row_id, {number} AS number, {value} AS value, e.site, e.part_id, e.place
    FROM {table} e JOIN enrolled_person m ON m.person_id = e.person_id {wanted} WHERE e.{day} IS NOT NULL
"""
ITEMS = """
    SELECT s.source, e.person_id, coalesce(e.day, m.day) AS day, 'registry' AS "table",
        CAST(NULL AS BIGINT) AS row_id, e.number, e.value, e.site, e.part_id, e.place
    FROM item_value e JOIN enrolled_person m ON m.person_id = e.person_id JOIN asked_source s ON s.item = e.item
    WHERE s.kind IN ({kinds})
"""
# What holds of a row: its value is one of those asked for, its number lies between.
FOUND = """
    SELECT r.*, s.kind, s.target, s.rank FROM raw_row r JOIN asked_source s ON s.source = r.source
    LEFT JOIN asked_value v ON v.source = r.source AND v.value = r.value
    WHERE (NOT s.valued OR v.value IS NOT NULL)
        AND (s.low IS NULL OR (r.number >= s.low AND r.number <= s.high))
"""
PATHWAY_ENTRY = """
    SELECT row_number() OVER (ORDER BY person_id, day) AS episode, person_id, day, until, hospital, site FROM enrolled
"""
PATHWAY_STEP = f"""
    SELECT row_number() OVER (ORDER BY person_id, day) AS episode, q.* FROM (
        SELECT m.person_id, min(f.day) AS day, max(m.until) AS until, min(m.hospital) AS hospital,
            arg_min(f.site, f.day) AS site
        FROM enrolled m JOIN found f ON f.person_id = m.person_id AND f.kind = {STEP}
        WHERE f.target IN ({{steps}}) AND f.day >= m.day + {{low}} AND f.day <= m.day + {{high}}
        GROUP BY m.person_id, m.day
    ) q
"""
OCCURRED = f"""
    SELECT episode, step, day, "table", row_id, site, part_id, place FROM (
        SELECT p.episode, f.target AS step, f.day, f."table", f.row_id, f.site, f.part_id, f.place, s.apart,
            max(f.day) OVER (PARTITION BY p.episode, f.target ORDER BY f.day
                RANGE BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
        FROM found f JOIN pathway p ON p.person_id = f.person_id JOIN asked_step s ON s.step = f.target
        WHERE f.kind = {STEP} AND f.day >= p.day + {{low}} AND f.day <= p.day + {{high}} {{until}}
    ) WHERE before IS NULL OR day - before > apart
"""
UNTIL = "AND f.day <= p.until"
# From when to when an episode is seen, and when nothing more can come: at death, or where the pathway ends with a stay.
SEEN = f"""
    SELECT p.episode, min(q.first) AS first, max(q.last) AS last, least(min(q.death), min({{ended}})) AS ended,
        min(q.death) AS death
    FROM (
        SELECT person_id, day AS first, day AS last, CAST(NULL AS INTEGER) AS death FROM pathway
        UNION ALL
        SELECT person_id, observation_period_start_date - {EPOCH} AS first, observation_period_end_date - {EPOCH}
            AS last, CAST(NULL AS INTEGER) AS death FROM observation_period
        UNION ALL
        SELECT person_id, visit_start_date - {EPOCH} AS first,
            coalesce(visit_end_date, visit_start_date) - {EPOCH} AS last, CAST(NULL AS INTEGER) AS death
        FROM visit_occurrence
        UNION ALL
        SELECT person_id, day AS first, day AS last, CAST(NULL AS INTEGER) AS death FROM found
        UNION ALL
        SELECT person_id, death_date - {EPOCH} AS first, death_date - {EPOCH} AS last, death_date - {EPOCH} AS death
        FROM death
    ) q JOIN pathway p ON p.person_id = q.person_id GROUP BY p.episode
"""
DELIVERY = """
    SELECT w.source, e.site, min(CAST(e.{day} AS DATE)) - {epoch} AS first,
        max(CAST(e.{day} AS DATE)) - {epoch} AS last, count(*) AS n
    FROM {table} e {wanted} JOIN asked_records r ON r.records = w.target
    LEFT JOIN pathway p ON r.after IS NOT NULL AND p.person_id = e.person_id
    WHERE e.{day} IS NOT NULL AND (r.after IS NULL OR CAST(e.{day} AS DATE) - {epoch} >= p.day + r.after)
    GROUP BY w.source, e.site
"""
ITEM_DELIVERY = f"""
    SELECT s.source, e.site, min(e.day) AS first, max(e.day) AS last, count(*) AS n FROM item_value e
    JOIN asked_source s ON s.item = e.item AND s.kind = {RECORDS} JOIN asked_records r ON r.records = s.target
    LEFT JOIN pathway p ON r.after IS NOT NULL AND p.person_id = e.person_id
    WHERE r.after IS NULL OR e.day >= p.day + r.after GROUP BY s.source, e.site
"""
DELIVERED = """
    SELECT s.target AS records, d.site, min(d.first) AS first, max(d.last) AS last, sum(d.n) AS n
    FROM ({arms}) d JOIN asked_source s ON s.source = d.source JOIN asked_records r ON r.records = s.target
    GROUP BY s.target, d.site HAVING sum(d.n) >= max(r.least)
"""
NOTHING_DELIVERED = """
    SELECT source, '' AS site, 0 AS first, 0 AS last, 0 AS n FROM asked_source WHERE FALSE
"""
FACT_FOUND = f"""
    SELECT episode, fact, code, number, day FROM (
        SELECT p.episode, f.target AS fact, c.code, f.number, f.day, row_number() OVER (
            PARTITION BY p.episode, f.target ORDER BY f.rank, CASE a.take WHEN 1 THEN f.day WHEN -1 THEN -f.day
                ELSE 2 * abs(f.day - p.day) + CASE WHEN f.day > p.day THEN 1 ELSE 0 END END, c.position, f.number
        ) AS place
        FROM found f JOIN pathway p ON p.person_id = f.person_id JOIN asked_fact a ON a.fact = f.target
        LEFT JOIN asked_code c ON c.source = f.source AND c.value = f.value
        WHERE f.kind = {FACT} AND f.day >= p.day + a.low AND f.day <= p.day + a.high
            AND (c.code IS NOT NULL OR (f.number IS NOT NULL
                AND f.source NOT IN (SELECT source FROM asked_code)))
    ) WHERE place = 1
"""
# Who needs a kind of record that a hospital does not deliver, and from when to when it does deliver it.
LACKING = """
    SELECT n.kind, n.number, s.site, max(CASE WHEN d.site IS NULL THEN 1 ELSE 0 END) AS none, max(d.first) AS first,
        min(d.last) AS last
    FROM asked_need n
    JOIN (SELECT site FROM pathway UNION SELECT site FROM occurred) s ON TRUE
    LEFT JOIN delivered d ON d.records = n.records AND d.site = s.site GROUP BY n.kind, n.number, s.site
"""
ANSWERED = f"""
    SELECT c.rule, p.episode, c.clause, CASE
        WHEN c.fact > 0 THEN CASE WHEN f.episode IS NULL THEN NULL
            WHEN c.numeric THEN (f.number >= c.low AND f.number <= c.high) = c.holds
            ELSE (k.code IS NOT NULL) = c.holds END
        WHEN d.episode IS NOT NULL THEN c.holds
        WHEN l.none = 1 THEN NULL ELSE NOT c.holds END AS truth
    FROM asked_clause c JOIN pathway p ON TRUE
    LEFT JOIN fact_found f ON f.episode = p.episode AND f.fact = c.fact
    LEFT JOIN asked_clause_code k ON k.clause = c.clause AND k.code = f.code
    LEFT JOIN (
        SELECT DISTINCT s.clause, o.episode FROM asked_clause_step s JOIN occurred o ON o.step = s.step
    ) d ON d.clause = c.clause AND d.episode = p.episode
    LEFT JOIN lacking l ON l.kind = {CLAUSE} AND l.number = c.clause AND l.site = p.site
"""
MEANT = """
    SELECT rule, episode, min(CASE WHEN truth THEN 1 ELSE 0 END) AS truth,
        min(CASE WHEN truth IS NULL THEN clause END) AS unknown,
        max(CASE WHEN truth IS NOT NULL AND NOT truth THEN 1 ELSE 0 END) AS denied
    FROM answered GROUP BY rule, episode
"""
ACTIVATION = """
    SELECT l.leg, l.rule, p.episode, p.day, p.site FROM asked_leg l JOIN pathway p ON TRUE WHERE l.anchored
    UNION ALL
    SELECT leg, rule, episode, day, site FROM (
        SELECT g.*, row_number() OVER (PARTITION BY g.leg, g.episode ORDER BY g.day) AS up,
            row_number() OVER (PARTITION BY g.leg, g.episode ORDER BY g.day DESC) AS down
        FROM (
            SELECT l.leg, l.rule, l.pick, o.episode, o.day, min(o.site) AS site
            FROM asked_leg l JOIN asked_of x ON x.leg = l.leg JOIN occurred o ON o.step = x.step
            WHERE NOT l.anchored GROUP BY l.leg, l.rule, l.pick, o.episode, o.day
        ) g
    ) WHERE pick = 0 OR (pick = 1 AND up = 1) OR (pick = -1 AND down = 1)
"""
COUNTED = """
    SELECT a.leg, a.episode, a.day, count(DISTINCT o.day) AS n, min(o.day) AS first
    FROM activation a JOIN asked_leg l ON l.leg = a.leg JOIN asked_to t ON t.leg = a.leg
    JOIN occurred o ON o.episode = a.episode AND o.step = t.step AND o.day >= a.day + l.low
        AND o.day <= a.day + l.high
    GROUP BY a.leg, a.episode, a.day
"""
# What a leg is on each of its days. A window that has no end looks as far as the patient is seen.
JUDGED = f"""
    SELECT leg, rule, episode, day, found_day, due, n,
        CAST(floor(verdict / 10) AS INTEGER) AS state, CAST(verdict % 10 AS INTEGER) AS cause FROM (
        SELECT a.leg, a.rule, a.episode, a.day, c.first AS found_day, coalesce(c.n, 0) AS n,
            CASE WHEN l.high < {EVER} THEN a.day + l.high END AS due,
            CASE
            WHEN a.day < r.valid_from OR a.day > r.valid_to THEN {NOT_APPLICABLE}{NOT_IN_FORCE}
            WHEN coalesce(c.n, 0) > l.most THEN {VIOLATED}0
            WHEN coalesce(c.n, 0) >= l.least AND l.most >= {MANY} THEN {MET}0
            WHEN k.none = 1 THEN {NOT_ASSESSABLE}{NOT_DELIVERED}
            WHEN coalesce(c.n, 0) < l.least AND l.high > 0
                AND s.ended <= a.day + CASE WHEN l.high < {EVER} THEN l.high ELSE l.followed END
                THEN {NOT_APPLICABLE}{ENDED}
            WHEN s.last < a.day + l.followed AND s.ended IS NULL THEN {NOT_ASSESSABLE}{NOT_FOLLOWED}
            WHEN s.first > a.day - l.before THEN {NOT_ASSESSABLE}{NOT_SEEN}
            WHEN a.day + l.high < k.first OR a.day + l.low > k.last THEN {NOT_ASSESSABLE}{NOT_DELIVERED}
            WHEN coalesce(c.n, 0) < l.least THEN {VIOLATED}0
            ELSE {MET}0 END AS verdict
        FROM activation a JOIN asked_leg l ON l.leg = a.leg JOIN asked_rule r ON r.rule = a.rule
        JOIN seen s ON s.episode = a.episode
        LEFT JOIN counted c ON c.leg = a.leg AND c.episode = a.episode AND c.day = a.day
        LEFT JOIN lacking k ON k.kind = {TO} AND k.number = a.leg AND k.site = a.site
    )
    UNION ALL
    SELECT l.leg, l.rule, p.episode, CAST(NULL AS INTEGER) AS day, CAST(NULL AS INTEGER) AS found_day,
        CAST(NULL AS INTEGER) AS due, 0 AS n,
        CASE WHEN k.none = 1 THEN {NOT_ASSESSABLE} ELSE {NOT_APPLICABLE} END AS state,
        CASE WHEN k.none = 1 THEN {NOT_DELIVERED} ELSE {ARISES_NOT} END AS cause
    FROM asked_leg l JOIN pathway p ON TRUE
    LEFT JOIN (SELECT DISTINCT leg, episode FROM activation) a ON a.leg = l.leg AND a.episode = p.episode
    LEFT JOIN lacking k ON k.kind = {OF} AND k.number = l.leg AND k.site = p.site
    WHERE a.leg IS NULL
"""
RESULT = f"""
    SELECT v.episode, p.person_id, p.hospital, p.site, v.rule,
        CASE WHEN m.denied = 1 THEN {NOT_APPLICABLE} WHEN v.state = {NOT_APPLICABLE} THEN v.state
            WHEN m.unknown IS NOT NULL THEN {NOT_ASSESSABLE} ELSE v.state END AS state,
        CASE WHEN m.denied = 1 THEN {CONDITIONS} WHEN v.state = {NOT_APPLICABLE} THEN v.cause
            WHEN m.unknown IS NOT NULL THEN {NOT_KNOWN} ELSE v.cause END AS cause,
        m.unknown AS clause, v.day, v.due, v.found_day, v.met, v.violated
    FROM (
        SELECT j.rule, j.episode, max(j.state) AS state, arg_max(j.cause, j.state * 1000 + j.cause) AS cause,
            nullif(arg_min(coalesce(j.day, {NEVER}), {FIRST_WORST}), {NEVER}) AS day,
            nullif(arg_min(coalesce(j.due, {NEVER}), {FIRST_WORST}), {NEVER}) AS due,
            min(j.found_day) AS found_day, count(CASE WHEN j.state = {MET} THEN 1 END) AS met,
            count(CASE WHEN j.state = {VIOLATED} THEN 1 END) AS violated
        FROM judged j GROUP BY j.rule, j.episode
    ) v JOIN pathway p ON p.episode = v.episode
    LEFT JOIN meant m ON m.rule = v.rule AND m.episode = v.episode
    ORDER BY v.episode, v.rule
"""
EVIDENCE = """
    SELECT DISTINCT a.rule, a.episode, a.day AS around, 'opens' AS role, o.step, o.day, o."table", o.row_id, o.site,
        o.part_id, o.place
    FROM activation a JOIN asked_of x ON x.leg = a.leg JOIN occurred o ON o.episode = a.episode AND o.step = x.step
        AND o.day = a.day
    UNION
    SELECT DISTINCT a.rule, a.episode, a.day AS around, 'found' AS role, o.step, o.day, o."table", o.row_id, o.site,
        o.part_id, o.place
    FROM activation a JOIN asked_leg l ON l.leg = a.leg JOIN asked_to t ON t.leg = a.leg
    JOIN occurred o ON o.episode = a.episode AND o.step = t.step AND o.day >= a.day + l.low
        AND o.day <= a.day + l.high
    ORDER BY 2, 1, 3, 4, 6, 5, 7, 8
"""
# The order in which treatments were given: what follows itself is one, and at most so many are told apart.
VARIANT = """
    SELECT p.episode, coalesce(v.path, '') AS path FROM pathway p LEFT JOIN (
        SELECT episode, string_agg(CAST(step AS TEXT), '>' ORDER BY place) AS path FROM (
            SELECT episode, step, row_number() OVER (PARTITION BY episode ORDER BY day, step) AS place FROM (
                SELECT o.episode, o.step, o.day,
                    lag(o.step) OVER (PARTITION BY o.episode ORDER BY o.day, o.step) AS before
                FROM (SELECT DISTINCT episode, step, day FROM occurred) o
                JOIN asked_step s ON s.step = o.step WHERE s.treatment
            ) WHERE before IS NULL OR before <> step
        ) WHERE place <= {most} GROUP BY episode
    ) v ON v.episode = p.episode ORDER BY 1
"""
# Which step comes next for the first time, how often, and after how many days. Step 0 is the beginning.
NEXT = """
    SELECT before, step, count(*) AS n, CAST(quantile_cont(day - before_day, 0.5) AS DOUBLE) AS days FROM (
        SELECT episode, step, day, coalesce(lag(step) OVER (PARTITION BY episode ORDER BY day, step), 0) AS before,
            coalesce(lag(day) OVER (PARTITION BY episode ORDER BY day, step), begun) AS before_day
        FROM (
            SELECT o.episode, o.step, min(o.day) AS day, min(p.day) AS begun FROM occurred o
            JOIN pathway p ON p.episode = o.episode GROUP BY o.episode, o.step
        )
    ) GROUP BY before, step ORDER BY 1, 2
"""
REACHED = """
    SELECT o.step, count(*) AS n, CAST(quantile_cont(o.day - p.day, 0.5) AS DOUBLE) AS days FROM (
        SELECT episode, step, min(day) AS day FROM occurred GROUP BY episode, step
    ) o JOIN pathway p ON p.episode = o.episode GROUP BY o.step ORDER BY 1
"""
# Concepts that nobody knows; an edition that came without any vocabulary cannot tell.
UNKNOWN = """
    SELECT DISTINCT s.concept_id FROM asked_set s LEFT JOIN concept c ON c.concept_id = s.concept_id
    WHERE c.concept_id IS NULL AND EXISTS (SELECT 1 FROM concept) ORDER BY 1
"""


def rows(plan: Plan) -> str:
    """The statement that finds every row which steps and facts want."""
    arms = []
    for anything in (False, True):
        for name in plan.domains(STEP, FACT, anything=anything):
            if name != ITEM:
                arms.append(ROW.format(epoch=EPOCH, **_columns(name, (STEP, FACT), anything=anything)))
    if _items(plan, STEP, FACT):
        arms.append(ITEMS.format(kinds=f"{STEP}, {FACT}"))
    return "\nUNION ALL\n".join(arms)


def delivered(plan: Plan) -> str:
    """The statement that tells from when to when each hospital delivers each kind of record."""
    arms = [
        DELIVERY.format(epoch=EPOCH, **_columns(name, (RECORDS,), anything=anything))
        for anything in (False, True)
        for name in plan.domains(RECORDS, anything=anything)
        if name != ITEM
    ]
    arms += [ITEM_DELIVERY] if _items(plan, RECORDS) else []
    return DELIVERED.format(arms="\nUNION ALL\n".join(arms or [NOTHING_DELIVERED]))


def among(numbers: Sequence[int]) -> str:
    """Numbers as a list of SQL."""
    return ", ".join(str(one) for one in numbers)


def _items(plan: Plan, *kinds: int) -> bool:
    return any(row["kind"] in kinds and row["domain"] == ITEM for row in plan.rows["asked_source"])


def _columns(name: str, kinds: Sequence[int], *, anything: bool) -> dict[str, str]:
    """What fills the places of ROW and DELIVERY for one domain."""
    one = domains()[name]
    filled = among(kinds)
    wanted = (
        f"JOIN asked_source w ON w.domain = '{name}' AND w.\"set\" = 0 AND w.kind IN ({filled})" if anything
        else f"JOIN wanted w ON w.domain = '{name}' AND w.concept_id = e.{one['concept']} AND w.kind IN ({filled})"
    )  # fmt: skip
    return {
        "source": "w.source", "day": one["day"], "table": one["table"], "id": one["id"], "wanted": wanted,
        "number": f"CAST(e.{one['number']} AS DOUBLE)" if one["number"] else "CAST(NULL AS DOUBLE)",
        "value": f"CAST(e.{one['value']} AS TEXT)" if one["value"] else "CAST(NULL AS TEXT)",
    }  # fmt: skip
