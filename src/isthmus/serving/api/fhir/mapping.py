"""The mapping from OMOP to FHIR, read from `resources.yaml`, `codes.csv` and `systems.csv`."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from isthmus.cdm.tables import TABLES

OMOP = "https://fhir-terminology.ohdsi.org"
"""The code system of OMOP's concepts."""
OTHER = "urn:isthmus:vocabulary:"
"""What the address of a code system begins with that has none of its own in `systems.csv`."""
AS = ("reference", "concept", "code", "coding", "category", "date", "year", "number", "text", "quantity", "attachment")
BY = ("reference", "concept", "code", "date", "year", "number", "fixed")


@dataclass(frozen=True, slots=True)
class Element:
    """An element of a resource: where it stands, from which column, written how (`resources.yaml` says more).

    A `required` concept says that it is not known, where others are left out.
    """

    path: str
    column: str
    how: str
    to: str = ""
    codes: str = ""
    text: str = ""
    unit: str = ""
    comparator: str = ""
    unless: str = ""
    required: bool = False


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a search: what it compares, and how."""

    name: str
    how: str
    column: str = ""
    to: str = ""
    codes: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class Resource:
    """A type of resource. `joins` are tables of one row for each value of a column, joined where they are granted."""

    type: str
    table: str
    id: str
    needs: frozenset[str]
    joins: Mapping[str, str]
    fixed: Mapping[str, Any]
    elements: Sequence[Element]
    search: Mapping[str, Parameter]

    def place(self, column: str) -> tuple[str, str]:
        """Table and name of a column of the mapping."""
        table, dot, name = column.partition(".")
        return (table, name) if dot else (self.table, column)


@cache
def resources() -> Mapping[str, Resource]:
    """All types of resources by name. Raises ValueError where the mapping names what there is not."""
    text = (files("isthmus.serving.api.fhir") / "resources.yaml").read_text(encoding="utf-8")
    found = {name: _resource(name, body) for name, body in yaml.safe_load(text).items()}
    for one in found.values():
        _check(one, found)
    return found


@cache
def codes() -> Mapping[str, Mapping[int | None, tuple[str, str]]]:
    """By set and concept the code with its system; None stands for what the set does not name."""
    sets: dict[str, dict[int | None, tuple[str, str]]] = {}
    for row in _rows("codes.csv"):
        number = int(row["concept_id"]) if row["concept_id"] else None
        sets.setdefault(row["set"], {})[number] = (row["code"], row["system"])
    return sets


@cache
def systems() -> Mapping[str, str]:
    """By vocabulary the address of its code system."""
    return {row["vocabulary"]: row["url"] for row in _rows("systems.csv")}


def system_of(vocabulary: str) -> str:
    """The address of a vocabulary's code system."""
    return systems().get(vocabulary, f"{OTHER}{vocabulary}")


def vocabulary_of(system: str) -> str:
    """The vocabulary that the address of a code system stands for; '' for none of ours."""
    if system.startswith(OTHER):
        return system.removeprefix(OTHER)
    return next((name for name, url in systems().items() if url == system), "")


def _resource(name: str, body: Mapping[str, Any]) -> Resource:
    elements = [
        Element(how=one["as"], **{key: value for key, value in one.items() if key != "as"}) for one in body["elements"]
    ]
    search = {
        key: Parameter(name=key, how=one["by"], **{part: value for part, value in one.items() if part != "by"})
        for key, one in body["search"].items()
    }
    return Resource(
        name, body["table"], body["id"], frozenset(body["needs"]), body.get("joins", {}), body.get("fixed", {}),
        elements, search,
    )  # fmt: skip


def _check(one: Resource, known: Mapping[str, Resource]) -> None:
    """Raise ValueError, which names type and item, where a resource names what there is not."""
    columns = [one.id, *one.needs, *(element.column for element in one.elements)]
    columns += [parameter.column for parameter in one.search.values() if parameter.column]
    columns += [name for element in one.elements for name in (element.text, element.unit, element.comparator) if name]
    for column in columns:
        table, name = one.place(column)
        if table not in {one.table, *one.joins} or name not in TABLES[table].schema.names:
            raise ValueError(f"resources.yaml: {one.type} names {column}, which {table} does not have.")
    items: list[Element | Parameter] = [*one.elements, *one.search.values()]
    for item in items:
        where = f"resources.yaml: {one.type}, {item.path if isinstance(item, Element) else item.name}"
        if item.how not in (AS if isinstance(item, Element) else BY):
            raise ValueError(f"{where}: nothing is known of '{item.how}'.")
        if item.codes and item.codes not in codes():
            raise ValueError(f"{where}: codes.csv has no set '{item.codes}'.")
        if item.to and item.to not in known:
            raise ValueError(f"{where}: there is no resource '{item.to}'.")


def _rows(name: str) -> list[dict[str, str]]:
    text = (files("isthmus.serving.api.fhir") / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
