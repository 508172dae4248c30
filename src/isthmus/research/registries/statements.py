"""The fixed statements that turn rows of OMOP into values of items. Nothing here depends on what items a pack has.

Parameter tables (`plan`) say what is wanted: `item`, `source`, `source_value`, `code`, `code_text`, `conversion`.
"""

# Concepts that fill a source, with what is below them in the vocabulary.
PICK = """
    SELECT s.source, s.domain, s.concept_id FROM source s WHERE s.concept_id > 0
    UNION
    SELECT s.source, s.domain, a.descendant_concept_id
    FROM source s JOIN concept_ancestor a ON a.ancestor_concept_id = s.concept_id
    JOIN concept c ON c.concept_id = a.descendant_concept_id
    WHERE s.below AND c.invalid_reason IS NULL
"""
# What a concept means in a list; of several codes above it, the nearest.
CODE = """
    SELECT "list", concept_id, arg_min(code, far * 100000 + position) AS code FROM (
        SELECT g."list", g.code, g.position, g.concept_id, 0 AS far FROM given_code g
        UNION ALL
        SELECT g."list", g.code, g.position, a.descendant_concept_id, 1 + coalesce(a.min_levels_of_separation, 0) AS far
        FROM given_code g JOIN concept_ancestor a ON a.ancestor_concept_id = g.concept_id WHERE g.below
    ) GROUP BY "list", concept_id
"""
# All patients, with what their rows say of them. Who is joined with whom is worked out for all persons of an edition,
# so that these rows, and those of their visits and deaths, are read once and not for each part.
PATIENT = """
    SELECT c.number, c.person_id, c.index_date, {site} AS site, p.gender_concept_id, p.gender_source_value,
        p.race_concept_id, p.race_source_value, p.ethnicity_concept_id, p.ethnicity_source_value, p.year_of_birth,
        coalesce(CAST(p.birth_datetime AS DATE), TRY_CAST(concat(p.year_of_birth, '-',
            coalesce(p.month_of_birth, 7), '-', coalesce(p.day_of_birth, 1)) AS DATE)) AS birth, p.part_id, p.place
    FROM enrolled c LEFT JOIN person p ON p.person_id = c.person_id
    LEFT JOIN care_site h ON h.care_site_id = p.care_site_id
"""
VISITED = """
    SELECT v.person_id, v.visit_occurrence_id, v.visit_start_date, v.visit_end_date, v.site
    FROM visit_occurrence v JOIN patient m ON m.person_id = v.person_id
"""
DECEASED = """
    SELECT d.person_id, d.death_date, d.site, d.part_id, d.place
    FROM death d JOIN patient m ON m.person_id = d.person_id
"""
# The patients of one part of the work.
MEMBER = "SELECT * EXCLUDE (number) FROM patient WHERE number >= {low} AND number < {high}"
# One domain's rows of patients that some source wants. Columns that a table has not are null.
WANTED = """
    SELECT m.number AS patient, {source} AS source, e.person_id, {concept} AS concept_id, e.{day} AS day,
        {end} AS until_day, {number} AS number, {unit} AS unit_concept, {unit_text} AS unit_text,
        {value} AS value_concept, {text} AS text, {kind} AS noted, {visit} AS visit, e.site, e.part_id, e.place
    FROM {table} e JOIN patient m ON m.person_id = e.person_id AND m.number >= {low} AND m.number < {high} {wanted}
"""
# Those of one part.
HIT = "SELECT * EXCLUDE (patient) FROM wanted WHERE patient >= {low} AND patient < {high}"
# How many rows of a domain that are.
SIZE = """
    SELECT count(*) AS n FROM {table} e JOIN enrolled m ON m.person_id = e.person_id {wanted}
"""
PERSON = """
    SELECT m.number AS patient, s.source, m.person_id, 0 AS concept_id,
        CASE WHEN s.what = 'birth' THEN m.birth END AS day, CAST(NULL AS DATE) AS until_day,
        CASE WHEN s.what = 'birth' THEN CAST(m.year_of_birth AS DOUBLE) END AS number, 0 AS unit_concept,
        '' AS unit_text, CASE s.what WHEN 'gender' THEN m.gender_concept_id WHEN 'race' THEN m.race_concept_id
            WHEN 'ethnicity' THEN m.ethnicity_concept_id END AS value_concept,
        CASE s.what WHEN 'gender' THEN m.gender_source_value WHEN 'race' THEN m.race_source_value
            WHEN 'ethnicity' THEN m.ethnicity_source_value WHEN 'site' THEN m.site END AS text,
        FALSE AS noted, CAST(NULL AS BIGINT) AS visit, m.site, m.part_id, m.place
    FROM patient m JOIN source s ON s.domain = 'person' WHERE m.number >= {low} AND m.number < {high}
"""
# Which units the numbers of an item come in: a conversion is asked for each.
UNITS = """
    SELECT DISTINCT s.item, h.concept_id, h.unit_concept, h.unit_text
    FROM hit h JOIN source s ON s.source = h.source JOIN item i ON i.item = s.item
    WHERE i.measured AND (h.number IS NOT NULL OR h.text IS NOT NULL)
"""
CODES = "SELECT concept_id, concept_code FROM concept WHERE domain_id = 'Unit' OR vocabulary_id = 'UCUM'"
# A hit as a value of its item's type, or the reason why it is none.
TOLD = """
    WITH read AS (
        SELECT h.*, s.item, s.rank, s.picky, s.as_date, i.type, i.since, i.until, i.measured, i.kept, c.factor,
            c."offset", i."list", s.valued,
            -- what a repair set aside has lost its number but not its text: of results only the number counts
            coalesce(h.number, CASE WHEN s.domain <> 'measurement' THEN TRY_CAST(trim(h.text) AS DOUBLE) END) AS amount,
            -- nine decimals are the number without the noise of its conversion, which a limit must not see
            CASE WHEN c.factor = 1 AND c."offset" = 0 THEN amount ELSE round(amount * c.factor + c."offset", 9)
                END AS converted,
            TRY_CAST(CASE WHEN regexp_matches(trim(h.text), '^[0-9]{8}$') THEN concat(substr(trim(h.text), 1, 4), '-',
                substr(trim(h.text), 5, 2), '-', substr(trim(h.text), 7, 2))
                ELSE substr(replace(replace(trim(h.text), '/', '-'), '.', '-'), 1, 10) END AS DATE) AS dated,
            (h.number IS NULL AND h.text IS NULL AND h.value_concept = 0) AS bare,
            -- an observation may be said by its concept alone; a test without a result says nothing
            NOT s.valued OR (s.domain = 'observation' AND h.number IS NULL AND h.text IS NULL AND h.value_concept = 0)
                AS alone
        FROM hit h JOIN source s ON s.source = h.source JOIN item i ON i.item = s.item
        LEFT JOIN conversion c ON c.item = s.item AND c.concept_id = h.concept_id
            AND c.unit_concept = h.unit_concept AND c.unit_text = h.unit_text
        LEFT JOIN source_value v ON v.source = h.source AND v.concept_id = h.value_concept
        WHERE (NOT s.by_text OR h.noted) AND (NOT s.picky OR v.concept_id IS NOT NULL)
    ), meant AS (
        SELECT r.*, coalesce(k.code, t.code) AS code
        FROM read r
        LEFT JOIN code k ON k."list" = r."list" AND k.concept_id = CASE
            WHEN r.value_concept > 0 THEN r.value_concept WHEN r.alone THEN r.concept_id END
        LEFT JOIN code_text t ON t."list" = r."list" AND t.text = lower(trim(coalesce(r.text,
            CASE WHEN r.number = floor(r.number) THEN CAST(TRY_CAST(r.number AS BIGINT) AS TEXT) END)))
    ), typed AS (
        SELECT *,
            CASE type WHEN 'number' THEN converted
                WHEN 'whole' THEN CASE WHEN kept THEN 1 WHEN measured THEN converted ELSE amount END
                WHEN 'yesno' THEN CASE WHEN picky OR alone THEN 1 WHEN code = 'yes' THEN 1
                    WHEN code = 'no' THEN 0 WHEN code IS NULL AND number IN (0, 1) THEN number END
            END AS value_number,
            CASE WHEN type IN ('choice', 'many') THEN code END AS value_code,
            CASE WHEN type = 'text' THEN text END AS value_text,
            CASE WHEN type = 'date' THEN CASE WHEN as_date OR bare THEN day ELSE dated END END AS value_date
        FROM meant
    )
    SELECT item, person_id, source, rank, coalesce(value_date, day) AS day, until_day,
        value_number, value_code, value_text, value_date, amount AS written_number, unit_concept, unit_text,
        coalesce(text, '') AS written, concept_id, noted, visit, site, part_id, place,
        CASE WHEN value_number IS NOT NULL OR value_code IS NOT NULL OR value_text IS NOT NULL
            OR value_date IS NOT NULL THEN NULL WHEN type IN ('choice', 'many', 'yesno') THEN 'not in list'
            WHEN type = 'date' THEN 'no date' WHEN type = 'text' THEN 'empty'
            WHEN amount IS NULL THEN 'no number' WHEN unit_concept = 0 AND unit_text = '' THEN 'unit not told'
            ELSE 'unit does not convert' END AS aside
    FROM typed
    WHERE (since IS NULL OR coalesce(value_date, day) IS NULL OR coalesce(value_date, day) >= since)
        AND (until IS NULL OR coalesce(value_date, day) IS NULL OR coalesce(value_date, day) <= until)
"""
# The rows of all tables: of patients, visits, events and lines.
ROW = """
    SELECT 0 AS grain, person_id, 0 AS "row", index_date AS start_date, CAST(NULL AS DATE) AS end_date,
        CAST(NULL AS BIGINT) AS visit, site FROM member
"""
VISIT_ROWS = """
    SELECT g.grain, v.person_id,
        row_number() OVER (PARTITION BY g.grain, v.person_id
            ORDER BY v.visit_start_date, v.visit_occurrence_id) AS "row",
        v.visit_start_date AS start_date, coalesce(v.visit_end_date, v.visit_start_date) AS end_date,
        v.visit_occurrence_id AS visit, v.site
    FROM visited v JOIN member m ON m.person_id = v.person_id JOIN grain g ON g.kind = 'visit'
"""
EVENT_ROWS = """
    SELECT grain, person_id, row_number() OVER (PARTITION BY grain, person_id ORDER BY day) AS "row",
        day AS start_date, CAST(NULL AS DATE) AS end_date, CAST(NULL AS BIGINT) AS visit, site
    FROM (
        SELECT g.grain, t.person_id, t.day, min(t.site) AS site FROM told t JOIN grain g ON g.anchor = t.item
        WHERE g.kind = 'event' AND t.aside IS NULL AND t.day IS NOT NULL GROUP BY g.grain, t.person_id, t.day
    )
"""
LINE_ROWS = """
    SELECT g.grain, l.person_id, l."line" AS "row", l.start_date, l.end_date, CAST(NULL AS BIGINT) AS visit, l.site
    FROM line l JOIN grain g ON g.kind = 'line'
"""
# Values in the rows that may have them. Without a window, a value of an event belongs to the nearest of its rows.
FITTED = """
    SELECT * FROM (
        SELECT t.rowid AS told_id, t.item, t.person_id, r."row", date_diff('day', r.start_date, t.day) AS days
        FROM told t JOIN item i ON i.item = t.item AND i.grain = 0
        JOIN registry_row r ON r.grain = 0 AND r.person_id = t.person_id
        WHERE t.aside IS NULL
            AND (i.low IS NULL OR date_diff('day', r.start_date, t.day) >= i.low)
            AND (i.high IS NULL OR date_diff('day', r.start_date, t.day) <= i.high)
    )
    UNION ALL
    SELECT * EXCLUDE (nearest) FROM (
        SELECT t.rowid AS told_id, t.item, t.person_id, r."row", date_diff('day', r.start_date, t.day) AS days,
            i.windowed OR row_number() OVER (PARTITION BY t.rowid, r.grain
                ORDER BY abs(date_diff('day', r.start_date, t.day)), r."row") = 1 AS nearest
        FROM told t JOIN item i ON i.item = t.item AND i.grain > 0
        JOIN registry_row r ON r.grain = i.grain AND r.person_id = t.person_id
        WHERE t.aside IS NULL
            AND (i.low IS NULL OR date_diff('day', r.start_date, t.day) >= i.low)
            AND (i.high IS NULL OR date_diff('day', r.start_date, t.day) <= i.high)
            AND (r.visit IS NULL OR r.visit = t.visit OR (t.visit IS NULL AND t.day >= r.start_date
                AND t.day <= r.end_date))
    ) WHERE nearest
"""
# Of several values the one that the item picks; every tie is broken the same way.
CHOSEN = """
    SELECT told_id, item, person_id, "row" FROM (
        SELECT f.told_id, f.item, f.person_id, f."row", row_number() OVER (PARTITION BY f.item, f.person_id, f."row"
            ORDER BY
            CASE i.pick WHEN 'any' THEN -t.value_number WHEN 'count' THEN 0 ELSE t.rank END NULLS LAST, t.noted,
            CASE i.pick WHEN 'first' THEN f.days WHEN 'last' THEN -f.days WHEN 'lowest' THEN t.value_number
                WHEN 'highest' THEN -t.value_number ELSE abs(f.days) END NULLS LAST,
            CASE i.pick WHEN 'lowest' THEN k.position WHEN 'highest' THEN -k.position END NULLS LAST,
            CASE WHEN i.pick IN ('lowest', 'highest') THEN CASE i.pick WHEN 'lowest' THEN f.days ELSE -f.days END END
                NULLS LAST,
            t.rank, f.days, t.site, t.part_id, t.place, t.concept_id, t.value_number, t.value_code, t.value_text
        ) AS nth
        FROM fitted f JOIN told t ON t.rowid = f.told_id JOIN item i ON i.item = f.item
        LEFT JOIN code_position k ON k."list" = i."list" AND k.code = t.value_code
    ) WHERE nth = 1
"""
GATHERED = """
    SELECT f.item, f.person_id, f."row", CAST(count(DISTINCT t.day) AS DOUBLE) AS counted,
        string_agg(DISTINCT coalesce(t.value_code, t.value_text, CAST(t.value_date AS TEXT)), '|' ORDER BY
            coalesce(t.value_code, t.value_text, CAST(t.value_date AS TEXT))) AS listed
    FROM fitted f JOIN item i ON i.item = f.item AND i.pick IN ('all', 'count') JOIN told t ON t.rowid = f.told_id
    GROUP BY f.item, f.person_id, f."row"
"""
VALUE = """
    SELECT c.item, c.person_id, c."row",
        CASE WHEN i.pick = 'count' THEN g.counted ELSE v.value_number END AS value_number,
        CASE WHEN i.pick = 'all' AND v.value_code IS NOT NULL THEN g.listed ELSE v.value_code END AS value_code,
        CASE WHEN i.pick = 'all' AND v.value_text IS NOT NULL THEN g.listed ELSE v.value_text END AS value_text,
        v.value_date, v.day, v.rank, v.source, v.written_number, v.unit_concept, v.unit_text, v.written, v.concept_id,
        v.noted, v.site, v.part_id, v.place
    FROM chosen c JOIN told v ON v.rowid = c.told_id JOIN item i ON i.item = c.item
    LEFT JOIN gathered g ON g.item = c.item AND g.person_id = c.person_id AND g."row" = c."row"
"""
# Every value that was told, by day; and what could not be taken, with the reason.
EVENTS = """
    SELECT t.person_id, i.name AS item, t.day, t.value_number, t.value_code, t.value_text, t.value_date, i.unit,
        s.domain AS found_in, t.concept_id, t.noted AS by_text, t.site, t.part_id, t.place
    FROM told t JOIN item i ON i.item = t.item JOIN source s ON s.source = t.source
    WHERE t.aside IS NULL AND t.day IS NOT NULL
    ORDER BY t.person_id, t.item, t.day, t.rank, t.site, t.part_id, t.place
"""
SET_ASIDE = """
    SELECT t.person_id, i.name AS item, t.day, t.aside AS reason, t.written, t.written_number,
        t.unit_text AS written_unit, i.unit AS wanted_unit, s.domain AS found_in, t.concept_id, t.noted AS by_text,
        t.site, t.part_id, t.place
    FROM told t JOIN item i ON i.item = t.item JOIN source s ON s.source = t.source
    WHERE t.aside IS NOT NULL
    ORDER BY t.person_id, t.item, t.day, t.site, t.part_id, t.place
"""
PATIENTS = "SELECT site, count(*) AS n FROM member GROUP BY site ORDER BY site"
