"""Cohorts that are kept with an edition, and brought up to date from what changed since an earlier one.

Whether somebody is in a cohort depends on that person's rows alone, and on the vocabulary, providers and sites of care.
So of a later edition only the persons whose rows changed are looked at again; everybody is when those shared tables
changed, or when most persons did. What is kept is found again by what the definitions say.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from io import BytesIO
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from isthmus.gate.desk import Desk
from isthmus.gate.session import Session
from isthmus.research.cohorts.catalogue import domains
from isthmus.research.cohorts.concepts import step
from isthmus.research.cohorts.definition import Cohort
from isthmus.research.cohorts.evaluate import Cohorts, answer_of, evaluate

HERE = Path(__file__).parent
SHARED = ("concept", "concept_ancestor", "concept_relationship", "provider", "care_site")
PERSONS = frozenset({"person", "observation_period", "visit_occurrence", *(one.table for one in domains().values())})
WORTH = 0.5  # of all persons: where more changed, everybody is looked at
EVERYBODY = "SELECT count(DISTINCT person_id) AS n FROM observation_period"
RESULT = "SELECT cohort, person_id, start_day, end_day FROM result"


@dataclass(frozen=True, slots=True)
class Renewed:
    """The members. `looked_at` persons were evaluated, None stands for all; `since` is the edition of other stays."""

    cohorts: Cohorts
    looked_at: int | None = None
    since: int | None = None


def renewed(
    session: Session, desk: Desk, cohorts: Sequence[Cohort], *,
    done: Callable[[int, int], None] = lambda part, of: None,
) -> Renewed:  # fmt: skip
    """The members in the edition of a session: as kept with it, or from an earlier edition and what changed, or anew.

    `desk` is one of that session; the table `result` is on it afterwards. What was found is kept with the edition.
    """
    name = f"cohorts-{_meaning()[:16]}-{fingerprint(cohorts)[:32]}"
    kept = session.kept(name)
    if kept is not None:
        desk.lay("result", _read(kept))
        return Renewed(answer_of(desk, cohorts, 0), 0, session.edition.number)
    found = _from_earlier(session, desk, cohorts, name, done) or Renewed(evaluate(desk, cohorts, done=done))
    with suppress(OSError):  # where only reading is allowed, they are found again the next time
        session.keep(name, _written(desk.take(step(RESULT))))
    return found


def fingerprint(cohorts: Sequence[Cohort]) -> str:
    """What definitions say, in their order, as SHA-256: the same for the same cohorts on any machine."""
    content = orjson.dumps([_plain(one) for one in cohorts], option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    return hashlib.sha256(content).hexdigest()


@cache
def _meaning() -> str:
    """The digest of this package: what other statements found is not taken for what these would."""
    found = hashlib.sha256()
    for path in sorted(HERE.iterdir()):
        if path.is_file():
            found.update(path.read_bytes())
    return found.hexdigest()


def _from_earlier(
    session: Session, desk: Desk, cohorts: Sequence[Cohort], name: str, done: Callable[[int, int], None]
) -> Renewed | None:
    """The members from the newest earlier edition that kept them; None where there is none, or it is not worth it."""
    before = session.kept_before(name)
    if before is None:
        return None
    number, content = before
    changed = session.changed_since(number, persons=PERSONS, shared=SHARED)
    (everybody,) = desk.take(step(EVERYBODY)).column("n").to_pylist()
    if changed is None or changed.num_rows > WORTH * everybody:
        return None
    evaluate(desk, cohorts, among=changed, done=done)
    old = _read(content)
    stayed = old.filter(pc.invert(pc.is_in(old.column("person_id"), changed.column("person_id").combine_chunks())))
    anew = desk.take(step(RESULT)).cast(old.schema)
    desk.lay("result", pa.concat_tables([stayed, anew]))
    return Renewed(answer_of(desk, cohorts, 1), changed.num_rows, number)


def _written(table: pa.Table) -> bytes:
    stream = BytesIO()
    pq.write_table(table.sort_by([(name, "ascending") for name in table.column_names]), stream, compression="zstd")
    return stream.getvalue()


def _read(content: bytes) -> pa.Table:
    return pq.read_table(BytesIO(content))


def _plain(value: object) -> object:
    """A value of a definition as one of JSON, sets in a fixed order; titles and names for people are left out."""
    if is_dataclass(value) and not isinstance(value, type):
        told = {one.name: _plain(getattr(value, one.name)) for one in fields(value) if one.name not in FOR_PEOPLE}
        return {"": type(value).__name__, **told}
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (frozenset, set)):
        return sorted((_plain(one) for one in value), key=orjson.dumps)
    if isinstance(value, (tuple, list)):
        return [_plain(one) for one in value]
    return repr(value) if isinstance(value, float) else value  # JSON has no infinity


FOR_PEOPLE = frozenset({"title", "description", "set_names", "concept_names", "doubts"})
