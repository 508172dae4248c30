"""The rows of one person under a grant: one question and one entry in the log, for who opens a patient and waits.

Who stands behind a pseudonym of the grant is looked up, the person's rows are read by the footers of files
(`gate/patient.py`) within the sites that are open, and what the grant says is done to them. Texts that are masked are
left to the engine.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from threading import Lock
from typing import Any

import pyarrow as pa

from isthmus.cdm.questions import QUESTIONS
from isthmus.gate.desk import Desk, desk_over
from isthmus.gate.grade.column import HIGHEST, Measure, graded
from isthmus.gate.grade.decision import PUBLIC, Allowed
from isthmus.gate.grade.one import Known, measured, without
from isthmus.gate.grade.rewrite import OWNERS, Use, views
from isthmus.gate.joined import reading_of
from isthmus.gate.lean import Ids, Rows
from isthmus.gate.lending import of_one
from isthmus.gate.office.session import Granted
from isthmus.gate.patient import PERSON, Patients, patients
from isthmus.lake.asking import answer

USES, PATIENTS = 4, 512
"""Uses whose pseudonyms are kept, and patients whose rows are, as a use may read them."""
TEXT = "the rows of one person"
Columns = Mapping[str, Sequence[str]]
_known: OrderedDict[Any, Known] = OrderedDict()
_read: OrderedDict[Any, Rows] = OrderedDict()
_making: dict[Any, Lock] = {}
_lock = Lock()


def attended(session: Granted, person: int | str, columns: Columns) -> Rows:
    """The rows of a person, by table the columns that are named; each table has the column `person_id`.

    A person is named as the grant names people, by a pseudonym; one of whom the edition has no row of `person` is
    nobody. Raises RefusedError, which says why and what to do next.
    """
    read: list[Rows] = []

    def answered(use: Use, at: datetime, allowed: Allowed, most: int) -> dict[str, pa.Table]:
        read.append(_rows(session, use, allowed, str(person), columns))
        return dict(read[-1].lean)

    found = session.asking.answered("patient", TEXT, lambda grant: _named(columns), answered)
    return Rows(found, read[-1].ids)


def attended_at_desk(
    session: Granted, person: str, columns: Columns, work: Callable[[Desk], dict[str, pa.Table]], text: str = TEXT
) -> dict[str, pa.Table]:
    """What `work` makes at a desk that has these rows of a person, under a number for identities, and the vocabulary.

    Nothing but the person's rows is read for it, however many persons there are. `text` says in words what is asked.
    """

    def answered(use: Use, at: datetime, allowed: Allowed, most: int) -> dict[str, pa.Table]:
        rows = _rows(session, use, allowed, person, columns)
        edition = session.edition.within(allowed.sites)
        with desk_over(session._lake, edition, of_one(rows, allowed.columns), session._limits.longest) as desk:
            return work(desk)

    def naming(grant: object) -> Mapping[str, frozenset[str]]:
        return dict.fromkeys(PUBLIC, frozenset[str]()) | _named(columns)

    return session.asking.answered("patient", text, naming, answered)


def _named(columns: Columns) -> dict[str, frozenset[str]]:
    return {table: frozenset(named) for table, named in columns.items()}


def _rows(session: Granted, use: Use, allowed: Allowed, person: str, columns: Columns) -> Rows:
    edition = session.edition.within(allowed.sites)
    asked = {table: {one: allowed.columns[table][one] for one in named} for table, named in columns.items()}
    kept = patients(session._lake, edition, allowed.sites)
    stamp = (session._lake.root, edition.digest, allowed.sites, use.keys.name)
    number = _of(kept, use, stamp).person(person)
    if number is None:
        return Rows({table: _none(table, named) for table, named in columns.items()}, {})
    texts = [table for table, measures in asked.items() if "mask" in measures.values()]
    plain = {table: measures for table, measures in asked.items() if table not in texts}
    mine = _mine(kept, number, plain, use, stamp)
    found = dict(mine.lean)
    for table, view in views(Allowed(allowed.sites, {one: allowed.columns[one] for one in texts}), use).items():
        asked_for = view.filter(view[PERSON] == person).select(*columns[table])
        reading = reading_of(edition, [table])
        found[table] = answer(session._lake, edition, asked_for, reading, seconds=session._limits.longest)
    return Rows({table: found[table] for table in columns}, mine.ids)


def _of(kept: Patients, use: Use, stamp: tuple[Any, ...]) -> Known:
    """Who stands behind the pseudonyms of a use. While they are made, only who needs the same waits."""
    with _lock:
        making = _making.setdefault(stamp, Lock())
    with making:
        with _lock:
            found = _known.pop(stamp, None)
            former = next((one for key, one in reversed(_known.items()) if key[-1] == stamp[-1]), None)
        found = found or Known(kept.persons(), use.keys, former)
        with _lock:
            _known[stamp] = found
            while len(_known) > USES:
                _making.pop(_known.popitem(last=False)[0], None)
        return found


def _mine(
    kept: Patients, number: int, asked: Mapping[str, Mapping[str, Measure]], use: Use, stamp: tuple[Any, ...]
) -> Rows:  # fmt: skip
    """The person's rows as the use may read them; of some patients they are kept."""
    assert use.grant is not None  # or it was refused
    special = use.special if use.grant.grade < HIGHEST else frozenset[int]()
    key = (*stamp, number, special, tuple((table, *measures.items()) for table, measures in asked.items()))
    with _lock:
        found = _read.pop(key, None)
    if found is None:
        whole, _ = kept.whole(number, {table: _needed(table, measures, special) for table, measures in asked.items()})
        found = _lean({table: without(table, one, special) for table, one in whole.items()}, asked, use, number)
    with _lock:
        _read[key] = found
        while len(_read) > PATIENTS:
            _read.popitem(last=False)
    return found


def _lean(
    rows: Mapping[str, pa.Table], asked: Mapping[str, Mapping[str, Measure]], use: Use, number: int
) -> Rows:  # fmt: skip
    """Rows as the use may read them, but for their own ids."""
    ids, tables = {}, {}
    for table, one in rows.items():
        own = _ids(table, one, asked[table], use)
        if own is not None:
            ids[table] = own
        others = {name: how for name, how in asked[table].items() if own is None or name != own.column}
        tables[table] = measured(table, one, others, use.keys, number)
    return Rows(tables, ids)


def _ids(table: str, rows: pa.Table, measures: Mapping[str, Measure], use: Use) -> Ids | None:
    """The ids of the rows of a table, where they are pseudonyms; None where there is nothing to be made up later."""
    name = f"{table}_id"
    if measures.get(name) != "pseudonymise" or name in OWNERS:
        return None
    named = partial(use.keys.pseudonym, domain=graded(table, name).width)
    return Ids(name, list(measures).index(name), rows[name], named)


def _needed(table: str, measures: Mapping[str, Measure], special: frozenset[int]) -> list[str]:
    """The columns to read: those that are asked for, and those by which rows of special diseases are known."""
    telling = [one for one in QUESTIONS[table].columns if graded(table, one).special] if special else []
    return list(dict.fromkeys([*measures, *telling]))


def _none(table: str, named: Sequence[str]) -> pa.Table:
    schema = QUESTIONS[table].schema().to_pyarrow()
    return pa.schema([schema.field(one).with_nullable(True) for one in named]).empty_table()
