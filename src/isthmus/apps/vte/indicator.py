"""The indicators of quality control, by hospital and month, quarter or year: numerators, denominators, shares."""

from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from isthmus.apps.contract import Asked, Context, InputError
from isthmus.apps.contract.documents import sheet
from isthmus.apps.contract.knowledge import Row
from isthmus.apps.contract.research import Desk, step
from isthmus.apps.vte.evidence.definition import shipped
from isthmus.apps.vte.stay import Period, lay_deeds, lay_stays, period

LENGTHS = ("month", "quarter", "year")
COUNTS = (
    "discharged", "assessed", "assessed_in_time", "bleeding_assessed", "bleeding_in_time", "graded", "raised", "drug",
    "mechanical", "hospital_vte",
)  # fmt: skip
COUNTED = """
    WITH counted AS (
        SELECT d.site, CAST(date_trunc('{length}', d.seen) AS DATE) AS period, count(*) AS discharged,
            count(d.assessed) AS assessed, count(CASE WHEN d.assessed_in_time THEN 1 END) AS assessed_in_time,
            count(d.bleeding) AS bleeding_assessed, count(CASE WHEN d.bleeding_in_time THEN 1 END) AS bleeding_in_time,
            count(d.risk) AS graded, count(CASE WHEN d.risk IN ('moderate', 'high') THEN 1 END) AS raised,
            count(CASE WHEN d.risk IN ('moderate', 'high') AND d.drug THEN 1 END) AS drug,
            count(CASE WHEN d.risk IN ('moderate', 'high') AND d.mechanical THEN 1 END) AS mechanical,
            count(CASE WHEN d.hospital_vte THEN 1 END) AS hospital_vte
        FROM deed d GROUP BY 1, 2
    ), flag AS (
        SELECT site, bool_or(what = 'assessed') AS assessed, bool_or(what = 'bleeding') AS bleeding,
            bool_or(what = 'drug') AS drug, bool_or(what = 'mechanical') AS mechanical, bool_or(what = 'vte') AS vte
        FROM given GROUP BY site
    )
    SELECT c.site, c.period, c.discharged, CASE WHEN f.assessed THEN c.assessed END AS assessed,
        CASE WHEN f.assessed THEN c.assessed_in_time END AS assessed_in_time,
        CASE WHEN f.bleeding THEN c.bleeding_assessed END AS bleeding_assessed,
        CASE WHEN f.bleeding THEN c.bleeding_in_time END AS bleeding_in_time,
        CASE WHEN f.assessed THEN c.graded END AS graded, CASE WHEN f.assessed THEN c.raised END AS raised,
        CASE WHEN f.assessed AND f.drug THEN c.drug END AS drug,
        CASE WHEN f.assessed AND f.mechanical THEN c.mechanical END AS mechanical,
        CASE WHEN f.vte THEN c.hospital_vte END AS hospital_vte
    FROM counted c LEFT JOIN flag f ON f.site = c.site ORDER BY c.site, c.period
"""


@cache
def listed() -> list[Row]:
    """The indicators: what is divided by what, and their names (`indicators.csv`)."""
    columns = ("indicator", "numerator", "denominator", "en", "zh")
    path = Path(__file__).parent / "indicators.csv"
    return sheet.read(path, file=path.name, columns=columns, needed=columns)


def indicators(asked: Asked, at: Context) -> pa.Table:
    """Per hospital and period: the counts of COUNTS, and a share `INDICATOR_share` of each, null without denominator.

    A count is null where the hospital does not deliver what it is counted from.

    `since`, `until` and `by` (month, quarter, year) are of the request. A context of one hospital tells of it alone.
    """
    within = period(asked.query, at.now.date())
    length = asked.query.get("by") or "year"
    if length not in LENGTHS:
        raise InputError(f"`by` is one of {', '.join(LENGTHS)}. Give one of them.")
    text = f"VTE indicators of stays that ended {within.text()}, by {length}"
    found = at.session.steps(text, lambda desk: count(desk, within, at, length))
    return _of_site(found, at.site)


def count(desk: Desk, within: Period, at: Context, length: str) -> pa.Table:
    """The indicators at a desk."""
    lay_stays(desk, within)
    lay_deeds(desk, shipped(), at.settings)
    return shares(desk.take(step(COUNTED.format(length=length))))


def shares(counts: pa.Table) -> pa.Table:
    """The counts with the share that each indicator is."""
    for row in listed():
        above, below = (counts[row[name]].cast(pa.float64()) for name in ("numerator", "denominator"))
        divided = pc.divide(above, pc.if_else(pc.equal(below, 0.0), None, below))
        counts = counts.append_column(f"{row['indicator']}_share", divided)
    return counts


def _of_site(found: pa.Table, site: str) -> pa.Table:
    sites = set(found["site"].to_pylist())
    return found.filter(pc.equal(found["site"], site)) if site in sites else found
