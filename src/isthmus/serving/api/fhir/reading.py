"""Rows of a page become resources. What stands where is in the mapping; nothing here knows a type of resource."""

import base64
import re
from collections.abc import Callable, Mapping
from typing import Any

from isthmus.serving.api.fhir.mapping import OMOP, Element, Resource, codes, system_of

STEP = re.compile(r"(\w+)(?:\[(\d+)\])?")
UCUM = "http://unitsofmeasure.org"
MARKED = {
    "security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "PSEUDED"}]
}  # fmt: skip
"""What stands in the meta of every resource: its identities are pseudonyms."""
Row = Mapping[str, Any]
Read = dict[str, Any]


def read(resource: Resource, row: Row, held: frozenset[str], edition: int) -> Read:
    """A resource of a row, from the columns that are held."""
    found: Read = {
        "resourceType": resource.type, "id": row[resource.id],
        "meta": {**MARKED, "source": f"urn:isthmus:edition:{edition}"}, **_copied(resource.fixed),
    }  # fmt: skip
    for element in resource.elements:
        if element.column in held and not (element.unless and element.unless in found):
            value = _WRITTEN[element.how](element, row, held)
            if value is not None:
                put(found, element.path, value)
    return found


def put(into: Read, path: str, value: Any) -> None:
    """Put a value where a path leads, as `content[0].attachment.title`. An object joins what stands there already."""
    *before, (last, listed) = [(found[1], bool(found[2])) for found in STEP.finditer(path)]
    for name, many in before:
        into = _inside(into, name, many)
    if isinstance(value, dict):
        _inside(into, last, listed).update(value)
    else:
        into[last] = [value] if listed else value


def _inside(into: Read, name: str, listed: bool) -> Read:
    found: Read = into.setdefault(name, [{}])[0] if listed else into.setdefault(name, {})
    return found


def coded(row: Row, column: str) -> Read | None:
    """A CodeableConcept without its text; None where a row names no concept."""
    number = row[column]
    if not number:
        return None
    name = row.get(f"{column}__name")
    omop = {"system": OMOP, "code": str(number)} | ({"display": name} if name else {})
    code, vocabulary = row.get(f"{column}__code"), row.get(f"{column}__vocabulary")
    if not code or not vocabulary:
        return {"coding": [omop]}
    return {"coding": [{"system": system_of(vocabulary), "code": code, "display": name}, omop]}


def _copied(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _copied(one) for name, one in value.items()}
    return [_copied(one) for one in value] if isinstance(value, list) else value


def _reference(element: Element, row: Row, held: frozenset[str]) -> Read | None:
    value = row[element.column]
    return {"reference": f"{element.to}/{value}"} if value else None


def _concept(element: Element, row: Row, held: frozenset[str]) -> Read | None:
    found = coded(row, element.column)
    text = row[element.text] if element.text in held else None
    if found is None and not text:
        return {"text": "unknown"} if element.required else None
    return {**(found or {}), "text": text or row.get(f"{element.column}__name") or "unknown"}


def _code(element: Element, row: Row, held: frozenset[str]) -> str:
    return _of_set(element, row)[0]


def _coding(element: Element, row: Row, held: frozenset[str]) -> Read:
    code, system = _of_set(element, row)
    return {"system": system, "code": code}


def _category(element: Element, row: Row, held: frozenset[str]) -> Read:
    return {"coding": [_coding(element, row, held)]}


def _of_set(element: Element, row: Row) -> tuple[str, str]:
    found = codes()[element.codes]
    return found.get(row[element.column], found[None])


def _date(element: Element, row: Row, held: frozenset[str]) -> str | None:
    value = row[_named(element.column)]
    return None if value is None else str(value)[:10]


def _year(element: Element, row: Row, held: frozenset[str]) -> str | None:
    value = row[element.column]
    return None if value is None else f"{int(value):04d}"


def _plain(element: Element, row: Row, held: frozenset[str]) -> Any:
    return row[element.column]


def _text(element: Element, row: Row, held: frozenset[str]) -> str | None:
    value = row[element.column]
    return value if value and value.strip() else None


def _quantity(element: Element, row: Row, held: frozenset[str]) -> Read | None:
    value = row[element.column]
    if value is None:
        return None
    found: Read = {"value": value}
    if element.comparator in held and (sign := codes()["comparator"].get(row[element.comparator])):
        found["comparator"] = sign[0]
    if element.unit in held and row[element.unit] and row.get(f"{element.unit}__code"):
        code, vocabulary = row[f"{element.unit}__code"], row[f"{element.unit}__vocabulary"]
        found |= {"unit": row[f"{element.unit}__name"] or code, "system": system_of(vocabulary), "code": code}
        if vocabulary == "UCUM":
            found["unit"] = code
    return found


def _attachment(element: Element, row: Row, held: frozenset[str]) -> Read:
    raw = (row[element.column] or "").encode()
    return {"contentType": "text/plain; charset=utf-8", "data": base64.b64encode(raw).decode(), "size": len(raw)}


def _named(column: str) -> str:
    return column.replace(".", "__")


_WRITTEN: Mapping[str, Callable[[Element, Row, frozenset[str]], Any]] = {
    "reference": _reference, "concept": _concept, "code": _code, "coding": _coding, "category": _category,
    "date": _date, "year": _year, "number": _plain, "text": _text, "quantity": _quantity, "attachment": _attachment,
}  # fmt: skip
