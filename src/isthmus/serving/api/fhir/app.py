"""The facade as one application below `/fhir`: every grant has its own base address, `/fhir/{grant}`."""

from typing import Annotated
from urllib.parse import parse_qsl, quote, urlencode

from fastapi import APIRouter, FastAPI, Path, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.telemetry import TelemetryConfig
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from isthmus.base.errors import IsthmusError
from isthmus.serving.api.caller import Asking, Caller, House
from isthmus.serving.api.described import content, outcomes
from isthmus.serving.api.door import Door
from isthmus.serving.api.fhir import capability, export, pages, terms, told
from isthmus.serving.api.fhir.export import Jobs
from isthmus.serving.api.fhir.statement import encoded
from isthmus.serving.api.problem import Problem

ABOUT = """FHIR R4 over granted data. The base address of a grant is `/fhir/{grant}`; identities in it are pseudonyms of
that grant. Errors are OperationOutcomes."""
MOST = 100  # parameters of a search
FORM = "application/x-www-form-urlencoded"
Grant = Annotated[str, Path(max_length=60, description="The grant, as GR….")]
Kind = Annotated[str, Path(pattern="^[A-Z][A-Za-z]{1,40}$", description="A type of resource.")]
router = APIRouter(tags=["fhir"])


def made(house: House, telemetry: TelemetryConfig) -> FastAPI:
    """The application of the facade."""
    fhir = FastAPI(
        title="Isthmus FHIR", version="4.0.1", description=ABOUT, docs_url=None, redoc_url=None, telemetry=telemetry,
        responses=outcomes(told.MEDIA),
    )  # fmt: skip
    fhir.state.house, fhir.state.jobs = house, Jobs()
    for part in (terms.router, export.router, router):
        fhir.include_router(part)
    for kind in (IsthmusError, Problem, RequestValidationError, HTTPException, Exception):
        fhir.add_exception_handler(kind, told.outcome)
    fhir.add_middleware(Door, body=house.limits.body)
    return fhir


@router.get("/{grant}/metadata", response_model=None, response_class=Response, responses=content(told.MEDIA))
def metadata(grant: Grant, request: Request) -> Response:
    """What the facade can do. Needs no token, and says nothing of the grant."""
    return told.resource(capability.statement(told.base_of(request, quote(grant, safe=""))))


@router.get("/{grant}/{kind}", response_model=None, response_class=Response, responses=content(told.MEDIA))
def search(grant: Grant, kind: Kind, by: Asking, request: Request) -> Response:
    """Search a type of resource. Parameters are told by `metadata`; one that is not known is refused."""
    return _searched(by, grant, kind, request, str(request.url.query))


@router.post("/{grant}/{kind}/_search", response_model=None, response_class=Response, responses=content(told.MEDIA))
async def search_by_form(grant: Grant, kind: Kind, by: Asking, request: Request) -> Response:
    """The same with the parameters in a form."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != FORM:
        raise Problem("media", f"a search by POST is a form: `Content-Type: {FORM}`.")
    body = (await request.body()).decode("utf-8", errors="replace")
    return await run_in_threadpool(_searched, by, grant, kind, request, body)


@router.get("/{grant}/{kind}/{name}", response_model=None, response_class=Response, responses=content(told.MEDIA))
def read(grant: Grant, kind: Kind, name: Annotated[str, Path(pattern="^[A-Za-z0-9.-]{1,64}$")], by: Asking) -> Response:
    """Read one resource."""
    return told.resource(pages.one(pages.desk(by, grant), kind, name))


def _searched(by: Caller, grant: str, kind: str, request: Request, query: str) -> Response:
    try:
        asked = parse_qsl(query, keep_blank_values=True, max_num_fields=MOST)
    except ValueError:
        raise Problem("wrong", f"a search has at most {MOST} parameters.") from None
    found = pages.page(by, grant, kind, asked)
    base = told.base_of(request, grant)
    kept = [(name, value) for name, value in asked if name != "_page"]
    links = {"self": _address(base, kind, asked)}
    if found.next:
        links["next"] = _address(base, kind, [*kept, ("_page", encoded(found.next))])
    return told.resource(told.bundle(base, links, found.total, found.resources))


def _address(base: str, kind: str, asked: list[tuple[str, str]]) -> str:
    return f"{base}/{kind}?{urlencode(asked)}" if asked else f"{base}/{kind}"
