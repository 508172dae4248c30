"""Own tables of an application, declared as values and made by steps that only add.

Because no step takes anything away, the former version of an application runs on tables of a later one, and a rollback
loses no row. A step that was carried out is never edited: its digest is kept, and compared.
"""

import hashlib
import json
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
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
STATEMENTS = 512
"""That are kept; there are as many as ways in which an application asks."""
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
        self._spelled: dict[tuple[Any, ...], sa.Executable] = {}
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

    def spelled(self, key: tuple[Any, ...], make: Callable[[], sa.Executable]) -> sa.Executable:
        """A statement that comes again and again with other values; making one costs more than running it."""
        found = self._spelled.get(key)
        if found is None:
            if len(self._spelled) >= STATEMENTS:
                self._spelled.clear()
            found = self._spelled[key] = make()
        return found

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
        self.add_all({table: rows})

    def add_all(self, tables: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        """Add rows to several tables, all or none."""
        shapes = {table: self._own.table(table)[1] for table in tables}
        made = {table: [self._row(table, shapes[table], row) for row in rows] for table, rows in tables.items()}
        with self._own.work() as work:
            for table, rows in made.items():
                if rows:
                    self._add(work, table, rows)

    def _add(self, work: sa.Connection, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        found, shape = self._own.table(table)
        if shape.key:
            keys = (SITE, *shape.key)
            former = [{f"_{key}": row[key] for key in keys} for row in rows]
            work.execute(self._own.spelled(("replace", table), lambda: _replaced(found, keys)), former)
        work.execute(self._own.spelled(("add", table), lambda: sa.insert(found)), rows)

    def find(
        self, table: str, where: Mapping[str, Any] | None = None, *, order: Sequence[str] = (), most: int = 1000
    ) -> list[dict[str, Any]]:
        """At most `most` rows that fit, in an order of columns; "-" before one has it fall."""
        found, _ = self._own.table(table)
        met = self._met(table, where)

        def asked() -> sa.Executable:
            by = [self._column(table, one.removeprefix("-")) for one in order]
            ordered = [column.desc() if one.startswith("-") else column for one, column in zip(order, by, strict=True)]
            return sa.select(found).where(*met.tests(found)).order_by(*ordered).limit(sa.bindparam("_most"))

        statement = self._own.spelled(("find", table, met.shape, tuple(order)), asked)
        with self._own.work() as work:
            return [dict(row) for row in work.execute(statement, {**met.values, "_most": most}).mappings()]

    def count(
        self, table: str, where: Mapping[str, Any] | None = None, *, by: Sequence[str] = ()
    ) -> list[dict[str, Any]]:
        """How many rows fit, of each combination of some columns."""
        found, _ = self._own.table(table)
        met = self._met(table, where)
        columns = [self._column(table, one) for one in by]
        asked = sa.select(*columns, sa.func.count().label("rows")).select_from(found).where(*met.tests(found))
        with self._own.work() as work:
            rows = work.execute(asked.group_by(*columns).order_by(*columns) if columns else asked, met.values)
            return [dict(row) for row in rows.mappings()]

    def change(self, table: str, where: Mapping[str, Any], values: Mapping[str, Any]) -> int:
        """Write values into the rows that fit; how many there were."""
        found, shape = self._own.table(table)
        written = {name: self._value(table, shape, name, value) for name, value in values.items()}
        met = self._met(table, where, own=True)
        with self._own.work() as work:
            return work.execute(sa.update(found).where(*met.tests(found)).values(written), met.values).rowcount

    def remove(self, table: str, where: Mapping[str, Any]) -> int:
        """Remove the rows that fit; how many there were."""
        found, _ = self._own.table(table)
        met = self._met(table, where, own=True)
        with self._own.work() as work:
            return work.execute(sa.delete(found).where(*met.tests(found)), met.values).rowcount

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

    def _met(self, table: str, where: Mapping[str, Any] | None, *, own: bool = False) -> "_Met":
        """The condition that a row is met by the site (`own`: is of the site itself) and fits."""
        _, shape = self._own.table(table)
        met = _Met()
        if self._site:
            met.note(SITE, "in", [self._site] if own else [self._site, ""])
        elif where and SITE not in where and not own and (shape.key or shape.index):
            met.note(SITE, "any", None)
        for name, told in (where or {}).items():
            self._column(table, name)

            def read(value: Any, name: str = name) -> Any:
                return value if name == SITE else self._value(table, shape, name, value)

            if isinstance(told, Within):
                met.note(name, ">=", read(told.low), unless=told.low is None)
                met.note(name, "<", read(told.high), unless=told.high is None)
            elif isinstance(told, list | tuple | set | frozenset):
                met.note(name, "in", [read(one) for one in told])
            else:
                met.note(name, "=" if told is not None else "null", read(told))
        return met


class _Met:
    """A condition: its shape, by which its statement is kept, and the values that the statement is run with."""

    def __init__(self) -> None:
        self.shape: tuple[tuple[str, str], ...] = ()
        self.values: dict[str, Any] = {}

    def note(self, column: str, way: str, value: Any, *, unless: bool = False) -> None:
        """Demand something of a column; `unless`: nothing after all."""
        if unless:
            return
        if way not in ("null", "any"):
            self.values[f"_{len(self.shape)}"] = value
        self.shape = (*self.shape, (column, way))

    def tests(self, table: sa.Table) -> list[sa.ColumnElement[bool]]:
        """The condition over parameters that `values` has."""
        found: list[sa.ColumnElement[bool]] = []
        for at, (name, way) in enumerate(self.shape):
            column = table.c[name]
            value = sa.bindparam(f"_{at}", type_=column.type, expanding=way == "in")
            found.append(WAYS[way](column, value))
        return found


def _all(column: Any) -> Any:
    """All sites that a table has, each looked up behind the one before: keys and indexes begin with the site, and serve
    nobody who names none. So the whole installation finds a row in a few steps, however many rows there are."""
    listed = sa.select(sa.func.min(column).label(SITE)).cte("listed", recursive=True)
    other = column.table.alias()
    following = sa.select(sa.func.min(other.c[SITE])).where(other.c[SITE] > listed.c[SITE]).scalar_subquery()
    listed = listed.union_all(sa.select(following).where(listed.c[SITE].is_not(None)))
    return sa.select(listed.c[SITE])


WAYS: Mapping[str, Callable[[Any, Any], Any]] = {
    "in": lambda column, value: column.in_(value), "=": operator.eq, ">=": operator.ge, "<": operator.lt,
    "null": lambda column, value: column.is_(None), "any": lambda column, value: column.in_(_all(column)),
}  # fmt: skip


def _replaced(table: sa.Table, keys: Sequence[str]) -> sa.Executable:
    """Removes the row with a key, which another takes the place of."""
    return sa.delete(table).where(*(table.c[key] == sa.bindparam(f"_{key}", type_=table.c[key].type) for key in keys))


@dataclass(frozen=True, slots=True)
class Within:
    """A condition on a column: at least `low`, less than `high`; None for no bound."""

    low: Any = None
    high: Any = None
