"""The API as one application below `/api/v1`, put into whatever serves it."""

import re

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException
from starlette.routing import Mount
from starlette.types import ASGIApp

from isthmus.base.errors import IsthmusError
from isthmus.flow.workspace import Workspace
from isthmus.serving.api import applications, beginning, grants, releases, tables, upkeep
from isthmus.serving.api.caller import House
from isthmus.serving.api.described import PROBLEMS
from isthmus.serving.api.door import Door
from isthmus.serving.api.fhir import app as facade
from isthmus.serving.api.limits import Desks, Pace, limits
from isthmus.serving.api.problem import Problem, of, told

ABOUT = """Governed data, acts of people and their records over HTTP. Every row comes through a grant, which is
looked at for each request. Errors are problem details (RFC 9457); `GET /api/v1/problems` says what each kind means."""

# What a library would tell others of requests, and of the texts of errors: nothing.
SILENT: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}


class Whole(Mount):
    """All addresses below a path, those with a line break in them too, which Starlette's own leaves to others."""

    def __init__(self, path: str, app: ASGIApp) -> None:
        super().__init__(path, app)
        self.path_regex = re.compile(self.path_regex.pattern, re.DOTALL)


def mount(app: FastAPI, opened: Workspace) -> None:
    """Put the API of a workspace below `/api/v1`, and its FHIR facade below `/fhir`.

    Raises InputError when the table [api] of isthmus.toml is wrong.
    """
    found = limits(opened.settings)
    house = House(opened, found, Pace(found.pace), Pace(found.wrong), Desks(found.at_once, found.wait))
    app.router.routes.append(Whole("/api/v1", made(house)))
    app.router.routes.append(Whole("/fhir", facade.made(house, SILENT)))


def made(house: House) -> FastAPI:
    """The application of the API."""
    api = FastAPI(
        title="Isthmus", version="1", description=ABOUT, docs_url=None, redoc_url=None, telemetry=SILENT,
        responses=PROBLEMS,
    )  # fmt: skip
    api.state.house = house
    for part in (beginning, grants, tables, applications, releases, upkeep):
        api.include_router(part.router)
    for kind in (IsthmusError, Problem, RequestValidationError, HTTPException, Exception):
        api.add_exception_handler(kind, problem)
    api.add_middleware(Door, body=house.limits.body)
    return api


def problem(request: Request, error: Exception) -> Response:
    """Whatever went wrong, as a problem."""
    return told(of(error), request)
