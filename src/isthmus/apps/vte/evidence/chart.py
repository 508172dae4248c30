"""Facts and items of one patient at a moment, from that patient's rows: the slow, obvious reading of the definitions.

Each fact comes with the rows (table, id, day) that made it, or with the reason why it cannot be told.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

import pyarrow as pa

from isthmus.apps.contract.knowledge import Outcome, Scalar, Score
from isthmus.apps.contract.research import find_score, score
from isthmus.apps.vte.evidence.definition import Definition
from isthmus.apps.vte.evidence.fact import Concepts, Fact, Source
from isthmus.apps.vte.evidence.unit import factor_of

Tables = Mapping[str, pa.Table]
Below = Callable[[Iterable[int]], Mapping[int, frozenset[int]]]
"""Of concepts, which of the concepts that sets name they are below of or equal to."""
SEXES = {8507: "male", 8532: "female"}


@dataclass(frozen=True, slots=True)
class Moment:
    """When a patient is looked at: `began` is the admission, `seen` the moment itself; `site` the hospital's name."""

    began: datetime
    seen: datetime
    site: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A row that made a fact."""

    table: str
    id: int | str
    day: date
    number: float | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """A fact of a patient. `value` is None where nothing can be said, and `why` says so; `rows` are newest first."""

    fact: Fact
    value: Scalar
    rows: tuple[Row, ...]
    why: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """A patient at a moment: what facts and items are."""

    moment: Moment
    facts: Mapping[str, Told]
    items: Mapping[str, Scalar]

    def outcome(self, name: str) -> Outcome:
        """A score of this patient."""
        rule = find_score(name)
        return score(rule, {item: _with_unit(rule, item, self.items.get(item)) for item in rule.inputs})


def judge(
    made: Definition,
    tables: Tables,
    moment: Moment,
    below: Below,
    *,
    said: Mapping[str, bool],
    never: Sequence[str] = (),
    delivered: Mapping[str, bool],
) -> Judged:
    """What a patient's rows tell at a moment.

    :param below: asked once, for all concepts of the rows.
    :param said: settings that expressions name; `never`: facts whose absence the hospital takes for no.
    :param delivered: whether the hospital delivers a table at all.
    """
    sources = {one.source.table: one.source for one in made.facts.values()}
    events = {name: _events(tables.get(name), source) for name, source in sources.items()}
    roots = below({event.concept for one in events.values() for event in one})
    kinds = _Kinds(made.sets, roots)
    found = {
        one.name: _told(one, events[one.source.table], kinds, moment, never=one.name in never, delivered=delivered)
        for one in made.facts.values()
    }
    values: dict[str, Scalar] = {name: one.value for name, one in found.items()}
    values |= {**_person(tables.get("person"), moment.seen), **said}
    return Judged(moment, found, {name: one.value(values) for name, one in made.items.items()})


@dataclass(frozen=True, slots=True)
class _Event:
    id: int | str
    day: date
    time: datetime | None
    concept: int
    code: str
    number: float | None
    unit: int | None

    @property
    def order(self) -> tuple[datetime, Any]:
        return (self.time or datetime.combine(self.day, time()), self.id)


class _Kinds:
    """Which sets a concept and a code belong to."""

    def __init__(self, sets: Mapping[str, Concepts], roots: Mapping[int, frozenset[int]]) -> None:
        self._sets, self._roots = sets, roots
        self._known: dict[tuple[str, int, str], bool] = {}

    def has(self, name: str, event: _Event) -> bool:
        key = (name, event.concept, event.code)
        if key not in self._known:
            self._known[key] = self._found(self._sets[name], event.concept, event.code)
        return self._known[key]

    def _found(self, one: Concepts, concept: int, code: str) -> bool:
        above = self._roots.get(concept, frozenset()) | {concept}
        if above & set(one.less):
            return False
        return bool(above & set(one.concepts)) or code.startswith(one.codes)


def _events(rows: pa.Table | None, source: Source) -> list[_Event]:
    if rows is None or not rows.num_rows:
        return []
    names = [source.id, source.day, source.time, source.concept, source.code, source.number, source.unit]
    columns = [
        rows[name].to_pylist() if name and name in rows.column_names else [None] * rows.num_rows for name in names
    ]
    found = []
    for key, day, moment, concept, code, number, unit in zip(*columns, strict=True):
        timed = moment if moment is not None and moment > datetime.combine(day, time()) else None
        found.append(_Event(key, day, timed, concept or 0, _bare(code or ""), number, unit))
    return found


def _bare(code: str) -> str:
    """A code without the name of its edition."""
    return code[max(code.rfind(":"), code.rfind("|")) + 1 :].upper()


def _told(
    fact: Fact, events: Sequence[_Event], kinds: _Kinds, moment: Moment, *, never: bool, delivered: Mapping[str, bool]
) -> Told:
    fitting = [one for one in events if kinds.has(fact.set, one) and _within(fact, one, moment)]
    fitting.sort(key=lambda one: one.order, reverse=True)
    rows = [Row(fact.source.table, one.id, one.day, one.number) for one in fitting]
    if fact.take == "any":
        value, why = (True, "") if rows else _absent(fact, events, moment, never=never, delivered=delivered)
        return Told(fact, value, tuple(rows), why)
    if not rows:
        return Told(fact, None, (), "no_row")
    if fact.take == "span":
        return Told(fact, float((rows[0].day - rows[-1].day).days + 1), tuple(rows))
    for row, event in zip(rows, fitting, strict=True):
        factor = factor_of(fact, event.unit)
        if factor is not None and row.number is not None:
            number = float(row.number) * factor[0] + factor[1]
            return Told(fact, number, (Row(row.table, row.id, row.day, number),))
    return Told(fact, None, tuple(rows), "unit")


def _within(fact: Fact, event: _Event, moment: Moment) -> bool:
    if fact.before:
        early = event.time < moment.began if event.time else event.day < moment.began.date()
    else:
        early = event.time <= moment.seen if event.time else event.day <= moment.seen.date()
    if fact.stay:
        return early and event.day >= moment.began.date()
    anchor = moment.began if fact.before else moment.seen
    return early and (anchor.date() - event.day).days <= fact.days


def _absent(
    fact: Fact, events: Sequence[_Event], moment: Moment, *, never: bool, delivered: Mapping[str, bool]
) -> tuple[Scalar, str]:
    """What it means that no row was found: no, or nothing and the reason."""
    if never:
        return False, ""
    if fact.absent == "delivered":
        return (False, "") if delivered.get(fact.source.table) else (None, "not_delivered")
    if fact.absent == "recorded":
        stay = any(moment.began.date() <= one.day <= moment.seen.date() for one in events)
        return (False, "") if stay else (None, "not_recorded")
    return None, "unknown"


def _person(rows: pa.Table | None, seen: datetime) -> dict[str, Scalar]:
    if rows is None or not rows.num_rows:
        return {}
    (row,) = rows.slice(0, 1).to_pylist()
    year, month, day = (row.get(f"{part}_of_birth") for part in ("year", "month", "day"))
    age: Scalar = None
    if year is not None:
        later = month is not None and month * 100 + (day or 1) > seen.month * 100 + seen.day
        age = float(seen.year - int(year) - later)
    return {"age": age, "sex": SEXES.get(row.get("gender_concept_id") or 0)}


def _with_unit(rule: Score, item: str, value: Scalar) -> object:
    unit = rule.inputs[item].unit
    return (value, unit) if unit and value is not None else value
