"""How data come in: sites, deliveries, runs and findings, for those who answer for them; and the log of all acts."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from isthmus.base.errors import RefusedError
from isthmus.flow.findings import life
from isthmus.flow.findings.life import Lived
from isthmus.gate.office import trail
from isthmus.serving.api.caller import Anyone, Caller, Logging, Using
from isthmus.serving.api.once import Key, once
from isthmus.serving.api.problem import Problem, looked_up

router = APIRouter(tags=["upkeep"])
KEEPING = frozenset({"administrator", "platform"})
"""Who may see how all sites deliver; a steward sees those that they speak for."""
LANGUAGES: tuple[Literal["en", "zh"], ...] = ("en", "zh")
Size = Annotated[int, Query(ge=1, le=1000, description="How many at most.")]
Before = Annotated[int | None, Query(ge=1, description="Where the page before ended.")]


class Word(BaseModel):
    """What became of a finding."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"state": "assigned", "owner": "li"}})

    state: Literal["assigned", "explained", "mended"]
    reason: str = Field("", max_length=2000)
    owner: str = Field("", max_length=80)


@router.get("/me")
def me(by: Anyone) -> dict[str, Any]:
    """Whose token this is, and in which roles they act."""
    return {"account": by.account.name, "actor": by.account.actor, "roles": by.account.roles, "sites": by.account.sites}


@router.get("/sites")
def sites(by: Using) -> dict[str, Any]:
    """The sites, and under which conditions each lets its data be used."""
    found = by.house.opened.sites()
    return {"sites": [{"site": one.name, "title": one.title, "conditions": dict(one.conditions)} for one in found]}


@router.get("/sites/{site}/deliveries")
def deliveries(site: str, by: Using, before: Before = None, size: Size = 100) -> dict[str, Any]:
    """What a site has delivered, the newest first."""
    with looked_up():
        by.house.opened.site(site)
    _demand_kept(by, site)
    kept = [one for one in by.house.opened.records.receipts() if one.site == site]
    rows = [
        {"number": one.sequence, "feed": one.feed, "name": one.name, "sha256": one.sha256, "bytes": one.size,
         "received_at": _utc(one.received_at), "run": one.batch_id}
        for one in kept
    ]  # fmt: skip
    return {"deliveries": _paged(rows, before, size), "total": len(rows), "next": _next(rows, before, size)}


@router.get("/runs")
def runs(by: Using, before: Before = None, size: Size = 100) -> dict[str, Any]:
    """Batches of deliveries that went in, or are on their way, the newest first; of the sites that you answer for."""
    kept = [one for one in by.house.opened.records.batches() if _keeps(by, one.site)]
    rows = [
        {"number": one.sequence, "run": one.batch_id, "site": one.site, "state": one.state,
         "opened_at": _utc(one.opened_at), "edition": one.edition}
        for one in kept
    ]  # fmt: skip
    return {"runs": _paged(rows, before, size), "total": len(rows), "next": _next(rows, before, size)}


@router.get("/findings")
def findings(
    by: Using,
    site: Annotated[str | None, Query(max_length=64)] = None,
    state: Annotated[Literal["open", "assigned", "explained", "mended", "verified"] | None, Query()] = None,
    size: Size = 100,
) -> dict[str, Any]:
    """What is wrong at the sites that you answer for, the worst first, and how it is mended. The first time after an
    edition this takes as long as the checks do."""
    if site is not None:
        with looked_up():
            by.house.opened.site(site)
        _demand_kept(by, site)
    with by.house.desks.one():
        found = life.lived(by.house.opened, site=site)
    kept = [one for one in found if _keeps(by, one.finding.site) and state in {None, one.state}]
    return {"findings": [_finding(one) for one in kept[:size]], "total": len(kept), "limit": size}


@router.post("/findings/{finding}/words", response_model=None)
def say(
    finding: Annotated[str, Path(max_length=64)], body: Word, by: Using, request: Request, key: Key = ""
) -> JSONResponse:
    """Say of a finding that it is somebody's, explained, or mended."""

    def act() -> dict[str, Any]:
        found = next((one for one in life.lived(by.house.opened) if one.finding.finding_id == finding), None)
        if found is None:
            raise Problem("unknown", "there is no such finding. `GET /api/v1/findings` lists them.")
        _demand_kept(by, found.finding.site)
        life.say(by.house.opened, finding, body.state, author=by.account.name, reason=body.reason, owner=body.owner)
        return {"finding": finding, "state": body.state, "owner": body.owner, "reason": body.reason}

    return once(by, request, key, body.model_dump(), act)


@router.get("/log")
def log(
    by: Logging,
    grant: Annotated[str, Query(max_length=60, description="Everything done under this grant.")] = "",
    person: Annotated[
        int | None, Query(ge=-(1 << 63), lt=1 << 63, description="Who could read data about them.")
    ] = None,
    size: Size = 100,
    before: Annotated[str, Query(max_length=60, description="The entry where the page before ended.")] = "",
) -> dict[str, Any]:
    """What was done, the newest first: by everybody, under a grant, or with data about a person."""
    if grant and person is not None:
        raise Problem("wrong", "choose one of `grant` and `person`.")
    if person is not None:
        with by.house.desks.one():
            found = trail.about(by.office, by.house.opened.lake, person, by=by.account)
    elif grant:
        with looked_up():
            by.office.named(grant, "GR")
        found = trail.under(by.office, grant, by=by.account)
    else:
        found = trail.everything(by.office, by=by.account)
    names = [one.entry for one in found]
    end = names.index(before) if before in names else len(names)
    lines = list(reversed(found[max(0, end - size) : end]))
    rows = [{**one.plain(), "at": _utc(one.at)} for one in lines]
    return {"log": rows, "total": len(found), "next": lines[-1].entry if end > size else None}


def _finding(one: Lived) -> dict[str, Any]:
    found = one.finding
    return {
        "finding": found.finding_id, "site": found.site, "grade": found.grade, "rows": found.rows,
        "says": {language: found.says(language) for language in LANGUAGES},
        "mend": {language: found.mend(language) for language in LANGUAGES},
        "state": one.state, "since": one.since, "owner": one.owner, "reason": one.reason,
    }  # fmt: skip


def _keeps(by: Caller, site: str) -> bool:
    roles = set(by.account.roles)
    return bool(roles & KEEPING) or ("steward" in roles and site in by.account.sites)


def _demand_kept(by: Caller, site: str) -> None:
    if not _keeps(by, site):
        raise RefusedError(f"{by.account.name} does not answer for {site}. Ask its steward, or the platform.")


def _paged(rows: Collection[dict[str, Any]], before: int | None, size: int) -> list[dict[str, Any]]:
    """The newest rows before a number."""
    return _from(rows, before)[:size]


def _next(rows: Collection[dict[str, Any]], before: int | None, size: int) -> int | None:
    """The number to go on before; None where that was all."""
    kept = _from(rows, before)
    return int(kept[size - 1]["number"]) if len(kept) > size else None


def _from(rows: Iterable[dict[str, Any]], before: int | None) -> list[dict[str, Any]]:
    ordered = sorted(rows, key=lambda one: int(one["number"]), reverse=True)
    return [one for one in ordered if before is None or one["number"] < before]


def _utc(at: datetime) -> str:
    return at.isoformat(timespec="seconds") + "Z"
