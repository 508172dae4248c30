"""The fixed statements from stays in cohorts to persons at risk, days and cases. None of them knows a design.

They read `result` (stays: `cohort, person_id, start_day, end_day`) and the parameter tables `risk`, `outcome`,
`subgroup`, `asked`, `kind`, `age_group`, `study`. They make `spell` (times at risk of a person, which do not overlap),
`lost` (when a person is not at risk of an outcome), `burden` (days lost and outcomes of a spell), `cell` (spells by
what divides them), `total` (persons and days of a cell), and `less` (what outcomes and days lost take from it).
"""

from isthmus.research.cohorts.matching import EPOCH
from isthmus.research.cohorts.statements import PERIOD, collapsed

ALL = -1  # in the place of age group, sex or year: not divided by it
EVERYBODY = 0  # the subgroup of all

OBSERVED = PERIOD.format(chunks=1, chunk=0, among="")
# A time at risk begins in the observation period in which the stay began, and ends with it at latest.
EXPOSED = """
    SELECT c.target, c.time, c.person_id, c.start_day, least(c.end_day, o.close_day) AS end_day
    FROM (
        SELECT r.target, r.time, s.person_id, s.start_day AS index_day,
            CASE WHEN r.start_of_end THEN s.end_day ELSE s.start_day END + r.start_days AS start_day,
            CASE WHEN r.end_of_end THEN s.end_day ELSE s.start_day END + r.end_days AS end_day
        FROM risk r JOIN result s ON s.cohort = r.cohort
    ) c JOIN observed o ON o.person_id = c.person_id AND c.index_day >= o.open_day AND c.index_day <= o.close_day
    WHERE c.start_day <= c.end_day AND c.start_day >= o.open_day AND c.start_day <= o.close_day
"""
SPELL = f"""
    {collapsed("exposed", "target, time")}
    SELECT row_number() OVER () AS spell, q.*, q.end_day - q.start_day + 1 AS days FROM (
        SELECT c.target, c.time, c.person_id, c.start_day, least(c.end_day, y.latest) AS end_day,
            year({EPOCH} + c.start_day) AS year, year({EPOCH} + c.start_day) - p.year_of_birth AS age,
            coalesce(p.gender_concept_id, 0) AS sex
        FROM joined c
        JOIN person p ON p.person_id = c.person_id
        JOIN study y ON c.start_day >= y.earliest AND c.start_day <= y.latest
    ) q
"""
LOSING = """
    SELECT o.outcome, s.person_id, s.start_day + 1 AS start_day, s.end_day + o.clean AS end_day
    FROM outcome o JOIN result s ON s.cohort = o.cohort WHERE s.end_day + o.clean >= s.start_day + 1
    UNION ALL
    SELECT o.outcome, s.person_id, s.start_day, s.end_day FROM outcome o JOIN result s ON s.cohort = o.unless
"""
LOST = f"{collapsed('losing', 'outcome')} SELECT * FROM joined"
BURDEN = """
    SELECT spell, outcome, sum(lost) AS lost, sum(seen) AS seen, sum(cases) AS cases FROM (
        SELECT s.spell, x.outcome, least(x.end_day, s.end_day) - greatest(x.start_day, s.start_day) + 1 AS lost,
            0 AS seen, 0 AS cases
        FROM spell s JOIN asked a ON a.target = s.target AND a.time = s.time
        JOIN lost x ON x.outcome = a.outcome AND x.person_id = s.person_id AND x.start_day <= s.end_day
            AND x.end_day >= s.start_day
        UNION ALL
        SELECT s.spell, o.outcome, 0 AS lost, 1 AS seen, CASE WHEN x.person_id IS NULL THEN 1 ELSE 0 END AS cases
        FROM spell s JOIN asked a ON a.target = s.target AND a.time = s.time
        JOIN outcome o ON o.outcome = a.outcome
        JOIN result e ON e.cohort = o.cohort AND e.person_id = s.person_id AND e.start_day >= s.start_day
            AND e.start_day <= s.end_day
        LEFT JOIN lost x ON x.outcome = o.outcome AND x.person_id = e.person_id AND x.start_day <= e.start_day
            AND x.end_day >= e.start_day
    ) q GROUP BY spell, outcome
"""
CELL = f"""
    SELECT s.spell, s.target, s.time, g.subgroup, s.person_id, s.days,
        CASE WHEN k.age THEN a.age_group ELSE {ALL} END AS age_group, CASE WHEN k.sex THEN s.sex ELSE {ALL} END AS sex,
        CASE WHEN k.year THEN s.year ELSE {ALL} END AS year
    FROM spell s JOIN (
        SELECT spell, {EVERYBODY} AS subgroup FROM spell
        UNION ALL
        SELECT DISTINCT t.spell, u.subgroup FROM subgroup u JOIN result c ON c.cohort = u.cohort
        JOIN spell t ON t.person_id = c.person_id AND t.start_day >= c.start_day AND t.start_day <= c.end_day
    ) g ON g.spell = s.spell
    JOIN kind k ON TRUE
    LEFT JOIN age_group a ON k.age AND s.age >= a.low AND s.age < a.high
    WHERE NOT k.age OR a.age_group IS NOT NULL
"""
KEYS = "target, time, subgroup, age_group, sex, year"
TOTAL = f"""
    SELECT {KEYS}, count(DISTINCT person_id) AS persons, sum(days) AS days FROM cell GROUP BY {KEYS}
"""
# Of persons with outcomes or days lost all spells count: one that is left keeps the person at risk.
LESS = """
    SELECT c.target, c.time, c.subgroup, c.age_group, c.sex, c.year, t.outcome, sum(coalesce(b.lost, 0)) AS lost,
        count(DISTINCT c.person_id) - count(DISTINCT CASE WHEN c.days > coalesce(b.lost, 0) THEN c.person_id END)
            AS gone,
        count(DISTINCT CASE WHEN b.seen > 0 THEN c.person_id END) AS persons_seen,
        count(DISTINCT CASE WHEN b.cases > 0 THEN c.person_id END) AS persons_cases,
        sum(coalesce(b.seen, 0)) AS seen, sum(coalesce(b.cases, 0)) AS cases
    FROM cell c JOIN (
        SELECT DISTINCT s.target, s.time, s.person_id, d.outcome FROM burden d JOIN spell s ON s.spell = d.spell
    ) t ON t.target = c.target AND t.time = c.time AND t.person_id = c.person_id
    LEFT JOIN burden b ON b.spell = c.spell AND b.outcome = t.outcome
    GROUP BY c.target, c.time, c.subgroup, c.age_group, c.sex, c.year, t.outcome
"""
RATES = f"""
    SELECT a.target, a.outcome, a.time, u.subgroup, nullif(t.age_group, {ALL}) AS age_group,
        nullif(t.sex, {ALL}) AS sex, nullif(t.year, {ALL}) AS year, coalesce(t.persons, 0) AS persons_before,
        coalesce(t.persons, 0) - coalesce(l.gone, 0) AS persons, CAST(coalesce(t.days, 0) AS BIGINT) AS days_before,
        CAST(coalesce(t.days, 0) - coalesce(l.lost, 0) AS BIGINT) AS days,
        coalesce(l.persons_seen, 0) AS persons_with_before, coalesce(l.persons_cases, 0) AS persons_with,
        CAST(coalesce(l.seen, 0) AS BIGINT) AS outcomes_before, CAST(coalesce(l.cases, 0) AS BIGINT) AS outcomes
    FROM asked a JOIN (SELECT {EVERYBODY} AS subgroup UNION ALL SELECT subgroup FROM subgroup) u ON TRUE
    LEFT JOIN total t ON t.target = a.target AND t.time = a.time AND t.subgroup = u.subgroup
    LEFT JOIN less l ON l.target = t.target AND l.time = t.time AND l.subgroup = t.subgroup
        AND l.age_group = t.age_group AND l.sex = t.sex AND l.year = t.year AND l.outcome = a.outcome
    ORDER BY a.target, a.outcome, a.time, u.subgroup, t.age_group, t.sex, t.year
"""
