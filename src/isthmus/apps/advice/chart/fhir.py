"""A chart from FHIR resources that a caller sends along: R4, and what older releases write for the same.

A code means a concept of the base when one of the concept's codes says so. A key of the prefetch that is not there, or
is an OperationOutcome, leaves its tables uncovered: what is not seen there is not known. `null` says: there is none.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any

import numpy as np

from isthmus.apps.advice.chart.chart import MINUTES, Chart, Events, Names, Order, Row, day_number
from isthmus.apps.advice.chart.sent import DRAFTED, listed, number, resources
from isthmus.apps.advice.pack.graph import Graph
from isthmus.apps.advice.pack.sheets import SYSTEMS
from isthmus.apps.contract.knowledge import spelling, ucum

PREFETCH: Mapping[str, str] = {
    "patient": "Patient/{{context.patientId}}",
    "conditions": "Condition?patient={{context.patientId}}",
    "medications": "MedicationRequest?patient={{context.patientId}}&status=active",
    "observations": "Observation?patient={{context.patientId}}&_sort=-date&_count=1000",
    "procedures": "Procedure?patient={{context.patientId}}",
    "allergies": "AllergyIntolerance?patient={{context.patientId}}",
}
"""What services ask callers to send along, by key."""
COVERED: Mapping[str, frozenset[str]] = {
    "conditions": frozenset({"condition_occurrence"}), "medications": frozenset({"drug_exposure"}),
    "observations": frozenset({"measurement", "observation"}), "procedures": frozenset({"procedure_occurrence"}),
}  # fmt: skip
ORDERS = (
    "MedicationRequest",
    "MedicationOrder",
    "ServiceRequest",
    "ProcedureRequest",
    "DeviceRequest",
    "NutritionOrder",
)
DATES = (
    "onsetDateTime", "effectiveDateTime", "performedDateTime", "authoredOn", "recordedDate", "dateWritten", "issued",
    "occurrenceDateTime", "assertedDate", "dateAsserted",
)  # fmt: skip
PERIODS = ("effectivePeriod", "performedPeriod", "onsetPeriod")
ENDS = ("abatementDateTime",)
VOID = {"entered-in-error", "cancelled", "not-done", "refuted", "stopped"}
URLS = {url: name for name, url in SYSTEMS.items()} | {
    "urn:oid:2.16.840.1.113883.6.73": "ATC", "http://hl7.org/fhir/sid/icd-10-cn": "ICD10"
}  # fmt: skip
PER_DAY = {"s": 86400.0, "min": 1440.0, "h": 24.0, "d": 1.0, "wk": 1 / 7, "mo": 1 / 30, "a": 1 / 365}


class Codes:
    """Which concepts of a graph the codes of other systems mean."""

    def __init__(self, graph: Graph) -> None:
        self._whole: dict[tuple[str, str], list[int]] = {}
        self._begun: dict[str, list[tuple[str, int]]] = {}
        for concept in graph.concepts.values():
            for system, code in concept.codes:
                if code.endswith("*"):
                    self._begun.setdefault(system, []).append((code[:-1], concept.own))
                else:
                    self._whole.setdefault((system, code), []).append(concept.own)

    def ids(self, concept: Any) -> frozenset[int]:
        """The base's own ids of the concepts that a CodeableConcept means."""
        found: set[int] = set()
        for system, code in _codings(concept):
            found.update(self._whole.get((system, code), ()))
            found.update(own for begin, own in self._begun.get(system, ()) if code.startswith(begin))
        return frozenset(found)


def _codings(concept: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(concept, Mapping):
        return
    for one in listed(concept.get("coding")):
        if isinstance(one, Mapping) and isinstance(one.get("code"), str):
            system = URLS.get(str(one.get("system", "")), "")
            yield ("ICD10" if system == "ICD10CM" else system), one["code"]


@dataclass
class _Gathered:
    """Events while they are read; `names` are ids of resources."""

    concept: list[int] = field(default_factory=list)
    begin: list[int] = field(default_factory=list)
    end: list[int] = field(default_factory=list)
    number: list[float] = field(default_factory=list)
    unit: list[int] = field(default_factory=list)
    answer: list[int] = field(default_factory=list)
    table: list[int] = field(default_factory=list)
    id: list[int] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    tables: dict[str, int] = field(default_factory=dict)
    units: dict[str, int] = field(default_factory=dict)

    def add(self, resource: Mapping[str, Any], concepts: Iterable[int], value: "tuple[float, str, int]") -> None:
        """One row for each concept that a resource means; `value`: number, unit as written, answer."""
        number, unit, answer = value
        begin, end = _times(resource)
        for concept in concepts:
            self.concept.append(concept)
            self.begin.append(begin)
            self.end.append(end)
            self.number.append(number)
            self.unit.append(self.units.setdefault(unit, len(self.units)) if unit else -1)
            self.answer.append(answer)
            self.table.append(self.tables.setdefault(str(resource.get("resourceType")), len(self.tables)))
            self.id.append(len(self.names))
        self.names.append(str(resource.get("id", "")))

    def called(self) -> Names:
        """How what was sent is called, by its place."""
        return Names((len(self.names), self.names.__getitem__))

    def events(self) -> Events:
        """As columns."""
        whole = {
            name: np.array(getattr(self, name), dtype=np.int64)
            for name in Events.__dataclass_fields__
            if name != "number"
        }
        return Events(number=np.array(self.number, dtype=np.float64), **whole)


def chart_of(
    prefetch: Mapping[str, Any], context: Mapping[str, Any], codes: Codes, today: date, *, also: Chart | None = None
) -> Chart:
    """The chart of a call: what was sent along, and what the call orders.

    `also` is what an edition knows of the patient: the two are laid beside each other, and where both tell sex or birth
    the edition's counts.
    """
    gathered = _Gathered()
    covers: set[str] = set()
    allergies: list[tuple[frozenset[int], Row]] | None = None
    patients: list[Mapping[str, Any]] = []
    for key, sent in prefetch.items():
        if _failed(sent):
            continue
        covers |= COVERED.get(key, frozenset())
        if key == "allergies":
            allergies = allergies or []
        for resource in resources(sent):
            if resource.get("resourceType") == "Patient":
                patients.append(resource)
            elif resource.get("resourceType") == "AllergyIntolerance":
                allergies = [] if allergies is None else allergies
                allergies += _allergy(resource, codes)
            else:
                _read(resource, codes, gathered)
    sex, birth = _person(patients)
    orders = tuple(_orders(context, codes))
    if also is not None:
        told = replace(also, sex=also.sex or sex, birth=also.birth or birth)
        return _with(told, gathered, frozenset(covers), orders, allergies)
    return Chart(
        today, birth, sex, gathered.events(), [*gathered.tables], [*gathered.units], frozenset(covers), orders,
        None if allergies is None else tuple(allergies), gathered.called(),
    )  # fmt: skip


def _with(
    also: Chart, gathered: _Gathered, covers: frozenset[str], orders: tuple[Order, ...],
    allergies: list[tuple[frozenset[int], Row]] | None,
) -> Chart:  # fmt: skip
    """An edition's chart with what the call sent beside it."""
    if not gathered.names and allergies is None:
        return replace(also, orders=orders)
    old, new = also.events, gathered.events()
    named = also.names.__getitem__ if also.names else lambda place: str(int(old.id[place]))
    events = Events.joined(
        [
            Events(old.concept, old.begin, old.end, old.number, old.unit, old.answer, old.table, np.arange(len(old))),
            Events(
                new.concept, new.begin, new.end, new.number, np.where(new.unit >= 0, new.unit + len(also.units), -1),
                new.answer, new.table + len(also.tables), new.id + len(old),
            ),
        ]
    )  # fmt: skip
    whole = None if allergies is None and also.allergies is None else (*(also.allergies or ()), *(allergies or ()))
    return Chart(
        also.today, also.birth, also.sex, events, [*also.tables, *gathered.tables], [*also.units, *gathered.units],
        also.covers | covers, orders, whole, Names((len(old), named), *gathered.called().parts),
    )  # fmt: skip


def _failed(sent: Any) -> bool:
    return isinstance(sent, Mapping) and sent.get("resourceType") == "OperationOutcome"


def _read(resource: Mapping[str, Any], codes: Codes, gathered: _Gathered) -> None:
    status = str(resource.get("status"))
    verified = next((code for _, code in _statuses(resource.get("verificationStatus"))), None)
    if status in VOID or verified in VOID:
        return
    gathered.add(resource, codes.ids(_code(resource)), _value(resource, codes))
    for part in listed(resource.get("component")):
        if isinstance(part, Mapping):
            gathered.add({**resource, **part}, codes.ids(part.get("code")), _value(part, codes))


def _statuses(concept: Any) -> Iterator[tuple[str, str]]:
    if isinstance(concept, str):
        yield "", concept
    elif isinstance(concept, Mapping):
        yield from (("", str(one.get("code"))) for one in listed(concept.get("coding")) if isinstance(one, Mapping))


def _code(resource: Mapping[str, Any]) -> Any:
    return resource.get("medicationCodeableConcept") or resource.get("code") or resource.get("vaccineCode")


def _value(resource: Mapping[str, Any], codes: Codes) -> tuple[float, str, int]:
    quantity = resource.get("valueQuantity")
    answers = codes.ids(resource.get("valueCodeableConcept"))
    answer = min(answers) if answers else 0
    if isinstance(quantity, Mapping) and (value := number(quantity.get("value"))) is not None:
        unit = str(quantity.get("code") or quantity.get("unit") or "")
        return value, unit, answer
    whole = resource.get("valueInteger")
    found = number(whole) if isinstance(whole, int) else None
    return (math.nan if found is None else found), "", answer


def _times(resource: Mapping[str, Any]) -> tuple[int, int]:
    """Begin and end in minutes since 1970; 0 for not known. Local time, as the resource writes it."""
    periods = [resource[name] for name in PERIODS if isinstance(resource.get(name), Mapping)]
    begins = [resource.get(name) for name in DATES] + [one.get("start") for one in periods]
    ends = [resource.get(name) for name in ENDS] + [one.get("end") for one in periods]
    return _first(begins), _first(ends)


def _first(texts: Sequence[Any]) -> int:
    return next((found for text in texts if isinstance(text, str) and (found := minute(text)) is not None), 0)


def minute(text: str) -> int | None:
    """Minutes since 1970 of a FHIR date or time, as its own clock shows it; a year or month is its first day."""
    padded = text if len(text) > 7 else f"{text}-01-01"[:10] if len(text) == 4 else f"{text}-01"
    try:
        found = datetime.fromisoformat(padded.replace("Z", "+00:00"))
    except ValueError:
        return None
    plain = found.replace(tzinfo=UTC)
    return int(plain.timestamp()) // 60


def _person(patients: Sequence[Mapping[str, Any]]) -> tuple[str | None, date | None]:
    """Sex and birth; what is told in two ways is not known."""
    said = {one.get("gender") for one in patients if one.get("gender") in ("male", "female")}
    days = {begun // MINUTES for one in patients if (begun := minute(str(one.get("birthDate", "")))) is not None}
    birth = date.fromordinal(date(1970, 1, 1).toordinal() + days.pop()) if len(days) == 1 else None
    return (said.pop() if len(said) == 1 else None), birth


def _allergy(resource: Mapping[str, Any], codes: Codes) -> Iterator[tuple[frozenset[int], Row]]:
    if any(code in VOID for _, code in _statuses(resource.get("verificationStatus"))):
        return
    if any(code in ("inactive", "resolved") for _, code in _statuses(resource.get("clinicalStatus"))):
        return
    begun = _times(resource)[0]
    day = date.fromordinal(date(1970, 1, 1).toordinal() + begun // MINUTES) if begun else None
    substances = [resource.get("code"), *_substances(resource)]
    found = frozenset(own for one in substances for own in codes.ids(one))
    yield found, Row("AllergyIntolerance", str(resource.get("id", "")), day)


def _substances(resource: Mapping[str, Any]) -> list[Any]:
    return [one.get("substance") for one in listed(resource.get("reaction")) if isinstance(one, Mapping)]


def _orders(context: Mapping[str, Any], codes: Codes) -> Iterator[Order]:
    """What a call drafts; at order-select only what is selected counts as ordered."""
    drafted = next((context[key] for key in DRAFTED if key in context), None)
    selections = context.get("selections")
    for resource in resources(drafted):
        if resource.get("resourceType") in ORDERS:
            order = Order(codes.ids(_code(resource)), daily(resource), resource)
            chosen = not isinstance(selections, list) or order.reference in selections
            yield Order(order.concepts, order.dose, resource, chosen)


def daily(resource: Mapping[str, Any]) -> float | None:
    """Milligrams in a day that an order's instructions come to; None where one of them does not tell.

    Of `asNeeded` it is the most that may be taken.
    """
    told = resource.get("dosageInstruction")
    doses = [_dosage(one) for one in told if isinstance(one, Mapping)] if isinstance(told, list) else []
    known = [one for one in doses if one is not None]
    return sum(known) if known and len(known) == len(doses) else None


def _dosage(one: Mapping[str, Any]) -> float | None:
    rates = one.get("doseAndRate")
    first = rates[0] if isinstance(rates, list) and rates else one
    quantity = first.get("doseQuantity") if isinstance(first, Mapping) else None
    timing = one.get("timing")
    repeat = timing.get("repeat") if isinstance(timing, Mapping) else None
    if not isinstance(quantity, Mapping) or not isinstance(repeat, Mapping):
        return None
    written = str(quantity.get("code") or quantity.get("unit") or "")
    unit = written if ucum.readable(written) else spelling.code(written)
    factor = ucum.factor(unit, "mg") if unit else None
    value = number(quantity.get("value"))
    often = number(repeat.get("frequencyMax", repeat.get("frequency", 1)))
    period = number(repeat.get("period"))
    per = PER_DAY.get(str(repeat.get("periodUnit", repeat.get("periodUnits", repeat.get("unit", "")))))
    if factor is None or per is None or value is None or not often or not period:
        return None
    return value * factor * often / period * per


def since(day: date) -> int:
    """Minutes since 1970 at a day's beginning."""
    return day_number(day) * MINUTES
