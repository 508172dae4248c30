"""What leaves: tables asked for under a grant, looked at by machine and by two people, and delivered."""

import tempfile
from pathlib import Path as Folder
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Path, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from isthmus.base.errors import RefusedError
from isthmus.gate.office import releases
from isthmus.gate.office.releases import Held, Table
from isthmus.gate.office.session import open_granted
from isthmus.serving.api.caller import Caller, Releasing
from isthmus.serving.api.grants import own
from isthmus.serving.api.once import Key, once
from isthmus.serving.api.problem import looked_up

router = APIRouter(tags=["releases"])
Name = Annotated[str, Path(max_length=60, description="The release, as RE….")]


class Leaving(BaseModel):
    """A table of counts that shall leave."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "sql": "select gender_concept_id as sex, count(*) as n from person group by all", "counts": "n",
                "context": "persons of the hospital by sex; nothing else is shown of them",
            }
        },
    )  # fmt: skip

    sql: str = Field(min_length=1, max_length=50_000, description="One SELECT; its counts are hidden and rounded.")
    counts: str = Field(min_length=1, max_length=100, description="The column of counts.")
    context: str = Field(min_length=1, max_length=4000, description="What is shown of whom.")
    unit: str = Field("persons", max_length=60)
    where: dict[str, str] = Field({}, description="Of whom the whole table is.")
    purpose: str = Field("", max_length=80)


class Saying(BaseModel):
    """What a checker says of a release, and why."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"said": "approve", "reason": "large groups"}}
    )

    said: Literal["approve", "change", "reject"]
    reason: str = Field("", max_length=2000)


@router.get("/releases")
def listed(by: Releasing) -> dict[str, Any]:
    """All releases that were asked for."""
    return {"releases": [_told(one) for one in releases.releases(by.office)]}


@router.post("/grants/{grant}/releases", status_code=201, response_model=None)
def request(grant: str, body: Leaving, by: Releasing, request: Request, key: Key = "") -> JSONResponse:
    """Ask that a table leaves. The machine checks it; then two checkers do, who are not of the grant."""
    own(by, grant)
    return once(by, request, key, body.model_dump(), lambda: _requested(by, grant, body), status=201)


@router.get("/releases/{name}")
def shown(name: Name, by: Releasing) -> dict[str, Any]:
    """A release as a checker looks at it: its table, its context, and what the machine found."""
    held = _release(by, name)
    if "checker" not in by.account.roles and by.account.name not in held.request.people:
        raise RefusedError(
            f"{by.account.name} is neither a checker nor one of the people of the grant. Ask one of them."
        )
    columns = releases.read(by.office.root / "releases" / held.id.rpartition("/")[2] / releases.NAME)
    return {**_told(held), "context": held.body["context"], "columns": columns, "found": held.body["findings"]}


@router.post("/releases/{name}/checks", response_model=None)
def check(name: Name, body: Saying, by: Releasing, request: Request, key: Key = "") -> JSONResponse:
    """Say of a release whether it may leave, as a checker who is not of the grant."""

    def act() -> dict[str, Any]:
        with by.office.open():
            releases.say(by.office, _release(by, name), by.account, body.said, body.reason)
            return _told(_release(by, name))

    return once(by, request, key, body.model_dump(), act)


@router.post("/releases/{name}/withdrawal", response_model=None)
def withdraw(name: Name, by: Releasing, request: Request, key: Key = "") -> JSONResponse:
    """Take a release back that has not left."""

    def act() -> dict[str, Any]:
        with by.office.open():
            held = _release(by, name)
            if by.account.name not in held.request.people:
                raise RefusedError(
                    f"{by.account.name} is not one of the people of the grant. One of them takes it back."
                )
            releases.withdraw(by.office, held, by.account)
            return _told(_release(by, name))

    return once(by, request, key, None, act)


@router.post("/releases/{name}/delivery", response_model=None)
def deliver(name: Name, by: Releasing, request: Request, key: Key = "") -> JSONResponse:
    """Let a release leave, once two checkers approve: its table as CSV, and a manifest that says where it is from."""

    def act() -> dict[str, Any]:
        with by.office.open(), tempfile.TemporaryDirectory() as folder:
            held = _release(by, name)
            digest = by.house.opened.lake.editions.get(int(held.body["edition"])).digest
            out = releases.deliver(by.office, held, by.account, Folder(folder) / "out", digest)
            manifest = orjson.loads((out / "manifest.json").read_bytes())
            return {"manifest": manifest, "table": (out / releases.NAME).read_text(encoding="utf-8")}

    return once(by, request, key, None, act)


def _requested(by: Caller, grant: str, body: Leaving) -> dict[str, Any]:
    name = by.office.named(grant, "GR")
    with by.house.desks.one():
        session = open_granted(by.office, by.house.opened.lake, by.account, grant, kind=body.purpose)
        rows = session.sql(body.sql)
    with by.office.open():
        columns = releases.fitted(rows, body.counts, releases.rules_of(by.office, name)[1])
        asked = Table(
            columns=columns, counts=body.counts, context=body.context, edition=session.edition.number,
            unit=body.unit, query=body.sql, where=body.where,
        )  # fmt: skip
        made, verdict = releases.request(by.office, by.account, name, asked)
    findings = [
        {"check": one.check, "answer": one.answer, "where": one.where, "why": one.why} for one in verdict.findings
    ]
    if verdict.answer == "fail":
        why = "; ".join(f"{one['where']}: {one['why']}" for one in findings if one["answer"] == "fail")
        raise RefusedError(f"it may not leave: {why}. Mend it, and ask again.")
    return {"release": made, "machine": verdict.answer, "findings": findings}


def _release(by: Caller, name: str) -> Held:
    with looked_up():
        return releases.release(by.office, name)


def _told(held: Held) -> dict[str, Any]:
    approved = sorted(by for (_, by), one in held.request.said.items() if one == "approve")
    return {
        "release": held.id, "grant": held.grant, "state": held.request.state, "asked_by": held.request.author,
        "approved_by": approved, "machine": held.body["machine"], "edition": held.body["edition"],
    }  # fmt: skip
