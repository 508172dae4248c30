"""Files of an edition in which the dates of one use stand already, made once and read by its questions.

Dates move by person and by use, so that a question of ours that counts by year would join every row with its person's
days: nine times what the plain question costs, however fast the days are found. In a prepared file they are moved; all
else is as in the file that it stands for, with null for what the grant does not hold. Identities stay as they are: what
is done to them is done when they are asked for.

A prepared file belongs to a file of the lake (which never changes), to the keys of the use, to the joining of persons,
and to columns. Where one of these is another, it is not found, and the question joins. All of them may be thrown away.
"""

import hashlib
import shutil
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import ibis

from isthmus.base.clock import now
from isthmus.base.errors import InputError, RefusedError
from isthmus.cdm.questions import QUESTIONS
from isthmus.gate.committee.application import Grant
from isthmus.gate.grade.column import MASKED, Measure, graded
from isthmus.gate.grade.decision import PUBLIC, Allowed, Request, decide
from isthmus.gate.grade.keys import Keys
from isthmus.gate.grade.rewrite import OWNERS, RAW, Use, moved
from isthmus.gate.joined import ALIAS, JOINING, SCHEMA
from isthmus.gate.office import cases
from isthmus.gate.office.unit import Office
from isthmus.lake.asking import Reading, written
from isthmus.lake.delta import DataFile
from isthmus.lake.edition import Edition
from isthmus.lake.lake import Lake

FOLDER = ".prepared"  # of a lake
PLACED = frozenset({"site", "part_id", "place", "mapping_id"})


@dataclass(frozen=True, slots=True)
class Made:
    """What was prepared: files made now, and all that there are, with their bytes."""

    made: int
    files: int
    size: int


def prepared(lake: Lake, edition: Edition, use: Use, allowed: Allowed) -> tuple[Edition, Use]:
    """The edition with prepared files in place of its own, and the use that knows of which tables.

    A table is read from them where all its files are prepared.
    """
    root = lake.root / FOLDER / use.keys.name
    if not root.is_dir():
        return edition, use
    tables = dict(edition.body["tables"])
    found = set()
    for table in _dated(allowed):
        files = {one.path: _place(root, edition, one, allowed.columns[table]) for one in edition.files(table)}
        if files and all(path.is_file() for path in files.values()):
            paths = {name: path.relative_to(lake.root).as_posix() for name, path in files.items()}
            listed = [one | {"path": paths[one["path"]]} for one in tables[table]["files"]]
            tables[table] = tables[table] | {"files": listed}
            found.add(table)
    return Edition(edition.number, {**edition.body, "tables": tables}, edition.digest), replace(
        use, moved=frozenset(found)
    )


def prepare(lake: Lake, edition: Edition, keys: Keys, allowed: Allowed) -> Made:
    """Make the files that lack, and throw away those of other editions and terms."""
    root = lake.root / FOLDER / keys.name
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    wanted, made = set(), 0
    for table in _dated(allowed):
        for one in edition.files(table):
            place = _place(root, edition, one, allowed.columns[table])
            wanted.add(place)
            if not place.is_file():
                _make(lake, edition, one, _columns(table, allowed.columns[table]), keys, place)
                made += 1
    for path in root.rglob("*.parquet"):
        if path not in wanted:
            path.unlink()
    return Made(made, len(wanted), sum(path.stat().st_size for path in wanted))


def brought_up(office: Office, lake: Lake, asked: Collection[str]) -> dict[str, Made]:
    """Prepare the newest edition for these grants, and for all for which one was prepared before; by grant.

    What was prepared for grants that are over is thrown away. Raises RefusedError for a grant that is not in force, and
    InputError when nothing is published.
    """
    edition = lake.editions.current()
    if edition is None:
        raise InputError("nothing is published yet. Run `isthmus ingest` first.")
    with office.open() as opened:
        held = [one.case.grant for one in cases.files(opened) if one.case.standing(now()) == "active"]
        uses = {one.id: (one, Keys(opened.secret, one.id)) for one in held if one is not None}
    if over := sorted(set(asked) - uses.keys()):
        raise RefusedError(f"the grant {over[0]} is not in force. `isthmus use list` shows those that are.")
    before = {path.name: path for path in (lake.root / FOLDER).glob("*")}
    for name in before.keys() - {keys.name for _, keys in uses.values()}:
        shutil.rmtree(before[name])
    found = {}
    for name, (grant, keys) in uses.items():
        if name in asked or keys.name in before:
            allowed = _allowed(grant)
            found[name] = prepare(lake, edition.within(allowed.sites), keys, allowed)
    return found


def _allowed(grant: Grant) -> Allowed:
    """All that a grant in force lets be read."""
    named = dict.fromkeys(grant.columns, frozenset[str]())
    request = Request(person=min(grant.people), kind=min(grant.kinds), at=now(), columns=named)
    found = decide(grant, request)
    assert isinstance(found, Allowed)  # or it were not in force
    return found


def _dated(allowed: Allowed) -> Iterator[str]:
    """Tables of persons whose dates move; those with texts that are masked are left."""
    for table, measures in sorted(allowed.columns.items()):
        if table not in PUBLIC and table not in MASKED and "shift" in measures.values():
            yield table


def _columns(table: str, measures: Mapping[str, Measure]) -> frozenset[str]:
    """The columns of a prepared file that are not null: those that may be read, and those that withhold rows."""
    special = {name for name in QUESTIONS[table].columns if graded(table, name).special}
    return frozenset(QUESTIONS[table].columns) & {*measures, *OWNERS, *PLACED, *special}


def _place(root: Path, edition: Edition, file: DataFile, measures: Mapping[str, Measure]) -> Path:
    """Where the file that stands for a file of an edition lies."""
    joining = sorted(one.path for one in edition.files(ALIAS))
    words = "\n".join([*joining, "", *sorted(_columns(file.table, measures))])
    return root / hashlib.sha256(words.encode()).hexdigest()[:32] / file.path


def _make(lake: Lake, edition: Edition, file: DataFile, columns: Collection[str], keys: Keys, place: Path) -> None:
    body = edition.body["tables"]
    listed = [one for one in body[file.table]["files"] if one["path"] == file.path]
    alone = {file.table: body[file.table] | {"files": listed}}
    joining = any(one.rows for one in edition.files(ALIAS))
    read = {f"{RAW}{file.table}": (file.table, QUESTIONS[file.table].schema().to_pyarrow())}
    if joining:
        read[JOINING] = (ALIAS, SCHEMA)
        alone[ALIAS] = body[ALIAS]
    alias = ibis.table(ibis.Schema.from_pyarrow(SCHEMA), name=JOINING) if joining else None
    one = Edition(edition.number, {**edition.body, "tables": alone}, edition.digest)
    written(lake, one, moved(file.table, columns, alias, keys).drop("site"), Reading(read, {}), place)
