"""A CDM in which definitions find somebody: its events are drawn from the concepts, units and values that they name.

Real sample data leave most definitions of a library empty, which hides faults and makes every engine look fast. Nothing
here means anything medically; what counts is that windows, counts, values and persons often meet.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from isthmus.cdm.tables import TABLES
from isthmus.research.cohorts.catalogue import Domain, domains
from isthmus.research.cohorts.concepts import criteria, groups
from isthmus.research.cohorts.definition import Criterion, Definition, EraExit, Group, Test

FIRST_DAY, DAYS = 14_000, 4_000  # since 1970: May 2008 to April 2019
CHILDREN, CODES = 2_100_000_000, 2_120_000_000  # ids of invented descendants, and of codes that map to concepts
MALE, FEMALE = 8507, 8532
RATES = {
    "ConditionOccurrence": 60, "ConditionEra": 10, "Death": 0, "DeviceExposure": 6, "DoseEra": 3, "DrugEra": 12,
    "DrugExposure": 30, "Measurement": 40, "Observation": 25, "PayerPlanPeriod": 1, "ProcedureOccurrence": 25,
    "Specimen": 4, "VisitDetail": 5, "VisitOccurrence": 12,
}  # fmt: skip
WORDS = ("alpha", "beta", "gamma", "alphabet")
NUMBERS = {
    "condition_occurrence_count": (1, 6), "drug_exposure_count": (1, 6), "gap_days": (0, 30), "quantity": (0, 60),
    "days_supply": (1, 60), "refills": (0, 5), "dose_value": (1, 100),
}  # fmt: skip


@dataclass(slots=True)
class Pools:
    """What definitions name: concepts by domain, and by attribute of a domain; numbers by attribute."""

    concepts: dict[str, set[int]] = field(default_factory=dict)
    listed: dict[str, set[int]] = field(default_factory=dict)
    values: dict[str, set[float]] = field(default_factory=dict)
    parents: set[int] = field(default_factory=set)


def pools(definitions: Iterable[Definition]) -> Pools:
    """Everything that definitions ask for."""
    found = Pools()
    for one in definitions:
        for criterion in criteria(one):
            _gather(found, one, criterion)
        for tests in _demographics(one):
            _gather_tests(found, one, "Demographic", tests)
        if isinstance(one.exit, EraExit):
            found.concepts.setdefault("DrugExposure", set()).update(_ids(one, one.exit.codeset, found))
    return found


def write(folder: Path, found: Pools, *, persons: int, seed: int, rate: float = 1.0) -> dict[str, int]:
    """The CDM as Parquet files, one a table; `rate` is how many events a person has, 1 being about 230. Gives rows."""
    random = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    written: dict[str, int] = {}
    for name, columns in _tables(random, found, persons, rate):
        schema = TABLES[name].schema
        rows = len(next(iter(columns.values())))
        arrays = [_column(columns.get(one.name), one, rows) for one in schema]
        pq.write_table(pa.table(arrays, schema=schema), folder / f"{name}.parquet")
        written[name] = rows
    return written


def _column(values: Any, one: pa.Field, rows: int) -> pa.Array:
    if values is not None:
        return pa.array(values, from_pandas=True).cast(one.type, safe=False)
    return pa.nulls(rows, one.type) if one.nullable else pa.array([0] * rows).cast(one.type)


def _gather(found: Pools, one: Definition, criterion: Criterion) -> None:
    domain = criterion.domain
    for codeset in (criterion.codeset, criterion.source):
        if codeset is not None:
            found.concepts.setdefault(domain, set()).update(_ids(one, codeset, found))
    _gather_tests(found, one, domain, criterion.tests)


def _gather_tests(found: Pools, one: Definition, domain: str, tests: Sequence[Test]) -> None:
    for test in tests:
        key = f"{domain}.{test.attribute.removesuffix('CS')}"
        found.listed.setdefault(key, set()).update(test.concepts or ())
        if test.codeset is not None:
            found.listed[key].update(_ids(one, test.codeset, found))
        found.values.setdefault(key, set()).update(end for end in (test.low, test.high) if np.isfinite(end))


def _ids(one: Definition, codeset: int, found: Pools) -> set[int]:
    items = [item for item in one.sets.get(codeset, frozenset()) if not item.excluded]
    found.parents.update(item.concept_id for item in items if item.descendants)
    return {item.concept_id for item in items}


def _demographics(one: Definition) -> Iterator[Sequence[Test]]:
    waiting: list[Group] = [*groups(one), *(it.nested for it in criteria(one) if it.nested is not None)]
    while waiting:
        group = waiting.pop()
        waiting += group.groups
        yield from group.demographics


Columns = dict[str, Any]
Random = np.random.Generator
Days = npt.NDArray[np.int64]


def _tables(random: Random, found: Pools, persons: int, rate: float) -> Iterator[tuple[str, Columns]]:
    ids = np.arange(1, persons + 1)
    yield "person", {
        "person_id": ids, "gender_concept_id": random.choice([MALE, FEMALE], persons),
        "year_of_birth": random.integers(1925, 2012, persons),
        "race_concept_id": random.choice([8515, 8516, 8527], persons),
        "ethnicity_concept_id": random.choice([38003563, 38003564], persons),
    }  # fmt: skip
    opened = FIRST_DAY + random.integers(0, 1200, persons)
    closed = FIRST_DAY + DAYS - random.integers(0, 900, persons)
    yield "observation_period", {
        "observation_period_id": ids, "person_id": ids, "observation_period_start_date": _dates(opened),
        "observation_period_end_date": _dates(closed), "period_type_concept_id": np.full(persons, 32880),
    }  # fmt: skip
    dead = random.random(persons) < 0.15
    yield "death", {
        "person_id": ids[dead], "death_date": _dates(closed[dead] - random.integers(0, 400, int(dead.sum()))),
        "death_type_concept_id": np.full(int(dead.sum()), 32817),
        "cause_concept_id": _pick(random, found.concepts.get("Death", {0}), int(dead.sum())),
    }  # fmt: skip
    providers = _pick(random, _listed(found, "ProviderSpecialty"), 200)
    yield "provider", {"provider_id": np.arange(1, 201), "specialty_concept_id": providers}
    yield "care_site", {
        "care_site_id": np.arange(1, 51),
        "place_of_service_concept_id": _pick(random, _listed(found, "PlaceOfService"), 50),
    }  # fmt: skip
    yield from _vocabulary(found)
    visits = max(1, round(RATES["VisitOccurrence"] * rate))
    for name, per in RATES.items():
        if per:
            count = persons * max(1, round(per * rate))
            yield domains()[name].table, _events(random, found, domains()[name], (persons, count, visits))


def _events(random: Random, found: Pools, domain: Domain, sizes: tuple[int, int, int]) -> Columns:
    """Events of one domain; half of them gather around one day of their person, so that windows find something."""
    persons, count, visits = sizes
    schema = TABLES[domain.table].schema
    person = np.sort(random.integers(1, persons + 1, count))
    middle = FIRST_DAY + 600 + (person * 7919) % (DAYS - 1800)
    near = random.random(count) < 0.5
    start = np.where(near, middle + random.integers(-45, 120, count), FIRST_DAY + random.integers(0, DAYS, count))
    columns: Columns = {domain.id: np.arange(1, count + 1), "person_id": person, domain.start: _dates(start)}
    if domain.concept:
        pool = _with_children(found, found.concepts.get(domain.name, set()))
        columns[domain.concept] = _pick(random, pool, count)
        if domain.source:
            columns[domain.source] = _pick(random, pool, count)
    ends = domain.start.replace("start_date", "end_date")
    if ends != domain.start:
        lasting = random.choice([0, 1, 3, 10, 30, 90, 200], count)
        known = not schema.field(ends).nullable
        columns[ends] = _dates(start + lasting, None if known else random.random(count) < 0.1)
    names = set(schema.names)
    if domain.visit and domain.id != "visit_occurrence_id":
        columns["visit_occurrence_id"] = (person - 1) * visits + random.integers(1, visits + 1, count)
    if "provider_id" in names:
        columns["provider_id"] = random.integers(1, 201, count)
    if "care_site_id" in names:
        columns["care_site_id"] = random.integers(1, 51, count)
    columns |= {name: random.integers(*NUMBERS[name], count) for name in NUMBERS if name in names}
    return columns | _attributes(random, found, domain, count)


def _attributes(random: Random, found: Pools, domain: Domain, count: int) -> Columns:
    """Columns that attributes look at, filled with what is asked of them and its neighbourhood."""
    columns: Columns = {}
    for name, attribute in domain.attributes.items():
        column = attribute.meaning.removeprefix("c.")
        if column not in TABLES[domain.table].schema.names:
            continue
        key = f"{domain.name}.{name.removesuffix('CS')}"
        if attribute.kind in ("concepts", "selection", "codeset") and found.listed.get(key):
            columns[column] = _pick(random, found.listed[key], count)
        elif attribute.kind == "decimal":
            near = sorted(found.values.get(key, set())) or [1.0, 10.0, 100.0]
            values = random.choice(near, count) * random.choice([0.5, 0.9, 1.0, 1.0, 1.1, 2.0, 4.0], count)
            unknown = (random.random(count) < 0.1) & TABLES[domain.table].schema.field(column).nullable
            columns[column] = np.where(unknown, np.nan, values)
        elif attribute.kind == "text":
            columns[column] = random.choice(WORDS, count)
    return columns


def _vocabulary(found: Pools) -> Iterator[tuple[str, Columns]]:
    own = set().union(*found.concepts.values(), *found.listed.values(), {MALE, FEMALE}) - {0}
    parents = np.array(sorted(found.parents), dtype=np.int64)
    ids = np.array(sorted(own), dtype=np.int64)
    children = CHILDREN + np.arange(len(parents))
    codes = CODES + np.arange(len(parents))
    everything = np.concatenate((ids, children, codes))
    many = len(everything)
    yield "concept", {
        "concept_id": everything, "concept_name": everything.astype(str), "domain_id": np.full(many, "Metadata"),
        "vocabulary_id": np.full(many, "None"), "concept_class_id": np.full(many, "None"),
        "standard_concept": np.full(many, "S"), "concept_code": everything.astype(str),
        "valid_start_date": _dates(np.zeros(many, dtype=np.int64)),
        "valid_end_date": _dates(np.full(many, 47_000)),
    }  # fmt: skip
    yield "concept_ancestor", {
        "ancestor_concept_id": np.concatenate((everything, parents)),
        "descendant_concept_id": np.concatenate((everything, children)),
        "min_levels_of_separation": np.repeat([0, 1], [many, len(parents)]),
        "max_levels_of_separation": np.repeat([0, 1], [many, len(parents)]),
    }  # fmt: skip
    yield "concept_relationship", {
        "concept_id_1": codes, "concept_id_2": parents, "relationship_id": np.full(len(parents), "Maps to"),
        "valid_start_date": _dates(np.zeros(len(parents), dtype=np.int64)),
        "valid_end_date": _dates(np.full(len(parents), 47_000)),
    }  # fmt: skip


def _with_children(found: Pools, concepts: set[int]) -> set[int]:
    children = {concept: CHILDREN + at for at, concept in enumerate(sorted(found.parents))}
    below = {children[one] for one in concepts if one in children}
    return concepts | below | {one - CHILDREN + CODES for one in below}


def _listed(found: Pools, attribute: str) -> set[int]:
    return set().union(*(ids for name, ids in found.listed.items() if name.endswith(f".{attribute}"))) or {0}


def _pick(random: Random, pool: Iterable[int], count: int) -> npt.NDArray[np.int64]:
    return random.choice(np.array(sorted(pool) or [0], dtype=np.int64), count)


def _dates(days: Days, missing: npt.NDArray[np.bool_] | None = None) -> pa.Array:
    return pa.array(days.astype(np.int32), mask=missing).cast(pa.date32())
