"""Tables of SQL databases: live ones over SQLAlchemy, whole or what is new; and SQLite files that were delivered."""

import datetime as dt
import decimal
import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from isthmus.base.errors import Unreadable
from isthmus.intake.header import unique
from isthmus.intake.misfit import MISFIT, parted, told, whole
from isthmus.intake.record import Format, Part, Passage, Reading
from isthmus.intake.stream import on_disk

_ROWS = 16_384
_MISFIT = (pa.ArrowException, ValueError, TypeError, OverflowError)

# A column's Python values, checked and shaped for its Arrow type; SQLite keeps what was put in, whatever it declares.
_Shape = tuple[pa.DataType, Callable[[Any], Any]]


def read(part: Part, fmt: Format) -> Reading:
    """The rows of a SQLite file, table by table in the order of their names; the kind is the table.

    `_place` counts rows from 0, on through all tables. Option: `tables` (names; default: all).
    """
    with on_disk(part) as path:
        url = sa.URL.create("sqlite", database=f"file:{path}", query={"mode": "ro", "uri": "true"})
        place = 0
        for table in _wanted(url, fmt):
            for rows in rows_of(url, table):
                yield from parted(table, rows, place)
                place += rows.num_rows


def locate(part: Part, fmt: Format, place: int) -> Passage:
    """The row as JSON.

    Raises `Unreadable` when there is no such row.
    """
    with on_disk(part) as path:
        url = sa.URL.create("sqlite", database=f"file:{path}", query={"mode": "ro", "uri": "true"})
        first = 0
        for table in _wanted(url, fmt):
            begin = first
            for rows in rows_of(url, table):
                if place < first + rows.num_rows:
                    (row,) = rows.slice(place - first, 1).to_pylist()
                    return Passage(place, place + 1, place - begin + 1, whole(row), table)
                first += rows.num_rows
    raise Unreadable("truncated", f"the database has {first} rows, none of them at place {place}")


def tables(url: str | sa.URL) -> list[str]:
    """The names of the tables and views that can be read."""
    with _connected(url) as connection:
        look = sa.inspect(connection)
        return sorted([*look.get_table_names(), *look.get_view_names()])


def read_table(url: str | sa.URL, table: str, watermark: str | None = None, since: object = None) -> Reading:
    """The rows of one table as `rows_of` gives them; those that do not fit are rejects. `_place` counts from 0."""
    place = 0
    for rows in rows_of(url, table, watermark, since):
        yield from parted(table, rows, place)
        place += rows.num_rows


def rows_of(url: str | sa.URL, table: str, watermark: str | None = None, since: object = None) -> Iterator[pa.Table]:
    """The rows of one table, streamed; with a watermark column in its order, from `since` on.

    `table` may be `schema.table`. Rows at the mark itself come again: others with the same mark may have been committed
    after the last read, and those known are recognised by their key. Rows whose watermark is null come only when
    `since` is None. Types are those of the database; text where Arrow has none. A value that is not of its column's
    type is null there, and told in the last column, `MISFIT`.
    """
    with _connected(url) as connection:
        source = _reflected(connection, table)
        if watermark is not None and watermark not in source.c:
            raise Unreadable("unsupported", f"table '{table}' has no column '{watermark}' to serve as watermark")
        # Values are taken as the driver gives them: SQLAlchemy's own types refuse what SQLite happily keeps.
        query = sa.select(*(sa.type_coerce(column, sa.types.NullType()) for column in source.c))
        if watermark is not None:
            if since is not None:
                query = query.where(source.c[watermark] >= since)
            query = query.order_by(source.c[watermark])
        query = query.order_by(*source.primary_key.columns)
        shapes = [_shape(column.type, connection.dialect.name) for column in source.c]
        names = unique(column.name for column in source.c)
        result = connection.execution_options(stream_results=True, yield_per=_ROWS).execute(query)
        for rows in result.partitions(_ROWS):
            yield _held(names, shapes, rows)


def _wanted(url: sa.URL, fmt: Format) -> list[str]:
    option = fmt.options.get("tables")
    return [str(name) for name in option] if isinstance(option, list | tuple) else tables(url)


@contextmanager
def _connected(url: str | sa.URL) -> Iterator[sa.Connection]:
    """A connection; every failure of the database is told without its values and passwords."""
    address = sa.make_url(url)
    shown = "in the file" if address.query.get("uri") else address.render_as_string(hide_password=True)
    try:
        engine = sa.create_engine(url, poolclass=sa.NullPool)
        try:
            with engine.connect() as connection:
                driver = connection.connection.driver_connection
                if isinstance(driver, sqlite3.Connection):  # a text that is none must not end the reading of its table
                    driver.text_factory = partial(str, encoding="utf-8", errors="surrogateescape")
                yield connection
        finally:
            engine.dispose()
    except sa.exc.NoSuchTableError as error:
        raise Unreadable("unsupported", f"the database {shown} has no table '{error}'") from None
    except sa.exc.SQLAlchemyError as error:
        raise Unreadable("damaged", f"the database {shown} cannot be read ({type(error).__name__})") from None
    except ModuleNotFoundError as error:
        detail = f"the driver '{error.name}' is not installed; install isthmus with the extra 'service'"
        raise Unreadable("unsupported", detail) from None


def _reflected(connection: sa.Connection, table: str) -> sa.Table:
    schema, dot, name = table.partition(".")
    if dot and connection.dialect.name != "sqlite":
        return sa.Table(name, sa.MetaData(), schema=schema, autoload_with=connection)
    return sa.Table(table, sa.MetaData(), autoload_with=connection)


def _held(names: Sequence[str], shapes: Sequence[_Shape], rows: Sequence[Sequence[Any]]) -> pa.Table:
    columns: list[pa.Array] = []
    bad: dict[int, dict[str, Any]] = {}
    for name, (kind, shape), values in zip(names, shapes, zip(*rows, strict=True), strict=True):
        column, misfits = _column(values, kind, shape)
        columns.append(column)
        for row in misfits:
            bad.setdefault(row, {})[name] = values[row]
    return pa.Table.from_arrays([*columns, told(len(rows), bad)], names=[*names, MISFIT])


def _column(values: Sequence[Any], kind: pa.DataType, shape: Callable[[Any], Any]) -> tuple[pa.Array, list[int]]:
    """The values, and the rows whose value does not fit, which are null."""
    try:
        return pa.array([None if value is None else shape(value) for value in values], kind), []
    except _MISFIT:
        pass
    held: list[Any] = []
    misfits: list[int] = []
    for row, value in enumerate(values):
        try:
            shaped = None if value is None else shape(value)
            pa.scalar(shaped, kind)
        except _MISFIT:
            misfits.append(row)
            shaped = None
        held.append(shaped)
    return pa.array(held, kind), misfits


def _shape(column: sa.types.TypeEngine[Any], dialect: str) -> _Shape:
    if isinstance(column, sa.Boolean) and dialect != "sqlite":
        return pa.bool_(), bool
    if isinstance(column, sa.Integer | sa.Boolean):
        return pa.int64(), _whole
    if isinstance(column, sa.Float) or (isinstance(column, sa.Numeric) and dialect == "sqlite"):
        return pa.float64(), float
    if isinstance(column, sa.Date) and dialect != "sqlite":
        return pa.date32(), _date
    if isinstance(column, sa.DateTime) and dialect != "sqlite":
        return (pa.timestamp("us", "UTC") if column.timezone else pa.timestamp("us")), _moment
    if isinstance(column, sa.LargeBinary):
        return pa.binary(), bytes
    return pa.string(), _text


def _whole(value: object) -> int:
    if isinstance(value, int | decimal.Decimal) or (isinstance(value, float) and value.is_integer()):
        return int(value)
    raise TypeError("no whole number")


def _date(value: object) -> dt.date:
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value
    raise TypeError("no date")


def _moment(value: object) -> dt.datetime:
    if isinstance(value, dt.datetime):
        return value
    raise TypeError("no moment")


def _text(value: object) -> str:
    """Text as it is; other values as they would be written."""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return f"{value:f}" if isinstance(value, decimal.Decimal) else str(value)
