"""The rows of one person under a grant: one question and one entry in the log, for who opens a patient and waits.

Where the grant gives every column of a table as it is, the person's rows are read by the footers of files
(`gate/patient.py`), within the sites that are open; else the engine is asked over what may be read. A test holds both
equal to what a statement gives.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from isthmus.cdm.questions import QUESTIONS
from isthmus.gate.grade.column import HIGHEST, graded
from isthmus.gate.grade.decision import Allowed
from isthmus.gate.grade.rewrite import Use, views
from isthmus.gate.joined import reading_of
from isthmus.gate.office.session import Granted
from isthmus.gate.patient import PERSON, patients
from isthmus.lake.asking import answer

Columns = Mapping[str, Sequence[str]]


def attended(session: Granted, person: int | str, columns: Columns) -> dict[str, pa.Table]:
    """The rows of a person, by table the columns that are named; each table has the column `person_id`.

    Raises RefusedError, which says why and what to do next.
    """

    def answered(use: Use, at: datetime, allowed: Allowed, most: int) -> dict[str, pa.Table]:
        asked = {table: [one for one in named if one in allowed.columns[table]] for table, named in columns.items()}
        edition = session.edition.within(allowed.sites)
        plain = {table: named for table, named in asked.items() if _is_plain(table, named, allowed)}
        found: dict[str, pa.Table] = {}
        if plain and str(person).lstrip("-").isdecimal():
            kept = {table: [*named, *_special(table, named, use)] for table, named in plain.items()}
            rows, left = patients(session._lake, edition, allowed.sites).whole(int(person), kept)
            found = {table: _told(table, one, plain[table], use) for table, one in rows.items() if table not in left}
        lent = {table: one for table, one in allowed.columns.items() if table in asked and table not in found}
        for table, view in views(Allowed(allowed.sites, lent), use).items():
            mine = view.filter(view[PERSON].cast("string") == str(person)).select(*asked[table])
            reading = reading_of(edition, [table])
            found[table] = answer(session._lake, edition, mine, reading, seconds=session._limits.longest)
        return {table: found[table] for table in asked}

    def naming(grant: object) -> Mapping[str, frozenset[str]]:
        return {table: frozenset(named) for table, named in columns.items()}

    return session._answered("patient", "the rows of one person", naming, answered)


def _is_plain(table: str, named: Sequence[str], allowed: Allowed) -> bool:
    return all(allowed.columns[table][one] == "allow" for one in (*named, PERSON))


def _special(table: str, named: Sequence[str], use: Use) -> list[str]:
    """The columns by which rows of special diseases are known, where any are withheld; those that are not named."""
    assert use.grant is not None  # or it was refused
    if use.grant.grade >= HIGHEST or not use.special:
        return []
    return [one for one in QUESTIONS[table].columns if graded(table, one).special and one not in named]


def _told(table: str, rows: pa.Table, named: Sequence[str], use: Use) -> pa.Table:
    """The rows without those that are withheld, and the columns that were asked for."""
    assert use.grant is not None
    if use.grant.grade < HIGHEST and use.special:
        withheld = pa.array(sorted(use.special), pa.int64())
        for name in (one for one in rows.column_names if graded(table, one).special):
            rows = rows.filter(pc.invert(pc.is_in(rows[name].cast(pa.int64()), value_set=withheld)))
    return rows.select(list(named))
