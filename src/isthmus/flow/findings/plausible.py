"""Findings learnt from the data: drift of a site, sequences that cannot be, sites outside what the others show."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from isthmus.cdm.tables import TABLES
from isthmus.flow.places import Places
from isthmus.flow.quality import day_of, files_of
from isthmus.flow.schema import schema_of
from isthmus.flow.statement import query
from isthmus.flow.workspace import Workspace
from isthmus.lake.edition import Edition
from isthmus.lake.engine import Engine
from isthmus.quality.findings.finding import Finding, Place
from isthmus.quality.plausible import drift
from isthmus.quality.plausible.drift import Drift
from isthmus.quality.plausible.funnel import Funnel, funnel
from isthmus.quality.plausible.limits import Counted, indicators, limits, sequences

__all__ = [
    "Counted", "Funnel", "Looked", "Share", "comparisons", "funnel", "learnt", "looked", "of_outliers", "pictured",
    "shares",
]  # fmt: skip

FILES = 3
TUMOURS = (201519, 4001171, 4130518, 4101758)  # concepts of a tumour of the liver
# What is known of each person, and until when the stays before a stay lasted.
PEOPLE = f"""
    SELECT person_id, min(death_date) AS death_date, min(tumour) AS tumour FROM (
        SELECT person_id, death_date, CAST(NULL AS DATE) AS tumour FROM death
        UNION ALL
        SELECT person_id, NULL, condition_start_date FROM condition_occurrence
        WHERE condition_concept_id IN ({", ".join(map(str, TUMOURS))})
    ) GROUP BY person_id
"""
BEFORE = """
    SELECT visit_occurrence_id, max(visit_end_date) OVER (
        PARTITION BY person_id ORDER BY visit_start_date, visit_end_date, visit_occurrence_id
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS until
    FROM visit_occurrence WHERE visit_concept_id = 9201 AND visit_end_date IS NOT NULL
"""
JOINED = "{table} t LEFT JOIN people p ON p.person_id = t.person_id"
STAYS = " LEFT JOIN before o ON o.visit_occurrence_id = t.visit_occurrence_id"
RESULTS = """
    SELECT measurement_concept_id AS concept, coalesce(unit_concept_id, 0) AS unit, year(measurement_date) AS year,
        avg(value_as_number) AS value
    FROM measurement
    WHERE measurement_concept_id <> 0 AND isfinite(value_as_number) AND measurement_date <= DATE '{until}'
    GROUP BY 1, 2, 3, person_id ORDER BY 1, 2, 3
"""
CODES = """
    SELECT "{column}" AS concept, year("{day}") AS year, count(DISTINCT person_id) AS people
    FROM "{table}" WHERE "{day}" <= DATE '{until}' AND "{column}" IS NOT NULL GROUP BY GROUPING SETS ((1, 2), (2))
"""
MIXES = {
    "condition_occurrence": "condition_concept_id", "drug_exposure": "drug_concept_id",
    "procedure_occurrence": "procedure_concept_id", "measurement": "measurement_concept_id",
}  # fmt: skip
ORIGIN = """
    SELECT part_id, count(*) AS rows, min(place) AS place FROM "{table}" WHERE {where}
    GROUP BY part_id ORDER BY rows DESC, part_id
"""


@dataclass(frozen=True, slots=True)
class Share:
    """An indicator at a site: rows counted, of rows asked, and by part how many and where the first stands."""

    counted: int
    asked: int
    parts: Sequence[Mapping[str, int]]


def learnt(workspace: Workspace, edition: Edition, site: str, places: Places) -> Iterator[Finding]:
    """Sequences that cannot be, and years that differ from a site's others."""
    with _viewed(workspace, edition, site) as engine:
        yield from _sequences(engine, site, places)
        yield from _drifts(engine, site, places, _compared(engine, edition))


def comparisons(workspace: Workspace, edition: Edition, site: str) -> int:
    """How many comparisons of a year with those before it are made at a site, of results and of codes."""
    with _viewed(workspace, edition, site) as engine:
        return len(_compared(engine, edition))


@contextmanager
def _viewed(workspace: Workspace, edition: Edition, site: str) -> Iterator[Engine]:
    with workspace.lake.engine() as engine:
        for name in (*MIXES, "visit_occurrence", "death"):
            engine.view(name, files_of(workspace, edition, name, site), empty=schema_of(name))
        engine.view("concept", files_of(workspace, edition, "concept"), empty=schema_of("concept"))
        yield engine


def _compared(engine: Engine, edition: Edition) -> list[tuple[str, int, int, Drift]]:
    return [*_results(engine, edition), *_mixes(engine, edition)]


def _sequences(engine: Engine, site: str, places: Places) -> Iterator[Finding]:
    engine.create("people", query(PEOPLE))
    engine.create("before", query(BEFORE))
    for table in dict.fromkeys(one.table for one in sequences()):
        own = [one for one in sequences() if one.table == table]
        source = JOINED.format(table=table) + (STAYS if table == "visit_occurrence" else "")
        rows = engine.rows(query(_counts(own, source))).to_pylist()
        for number, one in enumerate(own):
            wrong = sum(row[f"c{number}"] for row in rows)
            if wrong:
                parts = _parts(rows, number)
                yield Finding(site, f"sequence.{one.name}", "", wrong, sum(row[f"a{number}"] for row in rows), table,
                              one.field, places=tuple(_led(parts, table, one.field, places)))  # fmt: skip


def _counts(own: Sequence[Counted], source: str) -> str:
    each = ", ".join(
        f"count(*) FILTER ({one.asked}) AS a{n}, count(*) FILTER (({one.asked}) AND ({one.counted})) AS c{n}, "
        f"min(t.place) FILTER (({one.asked}) AND ({one.counted})) AS p{n}"
        for n, one in enumerate(own)
    )
    return f"SELECT t.part_id, {each} FROM {source} GROUP BY t.part_id"


def _parts(rows: Sequence[Mapping[str, Any]], number: int) -> list[Mapping[str, int]]:
    """By file the rows counted, those with most first."""
    found = [
        {"part_id": row["part_id"], "rows": row[f"c{number}"], "place": row[f"p{number}"]}
        for row in rows if row[f"c{number}"]
    ]  # fmt: skip
    return sorted(found, key=lambda one: (-one["rows"], one["part_id"]))


def _led(parts: Sequence[Mapping[str, int]], table: str, field: str, places: Places) -> Iterator[Place]:
    for one in parts[:FILES]:
        feed, file = places.file(one["part_id"])
        line, sheet = places.at(one["part_id"], one["place"])
        columns = places.columns(feed, table, field, file, sheet)
        yield Place(feed, file, one["rows"], line, columns, table, sheet=sheet)


def _results(engine: Engine, edition: Edition) -> Iterator[tuple[str, int, int, Drift]]:
    """Every comparison of results: table, concept, unit, and how a year differs."""
    told = engine.rows(query(RESULTS.format(until=day_of(edition))))
    columns = {name: told[name].to_numpy() for name in told.column_names}
    keys = np.stack([columns["concept"], columns["unit"]], axis=1) if told.num_rows else np.empty((0, 2), np.int64)
    bounds = limits("drift")
    edges: list[int] = []
    if len(keys):
        edges = np.flatnonzero(np.any(np.diff(keys, axis=0, prepend=keys[:1] - 1), axis=1)).tolist()
    for first, last in pairwise([*edges, len(keys)]):
        years, values = columns["year"][first:last], columns["value"][first:last]
        for one in drift.of_results(years, values, fewest=int(bounds["persons"])):
            yield "measurement", int(keys[first, 0]), int(keys[first, 1]), one


def _mixes(engine: Engine, edition: Edition) -> Iterator[tuple[str, int, int, Drift]]:
    """Every comparison of codes: table, the code that changed most, and how a year differs."""
    for table, column in MIXES.items():
        dates = TABLES[table].dates
        assert dates is not None
        told = engine.rows(query(CODES.format(table=table, column=column, day=dates[0], until=day_of(edition))))
        people = told.filter(pa.compute.is_null(told["concept"])).sort_by("year")
        told = told.filter(pa.compute.is_valid(told["concept"]))
        years = people["year"].to_numpy()
        codes, row = np.unique(told["concept"].to_numpy(), return_inverse=True)
        counts = np.zeros((len(codes), len(years)), np.int64)
        counts[row, np.searchsorted(years, told["year"].to_numpy())] = told["people"].to_numpy()
        fewest = int(limits("drift")["persons"])
        each = people["people"].to_numpy()
        for one in drift.of_codes(codes, counts, each, years=years, fewest=fewest):
            yield table, one.code, -1, one


def _drifts(
    engine: Engine, site: str, places: Places, compared: Sequence[tuple[str, int, int, Drift]]
) -> Iterator[Finding]:
    """Of all comparisons of a site those beyond the limits."""
    told = limits("drift")
    chance = told["chance"] / max(len(compared), 1)
    for table, concept, unit, one in compared:
        least = told["js"] if unit < 0 else told["ks"]
        if one.distance < least or one.chance > chance:
            continue
        column = MIXES[table] if unit < 0 else "value_as_number"
        dates = TABLES[table].dates
        assert dates is not None
        where = f'year("{dates[0]}") = {one.year}'
        if unit >= 0:
            where += f" AND measurement_concept_id = {concept} AND coalesce(unit_concept_id, 0) = {unit}"
        parts = engine.rows(query(ORIGIN.format(table=table, where=where))).to_pylist()
        name = _name(engine, concept)
        detail = name if unit < 0 else f"{name}: {one.here:.4g} ↔ {one.usual:.4g}"
        kind = "drift.codes" if unit < 0 else "drift.results"
        key = f"{table}/{one.year}" + ("" if unit < 0 else f"/{concept}/{unit}")
        yield Finding(site, kind, key, sum(row["rows"] for row in parts), 0, table, column, str(one.year), detail,
                      tuple(_led(parts, table, column, places)))  # fmt: skip


def _name(engine: Engine, concept: int) -> str:
    names = engine.rows(query(f"SELECT concept_name FROM concept WHERE concept_id = {concept}")).column(0).to_pylist()
    return str(names[0]) if names else str(concept)


def shares(workspace: Workspace, edition: Edition, sites: Sequence[str]) -> Mapping[str, Mapping[str, Share]]:
    """By indicator and site what is counted; one statement for each table and site."""
    found: dict[str, dict[str, Share]] = {one.name: {} for one in indicators()}
    for site in sites:
        with workspace.lake.engine() as engine:
            for table in dict.fromkeys(one.table for one in indicators()):
                engine.view(table, files_of(workspace, edition, table, site), empty=schema_of(table))
                own = [one for one in indicators() if one.table == table]
                rows = engine.rows(query(_counts(own, f"{table} t"))).to_pylist()
                for number, one in enumerate(own):
                    counted, asked = (sum(row[f"{side}{number}"] for row in rows) for side in "ca")
                    found[one.name][site] = Share(counted, asked, _parts(rows, number))
    return found


@dataclass(frozen=True, slots=True)
class Looked:
    """A site in a funnel: the indicator, its own share, those of the others, what they let expect, and whether it lies
    outside: further than the limits on chance and on size allow."""

    indicator: Counted
    site: str
    own: Share
    others: Sequence[Share]
    expected: Funnel
    outside: bool


def looked(told: Mapping[str, Mapping[str, Share]]) -> list[Looked]:
    """Every site in the funnel of every indicator for which there are enough others."""
    bounds = limits("funnel")
    large = {
        one: {site: share for site, share in told[one.name].items() if share.asked >= bounds["rows"]}
        for one in indicators()
    }
    tests = max(sum(map(len, large.values())), 1)
    found = []
    for one, by_site in large.items():
        counted = np.array([share.counted for share in by_site.values()], float)
        asked = np.array([share.asked for share in by_site.values()], float)
        for place, (site, own) in enumerate(by_site.items() if len(by_site) > bounds["sites"] else ()):
            expected = funnel(counted, asked, place, winsorised=bounds["winsorised"])
            if expected is not None:
                far = 100 * abs(own.counted / own.asked - expected.share)
                outside = expected.chance <= bounds["chance"] / tests and far >= bounds["points"]
                others = [share for name, share in by_site.items() if name != site]
                found.append(Looked(one, site, own, others, expected, outside))
    return found


def pictured(workspace: Workspace, edition: Edition, site: str, *, most: int) -> list[Looked]:
    """The funnels of a site to be shown: those that it lies outside of, then those in which it lies furthest."""
    every = [
        one for one in looked(shares(workspace, edition, [one.name for one in workspace.sites()])) if one.site == site
    ]
    return sorted(every, key=lambda one: (not one.outside, -abs(one.expected.z)))[:most]


def of_outliers(workspace: Workspace, edition: Edition, told: Mapping[str, Mapping[str, Share]]) -> Iterator[Finding]:
    """A finding for each site that lies outside a funnel."""
    for one in looked(told):
        if one.outside:
            counted = one.indicator
            places = Places(workspace, edition, one.site)
            value, detail = f"{100 * one.own.counted / one.own.asked:.1f} %", f"{100 * one.expected.share:.1f} %"
            led = tuple(_led(one.own.parts, counted.table, counted.field, places))
            yield Finding(one.site, f"outlying.{counted.name}", "", one.own.counted, one.own.asked, counted.table,
                          counted.field, value, detail, led)  # fmt: skip
