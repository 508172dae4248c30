"""Own tables of an application, declared as values and made by steps that only add.

Because no step takes anything away, the former version of an application runs on tables of a later one, and a rollback
loses no row. A step that was carried out is never edited: its digest is kept, and compared.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from isthmus.base.clock import now
from isthmus.base.errors import InputError, IsthmusError, UsageError
from isthmus.records.store import connected

SITE = "site"
TYPES: Mapping[str, Any] = {
    "integer": sa.BigInteger, "number": sa.Double, "text": sa.String, "boolean": sa.Boolean, "time": sa.DateTime,
    "day": sa.Date, "json": sa.JSON,
}  # fmt: skip
READ = {"time": datetime.fromisoformat, "day": date.fromisoformat}


@dataclass(frozen=True, slots=True)
class Shape:
    """A table: its columns with their types (of TYPES), the columns of its key if it has one, and what is indexed."""

    columns: Mapping[str, str]
    key: tuple[str, ...] = ()
    index: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """What is added at once: tables, columns of tables, and indexes of tables."""

    tables: Mapping[str, Shape] = field(default_factory=dict)
    columns: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    index: Mapping[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """SHA-256 of what is added."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


def shapes(steps: Sequence[Step]) -> dict[str, Shape]:
    """The tables after all steps."""
    found: dict[str, Shape] = {}
    for step in steps:
        found |= step.tables
        for table, columns in step.columns.items():
            old = found[table]
            found[table] = Shape({**old.columns, **columns}, old.key, old.index)
    return found


class Own:
    """The own tables of one application in a database, which may be a file of its own."""

    def __init__(self, url: str, app: str, steps: Sequence[Step]) -> None:
        self._engine = connected(url)
        self._prefix = f"app_{app.replace('-', '_')}_"
        self._steps = steps
        self._shapes = shapes(steps)
        self._tables = {name: self._table(name, shape) for name, shape in self._shapes.items()}
        self._done = sa.Table(
            f"{self._prefix}step_", sa.MetaData(),
            sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
            sa.Column("digest", sa.String), sa.Column("at", sa.DateTime),
        )  # fmt: skip

    def migrate(self) -> int:
        """Carry out the steps that are new, each whole or not at all; how many there were.

        Raises InputError when a step was edited after it was carried out. Steps of a later version stay.
        """
        self._done.create(self._engine, checkfirst=True)
        with self._engine.connect() as connection:
            done = {row.number: row.digest for row in connection.execute(sa.select(self._done))}
        for number, step in enumerate(self._steps, 1):
            if number in done and done[number] != step.digest:
                raise InputError(
                    f"records.yaml: step {number} was carried out as it was before, and has changed since. Restore it, "
                    "and add what is new as a step of its own."
                )
            if number not in done:
                with self._engine.begin() as connection:
                    # The note first: it takes the database's lock, so that no other process carries the step out too.
                    connection.execute(sa.insert(self._done).values(number=number, digest=step.digest, at=now()))
                    self._carry_out(connection, step)
        return sum(number not in done for number in range(1, len(self._steps) + 1))

    def of(self, site: str) -> "OwnRecords":
        """The tables as a site meets them; "" is the whole installation."""
        return OwnRecords(self, site)

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    def table(self, name: str) -> tuple[sa.Table, Shape]:
        """A table and its shape. Raises UsageError when records.yaml has none of this name."""
        if name not in self._tables:
            raise UsageError(f"records.yaml has no table '{name}'. It has: {', '.join(self._tables) or 'none'}.")
        return self._tables[name], self._shapes[name]

    @contextmanager
    def work(self) -> Iterator[sa.Connection]:
        """A transaction: all of it is kept when the block ends well, none of it otherwise."""
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:  # its text holds values
            raise IsthmusError(
                f"the application's records could not be used ({type(error).__name__}). Look at the values and the "
                "database."
            ) from None

    def _table(self, name: str, shape: Shape) -> sa.Table:
        columns = [
            sa.Column(one, TYPES[kind], primary_key=one in shape.key, autoincrement=False)
            for one, kind in shape.columns.items()
        ]
        site = sa.Column(SITE, sa.String, primary_key=bool(shape.key), nullable=False)
        return sa.Table(f"{self._prefix}{name}", sa.MetaData(), site, *columns)

    def _carry_out(self, connection: sa.Connection, step: Step) -> None:
        quoted = connection.dialect.identifier_preparer.quote
        for name, shape in step.tables.items():
            table = self._table(name, shape)
            table.create(connection)
            self._index(connection, table, shape.index)
        for name, columns in step.columns.items():
            for column, kind in columns.items():
                type_ = TYPES[kind]().compile(connection.dialect)
                full = quoted(self._tables[name].name)
                connection.execute(sa.text(f"ALTER TABLE {full} ADD COLUMN {quoted(column)} {type_}"))
        for name, some in step.index.items():
            self._index(connection, self._tables[name], some)

    def _index(self, connection: sa.Connection, table: sa.Table, some: Sequence[Sequence[str]]) -> None:
        for columns in some:
            name = f"{table.name}_by_{'_'.join(columns)}"
            sa.Index(name[:60], *(table.c[SITE], *(table.c[one] for one in columns))).create(connection)


class OwnRecords:
    """The tables of `Own` as one site meets them; the words are those of `isthmus.apps.contract.records.Records`."""

    def __init__(self, own: Own, site: str) -> None:
        self._own, self._site = own, site

    def add(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add rows, all or none; a row with the key of another takes its place."""
        found, shape = self._own.table(table)
        made = [self._row(table, shape, row) for row in rows]
        with self._own.work() as work:
            if shape.key:
                for row in made:
                    work.execute(sa.delete(found).where(*(found.c[key] == row[key] for key in (SITE, *shape.key))))
            if made:
                work.execute(sa.insert(found), made)

    def find(
        self, table: str, where: Mapping[str, Any] | None = None, *, order: Sequence[str] = (), most: int = 1000
    ) -> list[dict[str, Any]]:
        """At most `most` rows that fit, in an order of columns; "-" before one has it fall."""
        found, _ = self._own.table(table)
        by = [self._column(table, one.removeprefix("-")) for one in order]
        ordered = [column.desc() if one.startswith("-") else column for one, column in zip(order, by, strict=True)]
        asked = sa.select(found).where(*self._where(table, where)).order_by(*ordered).limit(most)
        with self._own.work() as work:
            return [dict(row) for row in work.execute(asked).mappings()]

    def count(
        self, table: str, where: Mapping[str, Any] | None = None, *, by: Sequence[str] = ()
    ) -> list[dict[str, Any]]:
        """How many rows fit, of each combination of some columns."""
        self._own.table(table)
        columns = [self._column(table, one) for one in by]
        counted = sa.func.count().label("rows")
        asked = sa.select(*columns, counted).select_from(self._own.table(table)[0]).where(*self._where(table, where))
        with self._own.work() as work:
            found = work.execute(asked.group_by(*columns).order_by(*columns) if columns else asked)
            return [dict(row) for row in found.mappings()]

    def change(self, table: str, where: Mapping[str, Any], values: Mapping[str, Any]) -> int:
        """Write values into the rows that fit; how many there were."""
        found, shape = self._own.table(table)
        written = {name: self._value(table, shape, name, value) for name, value in values.items()}
        with self._own.work() as work:
            return work.execute(sa.update(found).where(*self._where(table, where, own=True)).values(written)).rowcount

    def remove(self, table: str, where: Mapping[str, Any]) -> int:
        """Remove the rows that fit; how many there were."""
        found, _ = self._own.table(table)
        with self._own.work() as work:
            return work.execute(sa.delete(found).where(*self._where(table, where, own=True))).rowcount

    def _row(self, table: str, shape: Shape, row: Mapping[str, Any]) -> dict[str, Any]:
        site = str(row.get(SITE, self._site))
        if self._site and site != self._site:
            raise UsageError(f"a row of another site cannot be added at {self._site}. Leave `site` out.")
        given = {name: value for name, value in row.items() if name != SITE}
        values = dict.fromkeys(shape.columns) | {
            name: self._value(table, shape, name, value) for name, value in given.items()
        }
        return {SITE: site, **values}

    def _value(self, table: str, shape: Shape, name: str, value: Any) -> Any:
        if name not in shape.columns:
            raise UsageError(f"{table} has no column '{name}'. Its columns: {', '.join(shape.columns)}.")
        read = READ.get(shape.columns[name])
        try:
            return read(value) if read and isinstance(value, str) else value
        except ValueError:
            raise UsageError(f"{table}.{name} takes an ISO {shape.columns[name]}. Correct the value.") from None

    def _column(self, table: str, name: str) -> sa.Column[Any]:
        found, _ = self._own.table(table)
        if name not in found.c:
            raise UsageError(f"{table} has no column '{name}'. Its columns: {', '.join(found.c.keys())}.")
        return found.c[name]

    def _where(self, table: str, where: Mapping[str, Any] | None, *, own: bool = False) -> list[sa.ColumnElement[bool]]:
        found, shape = self._own.table(table)
        met = [self._site] if own else [self._site, ""]
        tests: list[sa.ColumnElement[bool]] = [found.c[SITE].in_(met)] if self._site else []
        for name, told in (where or {}).items():
            column = self._column(table, name)

            def read(value: Any, name: str = name) -> Any:
                return value if name == SITE else self._value(table, shape, name, value)

            if isinstance(told, Within):
                tests += [column >= read(told.low)] if told.low is not None else []
                tests += [column < read(told.high)] if told.high is not None else []
            elif isinstance(told, list | tuple | set | frozenset):
                tests.append(column.in_([read(one) for one in told]))
            else:
                tests.append(column.is_(None) if told is None else column == read(told))
        return tests


@dataclass(frozen=True, slots=True)
class Within:
    """A condition on a column: at least `low`, less than `high`; None for no bound."""

    low: Any = None
    high: Any = None
