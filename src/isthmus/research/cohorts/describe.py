"""Who is in one cohort, or in two beside each other: age, sex, site, year, and what is on record around the entry.

A person counts once, at the first entry. The difference of two cohorts is standardised (Austin 2009): of shares
(p₁ - p₂) / √((p₁(1 - p₁) + p₂(1 - p₂)) / 2), of means (m₁ - m₂) / √((s₁² + s₂²) / 2). It does not depend on how many
persons there are; 0.1 is often taken for the limit of what matters.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from isthmus.gate.desk import Desk
from isthmus.research.cohorts.catalogue import domains
from isthmus.research.cohorts.concepts import step
from isthmus.research.cohorts.matching import EPOCH, days

WINDOWS = ((-365, -1), (0, 0), (1, 365))
"""Days around the first entry in which events are counted."""
DOMAINS = ("ConditionOccurrence", "DrugExposure", "ProcedureOccurrence", "Measurement")
SECTIONS = ("all", "age", "age group", "sex", "site", "year", *DOMAINS)
CHOSEN = pa.schema([("cohort", pa.int32()), ("place", pa.int32())])
FRAME = pa.schema([("low", pa.int32()), ("high", pa.int32())])
Numbers = npt.NDArray[np.float64]

SUBJECT = f"""
    SELECT c.place, e.person_id, e.day, coalesce(p.gender_concept_id, 0) AS sex, coalesce(p.site, '') AS site,
        year({EPOCH} + e.day) AS year, year({EPOCH} + e.day) - p.year_of_birth AS age
    FROM (SELECT cohort, person_id, min(start_day) AS day FROM result GROUP BY cohort, person_id) e
    JOIN chosen c ON c.cohort = e.cohort LEFT JOIN person p ON p.person_id = e.person_id
"""
AGES = """
    SELECT c.place, count(s.person_id) AS n, avg(s.age) AS mean, stddev_samp(s.age) AS sd
    FROM chosen c LEFT JOIN subject s ON s.place = c.place GROUP BY c.place ORDER BY c.place
"""
_NONE = "CAST(NULL AS INTEGER) AS low, CAST(NULL AS INTEGER) AS high"
MARKS = f"""
    SELECT q.section, q.low, q.high, q.concept_id, coalesce(max(c.concept_name), q.name) AS name,
        CAST(sum(CASE WHEN q.place = 1 THEN q.n ELSE 0 END) AS BIGINT) AS n_1,
        CAST(sum(CASE WHEN q.place = 2 THEN q.n ELSE 0 END) AS BIGINT) AS n_2
    FROM (
        SELECT place, 'sex' AS section, {_NONE}, sex AS concept_id, CAST(sex AS TEXT) AS name, count(*) AS n
        FROM subject GROUP BY place, sex
        UNION ALL
        SELECT place, 'age group' AS section, {_NONE}, NULL AS concept_id,
            concat(age // 10 * 10, '-', age // 10 * 10 + 9) AS name, count(*) AS n
        FROM subject WHERE age IS NOT NULL GROUP BY place, age // 10
        UNION ALL
        SELECT place, 'site' AS section, {_NONE}, NULL AS concept_id, site AS name, count(*) AS n
        FROM subject GROUP BY place, site
        UNION ALL
        SELECT place, 'year' AS section, {_NONE}, NULL AS concept_id, CAST(year AS TEXT) AS name, count(*) AS n
        FROM subject GROUP BY place, year
        UNION ALL
        {{events}}
    ) q LEFT JOIN concept c ON c.concept_id = q.concept_id
    GROUP BY q.section, q.low, q.high, q.concept_id, q.name
"""
EVENTS = """
        SELECT s.place, '{domain}' AS section, w.low, w.high, e.{concept} AS concept_id,
            CAST(e.{concept} AS TEXT) AS name, count(DISTINCT s.person_id) AS n
        FROM subject s JOIN {table} e ON e.person_id = s.person_id
        JOIN frame w ON {start} >= s.day + w.low AND {start} <= s.day + w.high
        WHERE e.{concept} <> 0 GROUP BY s.place, w.low, w.high, e.{concept}
"""


def describe(desk: Desk, cohorts: Sequence[int], windows: Sequence[tuple[int, int]] = WINDOWS) -> pa.Table:
    """One or two cohorts, by their numbers in the table `result` of a desk; one row for each thing that is told.

    `section` is one of SECTIONS; `low, high` days from the entry, null where none are meant; `concept_id`, `name`; then
    for each cohort `n_1` (persons), `value_1` (their share; of age the mean), `spread_1` (of age the standard
    deviation), and `difference` where there are two. Ages and years ascend; else what is most frequent comes first.
    """
    places = list(range(1, len(cohorts) + 1))
    desk.lay("chosen", pa.table({"cohort": list(cohorts), "place": places}, schema=CHOSEN))
    lows, highs = zip(*windows, strict=True)
    desk.lay("frame", pa.table({"low": lows, "high": highs}, schema=FRAME))
    desk.make("subject", step(SUBJECT))
    ages = desk.take(step(AGES)).to_pylist()
    rows = desk.take(step(MARKS.format(events=_events()))).to_pylist()
    desk.drop("chosen", "frame", "subject")
    sizes = [int(age["n"]) for age in ages]
    for row in rows:
        _share(row, sizes)
    told = [*_whole(ages), *sorted(rows, key=_order)]
    return pa.Table.from_pylist(told, schema=_schema(len(cohorts)))


def standardised(values: Sequence[float], variances: Sequence[float]) -> float | None:
    """First value less second over their pooled standard deviation; None where neither varies and they differ."""
    pooled = float(np.sqrt(np.mean(variances)))
    apart = values[0] - values[1]
    if pooled > 0:
        return apart / pooled
    return 0.0 if apart == 0 else None


def _events() -> str:
    chosen = (domains()[name] for name in DOMAINS)
    return " UNION ALL ".join(
        EVENTS.format(domain=one.name, table=one.table, concept=one.concept, start=days(one.start)) for one in chosen
    )


def _whole(ages: Sequence[dict[str, object]]) -> list[dict[str, object]]:
    """The first rows: how many there are, and how old."""
    everybody: dict[str, object] = {"section": "all", "name": ""}
    old: dict[str, object] = {"section": "age", "name": ""}
    for age in ages:
        everybody[f"n_{age['place']}"] = old[f"n_{age['place']}"] = age["n"]
        old |= {f"value_{age['place']}": age["mean"], f"spread_{age['place']}": age["sd"]}
    means, spreads = ([float(str(age[key])) for age in ages if age[key] is not None] for key in ("mean", "sd"))
    if len(means) == len(spreads) == 2:
        old["difference"] = standardised(means, [one**2 for one in spreads])
    return [everybody, old]


def _share(row: dict[str, object], sizes: Sequence[int]) -> None:
    """Add shares to counts, and their difference where there are two cohorts of somebody."""
    shares = [int(str(row[f"n_{place}"])) / size for place, size in enumerate(sizes, start=1) if size]
    if len(shares) == len(sizes):
        row |= {f"value_{place}": share for place, share in enumerate(shares, start=1)}
    if len(shares) == 2:
        row["difference"] = standardised(shares, [share * (1 - share) for share in shares])


def _order(row: dict[str, object]) -> tuple[object, ...]:
    ascending = row["section"] in ("age group", "year")
    most = max(float(str(row.get(f"value_{place}") or 0)) for place in (1, 2))
    label = str(row["name"])
    return (
        SECTIONS.index(str(row["section"])), row["low"] or 0, 0.0 if ascending else -most, label.rjust(9), label,
        row["concept_id"] or 0,
    )  # fmt: skip


def _schema(cohorts: int) -> pa.Schema:
    columns = [("section", pa.string()), ("low", pa.int32()), ("high", pa.int32()), ("concept_id", pa.int64())]
    columns.append(("name", pa.string()))
    for place in range(1, cohorts + 1):
        columns += [(f"n_{place}", pa.int64()), (f"value_{place}", pa.float64()), (f"spread_{place}", pa.float64())]
    return pa.schema(columns + ([("difference", pa.float64())] if cohorts > 1 else []))
