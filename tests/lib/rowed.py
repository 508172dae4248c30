"""Random grants and requests answered over a few rows, held against what another evaluator lets be seen."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import duckdb
import ibis
import pyarrow as pa

from isthmus.base.errors import RefusedError
from isthmus.cdm.questions import QUESTIONS
from isthmus.gate.committee.application import Grant
from isthmus.gate.grade.decision import Allowed, Request, decide
from isthmus.gate.grade.keys import Keys
from isthmus.gate.grade.rewrite import RAW, Use, lent, rewritten
from isthmus.gate.text.own import KNOWN
from lib import rulings
from lib.rulings import Row

BATCH = 500
KEYS = Keys(bytes(range(32)), "study")


@dataclass(slots=True)
class Tally:
    """Pairs by whether they were allowed, rows and cells that were answered."""

    outcomes: Counter[bool] = field(default_factory=Counter)
    rows: int = 0
    cells: int = 0
    asked: int = 0  # of the pairs that were allowed, those whose rows were looked at


def held(pairs: int, seed: int, *, looked: float = 1.0) -> Tally:
    """Decide so many pairs, and of a share of them (`looked`) look at the rows. Raises AssertionError at a difference.

    A request for all sites is asked as an expression; one for some sites, as a plain statement finds its views.
    """
    draw, tally = Random(seed), Tally()
    people = rulings.population(draw)
    with duckdb.connect(config={"threads": 1}) as connection:
        for name, rows in people.items():
            schema = pa.schema([one.with_nullable(True) for one in QUESTIONS[name].schema().to_pyarrow()])
            filled = [{column: row.get(column) for column in schema.names} for row in rows]
            for called in (name, f"{RAW}{name}"):
                connection.register(called, pa.Table.from_pylist(filled, schema=schema))
        nobody = pa.schema([one.with_nullable(True) for one in KNOWN.schema().to_pyarrow()]).empty_table()
        connection.register(KNOWN.get_name(), nobody)
        for _ in range(pairs // BATCH):
            some = [rulings.pair(draw) for _ in range(BATCH)]
            for (grant, request), theirs in zip(some, rulings.allowed(some), strict=True):
                _decided(grant, request, theirs)
                tally.outcomes[theirs] += 1
                if draw.random() < looked:
                    _looked(connection, people, grant, request, theirs=theirs, tally=tally)
    return tally


def _decided(grant: Grant, request: Request, theirs: bool) -> None:
    ours = decide(grant, request)
    assert isinstance(ours, Allowed) == theirs, (grant, request, ours)
    if isinstance(ours, Allowed):
        assert ours.sites == (grant.sites if request.sites is None else request.sites) - grant.suspended
        assert all(set(columns) <= grant.columns[table] | {"site"} for table, columns in ours.columns.items())
        assert all(request.columns[table] <= set(columns) for table, columns in ours.columns.items())


def _looked(
    connection: duckdb.DuckDBPyConnection, people: Mapping[str, Sequence[Row]], grant: Grant, request: Request, *,
    theirs: bool, tally: Tally,
) -> None:  # fmt: skip
    use = Use(grant=grant, person=request.person, kind=request.kind, keys=KEYS, special=rulings.SPECIAL)
    for table, columns in request.columns.items():
        if not columns:
            continue
        alone = Request(
            person=request.person, kind=request.kind, at=request.at, columns={table: columns}, sites=request.sites
        )
        (may,) = rulings.allowed([(grant, alone)]) if len(request.columns) > 1 else (theirs,)
        found = _answered(connection, use, alone, table)
        if not may:
            assert found is None, (grant, alone)
            continue
        assert found is not None, (grant, alone)
        rows = rulings.seen(grant, alone, table, people[table])
        expected = [rulings.told(table, row, sorted(columns), grant.grade, KEYS) for row in rows]
        assert Counter(map(_key, found)) == Counter(map(_key, expected)), (grant, alone)
        tally.asked += 1
        tally.rows += len(found)
        tally.cells += len(found) * len(columns)


def _answered(
    connection: duckdb.DuckDBPyConnection, use: Use, request: Request, table: str
) -> list[dict[str, Any]] | None:
    """The rows, or None where there is a refusal."""
    columns = sorted(request.columns[table])
    if request.sites is None:
        try:
            done = rewritten(QUESTIONS[table].select(*columns), use, request.at)
        except RefusedError:
            return None
        question, kept = done.question, done.kept
    else:
        found = decide(use.grant, request)
        if not isinstance(found, Allowed):
            return None
        views, kept = lent(found, use, {table: frozenset(columns)})
        question = views[table].select(*columns)
    for name, rows in kept.items():
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {ibis.to_sql(rows, dialect='duckdb')}")
    return list(connection.execute(str(ibis.to_sql(question, dialect="duckdb"))).to_arrow_table().to_pylist())


def _key(row: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, repr(value)) for name, value in row.items()))
