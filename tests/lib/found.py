"""Which of the errors that the simulation made are behind a finding: row by row, where a row is left to look at."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pyarrow.parquet as pq
from benchmarks import decidable

from isthmus.base.errors import IsthmusError
from isthmus.flow import units
from isthmus.flow.findings.gather import EMPTY, findings
from isthmus.flow.quality import day_of, quality, views
from isthmus.flow.schema import schema_of
from isthmus.flow.statement import query
from isthmus.flow.trace import Tracer
from isthmus.flow.workspace import Workspace
from isthmus.lake.edition import Edition
from isthmus.mapping.units.detect import detect
from isthmus.quality.checks.rows import wrong
from isthmus.serving import mending

Row = tuple[int, int]  # part and place
# Of these kinds, those that a judge could tell who knows how the simulation draws its numbers; see the benchmark.
UNITS, SILENT, DECIDABLE = "wrong-unit", "missing-day", " (decidable)"
COUNTED = ("exact-duplicate",)  # nothing of them is left but their number
RECORDS = f"""
    SELECT DISTINCT part_id, place FROM record
    WHERE place >= 0 AND (outcome IN ('quarantined', 'superseded') OR {EMPTY})
"""
CODES = "SELECT DISTINCT part_id, place FROM coding WHERE concept_id = 0 AND decision_id IS NULL"


@dataclass(frozen=True, slots=True)
class Score:
    """Errors of one kind that were made, and those of them that a finding points at."""

    kind: str
    made: int
    found: int

    @property
    def recall(self) -> float:
        """The share that was found."""
        return self.found / self.made if self.made else 1.0


def scores(workspace: Workspace, truth: Path) -> dict[str, Score]:
    """By kind of error how many were made and found. `truth` is the simulation's folder."""
    edition = workspace.lake.editions.current()
    assert edition is not None
    made = pq.read_table(truth / "errors.parquet").to_pylist()
    listed = [one for several in findings(workspace).values() for one in several]
    silent = {(one.site, day) for one in listed if one.kind == "silence" for day in days_of(one.value)}
    never = {(one.site, column) for one in listed if one.kind == "never" for at in one.places for column in at.columns}
    again = {(one.site, at.feed): one.rows for one in listed if one.kind == "repeats" for at in one.places}
    texts = {
        site: " ".join(_texts(workspace, _pointed(workspace, edition, site))) for site in {one["site"] for one in made}
    }
    count, hit = Counter[str](), Counter[str]()
    for one in made:
        count[one["kind"]] += 1
        site, key = one["site"], one["key"]
        if one["kind"] == SILENT:
            hit[one["kind"]] += (site, key) in silent
        elif one["kind"] == "missing-column":
            hit[one["kind"]] += (site, key) in never
        elif one["kind"] not in COUNTED and not _is_hl7_code(one):
            hit[one["kind"]] += key in texts[site]
    twice = Counter((one["site"], one["feed"]) for one in made if one["kind"] in COUNTED)
    hit["exact-duplicate"] = sum(min(number, again.get(key, 0)) for key, number in twice.items())
    for (site, file), number in Counter((one["site"], one["file"]) for one in made if _is_hl7_code(one)).items():
        hit["unknown-code"] += min(number, _unknown(workspace, edition, site, file))
    wrong = decidable.wrong_units(truth)
    every = {(row["site"], row["feed"], row["source_key"]): row["chance"] for row in wrong}
    able = {record for record, chance in every.items() if chance >= decidable.LIKELIER}
    told = {name: mending.named(workspace, truth, some) for name, some in ((UNITS, every), (UNITS + DECIDABLE, able))}
    days = {day for day, chance in decidable.silent_days(truth).items() if chance >= decidable.LIKELIER}
    apart = {kind: Score(kind, one.wrong, one.right) for kind, one in told.items()}
    apart[SILENT + DECIDABLE] = Score(SILENT + DECIDABLE, len(days), len(days & silent))
    return {kind: Score(kind, count[kind], hit[kind]) for kind in sorted(count)} | apart


def days_of(value: str) -> list[str]:
    """The days of a silence, as its finding writes them."""
    first, _, last = value.partition(" – ")
    begin, end = date.fromisoformat(first), date.fromisoformat(last or first)
    return [str(begin + timedelta(days=step)) for step in range((end - begin).days + 1)]


def _is_hl7_code(one: Mapping[str, str]) -> bool:
    """Messages do not hold the number that the truth has of their parts."""
    return one["kind"] == "unknown-code" and one["feed"] == "hl7"


def _unknown(workspace: Workspace, edition: Edition, site: str, file: str) -> int:
    """How many uses of the code that nobody knows wait for a meaning in a file."""
    parts = [part.part_id for part in workspace.records.parts() if part.member == file]
    files = [workspace.lake.root / one.path for one in edition.files("coding") if one.site == site]
    with workspace.lake.engine() as engine:
        engine.view("coding", files, empty=schema_of("coding"))
        rows = engine.rows(query("SELECT code, part_id FROM coding WHERE concept_id = 0")).to_pylist()
    return sum(row["code"] == "ZZ9999" and row["part_id"] in parts for row in rows)


def _pointed(workspace: Workspace, edition: Edition, site: str) -> set[Row]:
    """The rows of a site's deliveries that are behind a finding."""
    with workspace.lake.engine() as engine:
        found = quality(workspace, site=site)
        layout = views(engine, workspace, edition, found.version, site)
        rows: set[Row] = set()
        for one in found.results:
            listed = wrong(one.check, layout, day_of(edition)) if one.status == "failed" else None
            if listed is not None and "part_id" in schema_of(one.check.table).names and _is_told(one.check.type.name):
                rows |= _rows(engine.rows(listed).select(["part_id", "place"]).to_pylist())
        for table, sql in (("record", RECORDS), ("coding", CODES)):
            files = [workspace.lake.root / one.path for one in edition.files(table) if one.site == site]
            engine.view(table, files, empty=schema_of(table))
            rows |= _rows(engine.rows(query(sql)).to_pylist())
    table = units.published(workspace, edition)
    return rows | _rows(
        one for one in table.take(detect(table).rows["row"]).select(["home", "part_id", "place"]).to_pylist()
        if one["home"] == site
    )  # fmt: skip


def _is_told(name: str) -> bool:
    """Checks that most rows fail would find anything, and are left out."""
    return not name.endswith("Completeness") and name not in (
        "plausibleUnitConceptIds",
        "isStandardValidConcept",
        "fkDomain",
    )


def _rows(listed: Iterator[Mapping[str, int]] | Sequence[Mapping[str, int]]) -> set[Row]:
    return {(one["part_id"], one["place"]) for one in listed}


def _texts(workspace: Workspace, rows: set[Row]) -> Iterator[str]:
    """What stands in the deliveries at these places."""
    tracer = Tracer(workspace)
    for part_id, place in sorted(rows):
        try:
            yield tracer.passage(part_id, place).text
        except IsthmusError:
            continue
