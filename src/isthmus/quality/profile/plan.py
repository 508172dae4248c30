"""All steps of a profile, in order: what is scanned, what is read of it, and the two tables of results at the end."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from isthmus.quality.profile.counting import counts, overlap, values
from isthmus.quality.profile.covering import covered
from isthmus.quality.profile.definition import LEFT, Analysis, Source, analyses, sources
from isthmus.quality.profile.scan import relation, scan, scanned, view
from isthmus.quality.profile.spread import STRATA, spread

RESULTS, VALUES = "profile_results", "profile_values"


@dataclass(frozen=True, slots=True)
class Step:
    """One statement, in DuckDB's spelling: it makes a table `name`, lengthens one, or is a view; or a table goes."""

    act: Literal["create", "append", "view", "drop"]
    name: str
    statement: str


def steps(present: frozenset[str], *, source_name: str, version: str, day: str) -> Iterator[Step]:
    """The steps that fill RESULTS and VALUES from the tables of a CDM; those not in `present` are there, and empty.

    `source_name`, `version` and `day` (YYYY-MM-DD) go into analysis 0.
    """
    known = _read(sources(present))
    readers: dict[str, list[Analysis]] = {}
    for one in analyses():
        readers.setdefault(one.source, []).append(one)
    yield Step("create", RESULTS, _empty("CAST(NULL AS BIGINT) AS count_value"))
    yield Step("create", VALUES, _empty(f"CAST(NULL AS DOUBLE) AS value, CAST(NULL AS BIGINT) AS {LEFT}"))
    last = _last(known)
    for name, source in known.items():
        mine = readers.get(name, ())
        if source.scan:
            yield Step("create", scanned(source), scan(source, mine))
        if not source.scan or last[name] != name:
            yield Step("view", name, view(source, mine))
        if counted := [_count(source, mine, one) for one in mine if not one.is_distribution and one.kind != "identity"]:
            yield Step("append", RESULTS, " UNION ALL BY NAME ".join(counted))
        if spreads := [values(one, *relation(source, mine, one)) for one in mine if one.is_distribution]:
            yield Step("append", VALUES, " UNION ALL BY NAME ".join(spreads))
        yield from (Step("drop", scanned(one), "") for one in known.values() if one.scan and last[one.name] == name)
    if "persons" in known:
        yield Step("append", RESULTS, _identity(source_name, version, day))


def results() -> str:
    """The statement whose rows are `achilles_results`."""
    return f"SELECT * FROM {RESULTS} ORDER BY analysis_id, {', '.join(STRATA)}"


def distributions() -> str:
    """The statement whose rows are `achilles_results_dist`."""
    return spread(VALUES, [one.analysis_id for one in analyses() if one.kind == "ranks"])


def _count(source: Source, readers: Sequence[Analysis], analysis: Analysis) -> str:
    if analysis.kind == "covered":
        return covered(analysis, source.name)
    if analysis.kind == "overlap":
        return overlap(analysis, source.name)
    return counts(analysis, *relation(source, readers, analysis))


def _read(known: Mapping[str, Source]) -> Mapping[str, Source]:
    """The sources that an analysis reads, and those that these read."""
    asked = {one.source for one in analyses()}
    origins = [one.origin for one in known.values() if one.name in asked]
    return {name: one for name, one in known.items() if name in asked or any(name in origin for origin in origins)}


def _last(known: Mapping[str, Source]) -> Mapping[str, str]:
    """By source the last one that reads it, itself where no other does: after that its scan is not needed."""
    found = {name: name for name in known}
    for reader in known.values():
        found |= {name: reader.name for name in known if name in reader.origin}
    return found


def _empty(columns: str) -> str:
    strata = ", ".join(f"CAST(NULL AS VARCHAR) AS {name}" for name in STRATA)
    return f"SELECT CAST(NULL AS INTEGER) AS analysis_id, {strata}, {columns} WHERE false"


def _identity(*told: str) -> str:
    said = ", ".join(f"{_literal(text)} AS {name}" for name, text in zip(STRATA, told, strict=False))
    return f"SELECT 0 AS analysis_id, {said}, count(DISTINCT person_id) AS count_value FROM person"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
