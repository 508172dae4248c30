"""Where a program begins: the index, the editions, and what each kind of problem means."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from fastapi import APIRouter, Request

from isthmus.gate.release.counts import HIDDEN, shown
from isthmus.gate.release.rules import rules
from isthmus.serving.api.caller import Asking, house_of
from isthmus.serving.api.problem import PLACE, Problem, kinds, looked_up

router = APIRouter(tags=["beginning"])


@router.get("/")
def index(request: Request) -> dict[str, Any]:
    """What there is, and how much of it one caller may have. Needs no token."""
    house = house_of(request)
    return {
        "name": "isthmus",
        "synthetic": house.opened.synthetic,
        "edition": max(house.opened.lake.editions.numbers(), default=None),
        "limits": {name: getattr(house.limits, name) for name in type(house.limits).__slots__},
        "links": {
            "description": "/api/v1/openapi.json", "editions": "/api/v1/editions", "grants": "/api/v1/grants",
            "applications": "/api/v1/applications", "releases": "/api/v1/releases", "sites": "/api/v1/sites",
            "log": "/api/v1/log", "problems": PLACE.rstrip("/"), "fhir": "/fhir",
        },
    }  # fmt: skip


@router.get("/problems")
def problems() -> dict[str, Any]:
    """Every kind of problem. Needs no token."""
    return {"problems": [_kind(name) for name in kinds()]}


@router.get("/problems/{name}")
def problem(name: str) -> dict[str, Any]:
    """What one kind of problem means, and what to do next. Needs no token."""
    if name not in kinds():
        raise Problem("unknown", "there is no such kind of problem; `GET /api/v1/problems` lists them.")
    return _kind(name)


@router.get("/editions")
def editions(by: Asking, before: int | None = None, size: int = 100) -> dict[str, Any]:
    """The published editions, the newest first, with the rounded rows of each table; `next` leads to older ones."""
    if not 1 <= size <= by.house.limits.longest:
        raise Problem("wrong", f"size is 1 to {by.house.limits.longest}.")
    numbers = sorted(by.house.opened.lake.editions.numbers(), reverse=True)
    kept = [one for one in numbers if before is None or one < before]
    more = f"/api/v1/editions?before={kept[size - 1]}&size={size}" if len(kept) > size else None
    return {"editions": [_edition(by, one) for one in kept[:size]], "total": len(numbers), "next": more}


@router.get("/editions/{number}")
def edition(number: int, by: Asking) -> dict[str, Any]:
    """One edition. It never changes."""
    with looked_up():
        return _edition(by, number)


def _edition(by: Asking, number: int) -> dict[str, Any]:
    found = by.house.opened.lake.editions.get(number)
    return {
        "edition": found.number, "published_at": found.body["published_at"], "sha256": found.digest,
        "tables": _shown({name: rows for name, rows in found.tables().items() if rows}),
    }  # fmt: skip


def _shown(counts: Mapping[str, int]) -> dict[str, int | None]:
    """Counts as they may be told without a grant: rounded, and null where they are too small."""
    told = shown(np.array(list(counts.values()), dtype=np.int64), rules())
    return {name: None if one == HIDDEN else int(one) for name, one in zip(counts, told, strict=True)}


def _kind(name: str) -> dict[str, Any]:
    found = kinds()[name]
    return {
        "type": f"{PLACE}{name}", "status": found.status, "title": found.title, "means": found.means,
        "next": found.next,
    }  # fmt: skip
