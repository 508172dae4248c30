"""A grant as a program sees it: what it holds, how it stands, and a question that is answered under it."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Header, Response
from pydantic import BaseModel, ConfigDict, Field

from isthmus.base.clock import now
from isthmus.base.errors import RefusedError
from isthmus.gate.committee.application import Grant
from isthmus.gate.grade.decision import Refused, Request, decide
from isthmus.gate.office.cases import File, files, granted
from isthmus.gate.office.session import open_granted
from isthmus.serving.api.caller import Asking, Caller
from isthmus.serving.api.described import ROWS
from isthmus.serving.api.form import Answer, wanted, written
from isthmus.serving.api.problem import Problem, looked_up

router = APIRouter(tags=["grants"])
NOTHING = "SELECT 1"  # what is asked under a grant that has ended, to be refused


class Question(BaseModel):
    """One SELECT over the tables of a grant."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {"sql": "select gender_concept_id, count(*) as n from person group by all", "edition": None}
        },
    )

    sql: str = Field(min_length=1, max_length=50_000, description="DuckDB's SQL, one SELECT.")
    purpose: str = Field("", max_length=80, description="The kind of purpose, where the grant has several.")
    edition: int | None = Field(None, ge=1, description="An older edition; the newest where it is left out.")


@router.get("/grants")
def mine(by: Asking) -> dict[str, Any]:
    """The grants that the caller is one of the people of, whether they are in force or not."""
    found = [one for one in files(by.office) if one.case.grant and by.account.name in one.case.grant.people]
    return {"grants": [told(one) for one in found]}


@router.get("/grants/{grant}")
def one(grant: str, by: Asking) -> dict[str, Any]:
    """One of them."""
    return told(own(by, grant))


@router.post("/grants/{grant}/questions", response_model=None, response_class=Response, responses=ROWS)
def ask(grant: str, question: Question, by: Asking, accept: Annotated[str, Header()] = "*/*") -> Response:
    """Answer a question under a grant, as JSON, CSV, Parquet or Arrow by the header `Accept`. It is logged first."""
    media = wanted(accept)
    own(by, grant)
    with by.house.desks.one():
        session = open_granted(
            by.office, by.house.opened.lake, by.account, grant, kind=question.purpose, edition=question.edition
        )
        rows = session.sql(question.sql)
    question_id = asked(rows.schema.metadata)
    told = {"edition": session.edition.number, "question": question_id}
    headers = {"X-Edition": str(session.edition.number), "X-Question": question_id}
    return written(Answer(rows.replace_schema_metadata(None), told, headers), media)


def own(by: Caller, grant: str) -> File:
    """The case of a grant of the caller's. One of others is told of in the same words as one that there is not."""
    with looked_up():
        name = by.office.named(grant, "GR")
    found = granted(by.office, name)
    held = found.case.grant if found else None
    if found is None or held is None or held.id != name or by.account.name not in held.people:
        raise Problem("unknown", "there is no such grant of yours. `GET /api/v1/grants` lists them.")
    return found


def in_force(by: Caller, held: File, purpose: str = "") -> Grant:
    """The grant of a case, if it stands for the caller now. Raises RefusedError with what to do next; the refusal is
    the gate's own, which logs it."""
    grant = held.case.grant
    assert grant is not None  # asked of granted cases only
    kind = purpose or min(grant.kinds)
    found = decide(grant, Request(person=by.account.name, kind=kind, at=now(), columns={}))
    if isinstance(found, Refused):
        open_granted(by.office, by.house.opened.lake, by.account, grant.id, kind=kind).sql(NOTHING)
        raise RefusedError(f"{found.why}. What next: {found.next}.")
    return grant


def asked(metadata: dict[bytes, bytes]) -> str:
    """The identifier of the question in the log, which an answer brings with it."""
    return metadata[b"question"].decode()


def told(held: File) -> dict[str, Any]:
    """What is said of a grant."""
    grant = held.case.grant
    assert grant is not None  # asked of granted cases only
    return {
        "grant": grant.id, "application": held.id, "standing": held.case.standing(now()),
        "people": sorted(grant.people), "purpose": sorted(grant.kinds), "grade": grant.grade,
        "sites": sorted(grant.open_sites), "suspended": sorted(grant.suspended), "release": grant.release,
        "from": _utc(grant.start), "until": _utc(grant.until),
        "tables": {name: sorted(columns) for name, columns in sorted(grant.columns.items())},
        "links": {
            "tables": f"/api/v1/grants/{short(grant.id)}/tables", "fhir": f"/fhir/{short(grant.id)}",
            "questions": f"/api/v1/grants/{short(grant.id)}/questions",
        },
    }  # fmt: skip


def short(name: str) -> str:
    """An identifier without its prefix, as addresses have it."""
    return name.rpartition("/")[2]


def _utc(at: datetime) -> str:
    return at.isoformat(timespec="seconds") + "Z"
