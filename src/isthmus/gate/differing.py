"""Which rows of one table that a use may read differ between two editions: those that came, and those that left.

Files of an edition never change, so files that are in both are not read, unless rows of them may read otherwise by now:
because other persons are joined, because a row of the table is made of several, or because a text is masked by what is
known of its person.
"""

from collections.abc import Collection

import ibis.expr.types as ir
import pyarrow as pa
from sqlglot import exp, parse_one

from isthmus.base.errors import RefusedError
from isthmus.gate.grade.column import MASKED
from isthmus.gate.joined import ALIAS, reading_of, rules
from isthmus.lake.asking import answer
from isthmus.lake.edition import Edition
from isthmus.lake.lake import Lake

CHANGE = "change"
CAME, LEFT = "added", "removed"
WHOLE = frozenset({*rules(), "observation_period", *MASKED})
"""Tables of which a row may read otherwise although its file is the same."""
MOST = 5_000_000  # rows of both editions that are compared
DIFFERENCE = f"""
    SELECT '{LEFT}' AS {CHANGE}, * FROM (SELECT * FROM before EXCEPT ALL SELECT * FROM now)
    UNION ALL
    SELECT '{CAME}' AS {CHANGE}, * FROM (SELECT * FROM now EXCEPT ALL SELECT * FROM before)
"""


def differing(lake: Lake, before: Edition, now: Edition, table: str, view: ir.Table, seconds: float) -> pa.Table:
    """The rows of a view of a table that are in one of two editions only; `change` says whether they came or left.

    A row that was changed left as it was and came as it is. Raises RefusedError when too many would be compared.
    """
    same = set() if table in WHOLE or _paths(before, ALIAS) != _paths(now, ALIAS) else _paths(before, table)
    same &= _paths(now, table)
    pair = {"before": _without(before, table, same), "now": _without(now, table, same)}
    count = sum(one.rows for edition in pair.values() for one in edition.files(table))
    if count > MOST:
        raise RefusedError(f"more than {MOST:,} rows would have to be compared. What next: take the table anew.")
    with lake.engine() as engine:
        for name, edition in pair.items():
            engine.load(name, answer(lake, edition, view, reading_of(edition, [table]), seconds=seconds))
        tree = parse_one(DIFFERENCE, dialect="duckdb")
        assert isinstance(tree, exp.Query)
        return engine.rows(tree)


def _paths(edition: Edition, table: str) -> set[str]:
    return {one.path for one in edition.files(table)}


def _without(edition: Edition, table: str, paths: Collection[str]) -> Edition:
    """An edition without some files of a table."""
    tables = dict(edition.body["tables"])
    if table in tables:
        kept = [one for one in tables[table]["files"] if one["path"] not in paths]
        tables[table] = tables[table] | {"files": kept}
    return Edition(edition.number, {**edition.body, "tables": tables}, edition.digest)
