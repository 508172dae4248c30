"""A chart from the rows of an edition, as a session lends them: one Arrow table by name for each table of the model."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cache, partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from isthmus.apps.advice.chart.chart import MINUTES, Chart, Events, Floats, Ints, Names, Row
from isthmus.apps.contract.knowledge import ucum, units
from isthmus.apps.contract.session import Rows

MALE, FEMALE = 8507, 8532
SEXES = {MALE: "male", FEMALE: "female"}
ALLERGY = (439224, 4084167)
"""OMOP's concepts that say `allergy to …`, the substance being the answer."""


@dataclass(frozen=True, slots=True)
class Source:
    """Which columns of a table say what happened, when, and how it ended."""

    concept: str
    id: str
    day: str
    time: str
    end: str = ""
    number: str = ""
    unit: str = ""
    answer: str = ""


SOURCES: Mapping[str, Source] = {
    "condition_occurrence": Source(
        "condition_concept_id", "condition_occurrence_id", "condition_start_date", "condition_start_datetime",
        "condition_end_date",
    ),
    "drug_exposure": Source(
        "drug_concept_id", "drug_exposure_id", "drug_exposure_start_date", "drug_exposure_start_datetime",
        "drug_exposure_end_date",
    ),
    "procedure_occurrence": Source(
        "procedure_concept_id", "procedure_occurrence_id", "procedure_date", "procedure_datetime"
    ),
    "measurement": Source(
        "measurement_concept_id", "measurement_id", "measurement_date", "measurement_datetime", "", "value_as_number",
        "unit_concept_id", "value_as_concept_id",
    ),
    "observation": Source(
        "observation_concept_id", "observation_id", "observation_date", "observation_datetime", "", "value_as_number",
        "unit_concept_id", "value_as_concept_id",
    ),
}  # fmt: skip
PERSON = ("person_id", "gender_concept_id", "year_of_birth", "month_of_birth", "day_of_birth")


def columns() -> dict[str, list[str]]:
    """The tables and columns that a chart is read from."""
    found = {"person": list(PERSON)}
    for table, one in SOURCES.items():
        named = (one.id, "person_id", one.concept, one.day, one.time, one.end, one.number, one.unit, one.answer)
        found[table] = [name for name in named if name]
    return found


def chart_of(tables: Mapping[str, pa.Table], today: date, lacking: frozenset[str] = frozenset()) -> Chart:
    """The chart of a person on a day. A table that is not there, or is named in `lacking`, is not known about."""
    known = list(SOURCES)
    lean = tables.lean if isinstance(tables, Rows) else tables
    read = {
        name: (at, source)
        for at, (name, source) in enumerate(SOURCES.items())
        if name in lean and source.concept in lean[name].column_names
    }
    events = Events.joined([_events(lean[name], source, at) for name, (at, source) in read.items()])
    names = Names(*((len(lean[name]), named) for name, (_, source) in read.items()
                    if (named := _named(tables, name, source)) is not None))  # fmt: skip
    if len(names):  # under a grant rows are named by pseudonyms
        events = replace(events, id=np.arange(len(events)))
    sex, birth = _person(lean.get("person"))
    covers = frozenset(name for name in known if name in lean) - lacking
    chart = Chart(today, birth, sex, events, known, [*codes()], covers, names=names)
    return replace(chart, allergies=_allergies(chart)) if "observation" in covers else chart


@cache
def codes() -> Mapping[str, int]:
    """Concepts of units by code, in the order in which charts number them: of the codes of one concept a readable one.

    Some have several, `U/L` beside `[U]/L`, and not every one of these is UCUM's.
    """
    found: dict[int, str] = {}
    for code, concept in units().items():
        if concept not in found or not ucum.readable(found[concept]):
            found[concept] = code
    return {code: concept for concept, code in found.items()}


@cache
def _unit_places() -> tuple[Ints, Ints]:
    """Concepts of units, ascending, and where each stands among the units of a chart."""
    found = {concept: at for at, concept in enumerate(codes().values())}
    concepts = np.array(sorted(found), dtype=np.int64)
    return concepts, np.array([found[one] for one in concepts.tolist()], dtype=np.int64)


def _named(tables: Mapping[str, pa.Table], name: str, source: Source) -> Callable[[int], str] | None:
    """How the rows of a table are called where their ids are no numbers."""
    if isinstance(tables, Rows) and name in tables.ids:
        return partial(tables.called, name)
    column = tables[name][source.id]
    return None if pa.types.is_integer(column.type) else lambda place: str(column[place].as_py())


def _events(table: pa.Table, source: Source, at: int) -> Events:
    """The events of a table; those whose ids are no numbers have none."""
    count = len(table)
    numbered = source.id in table.column_names and pa.types.is_integer(table[source.id].type)
    begin = _minutes(table, source.day, source.time)
    number = _numbers(table, source.number) if source.number in table.column_names else np.full(count, np.nan)
    return Events(
        concept=_ints(table, source.concept), begin=begin,
        end=_minutes(table, source.end, "") if source.end in table.column_names else np.zeros(count, dtype=np.int64),
        number=number,
        unit=_places(_ints(table, source.unit)) if source.unit in table.column_names else np.full(count, -1),
        answer=_ints(table, source.answer) if source.answer in table.column_names else np.zeros(count, dtype=np.int64),
        table=np.full(count, at, dtype=np.int64),
        id=_ints(table, source.id) if numbered else np.zeros(count, dtype=np.int64),
    )  # fmt: skip


def _plain(column: pa.ChunkedArray, kind: pa.DataType, empty: object) -> np.ndarray:
    """A column as numbers. What it is and has already is not made again: a chart is read while somebody waits."""
    if column.null_count == len(column):
        return np.full(len(column), empty, dtype=kind.to_pandas_dtype())
    if column.type != kind:
        column = column.cast(kind)
    if column.null_count:
        column = pc.fill_null(column, pa.scalar(empty, kind))
    return np.asarray(column.to_numpy())


def _ints(table: pa.Table, name: str) -> Ints:
    return _plain(table[name], pa.int64(), 0)


def _numbers(table: pa.Table, name: str) -> Floats:
    return _plain(table[name], pa.float64(), float("nan"))


def _minutes(table: pa.Table, day: str, time: str) -> Ints:
    """Minutes since 1970 of a time, or of the day's beginning where there is no time; 0 where there is neither."""
    days = table[day] if table[day].type == pa.date32() else table[day].cast(pa.date32())
    found: Ints = _plain(days.cast(pa.int32()), pa.int32(), 0).astype(np.int64) * MINUTES
    if not time or time not in table.column_names or table[time].null_count == len(table):
        return found
    times = table[time].cast(pa.timestamp("us")).cast(pa.int64())
    known = np.asarray(pc.is_valid(times).to_numpy(), dtype=bool)
    minutes = _plain(times, pa.int64(), 0) // 60_000_000
    return np.where(known, minutes, found)


def _places(concepts: Ints) -> Ints:
    known, places = _unit_places()
    at = np.minimum(np.searchsorted(known, concepts), len(known) - 1)
    return np.where(known[at] == concepts, places[at], -1)


def _person(table: pa.Table | None) -> tuple[str | None, date | None]:
    """Sex and birth; a birth of which only the year is known is taken for its middle."""
    if table is None or not len(table):
        return None, None
    row = table.slice(0, 1).to_pylist()[0]
    year = row.get("year_of_birth")
    birth = date(year, row.get("month_of_birth") or 7, row.get("day_of_birth") or 1) if year else None
    return SEXES.get(row.get("gender_concept_id") or 0), birth


def _allergies(chart: Chart) -> tuple[tuple[frozenset[int], Row], ...]:
    places = chart.places(np.array(sorted(ALLERGY), dtype=np.int64), 36_525)
    return tuple((frozenset([int(chart.events.answer[at])]), chart.row(at)) for at in places)
