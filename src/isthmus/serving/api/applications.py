"""Applications for data and what people do in their cases: each address is one act of the gate's office."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from isthmus.base.clock import now
from isthmus.base.errors import InputError
from isthmus.gate.committee.event import acts
from isthmus.gate.office import cases, written
from isthmus.gate.office.cases import File
from isthmus.serving.api.caller import Caller, Using
from isthmus.serving.api.once import Key, once
from isthmus.serving.api.problem import Problem, looked_up

router = APIRouter(tags=["applications"])
EXAMPLE: Any = {
    "application": {
        "people": ["ann"], "purpose": {"kinds": ["HMB"], "agreed": ["PUB"]},
        "summary": "How the stay of patients depends on their age", "sites": ["east"],
        "tables": {"person": ["person_id", "year_of_birth"]}, "until": "2027-06-30", "grade": 3,
    }
}  # fmt: skip
Case = Annotated[str, Path(max_length=60, description="The case, as AP….")]


class Application(BaseModel):
    """An application, as docs/how-to/use-data-under-a-grant.md writes it in YAML."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": EXAMPLE})

    application: dict[str, Any]


class Doing(BaseModel):
    """What an act brings with it: `favour` a vote, `sites` what is about sites, `until` a new end."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"favour": True, "reason": "of use"}})

    reason: str = Field("", max_length=2000)
    role: str = Field("", max_length=40, description="In which of your roles, if you have several.")
    favour: bool = False
    sites: list[str] = Field([], max_length=1000)
    until: str = Field("", max_length=40)
    application: dict[str, Any] | None = Field(None, description="With submit and amend.")


@router.get("/applications")
def listed(by: Using) -> dict[str, Any]:
    """All cases: who asks for data, and how far each is."""
    return {"applications": [_told(one) for one in cases.files(by.office)]}


@router.post("/applications", status_code=201, response_model=None)
def apply(body: Application, by: Using, request: Request, key: Key = "") -> JSONResponse:
    """Hand in an application; its case is opened."""

    def act() -> dict[str, Any]:
        _demand_sites(by, body.application)
        with by.office.open():
            name = cases.apply(by.office, by.account, body.application)
        return {"application": name, "next": "the platform compares conditions: the act `match`"}

    return once(by, request, key, body.model_dump(), act, status=201)


@router.get("/applications/{case}")
def shown(case: Case, by: Using) -> dict[str, Any]:
    """One case: what is asked for, what was done, and where it stands."""
    held = _file(by, case)
    handed = [one.body["application"] for one in held.acts if "application" in one.body]
    done = [
        {"number": one.number, "at": f"{one.at.isoformat(timespec='seconds')}Z", "act": one.act, "person": one.person,
         "role": one.role, "reason": one.body.get("reason", ""), "entry": one.entry}
        for one in held.acts
    ]  # fmt: skip
    return {**_told(held), "asked": handed[-1], "answers": dict(held.case.answers), "acts": done}


@router.post("/applications/{case}/acts/{act}", response_model=None)
def do(
    case: Case, act: Annotated[str, Path(pattern="^[a-z]{1,20}$")], body: Doing, by: Using, request: Request,
    key: Key = "",
) -> JSONResponse:  # fmt: skip
    """Do something in a case: match, vote, grant, return, reject, clear, veto, shorten, suspend, resume, revoke and the
    others. Who may do what when is told by a refusal."""
    if act not in acts():
        raise Problem("unknown", f"there is no act '{act}'. Known are {', '.join(acts())}.")
    held = _file(by, case)

    def doing() -> dict[str, Any]:
        with by.office.open():
            fresh = cases.file(by.office, held.id)
            cases.do(by.office, fresh, by.account, act, _body(by, fresh, act, body), role=body.role)
            return _told(cases.file(by.office, held.id))

    return once(by, request, key, body.model_dump(), doing)


def _body(by: Caller, held: File, act: str, said: Doing) -> dict[str, Any]:
    """What is kept of an act."""
    body: dict[str, Any] = {"reason": said.reason, "favour": said.favour, "sites": sorted(said.sites)}
    if said.until:
        body["until"] = written.moment(said.until).isoformat()
    if said.application is not None:
        _demand_sites(by, said.application)
        body["application"] = said.application
    elif act in {"submit", "amend"}:
        raise InputError(f"{act} brings an `application`. Add it to the body.")
    if act == "match":
        stated = {site.name: written.conditions(site.name, site.conditions) for site in by.house.opened.sites()}
        found = cases.answers(held, stated)
        body["answers"] = {site: one.answer for site, one in found.items()}
        body["reasons"] = {
            site: [f"{one.about}: {one.answer}, {one.why}" for one in match.reasons] for site, match in found.items()
        }
    return body


def _file(by: Caller, case: str) -> File:
    with looked_up():
        return cases.file(by.office, case)


def _told(held: File) -> dict[str, Any]:
    grant = held.case.grant
    return {
        "application": held.id, "applicant": held.asked.applicant, "summary": held.asked.summary,
        "phase": held.case.phase, "votes": dict(held.case.votes), "grant": grant.id if grant else None,
        "standing": held.case.standing(now()) if grant else None,
        "sites": sorted(grant.open_sites) if grant else [],
        "until": f"{grant.until.isoformat(timespec='seconds')}Z" if grant else None,
    }  # fmt: skip


def _demand_sites(by: Caller, body: dict[str, Any]) -> None:
    known = {site.name for site in by.house.opened.sites()}
    asked = body.get("sites", [])
    if isinstance(asked, list) and (unknown := sorted({str(one) for one in asked} - known)):
        raise InputError(f"there is no site '{unknown[0][:60]}' here; there are {', '.join(sorted(known)) or 'none'}.")
