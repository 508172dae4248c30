"""Terminology operations of FHIR over the workspace's vocabulary: $lookup, $validate-code, $translate, $expand.

A vocabulary is no data of patients: any account with a token of the scope `ask` may use them.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from isthmus.base.errors import InputError
from isthmus.cdm.concept_set import Item
from isthmus.flow.terminology.service import Terminology
from isthmus.serving.api.caller import Asking, Caller
from isthmus.serving.api.described import content
from isthmus.serving.api.fhir import told
from isthmus.serving.api.fhir.mapping import OMOP, system_of, vocabulary_of
from isthmus.serving.api.problem import Problem

router = APIRouter(tags=["terminology"])
System = Annotated[str, Query(min_length=1, max_length=300, description="The address of the code system.")]
Code = Annotated[str, Query(min_length=1, max_length=200)]
EQUIVALENCE = {
    "equal": "equal", "wider": "wider", "narrower": "narrower", "related": "relatedto", "maps to": "relatedto",
    "mapped from": "relatedto",
}  # fmt: skip
MOST = 1000  # concepts of a page of an expansion
SET = f"{OMOP}/ValueSet/descendants-of/"
"""What the address of a value set begins with that is a concept and all its descendants."""


@router.get("/{grant}/CodeSystem/$lookup", response_model=None, response_class=Response, responses=content(told.MEDIA))
def lookup(grant: str, system: System, code: Code, by: Asking) -> Response:
    """What is known of a code: its name, synonyms, domain, class, parents and children."""
    with Terminology.of(by.house.opened) as terms:
        found = terms.lookup(_vocabulary(system), code)
        if found is None:
            raise Problem("unknown", terms.validate(_vocabulary(system), code).message)
    listed = [
        ("name", "valueString", found.code.vocabulary), ("version", "valueString", found.code.edition),
        ("display", "valueString", found.code.name),
    ]  # fmt: skip
    parts: list[dict[str, Any]] = [{"name": name, kind: value} for name, kind, value in listed if value]
    parts += [
        {"name": "designation", "part": [{"name": "value", "valueString": one}]} for one in found.synonyms
    ]  # fmt: skip
    properties = [
        ("domain", "valueString", found.domain), ("class", "valueString", found.concept_class),
        ("inactive", "valueBoolean", not found.valid), ("omop", "valueString", str(found.code.concept_id)),
        *(("parent", "valueCode", one.code) for one in found.parents),
        *(("child", "valueCode", one.code) for one in found.children),
    ]  # fmt: skip
    parts += [
        {"name": "property", "part": [{"name": "code", "valueCode": name}, {"name": "value", kind: value}]}
        for name, kind, value in properties
    ]
    return _parameters(parts)


@router.get(
    "/{grant}/CodeSystem/$validate-code", response_model=None, response_class=Response, responses=content(told.MEDIA)
)
def validate(
    grant: str, url: System, code: Code, by: Asking,
    display: Annotated[str | None, Query(max_length=400)] = None,
    version: Annotated[str | None, Query(max_length=100)] = None,
) -> Response:  # fmt: skip
    """Whether a code is one of its code system, and is called so."""
    with Terminology.of(by.house.opened) as terms:
        found = terms.validate(_vocabulary(url), code, edition=version, display=display)
    parts: list[dict[str, Any]] = [{"name": "result", "valueBoolean": found.valid}]
    parts += [{"name": "message", "valueString": found.message}] if found.message else []
    parts += [{"name": "display", "valueString": found.code.name}] if found.code else []
    return _parameters(parts)


@router.get(
    "/{grant}/ConceptMap/$translate", response_model=None, response_class=Response, responses=content(told.MEDIA)
)
def translate(
    grant: str, system: System, code: Code, by: Asking,
    targetsystem: Annotated[str | None, Query(max_length=300)] = None,
) -> Response:  # fmt: skip
    """Where a code leads in other code systems, or in one."""
    with Terminology.of(by.house.opened) as terms:
        try:
            found = terms.translate(_vocabulary(system), code, to=_vocabulary(targetsystem) if targetsystem else None)
        except InputError as error:
            raise Problem("unknown", str(error)) from None
    parts: list[dict[str, Any]] = [{"name": "result", "valueBoolean": bool(found)}]
    for one in found:
        coding = {"system": system_of(one.target.vocabulary), "code": one.target.code, "display": one.target.name}
        match = [
            {"name": "equivalence", "valueCode": EQUIVALENCE.get(one.relation, "relatedto")},
            {"name": "concept", "valueCoding": coding},
        ]
        parts.append({"name": "match", "part": match})
    return _parameters(parts)


@router.get("/{grant}/ValueSet/$expand", response_model=None, response_class=Response, responses=content(told.MEDIA))
def expand(
    grant: str,
    url: Annotated[str, Query(max_length=300, description=f"A concept and its descendants: {SET}CONCEPT.")],
    by: Asking,
    filter: Annotated[str, Query(max_length=200)] = "",  # noqa: A002 its name in FHIR
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
    count: Annotated[int, Query(ge=0, le=MOST)] = 100,
) -> Response:
    """A page of the concepts below one; `total` counts all of them."""
    number = url.removeprefix(SET)
    if number == url or not (number.isascii() and number.isdecimal()) or len(number) > 18:
        raise Problem("unknown", f"value sets here have addresses as {SET}4001171: a concept and its descendants.")
    with Terminology.of(by.house.opened) as terms:
        found = terms.expand([Item(int(number), descendants=True)], text=filter, offset=offset, count=count)
    contains = [
        {"system": system_of(one["vocabulary"]), "code": one["code"], "display": one["name"]} for one in found.concepts
    ]
    expansion: dict[str, Any] = {
        "identifier": f"{url}#{_edition(by)}", "timestamp": _published(by), "total": found.total,
        "offset": found.offset,
    }  # fmt: skip
    expansion |= {"contains": contains} if contains else {}
    return told.resource({"resourceType": "ValueSet", "url": url, "status": "active", "expansion": expansion})


def _parameters(parts: list[dict[str, Any]]) -> Response:
    return told.resource({"resourceType": "Parameters", "parameter": parts})


def _vocabulary(system: str) -> str:
    found = vocabulary_of(system)
    if not found:
        raise Problem("unknown", "that code system is not known here; docs/reference/api.md lists those that are.")
    return found


def _edition(by: Caller) -> int:
    return max(by.house.opened.lake.editions.numbers(), default=0)


def _published(by: Caller) -> str:
    newest: Mapping[str, Any] | None = getattr(by.house.opened.lake.editions.current(), "body", None)
    return str(newest["published_at"]) if newest else "1970-01-01T00:00:00Z"
