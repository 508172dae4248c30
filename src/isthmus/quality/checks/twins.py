"""Moments whose day is the date beside them in every row: what is asked of the day of both is counted once.

The CDM holds the start of an event as a date and as a moment, and nearly all checks of a moment are about its day.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pyarrow as pa
from sqlglot import exp

from isthmus.quality.checks import sources
from isthmus.quality.checks.catalogue import Check
from isthmus.quality.checks.layout import Held, Layout

MOMENT, DAY = "_datetime", "_date"
DIFFERENT = """SELECT count_if(CAST("{moment}" AS DATE) IS DISTINCT FROM "{day}") AS n FROM "{table}" """
AS_DAY = "CAST(value AS DATE)"


def questions(layout: Layout) -> Mapping[str, exp.Select]:
    """By table a statement with a column for every pair of a moment and a date: in how many rows they differ."""
    pairs = {table: list(_pairs(held)) for table, held in layout.items() if held.rows}
    return {table: _question(table, some) for table, some in pairs.items() if some}


def learnt(layout: Layout, answers: Mapping[str, pa.Table]) -> Layout:
    """A layout that tells which columns say the same day. `answers` are the rows of the questions."""
    same = {
        table: {moment: day for (moment, day), column in zip(_pairs(layout[table]), rows.columns, strict=True)
                if not column[0].as_py()}
        for table, rows in answers.items()
    }  # fmt: skip
    return {table: replace(held, same=same[table]) if table in same else held for table, held in layout.items()}


def spoken_for(check: Check, held: Held, *, dated: bool) -> Check:
    """A check of days, put to the dates that say the same as its moments; any other check as it is.

    `dated`: it holds its field against a day.
    """
    asks_days = check.type.takes == "day" and "value" not in check.type.violated.replace(AS_DAY, "")
    if not (dated or asks_days):
        return check
    table, other = check.target
    value = held.same.get(other, check.value) if table == check.table else check.value
    return replace(check, field=held.same.get(check.field, check.field), value=value)


def _pairs(held: Held) -> Sequence[tuple[str, str]]:
    named = ((name, name.removesuffix(MOMENT) + DAY) for name in held.columns if name.endswith(MOMENT))
    return [(moment, day) for moment, day in named
            if day in held.columns and pa.types.is_timestamp(held.columns[moment])
            and pa.types.is_date(held.columns[day]) and not held.is_blank(moment)]  # fmt: skip


def _question(table: str, pairs: Sequence[tuple[str, str]]) -> exp.Select:
    counts = [sources.stated(DIFFERENT, table=table, moment=moment, day=day) for moment, day in pairs]
    for number, one in enumerate(counts[1:], 1):
        counts[0].select(exp.alias_(one.selects[0].unalias(), f"n{number}"), copy=False)
    return counts[0]
