"""Stays that ended in a period, and what was done in them: tables at a desk, one row a stay."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlglot import exp

from isthmus.apps.contract import InputError
from isthmus.apps.contract.research import Desk, find_score, step
from isthmus.apps.vte.evidence.definition import DONE, Definition
from isthmus.apps.vte.evidence.steps import gather
from isthmus.apps.vte.matrix import groups
from isthmus.apps.vte.patient import INPATIENT

SHORTEST = 24  # hours that a stay lasts longer than, to be counted
# The end of a day stands for an end without a time.
STAYS = f"""
    WITH stay AS (
        SELECT v.visit_occurrence_id AS visit, v.person_id, v.site,
            coalesce(v.visit_start_datetime, CAST(v.visit_start_date AS TIMESTAMP)) AS began,
            coalesce(v.visit_end_datetime, CAST(v.visit_end_date AS TIMESTAMP) + INTERVAL 1439 MINUTE) AS seen
        FROM visit_occurrence v
        WHERE v.visit_concept_id IN ({", ".join(map(str, INPATIENT))}) AND v.visit_end_date IS NOT NULL
            AND v.visit_end_date BETWEEN DATE '{{since}}' AND DATE '{{until}}'
    )
    SELECT row_number() OVER (ORDER BY s.site, s.visit) AS moment, s.visit, s.person_id, s.site, s.began, s.seen
    FROM stay s WHERE date_diff('minute', s.began, s.seen) > {SHORTEST * 60}
"""
# A time without hours is midnight, and counts on its day.
DEEDS = """
    WITH assessed AS (
        SELECT e.moment, e.time, e.row_id, e.number, CASE WHEN e.fact = 'padua_points' THEN 'padua' ELSE '{profile}' END
            AS scale
        FROM evidence e WHERE e.fact IN ('padua_points', 'caprini_points')
    ), latest AS (
        SELECT moment, CASE {risk} END AS risk FROM (
            SELECT a.*, row_number() OVER (PARTITION BY moment ORDER BY time DESC, row_id DESC) AS n
            FROM assessed a WHERE a.number IS NOT NULL
        ) AS ordered WHERE n = 1
    ), done AS (
        SELECT e.moment,
            min(CASE WHEN e.fact IN ('padua_assessed', 'caprini_assessed') THEN e.time END) AS assessed,
            min(CASE WHEN e.fact = 'bleeding_assessed' THEN e.time END) AS bleeding,
            bool_or(e.fact = 'drug_given') AS drug,
            bool_or(e.fact IN ('mechanical_done', 'mechanical_used')) AS mechanical,
            min(CASE WHEN e.fact = 'vte_now' THEN e.time END) AS vte
        FROM evidence e GROUP BY e.moment
    )
    SELECT m.moment, m.visit, m.person_id, m.site, m.began, m.seen, d.assessed, d.bleeding, l.risk,
        coalesce(d.drug, FALSE) AS drug, coalesce(d.mechanical, FALSE) AS mechanical, d.vte,
        d.assessed <= m.began + INTERVAL {hours} HOUR AS assessed_in_time,
        d.bleeding <= m.began + INTERVAL {hours} HOUR AS bleeding_in_time,
        d.vte > m.began + INTERVAL 24 HOUR AND CAST(d.vte AS DATE) > CAST(m.began AS DATE) AS hospital_vte
    FROM moment m LEFT JOIN done d ON d.moment = m.moment LEFT JOIN latest l ON l.moment = m.moment
"""
# What a hospital gives: a table of which it has no row, or a form that it never delivered, is not taken for nothing.
GIVEN = """
    SELECT DISTINCT site, 'assessed' AS what FROM deed WHERE assessed IS NOT NULL
    UNION SELECT DISTINCT site, 'bleeding' FROM deed WHERE bleeding IS NOT NULL
    UNION SELECT DISTINCT site, 'drug' FROM drug_exposure
    UNION SELECT DISTINCT site, 'mechanical' FROM procedure_occurrence
    UNION SELECT DISTINCT site, 'mechanical' FROM device_exposure
    UNION SELECT DISTINCT site, 'vte' FROM condition_occurrence
"""


@dataclass(frozen=True, slots=True)
class Period:
    """From a day until another, both in."""

    since: date
    until: date

    def text(self) -> str:
        """Both days."""
        return f"{self.since.isoformat()} – {self.until.isoformat()}"


def period(query: Mapping[str, str], today: date) -> Period:
    """The period that a request names; the last whole year where it names none. Raises InputError for none."""
    last = today.year - 1
    try:
        since = date.fromisoformat(query.get("since") or f"{last}-01-01")
        until = date.fromisoformat(query.get("until") or f"{since.year}-12-31")
    except ValueError:
        raise InputError("`since` and `until` are days. Write them as 2024-03-31.") from None
    if until < since or until - since > timedelta(days=3660):
        raise InputError("the period ends before it begins, or is above ten years. Give a shorter one.")
    return Period(since, until)


def lay_stays(desk: Desk, within: Period) -> int:
    """Make `moment`: the stays above 24 h that ended in a period. How many there are."""
    return desk.make("moment", step(STAYS.format(since=within.since, until=within.until)))


def lay_deeds(desk: Desk, made: Definition, settings: Mapping[str, Any]) -> None:
    """Make `deed` of the stays at the desk: first assessments, the latest group, prophylaxis, the first VTE.

    Beside it `given`: which of these things a hospital (site) delivers at all (what).
    """
    gather(desk, made, DONE)
    scales = ("padua", settings["profile"])
    text = DEEDS.format(profile=scales[1], hours=settings["hours"], risk=" ".join(map(_risk, scales)))
    desk.make("deed", step(text))
    desk.make("given", step(GIVEN))


def _risk(scale: str) -> str:
    """The branches of CASE that give the group of a number of points by the limits of the score's own rule."""
    branches = []
    for grade in find_score(scale).grades:
        limit = grade.cut.limit if grade.cut else None
        sign = "" if limit is None else f" AND number {'<' if grade.cut and grade.cut.strict else '<='} {limit:g}"
        risk = exp.Literal.string(groups()[scale, grade.grade]).sql()
        branches.append(f"WHEN scale = '{scale}'{sign} THEN {risk}")
    return " ".join(branches)
