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
    known = sources(present)
    readers: dict[str, list[Analysis]] = {}
    for one in analyses():
        readers.setdefault(one.source, []).append(one)
    yield Step("create", RESULTS, _empty("CAST(NULL AS BIGINT) AS count_value"))
    yield Step("create", VALUES, _empty(f"CAST(NULL AS DOUBLE) AS value, CAST(NULL AS BIGINT) AS {LEFT}"))
    for group, done in _groups(known):
        counted, spreads = [], []
        for source in group:
            mine = readers.get(source.name, ())
            if source.scan:
                yield Step("create", scanned(source), scan(source, mine))
            yield Step("view", source.name, view(source, mine))
            counted += [_count(source, mine, one) for one in mine if not one.is_distribution and one.kind != "identity"]
            spreads += [values(one, relation(source, mine, one)) for one in mine if one.is_distribution]
        for name, parts in ((RESULTS, counted), (VALUES, spreads)):
            if parts:
                yield Step("append", name, " UNION ALL BY NAME ".join(parts))
        yield from (Step("drop", scanned(one), "") for one in done)
    if "persons" in known:
        yield Step("append", RESULTS, _identity(source_name, version, day))


def results() -> str:
    """The statement whose rows are `achilles_results`."""
    return f"SELECT * FROM {RESULTS} ORDER BY analysis_id, {', '.join(STRATA)}"


def distributions() -> str:
    """The statement whose rows are `achilles_results_dist`."""
    return spread(VALUES, [one.analysis_id for one in analyses() if one.kind == "ranks"])


def _count(source: Source, readers: Sequence[Analysis], analysis: Analysis) -> str:
    where = relation(source, readers, analysis)
    if analysis.kind == "covered":
        return covered(analysis, where)
    return overlap(analysis, where) if analysis.kind == "overlap" else counts(analysis, where)


def _groups(known: Mapping[str, Source]) -> Iterator[tuple[Sequence[Source], Sequence[Source]]]:
    """The sources in groups to be read together, and with each the scans that no later group reads."""
    last = {name: name for name in known}
    for reader in known.values():
        last |= {name: reader.name for name in known if name in reader.origin}
    group: list[Source] = []
    for name, source in known.items():
        group.append(source)
        done = [one for one in known.values() if one.scan and last[one.name] in {other.name for other in group}]
        if any(last[one.name] == name and one is not source for one in done):
            yield group, done
            group = []
    yield group, [one for one in group if one.scan]


def _empty(columns: str) -> str:
    strata = ", ".join(f"CAST(NULL AS VARCHAR) AS {name}" for name in STRATA)
    return f"SELECT CAST(NULL AS INTEGER) AS analysis_id, {strata}, {columns} WHERE false"


def _identity(*told: str) -> str:
    said = ", ".join(f"{_literal(text)} AS {name}" for name, text in zip(STRATA, told, strict=False))
    return f"SELECT 0 AS analysis_id, {said}, count(DISTINCT person_id) AS count_value FROM person"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
