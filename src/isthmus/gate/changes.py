"""Which persons have other rows in one edition than in an earlier one: for what is kept and brought up to date.

Files of an edition never change, so what is in both editions is the same, and only files of one of them are read. A
person is one as each edition's linkage joins persons (`isthmus.gate.joined`): whoever is joined otherwise has changed,
under the old number and the new.
"""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
from sqlglot import exp, parse_one

from isthmus.gate.joined import ALIAS, SCHEMA
from isthmus.lake.edition import Edition
from isthmus.lake.engine import Engine
from isthmus.lake.lake import Lake

PERSONS = pa.schema([("person_id", pa.int64())])
# Numbers as they lie in tables whose files changed, and numbers whose place in the linkage changed; then whoever these
# were and are.
CHANGED = """
    WITH told AS (
        {told}
        UNION
        SELECT person_id FROM (
            (SELECT person_id, person FROM alias_before EXCEPT SELECT person_id, person FROM alias_now)
            UNION ALL
            (SELECT person_id, person FROM alias_now EXCEPT SELECT person_id, person FROM alias_before)
        ) a
    )
    SELECT person_id FROM told
    UNION SELECT b.person FROM told t JOIN alias_before b ON b.person_id = t.person_id
    UNION SELECT n.person FROM told t JOIN alias_now n ON n.person_id = t.person_id
    ORDER BY 1
"""


def changed(
    lake: Lake, before: Edition, now: Edition, *, persons: Collection[str], shared: Collection[str]
) -> pa.Table | None:
    """The persons (`person_id`) whose rows in the tables `persons` differ; None where anybody's answer may.

    That is so when a table in `shared`, which belongs to no person, has other files.
    """
    if any(_moved(before, now, name) for name in shared):
        return None
    files = {name: found for name in sorted(persons) if (found := _moved(before, now, name))}
    with lake.engine() as engine:
        for name, edition in (("alias_before", before), ("alias_now", now)):
            engine.view(name, [lake.root / one.path for one in edition.files(ALIAS)], empty=SCHEMA)
        return engine.rows(_query(engine, lake, files))


def _moved(before: Edition, now: Edition, table: str) -> Sequence[str]:
    """The files of a table that only one of two editions has."""
    was, is_now = ({one.path for one in edition.files(table)} for edition in (before, now))
    return sorted(was ^ is_now)


def _query(engine: Engine, lake: Lake, files: Mapping[str, Sequence[str]]) -> exp.Query:
    parts = ["SELECT CAST(NULL AS BIGINT) AS person_id WHERE FALSE"]
    for name, paths in files.items():
        engine.view(f"moved_{name}", [lake.root / Path(one) for one in paths], empty=PERSONS)
        parts.append(f"SELECT person_id FROM moved_{name}")
    tree = parse_one(CHANGED.format(told=" UNION ".join(parts)), dialect="duckdb")
    assert isinstance(tree, exp.Query)
    return tree
