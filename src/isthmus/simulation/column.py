"""Columns of text built from columns of numbers, without a loop over rows."""

from datetime import date, timedelta
from functools import cache
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Text: TypeAlias = pa.StringArray

FIRST = date(1900, 1, 1)
EPOCH = date(1970, 1, 1)
MINUTES = 24 * 60


def day_number(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01."""
    return (date(year, month, day) - EPOCH).days


@cache
def _days(pattern: str) -> Text:
    return pa.array([(FIRST + timedelta(offset)).strftime(pattern) for offset in range(140 * 366)])


@cache
def _clock(pattern: str) -> Text:
    return pa.array([pattern.format(hour, minute) for hour in range(24) for minute in range(60)])


def days(numbers: Ints, pattern: str = "%Y-%m-%d") -> Text:
    """Days since 1970-01-01 as text; a day before 1900 is null."""
    index = numbers - (FIRST - EPOCH).days
    return _days(pattern).take(pa.array(index, mask=index < 0))


def moments(minutes: Ints, pattern: str = "%Y-%m-%d", joint: str = " ", clock: str = "{:02d}:{:02d}:00") -> Text:
    """Minutes since 1970-01-01 00:00 as text."""
    return join(days(minutes // MINUTES, pattern), joint, _clock(clock).take(pa.array(minutes % MINUTES)))


def join(*parts: Text | str) -> Text:
    """The parts of each row set side by side; null counts as nothing. At least one part is a column."""
    return _plain(pc.binary_join_element_wise(*map(_scalar, parts), "", null_handling="replace", null_replacement=""))


def lines(columns: list[Text], separator: str = ",") -> Text:
    """Rows of delimited text, each ended by a line feed; null is an empty field."""
    joined = pc.binary_join_element_wise(*columns, separator, null_handling="replace", null_replacement="")
    return join(_plain(joined), "\n")


def _scalar(part: Text | str) -> Any:
    return pa.scalar(part) if isinstance(part, str) else part


def _plain(column: Any) -> Text:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def pick(values: Text, rows: Ints) -> Text:
    """values[rows]; a negative row is null."""
    return values.take(pa.array(rows, mask=rows < 0))


def whole(numbers: Ints) -> Text:
    """Integers as text."""
    return pa.array(numbers, type=pa.int64()).cast(pa.string())


def decimal(numbers: Floats) -> Text:
    """Numbers as text in their shortest form, whole numbers without a point; NaN is null."""
    text = pa.array(numbers, mask=np.isnan(numbers)).cast(pa.string())
    return _plain(pc.replace_substring_regex(text, r"\.0$", ""))


def repeat(text: str, count: int) -> Text:
    """A column that says the same in each row."""
    return pa.repeat(pa.scalar(text), count)


def choose(mask: Mask, yes: Text | str, no: Text | str | None) -> Text:
    """`yes` where the mask holds, else `no`."""
    other = pa.scalar(None, pa.string()) if no is None else _scalar(no)
    return _plain(pc.if_else(pa.array(mask), _scalar(yes), other))


def quoted(column: Text) -> Text:
    """Fields set in quotation marks, quotation marks inside doubled."""
    return join('"', _plain(pc.replace_substring(column, '"', '""')), '"')
