"""A registry as FHIR R4 by mCODE STU4: a Bundle for each patient, one a line.

What a pack's `source` marks as mCODE goes out: patient, primary cancer, and each value as an Observation, Procedure or
MedicationAdministration of the profile that `mcode.csv` names, or as an Observation without one. Values keep the
pack's codes, in a code system of the pack; they are not translated into the value sets that mCODE binds.
"""

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from itertools import groupby
from pathlib import Path
from typing import IO, Any
from uuid import NAMESPACE_OID, uuid5

import orjson

from isthmus.base.durable import replaced
from isthmus.research.registries.item import Item
from isthmus.serving.registries.kept import Kept

PROFILE = "http://hl7.org/fhir/us/mcode/StructureDefinition/"
UCUM = "http://unitsofmeasure.org"
MARK = "mCODE"
GENDERS = ("male", "female", "other", "unknown")
Resource = dict[str, Any]


@cache
def profiles() -> Mapping[str, Mapping[str, str]]:
    """`mcode.csv` by item: resource, profile, and the code of an Observation."""
    text = (files("isthmus.serving.registries") / "mcode.csv").read_text(encoding="utf-8")
    return {row["item"]: row for row in csv.DictReader(text.splitlines())}


def write(kept: Kept, path: Path) -> None:
    """Write the Bundles, in the order of the patients' numbers."""
    marked = {one.name for one in kept.pack.items.values() if any(MARK in said for said in one.references)}
    index = dict(zip(*(kept.patients.column(one).to_pylist() for one in ("person_id", "index_date")), strict=True))
    told = (
        row for rows in kept.pieces("value") for row in rows
        if row["item"] in marked and row["person_id"] in index
    )  # fmt: skip
    with replaced(path) as stream:
        waiting = iter(sorted(index))
        for person, rows in groupby(told, key=lambda row: row["person_id"]):
            own = list(rows)
            for other in waiting:  # patients without any such value have a Bundle too
                _line(stream, kept, other, index[other], own if other == person else [])
                if other == person:
                    break
        for other in waiting:
            _line(stream, kept, other, index[other], [])


def _line(stream: IO[bytes], kept: Kept, person: int, index: object, rows: list[Resource]) -> None:
    stream.write(orjson.dumps(bundle(kept, person, index, rows)) + b"\n")


def bundle(kept: Kept, person: int, index: object, rows: list[Resource]) -> Resource:
    """The Bundle of one patient, from rows of `value`."""
    patient, condition = f"patient-{person}", f"condition-{person}"
    found = [_patient(kept, patient, rows), _condition(kept, condition, patient, index)]
    for at, row in enumerate(rows):
        item = kept.pack.items[row["item"]]
        told = profiles().get(item.name, {})
        if told.get("resource") == "Patient":
            continue
        made = _made(kept, item, row, told)
        why = "focus" if made["resourceType"] == "Observation" else "reasonReference"
        about: Resource = {"subject": _reference(patient), why: [_reference(condition)]}
        found.append({"resourceType": made.pop("resourceType"), "id": f"{person}-{at}", **made, **about})
    entries = [{"fullUrl": _url(one["id"]), "resource": one} for one in found]
    return {"resourceType": "Bundle", "id": f"{kept.pack.name}-{person}", "type": "collection", "entry": entries}


def _patient(kept: Kept, name: str, rows: list[Resource]) -> Resource:
    first = {row["item"]: row for row in reversed(rows)}
    found: Resource = {
        "resourceType": "Patient", "id": name, "meta": _meta("mcode-cancer-patient"),
        "identifier": [{"system": f"urn:isthmus:{kept.pack.name}:person", "value": name.removeprefix("patient-")}],
    }  # fmt: skip
    if "sex" in first:
        told = first["sex"]["value_code"]
        found["gender"] = told if told in GENDERS else "other"
    if "birth_date" in first:
        found["birthDate"] = first["birth_date"]["value_date"]
    if "death_date" in first:
        found["deceasedDateTime"] = first["death_date"]["value_date"]
    return found


def _condition(kept: Kept, name: str, patient: str, index: object) -> Resource:
    return {
        "resourceType": "Condition", "id": name, "meta": _meta("mcode-primary-cancer-condition"),
        "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-category",
                                  "code": "problem-list-item"}]}],
        "code": {"text": kept.pack.titles.get("en") or kept.pack.name},
        "subject": _reference(patient), "onsetDateTime": index,
    }  # fmt: skip


def _made(kept: Kept, item: Item, row: Resource, told: Mapping[str, str]) -> Resource:
    """A resource of one value, without whom it is about."""
    kind = told.get("resource", "Observation")
    meta = {"meta": _meta(told["profile"])} if told.get("profile") else {}
    label = item.names["en"] or item.name
    if kind == "Procedure":
        group = kept.pack.groups[item.group].names["en"] or item.group
        return {"resourceType": kind, **meta, "status": "completed", "code": {"text": group},
                "performedDateTime": row["value_date"] or row["day"]}  # fmt: skip
    if kind == "MedicationAdministration":
        return {"resourceType": kind, **meta, "status": "completed",
                "medicationCodeableConcept": _coded(kept, item, row["value_code"] or row["value_text"]),
                "effectiveDateTime": row["day"]}  # fmt: skip
    coding = [{"system": f"urn:isthmus:{kept.pack.name}:item", "code": item.name, "display": label}]
    if told.get("code"):
        coding.insert(0, {"system": told["system"], "code": told["code"], "display": told["display"]})
    dated = {"effectiveDateTime": row["day"]} if row["day"] else {}
    return {"resourceType": kind, **meta, "status": "final", "code": {"coding": coding, "text": label}, **dated,
            **_value(kept, item, row)}  # fmt: skip


def _value(kept: Kept, item: Item, row: Resource) -> Resource:
    """`value[x]`; what is missing is said, where a score could not be reckoned."""
    if item.type == "yesno" and row["value_number"] is not None:
        return {"valueBoolean": bool(row["value_number"])}
    if item.type == "whole" and row["value_number"] is not None:
        return {"valueInteger": round(row["value_number"])}
    if row["value_number"] is not None and item.type == "number":
        unit = item.unit or "1"
        return {"valueQuantity": {"value": row["value_number"], "unit": unit, "system": UCUM, "code": unit}}
    if row["value_date"] is not None:
        return {"valueDateTime": row["value_date"]}
    if row["value_code"] is not None and item.type == "many":
        codings = [_coded(kept, item, code)["coding"][0] for code in row["value_code"].split("|")]
        return {"valueCodeableConcept": {"coding": codings}}
    if row["value_code"] is not None:
        return {"valueCodeableConcept": _coded(kept, item, row["value_code"])}
    if row["value_text"] is not None and item.type == "text":
        return {"valueString": row["value_text"]}
    return {"dataAbsentReason": {"text": row["value_text"] or "not told"}}


def _coded(kept: Kept, item: Item, code: str | None) -> Resource:
    system = f"urn:isthmus:{kept.pack.name}:{item.list or item.name}"
    if code is None:
        return {"text": "not told"}
    display = kept.called(item.name, code, "en")
    return {"coding": [{"system": system, "code": code, "display": display}], "text": display}


def _url(name: str) -> str:
    """By which other entries of the Bundle refer to one."""
    return f"urn:uuid:{uuid5(NAMESPACE_OID, name)}"


def _reference(name: str) -> Resource:
    return {"reference": _url(name)}


def _meta(profile: str) -> Resource:
    return {"profile": [PROFILE + profile]}
