"""The facts of one chart: values, and the rows that each was read from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from isthmus.apps.advice.chart.chart import MINUTES, Chart, Floats, Ints, Row, day_number, day_of
from isthmus.apps.advice.pack.fact import DAY, NUMBERS, Fact
from isthmus.apps.advice.pack.graph import Graph
from isthmus.apps.advice.pack.sheets import kinds
from isthmus.apps.contract import InputError
from isthmus.apps.contract.knowledge import Conversion, Scalar, Told, analyte, spelling, ucum
from isthmus.apps.contract.knowledge import score as scored

SHOWN = 5
"""Rows that are named of one fact; a count of 300 visits is told by its newest."""
NEWEST = 16
"""Results that are looked at first for the last one that fits."""


@dataclass(frozen=True, slots=True)
class Found:
    """A value (None: not known), the rows it was read from, newest first, and the missing inputs of a score."""

    value: Scalar
    rows: tuple[Row, ...] = ()
    missing: tuple[str, ...] = ()


class Concepts:
    """The ids of concepts of a graph, with those that an edition's vocabulary puts below them."""

    def __init__(self, graph: Graph, below: Mapping[int, Sequence[int]] | None = None) -> None:
        """`below`: by a concept id the ids of its descendants, itself among them or not."""
        self.graph = graph
        self._below = below or {}
        self._known: dict[str, Ints] = {}

    def ids(self, name: str) -> Ints:
        """All ids under which events of a concept stand, ascending."""
        found = self._known.get(name)
        if found is None:
            own = self.graph.ids(name)
            whole = {*own, *(below for one in own for below in self._below.get(one, ()))}
            found = self._known[name] = np.array(sorted(whole), dtype=np.int64)
        return found

    def covered(self, name: str, chart: Chart) -> bool:
        """Whether a chart without an event of a concept says that there was none."""
        return any(table in chart.covers for table in kinds()[self.graph.concepts[name].kind].tables)


def facts_of(chart: Chart, needed: Sequence[Fact], concepts: Concepts) -> dict[str, Found]:
    """The facts by name, in the order in which they are reckoned, with what everybody has and days of numbers."""
    found = _everybody(chart)
    values: dict[str, Scalar] = {name: one.value for name, one in found.items()}
    for fact in needed:
        if fact.formula is not None:
            one = Found(fact.formula.value(values), _joined(fact.needs, found))
        elif fact.score is not None:
            one = _scored(fact, values, found)
        else:
            one = DRAW[fact.way](chart, fact, concepts)
            if fact.way in (*NUMBERS, "coded"):
                day = one.rows[0].day if one.rows else None
                found[f"{fact.name}{DAY}"], values[f"{fact.name}{DAY}"] = Found(day, one.rows), day
        found[fact.name], values[fact.name] = one, one.value
    return found


def _everybody(chart: Chart) -> dict[str, Found]:
    age = None
    if chart.birth is not None:
        born = chart.birth
        age = float(chart.today.year - born.year - ((chart.today.month, chart.today.day) < (born.month, born.day)))
    return {"age": Found(age), "sex": Found(chart.sex), "today": Found(chart.today)}


def _joined(names: Sequence[str], found: Mapping[str, Found]) -> tuple[Row, ...]:
    return tuple(dict.fromkeys(row for name in names if name in found for row in found[name].rows))


def _scored(fact: Fact, values: Mapping[str, Scalar], found: Mapping[str, Found]) -> Found:
    assert fact.score is not None
    told: dict[str, Told] = {}
    for name, text in fact.inputs.items():
        given = text.value(values)
        unit = fact.units.get(name, fact.score.inputs[name].unit)
        told[name] = (given, unit) if unit and isinstance(given, float) else given
    outcome = scored(fact.score, told)
    value: Scalar = outcome.value if fact.give == "value" else outcome.grade
    return Found(value, _joined(fact.needs, found), outcome.missing)


def _numbers(chart: Chart, fact: Fact, concepts: Concepts) -> Found:
    """The last, lowest or highest number in the fact's unit that lies in its range; the newest of equal ones."""
    places = chart.places(concepts.ids(fact.concept), fact.within)
    if fact.way == "last":
        found = _fitting(chart, fact, places[-NEWEST:])  # the last that fits is nearly always among these
        if not len(found[0]) and len(places) > NEWEST:
            found = _fitting(chart, fact, places[:-NEWEST])
        places, numbers = found
        at = len(places) - 1
    else:
        places, numbers = _fitting(chart, fact, places)
        turned = numbers[::-1]
        at = len(places) - 1
        at -= int(turned.argmin() if fact.way == "lowest" else turned.argmax()) if len(places) else 0
    return Found(float(numbers[at]), (chart.row(places[at], fact.name),)) if len(places) else Found(None)


def _fitting(chart: Chart, fact: Fact, places: Ints) -> tuple[Ints, Floats]:
    """Those of some places whose number, in the fact's unit, lies in its range; and these numbers."""
    numbers = chart.events.number[places]
    if fact.unit and len(places):
        numbers = _in_unit(chart, fact, places, numbers)
    if fact.low is not None and fact.high is not None:
        fits = (numbers >= fact.low) & (numbers <= fact.high)  # NaN, of another unit or none at all, fits nowhere
    else:
        fits = ~np.isnan(numbers)
    return places[fits], numbers[fits]


def _in_unit(chart: Chart, fact: Fact, places: Ints, numbers: Floats) -> Floats:
    """The numbers in the fact's unit; NaN where a unit is not converted into it, or none is told."""
    told = chart.events.unit[places]
    factors, offsets = np.full(len(chart.units) + 1, np.nan), np.zeros(len(chart.units) + 1)
    for at in {*told.tolist()}:
        how = conversion(fact.analyte, chart.units[at], fact.unit) if at >= 0 else None
        if how is not None:
            factors[at], offsets[at] = how.factor, how.offset
    return np.asarray(np.round(numbers * factors[told] + offsets[told], 9), dtype=np.float64)


@lru_cache(maxsize=4096)
def conversion(key: str, written: str, unit: str) -> Conversion | None:
    """How a number in a unit, as UCUM or a hospital writes it, becomes one in another; None where it does not."""
    code = written if ucum.readable(written) else spelling.code(written)
    if code is None or code == unit:
        return Conversion(1.0) if code == unit else None
    try:
        if key:
            return analyte.conversion(key, code, unit)
        factor = ucum.factor(code, unit)
    except InputError:
        return None
    return None if factor is None else Conversion(factor)


def _coded(chart: Chart, fact: Fact, concepts: Concepts) -> Found:
    """The code of the last answer that is one of the fact's."""
    places = chart.places(concepts.ids(fact.concept), fact.within)
    answers = chart.events.answer[places]
    for at in range(len(places) - 1, -1, -1):
        for code, ids in fact.codes.items():
            if int(answers[at]) in ids:
                return Found(code, (chart.row(places[at], fact.name),))
    return Found(None)


def _ever(chart: Chart, fact: Fact, concepts: Concepts) -> Found:
    places = chart.places(concepts.ids(fact.concept), fact.within)
    if len(places):
        return Found(True, (chart.row(places[-1], fact.name),))
    return Found(False if concepts.covered(fact.concept, chart) else None)


def _during(chart: Chart, fact: Fact, concepts: Concepts) -> Found:
    """Whether an event lasts, `after` days with it: until its end, or from its beginning where no end is known."""
    places = chart.places(concepts.ids(fact.concept), fact.within)
    ends = np.maximum(chart.events.end[places], chart.events.begin[places]) // MINUTES
    lasting = places[ends + fact.after >= day_number(chart.today)]
    if len(lasting):
        return Found(True, (chart.row(lasting[-1], fact.name),))
    drafted = _drafts(chart, fact, concepts, selected=False)
    if drafted:
        return Found(True, drafted)
    return Found(False if concepts.covered(fact.concept, chart) else None)


def _count(chart: Chart, fact: Fact, concepts: Concepts) -> Found:
    places = chart.places(concepts.ids(fact.concept), fact.within)
    if not len(places) and not concepts.covered(fact.concept, chart):
        return Found(None)
    return Found(float(len(places)), tuple(chart.row(at, fact.name) for at in places[::-1][:SHOWN]))


def _ago(chart: Chart, fact: Fact, concepts: Concepts) -> Found:
    places = chart.places(concepts.ids(fact.concept), fact.within)
    if not len(places):
        return Found(None)
    newest = day_of(chart.events.begin[places[-1]])
    return Found(float((chart.today - newest).days), (chart.row(places[-1], fact.name),))


def _drafts(chart: Chart, fact: Fact, concepts: Concepts, *, selected: bool) -> tuple[Row, ...]:
    ids = frozenset(concepts.ids(fact.concept).tolist())
    return tuple(
        Row(*_reference(one.reference), None, fact.name)
        for one in chart.orders
        if one.selected is selected and one.concepts & ids
    )


def _reference(text: str) -> tuple[str, str]:
    kind, _, name = text.partition("/")
    return kind, name


def _ordered(chart: Chart, fact: Fact, concepts: Concepts) -> Found:
    rows = _drafts(chart, fact, concepts, selected=True)
    return Found(bool(rows), rows)


def _dose(chart: Chart, fact: Fact, concepts: Concepts) -> Found:
    """Milligrams in a day over all orders of a concept; not known where one of them does not tell."""
    ids = frozenset(concepts.ids(fact.concept).tolist())
    doses = [one.dose for one in chart.orders if one.selected and one.concepts & ids]
    rows = _drafts(chart, fact, concepts, selected=True)
    known = [one for one in doses if one is not None]
    return Found(sum(known) if known and len(known) == len(doses) else None, rows)


def _allergic(chart: Chart, fact: Fact, concepts: Concepts) -> Found:
    if chart.allergies is None:
        return Found(None)
    ids = frozenset(concepts.ids(fact.concept).tolist())
    rows = tuple(Row(row.table, row.id, row.day, fact.name) for found, row in chart.allergies if found & ids)
    return Found(bool(rows), rows)


DRAW: Mapping[str, Callable[[Chart, Fact, Concepts], Found]] = {
    **dict.fromkeys(NUMBERS, _numbers), "coded": _coded, "ever": _ever, "during": _during, "count": _count, "ago": _ago,
    "ordered": _ordered, "dose": _dose, "allergic": _allergic,
}  # fmt: skip
