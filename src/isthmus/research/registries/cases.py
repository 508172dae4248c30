"""Candidates, and who of them is enrolled: rules and rulings in, tables on a desk out."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from isthmus.gate.desk import Desk
from isthmus.research.cohorts.concepts import step
from isthmus.research.cohorts.evaluate import evaluate
from isthmus.research.registries.enrolment import ruling
from isthmus.research.registries.enrolment.model import GIVEN, REQUIRED, WAIVED
from isthmus.research.registries.enrolment.ruling import CANDIDATE, CONFIRMED, FOUND, Ruling
from isthmus.research.registries.pack import Pack
from isthmus.research.registries.plan import Plan

HOSPITALS = {"site": "p.site", "care site": "coalesce(h.care_site_name, h.care_site_source_value, p.site)"}
"""A person's hospital, over the row `p` of the person and the care site `h`."""
FINDER = pa.schema({"cohort": pa.int32(), "rule": pa.string(), "points": pa.float64(), "counts": pa.bool_()})
# How each rule found each person; the pack's own cases are cohort 1, whether they count as a rule or not.
EVIDENCE = """
    SELECT r.person_id, f.cohort, f.rule, f.points, f.counts, min(r.start_date) AS first_day,
        max(r.start_date) AS last_day, count(*) AS times
    FROM found r JOIN finder f ON f.cohort = r.cohort GROUP BY r.person_id, f.cohort, f.rule, f.points, f.counts
"""
# What forms say of consent: codes of an item of choices, and days of withdrawal.
FORMS = """
    SELECT o.person_id, t.code AS state, o.{day} AS since, CAST(0 AS BIGINT) AS number
    FROM {table} o JOIN form f ON f.text = o.{source_value} JOIN source s ON s.source = f.source
    JOIN item i ON i.item = s.item AND i.name = '{state}'
    JOIN code_text t ON t."list" = i."list" AND t.text = lower(trim({text}))
    UNION ALL
    SELECT o.person_id, 'withdrawn' AS state, coalesce(TRY_CAST(substr(replace({text}, '/', '-'), 1, 10) AS DATE),
        o.{day}) AS since, CAST(0 AS BIGINT) AS number
    FROM {table} o JOIN form f ON f.text = o.{source_value} JOIN source s ON s.source = f.source
    JOIN item i ON i.item = s.item AND i.name = '{withdrawn}' WHERE {text} IS NOT NULL
"""
# The newest word counts; of words of one day a refusal, then what people decided, then the later ruling.
CONSENT = """
    SELECT person_id, state, since FROM (
        SELECT *, row_number() OVER (PARTITION BY person_id ORDER BY since DESC NULLS LAST,
            state IN ('refused', 'withdrawn') DESC, number DESC, state) AS nth
        FROM (SELECT person_id, state, since, number FROM consented UNION ALL {forms})
    ) WHERE nth = 1
"""
CANDIDATES = """
    WITH scored AS (
        SELECT person_id, sum(CASE WHEN counts THEN points ELSE 0 END) AS score, bool_or(cohort = 1) AS is_case,
            min(first_day) FILTER (WHERE cohort = 1) AS case_day, min(first_day) AS first_day,
            max(last_day) AS last_day,
            string_agg(rule, '|' ORDER BY cohort) FILTER (WHERE counts) AS rules
        FROM evidence GROUP BY person_id
    ), known AS (
        SELECT coalesce(s.person_id, r.person_id) AS person_id, coalesce(s.score, 0) AS score,
            coalesce(s.is_case, FALSE) AS is_case, s.case_day, s.first_day, s.last_day, s.rules,
            r.state AS ruled, r.day, r.of AS duplicate_of, r.last AS last_ruling, r.agree, r."by", r.ruled_at
        FROM scored s FULL JOIN ruled r ON r.person_id = s.person_id
    )
    SELECT k.person_id, {site} AS site, coalesce(k.ruled, CASE WHEN k.is_case THEN '{found}' ELSE '{candidate}' END)
            AS state, k.score, k.rules, coalesce(k.day, k.case_day, k.first_day) AS index_date, k.first_day, k.last_day,
        k.last_ruling, k.agree, k."by", k.ruled_at, k.duplicate_of, c.state AS consent, c.since AS consent_since
    FROM known k JOIN person p ON p.person_id = k.person_id LEFT JOIN care_site h ON h.care_site_id = p.care_site_id
    LEFT JOIN consent c ON c.person_id = k.person_id
    WHERE k.is_case OR k.ruled IS NOT NULL OR k.score >= {enough}
"""
IN = f"state IN ('{FOUND}', '{CONFIRMED}') AND index_date IS NOT NULL"
OUT = "coalesce(consent, '') IN ('refused', 'withdrawn')"
ASKED = f"coalesce(consent, '') IN ('{GIVEN}', '{WAIVED}')"
QUEUE = f"""
    SELECT * EXCLUDE (consent, consent_since) FROM candidate WHERE NOT ({OUT}) ORDER BY score DESC, person_id
"""
SHOWN = f"""
    SELECT e.person_id, e.rule, e.points, e.first_day, e.last_day, e.times FROM evidence e
    JOIN candidate c ON c.person_id = e.person_id WHERE e.counts AND NOT ({OUT}) ORDER BY e.person_id, e.rule
"""
ENROLLED = """
    SELECT person_id, site, index_date, state, score, rules, consent, consent_since FROM candidate
    WHERE {who} ORDER BY person_id
"""
COUNTS = """
    SELECT state, coalesce(consent, '') AS consent, {who} AS enrolled, count(*) AS n FROM candidate GROUP BY 1, 2, 3
"""


@dataclass(frozen=True, slots=True)
class Enrolled:
    """Who is enrolled (`person_id, site, index_date, state, score, rules, consent, consent_since`), and the counts.

    `counts`: candidates by state, of whom `enrolled`, `withheld` (no consent yet), `out` (refused or withdrawn).
    """

    rows: pa.Table
    counts: dict[str, int] = field(default_factory=dict)


def found(desk: Desk, pack: Pack) -> pa.Table:
    """What the rules of a pack find, all in one evaluation: `cohort, person_id, start_date`; 1 are the pack's cases."""
    definitions = [pack.cases, *(one.definition for one in pack.enrolment.finders if one.definition is not None)]
    return evaluate(desk, definitions).rows.select(["cohort", "person_id", "start_date"])


def enrol(desk: Desk, plan: Plan, by_rules: pa.Table, rulings: Iterable[Ruling]) -> Enrolled:
    """Enrol of those whom rules `found`; `evidence` and `candidate` stay on the desk, for `queue`.

    The parameter tables of the plan lie on the desk.
    """
    asked, rulings = plan.pack.enrolment, list(rulings)
    finders = [one for one in asked.finders if one.definition is not None]
    own = [one for one in asked.finders if one.definition is None]
    rows = [(1, own[0].name if own else "cases", own[0].points if own else asked.enough, bool(own) or not finders)]
    rows += [(at, one.name, one.points, True) for at, one in enumerate(finders, start=2)]
    desk.lay("found", by_rules)
    desk.lay("finder", _table(FINDER, rows))
    desk.lay("ruled", ruling.cases(rulings, asked.people))
    desk.lay("consented", ruling.consents(rulings))
    desk.make("evidence", step(EVIDENCE))
    desk.make("consent", step(CONSENT.format(forms=" UNION ALL ".join(_forms(plan)))))
    words = {"site": HOSPITALS[plan.pack.hospital], "found": FOUND, "candidate": CANDIDATE, "enough": asked.enough}
    desk.make("candidate", step(CANDIDATES.format(**words)))
    who = f"{IN} AND {ASKED if asked.consent.policy == REQUIRED else f'NOT ({OUT})'}"
    counted = desk.take(step(COUNTS.format(who=who))).to_pylist()
    return Enrolled(desk.take(step(ENROLLED.format(who=who))), _counts(counted))


def queue(desk: Desk) -> tuple[pa.Table, pa.Table]:
    """The candidates, the surest first, and what each rule found of them; nobody who refused or withdrew."""
    return desk.take(step(QUEUE)), desk.take(step(SHOWN))


def numbered(enrolled: Enrolled) -> pa.Table:
    """`person_id, index_date, number`: as the statements of a registry read it."""
    rows = enrolled.rows
    columns = {
        "person_id": rows.column("person_id"), "index_date": rows.column("index_date").cast(pa.date32()),
        "number": pa.array(np.arange(rows.num_rows)),
    }  # fmt: skip
    return pa.table(columns)


def _forms(plan: Plan) -> list[str]:
    """The statements of what forms say of consent."""
    told = plan.pack.enrolment.consent
    named = {"state": told.state, "withdrawn": told.withdrawn}
    return [
        FORMS.format(
            table="observation", day="observation_date", source_value="observation_source_value",
            text="coalesce(o.value_as_string, o.value_source_value)", **named,
        ),
        FORMS.format(
            table="measurement", day="measurement_date", source_value="measurement_source_value",
            text="o.value_source_value", **named,
        ),
    ] if told.state or told.withdrawn else ["SELECT * FROM consented WHERE FALSE"]  # fmt: skip


def _counts(rows: Sequence[dict[str, object]]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for row in rows:
        out = row["consent"] in ("refused", "withdrawn")
        counts["out" if out else str(row["state"])] += int(str(row["n"]))
        if row["enrolled"]:
            counts["enrolled"] += int(str(row["n"]))
        elif not out and row["state"] in (FOUND, CONFIRMED):
            counts["withheld"] += int(str(row["n"]))
    return dict(sorted(counts.items()))


def _table(schema: pa.Schema, rows: Sequence[Sequence[object]]) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else [()] * len(schema)
    return pa.table([pa.array(list(one), kind) for one, kind in zip(columns, schema.types, strict=True)], schema=schema)
