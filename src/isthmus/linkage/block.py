"""Which records stand beside a new one: the conditions by which pairs are looked at, as numbers that can be kept.

A condition is mostly an equality of what is made of two records. Records that are equal in it have the same key, and
so, once in four thousand million, have two that are not: what is found here is looked at by the conditions themselves.
"""

from typing import Any

import numpy as np
import pyarrow as pa
from sqlglot import exp

from isthmus.linkage.rules import Rules, parsed

Connection = Any
"""A connection to the engine, handed in: this room does not know its name."""
OTHER = str.maketrans("lr", "rl")
BITS = 24
"""The first bits of a key, by which most records are passed over: 16 MB."""
NOBODY, ANYBODY = 0, 1
"""Keys of records that a condition brings together with no other, and with all."""
KEY = "block_"
"""What the names of columns of keys begin with."""


def keyed(connection: Connection, records: pa.Table, rules: Rules) -> pa.Table:
    """Records with, for each condition of `rules.pairs`, a key of 32 bits, 0 where the condition meets nobody.

    A condition that asks of the left record what it does not ask of the right one has a key for each side. Keys may be
    kept with their records for as long as `mark` stays what it was.
    """
    keys = []
    for number, pair in enumerate(rules.pairs):
        (left, right), name = _equal(pair), f"{KEY}{number}"
        keys += [f"{_key(left)} AS {name}"] if left == right else []
        keys += [f"{_key(left)} AS {name}_l", f"{_key(right)} AS {name}_r"] if left != right else []
    connection.register("blocked", records)
    try:
        found: pa.Table = connection.execute(f"SELECT {', '.join(['*', *keys])} FROM blocked r").to_arrow_table()
        return found
    finally:
        connection.unregister("blocked")


def mark(connection: Connection, rules: Rules) -> str:
    """Tells whether rules are the same, and whether the engine still makes the same keys of the same values."""
    (told,) = connection.execute("SELECT hash(?)", ["; ".join(rules.pairs)]).fetchone()
    return str(told)


def beside(kept: pa.Table, fresh: pa.Table) -> pa.Array:
    """The ids of those records in `kept` that have a key in common with one in `fresh` (both as `keyed` gives them)."""
    found = np.zeros(len(kept), dtype=bool)
    for name in kept.column_names:
        if not name.startswith(KEY):
            continue
        stem, side = name[: -len("_l")], name[-len("_l") :]
        other = f"{stem}{side.translate(OTHER)}" if side in {"_l", "_r"} else name
        wanted = np.unique(fresh[other].to_numpy())
        wanted = wanted[wanted != NOBODY]
        if not len(wanted):
            continue
        keys = kept[name].to_numpy()
        first = np.zeros(1 << BITS, dtype=bool)
        first[wanted >> (32 - BITS)] = True
        some = np.flatnonzero(first[keys >> (32 - BITS)])
        at = np.minimum(np.searchsorted(wanted, keys[some]), len(wanted) - 1)
        found[some[wanted[at] == keys[some]]] = True
    return kept["record_id"].combine_chunks().filter(pa.array(found))


def _key(parts: list[str]) -> str:
    if not parts:
        return f"CAST({ANYBODY} AS UINTEGER)"
    there = " AND ".join(f"{part} IS NOT NULL" for part in parts)
    hashed = f"greatest(CAST(hash({', '.join(parts)}) >> 32 AS UINTEGER), CAST({ANYBODY} AS UINTEGER))"
    return f"CASE WHEN {there} THEN {hashed} ELSE CAST({NOBODY} AS UINTEGER) END"


def _equal(pair: str) -> tuple[list[str], list[str]]:
    """What of the left record must be equal to what of the right one, as SQL over r.

    Conditions of another form are passed over.
    """
    tree = parsed(pair)
    equal = []
    for one in tree.flatten() if isinstance(tree, exp.And) else [tree]:
        if isinstance(one, exp.EQ):
            sides = {table: side for side in (one.left, one.right) for table in [_table(side)] if table}
            equal += [(_right(sides["l"]), _right(sides["r"]))] if len(sides) == 2 else []
    return [left for left, _ in equal], [right for _, right in equal]


def _table(side: exp.Expr) -> str:
    """The one record that an expression is about, l or r; otherwise nothing."""
    tables = {column.table for column in side.find_all(exp.Column)}
    return tables.pop() if len(tables) == 1 else ""


def _right(side: exp.Expr) -> str:
    """An expression over l or r as that over r."""

    def renamed(node: exp.Expr) -> exp.Expr:
        return exp.column(node.name, "r", quoted=True) if isinstance(node, exp.Column) else node

    return str(side.transform(renamed).sql("duckdb"))
