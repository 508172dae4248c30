"""What a profile says at a glance, as rows to print; counts up to `small` are left out of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from isthmus.quality.profile.result import without_small

# By table: the analyses of its persons and of its records by concept, and of its records by month.
BY_TABLE: Mapping[str, tuple[int, int, int]] = {
    "visit_occurrence": (200, 201, 220), "condition_occurrence": (400, 401, 420),
    "procedure_occurrence": (600, 601, 620), "drug_exposure": (700, 701, 720), "device_exposure": (2100, 2101, 2120),
    "measurement": (1800, 1801, 1820), "observation": (800, 801, 820), "visit_detail": (1300, 1301, 1320),
    "condition_era": (1000, 1001, 1020), "drug_era": (900, 901, 920),
}  # fmt: skip
PERSONS, BY_SEX, DAYS, PERIODS, AGE, OUTSIDE = 1, 2, 105, 113, 103, 210


@dataclass(frozen=True, slots=True)
class Year:
    """Records of a table in a calendar year, inside observation periods."""

    table: str
    year: int
    records: int


@dataclass(frozen=True, slots=True)
class Concept:
    """A concept that is frequent in a table, with the persons who have it and its records."""

    table: str
    concept_id: int
    persons: int
    records: int


def people(results: pa.Table, distributions: pa.Table, small: int) -> Mapping[str, float | None]:
    """Persons, persons with a period, visits outside of all; medians of age and of days observed. None: too few."""
    told = {
        "persons": _total(results, PERSONS),
        "persons with an observation period": _total(results, PERIODS),
        "visits outside observation": _total(results, OUTSIDE),
    }
    shown: dict[str, float | None] = {name: count if count > small else None for name, count in told.items()}
    for name, analysis in (("median age at first observation", AGE), ("median days of first observation", DAYS)):
        rows = without_small(distributions.filter(pc.equal(distributions["analysis_id"], analysis)), small)
        shown[name] = rows["median_value"][0].as_py() if len(rows) else None
    return shown


def sexes(results: pa.Table, small: int) -> Mapping[int, int]:
    """Persons by concept of their gender."""
    rows = without_small(results.filter(pc.equal(results["analysis_id"], BY_SEX)), small)
    return {int(row["stratum_1"]): row["count_value"] for row in rows.to_pylist() if row["stratum_1"] is not None}


def years(results: pa.Table, small: int) -> Iterator[Year]:
    """Records by table and year, in this order."""
    for table, (_, _, by_month) in BY_TABLE.items():
        rows = results.filter(pc.equal(results["analysis_id"], by_month))
        counts: dict[int, int] = {}
        for month, count in zip(rows["stratum_1"].to_pylist(), rows["count_value"].to_pylist(), strict=True):
            year = int(month) // 100
            counts[year] = counts.get(year, 0) + count
        yield from (Year(table, year, count) for year, count in sorted(counts.items()) if count > small)


def concepts(results: pa.Table, small: int, top: int) -> Iterator[Concept]:
    """The concepts of each table that most persons have, the most frequent first."""
    for table, (by_person, by_record, _) in BY_TABLE.items():
        records = _by_concept(results, by_record)
        found = sorted(_by_concept(results, by_person).items(), key=lambda one: (-one[1], one[0]))
        for concept, persons in found[:top]:
            if persons > small:
                yield Concept(table, concept, persons, records[concept])


def _by_concept(results: pa.Table, analysis: int) -> Mapping[int, int]:
    rows = results.filter(pc.equal(results["analysis_id"], analysis))
    told = zip(rows["stratum_1"].to_pylist(), rows["count_value"].to_pylist(), strict=True)
    return {int(concept): count for concept, count in told if concept is not None}


def _total(results: pa.Table, analysis: int) -> int:
    return int(pc.sum(results.filter(pc.equal(results["analysis_id"], analysis))["count_value"]).as_py() or 0)
