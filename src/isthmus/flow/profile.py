"""The characterisation of an edition: computed once, kept beside it, and written out as OHDSI's tools read it."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, Protocol

import orjson
import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as pq
from sqlglot import exp

from isthmus.base.durable import replaced, sha256_of
from isthmus.base.errors import InputError, UsageError
from isthmus.cdm.tables import TABLES
from isthmus.flow.schema import schema_of
from isthmus.flow.statement import query
from isthmus.flow.workspace import Workspace
from isthmus.lake.edition import Edition
from isthmus.lake.engine import Engine
from isthmus.mapping.rule import SQL_TYPES
from isthmus.quality.profile import plan
from isthmus.quality.profile.definition import missing, tables
from isthmus.quality.profile.result import DISTRIBUTIONS, RESULTS, listed, without_small
from isthmus.quality.profile.summary import concepts, people, sexes, years

Form = Literal["csv", "parquet"]
FOLDER = "profiles"
SMALL = 5  # counts up to this stay out of what is shown, as in Achilles
VERSION = "1.7.2"  # of Achilles, whose analyses these are
CDM_NAME = "SELECT min(cdm_source_name) AS name FROM cdm_source"
NAMES = "SELECT concept_id, min(concept_name) AS name FROM concept WHERE concept_id IN ({listed}) GROUP BY concept_id"


@dataclass(frozen=True, slots=True)
class Profile:
    """What was counted in an edition, small counts and all.

    `left_out` are the analyses without rows because tables that they read have none, with those tables.
    """

    edition: Edition
    results: pa.Table
    distributions: pa.Table
    left_out: Mapping[int, Sequence[str]]


def profile(workspace: Workspace, *, edition: int | None = None) -> Profile:
    """The profile of an edition, the newest by default; computed unless it is kept already.

    Raises InputError when nothing is published, or there is no such edition.
    """
    found = workspace.lake.editions.current() if edition is None else workspace.lake.editions.get(edition)
    if found is None:
        raise InputError("nothing is published yet, so there is nothing to describe. Run `isthmus ingest` first.")
    folder = workspace.root / FOLDER / found.name
    kept = _kept(folder, found)
    results, distributions = kept or _computed(workspace, found)
    if kept is None:
        _keep(folder, found, {"achilles_results": results, "achilles_results_dist": distributions})
    return Profile(found, results, distributions, missing(_present(found)))


class Counting(Protocol):
    """Where a profile is counted: an engine, or a desk under a grant."""

    def create(self, name: str, select: exp.Query) -> int:
        """Fill a table with the rows of a statement, in place of what it held; returns their number."""

    def insert(self, name: str, select: exp.Query) -> None:
        """Append the rows of a statement to a table, by the names of columns."""

    def create_view(self, name: str, select: exp.Query) -> None:
        """Give a statement a name."""

    def drop(self, name: str) -> None:
        """Forget a table."""

    def rows(self, select: exp.Query) -> pa.Table:
        """The rows of a statement."""


def compute(engine: Counting, present: frozenset[str], *, source_name: str, day: str) -> tuple[pa.Table, pa.Table]:
    """Both tables of results, from the tables of a CDM that the engine has under their names, in the form of 5.4.

    `present` are those with rows; the other tables of `quality.profile.definition.tables` are there, and empty.
    """
    for step in plan.steps(present, source_name=source_name, version=VERSION, day=day):
        match step.act:
            case "create":
                engine.create(step.name, query(step.statement))
            case "append":
                engine.insert(step.name, query(step.statement))
            case "view":
                engine.create_view(step.name, query(step.statement))
            case "drop":
                engine.drop(step.name)
    found = engine.rows(query(plan.results())), engine.rows(query(plan.distributions()))
    return found[0].cast(RESULTS), found[1].cast(DISTRIBUTIONS)


def counted(at: Counting, edition: Edition, source_name: str) -> Profile:
    """The profile of what is there of an edition, whoever gives it: counted anew, and not kept."""
    counts = {name: at.rows(query(f"SELECT count(*) AS n FROM {name}")).column(0)[0].as_py() for name in tables()}
    present = frozenset(name for name, count in counts.items() if count)
    found = compute(at, present, source_name=source_name, day=str(edition.body["published_at"])[:10])
    return Profile(edition, *found, missing(present))


def describe(workspace: Workspace, found: Profile, *, small: int = SMALL, top: int = 5) -> Mapping[str, Any]:
    """What a profile says at a glance: `people`, `sexes`, `years` by table, and the `top` concepts of each table.

    Counts up to `small` are left out.
    """
    by_sex = sexes(found.results, small)
    frequent = [asdict(one) for one in concepts(found.results, small, top)]
    names = _names(workspace, found.edition, [*by_sex, *(one["concept_id"] for one in frequent)])
    return {
        "people": people(found.results, found.distributions, small),
        "sexes": {names.get(concept, str(concept)): count for concept, count in by_sex.items()},
        "years": [asdict(one) for one in years(found.results, small)],
        "concepts": [{**one, "name": names.get(one["concept_id"], "")} for one in frequent],
    }


def write(found: Profile, folder: Path, *, form: Form, small: int) -> int:
    """Write the three tables into a folder, made if needed; counts up to `small` stay out. Returns how many rows did.

    Raises UsageError when the folder is a file.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file. Name a folder for the three tables.")
    whole = {"achilles_results": found.results, "achilles_results_dist": found.distributions}
    shown = {name: without_small(table, small) for name, table in whole.items()}
    for name, table in {"achilles_analysis": listed(), **shown}.items():
        with replaced(folder / f"{name}.{form}") as stream:
            if form == "csv":
                csv.write_csv(table, stream)
            else:
                pq.write_table(table, stream)
    return sum(whole[name].num_rows - shown[name].num_rows for name in whole)


def _computed(workspace: Workspace, edition: Edition) -> tuple[pa.Table, pa.Table]:
    with workspace.lake.engine() as engine:
        present = _present(edition)
        for name in tables():
            if name in present:
                _view(workspace, engine, edition, name)
            else:
                engine.create_view(name, query(_empty(name)))
        source_name = workspace.root.resolve().name
        if "cdm_source" in present:
            _view(workspace, engine, edition, "cdm_source")
            source_name = engine.rows(query(CDM_NAME)).column(0)[0].as_py() or source_name
        return compute(engine, present, source_name=source_name, day=str(edition.body["published_at"])[:10])


def _empty(table: str) -> str:
    """A table without rows, as a statement: an empty Arrow table would load a library that nothing else here needs."""
    columns = (f'CAST(NULL AS {SQL_TYPES[one.type]}) AS "{one.name}"' for one in TABLES[table].columns)
    return f"SELECT {', '.join(columns)} WHERE false"


def _names(workspace: Workspace, edition: Edition, listed: Sequence[int]) -> Mapping[int, str]:
    """The names that the edition's vocabulary has for concepts."""
    if not listed:
        return {}
    with workspace.lake.engine() as engine:
        _view(workspace, engine, edition, "concept")
        rows = engine.rows(query(NAMES.format(listed=", ".join(map(str, listed))))).to_pylist()
    return {row["concept_id"]: row["name"] for row in rows}


def _view(workspace: Workspace, engine: Engine, edition: Edition, table: str) -> None:
    engine.view(table, [workspace.lake.root / one.path for one in edition.files(table)], empty=schema_of(table))


def _present(edition: Edition) -> frozenset[str]:
    return frozenset(name for name, rows in edition.tables().items() if rows and name in TABLES)


def _keep(folder: Path, edition: Edition, found: Mapping[str, pa.Table]) -> None:
    """Keep the tables of a profile; the note that makes them valid comes last."""
    note: dict[str, str] = {"edition": edition.digest, "definitions": _definitions()}
    for name, table in found.items():
        with replaced(folder / f"{name}.parquet") as stream:
            pq.write_table(table, stream, compression="zstd")
        note[name] = sha256_of(folder / f"{name}.parquet")
    with replaced(folder / "profile.json") as stream:
        stream.write(orjson.dumps(note, option=orjson.OPT_INDENT_2))


def _kept(folder: Path, edition: Edition) -> tuple[pa.Table, pa.Table] | None:
    """The tables kept, unless they are of another edition or of other definitions, or are not as they were written."""
    try:
        note = orjson.loads((folder / "profile.json").read_bytes())
        paths = [folder / f"{name}.parquet" for name in ("achilles_results", "achilles_results_dist")]
        valid = note == {"edition": edition.digest, "definitions": _definitions()} | {
            path.stem: sha256_of(path) for path in paths
        }
    except (FileNotFoundError, orjson.JSONDecodeError):
        return None
    return (pq.read_table(paths[0]), pq.read_table(paths[1])) if valid else None


@cache
def _definitions() -> str:
    """Digest of what says how a profile is counted: another version of it counts anew."""
    digest = hashlib.sha256()
    for path in sorted(files(plan.__package__ or "").iterdir(), key=lambda one: one.name):
        if path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()
